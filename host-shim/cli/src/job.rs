//! One file: each of its pictures is decoded, colorized and encoded before the next is read.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, anyhow};
use autochrome_loader::{Image, ImageMut, Params, PixelFormat, Session};

use crate::analysis::confidence::{self, Mean};
use crate::analysis::{kinds, layer, palette, spread};
use crate::args::Colorize;
use crate::decode;
use crate::encode::{Ready, Sink, not_written};
use crate::format::{self, Format, Options, Pages};
use crate::hints;
use crate::manifest::{self, Manifest, Outside, Stamp};
use crate::metadata::Metadata;
use crate::metadata::xmp::{self, Provenance};
use crate::picture::Picture;
use crate::plan::{Item, Plan};
use crate::report::FileReport;
use crate::stop::Stop;

/// Fractions of a picture's progress: decoding ends here,
const DECODED: f32 = 0.1;
/// and encoding begins here.
const COLORED: f32 = 0.9;

/// What all jobs share.
pub struct Task<'a> {
    pub args: &'a Colorize,
    pub plan: &'a Plan,
    pub params: Params,
    pub stop: &'a Stop,
    /// Where results are recorded.
    pub manifest: Option<&'a Manifest>,
}

impl<'a> Task<'a> {
    /// A file to be written at `path`.
    fn sink(&self, format: &'static Format, path: &'a Path, overwrite: bool) -> anyhow::Result<Sink<'a>> {
        let pam = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pam"));
        let options = Options { quality: self.args.quality, pam };
        Sink::new(format, path, options, overwrite, self.stop)
    }
}

/// Colorizes `item`; `overwrite`: whether what lies in the place of its outputs may be replaced. The report says what
/// was done or skipped; an error, why it failed.
pub fn run(
    task: &Task<'_>,
    item: &Item,
    overwrite: bool,
    session: &mut Session,
    progress: &mut dyn FnMut(f32),
) -> anyhow::Result<FileReport> {
    let started = Instant::now();
    let output = item.output.as_ref().map_err(|problem| anyhow!("{problem}"))?;
    task.stop.check()?;
    let may_write = |output: &Path| -> anyhow::Result<()> {
        task.plan.may_write(output, overwrite).map_err(|problem| anyhow!("{problem}"))
    };
    may_write(output)?;
    let format = task.args.naming().format(output).ok_or_else(|| not_written(output))?;
    let mut sink = task.sink(format, output, overwrite)?;
    item.map.as_deref().map_or(Ok(()), may_write)?;
    let mut map = item.map.as_deref().map(|map| task.sink(format::fallback(), map, overwrite)).transpose()?;
    let before = Outside::at(&item.input).ok();
    let Pages { count, pages } = decode::open(&item.input, &task.args.limits(), task.stop)?;
    let mut report = FileReport::new(&item.input);
    let mut mean = Mean::default();
    report.pages = (count > 1).then_some(count);
    for (index, page) in pages.enumerate() {
        let page = page.map_err(|error| task.stop.check().err().map_or(error, Into::into));
        let page = match count {
            1 => page?,
            _ => page.with_context(|| format!("page {}", index + 1))?,
        };
        let (picture, metadata) = decode::settle(page);
        (report.width, report.height) =
            (report.width.or(Some(picture.width)), report.height.or(Some(picture.height)));
        report.note(kinds::of(&picture).map(str::to_owned).into_iter().collect());
        let colored = task.args.skip_color && spread::spread(&picture) > spread::THRESHOLD;
        if colored && count == 1 {
            let report = report.skipped("it already has color");
            if let Some(manifest) = task.manifest {
                manifest.other(&report, item, source(task, item, before)?)?;
            }
            return Ok(report);
        }
        sink.check_count(count)?;
        sink.check(&picture)?;
        if let Some(map) = &map {
            map.check_count(count).context("confidence map")?;
        }
        let mut share = |fraction: f32| progress(whole(index, fraction, count));
        let mut step = Step {
            task,
            input: &item.input,
            pages: count,
            session,
            report: &mut report,
            sink: &mut sink,
            map: &mut map,
            mean: &mut mean,
        };
        step.page(picture, metadata, colored, &mut share)?;
    }
    // Another job, or another program, may have made a link of it since.
    may_write(output)?;
    let (output_file, map) = (sink.finish()?, map.map(Sink::finish).transpose()?);
    let info = session.info()?;
    report.ms = Some(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    let report = report.done(output, info);
    if let (Some(manifest), Some(source)) = (task.manifest, source(task, item, before)?) {
        manifest.done(&report, source, &output_file, map.as_ref(), task.stop)?;
    }
    output_file.place()?;
    map.map_or(Ok(()), Ready::place)?;
    progress(1.0);
    Ok(report)
}

/// What the photograph was, where a manifest is to say it.
fn source(task: &Task<'_>, item: &Item, before: Option<Outside>) -> anyhow::Result<Option<Stamp>> {
    let before = before.filter(|_| task.manifest.is_some());
    before.map(|before| manifest::source(&item.input, before, task.stop)).transpose()
}

/// A file's progress when its picture `index` of `count` is at `fraction`.
fn whole(index: usize, fraction: f32, count: usize) -> f32 {
    let number = |value: usize| f32::from(u16::try_from(value).unwrap_or(u16::MAX));
    (number(index) + fraction) / number(count.max(1))
}

/// What handles one picture of a file.
struct Step<'a, 'b> {
    task: &'a Task<'a>,
    input: &'a Path,
    pages: usize,
    session: &'a mut Session,
    report: &'a mut FileReport,
    sink: &'a mut Sink<'b>,
    map: &'a mut Option<Sink<'b>>,
    mean: &'a mut Mean,
}

impl Step<'_, '_> {
    /// Colorizes a picture, unless it stays as is, and writes it.
    fn page(
        &mut self,
        picture: Picture,
        mut metadata: Metadata,
        stays: bool,
        progress: &mut dyn FnMut(f32),
    ) -> anyhow::Result<()> {
        progress(DECODED);
        let size = (picture.width, picture.height);
        let mut hints = None;
        if !stays {
            hints = hints::of(self.task.args, self.input, size, self.pages, self.task.stop)?;
            self.tell_confidence(&picture)?;
        }
        let mut result = picture;
        if !stays {
            result = colorize(self.task, result, hints.as_ref(), self.session, progress)?;
        }
        self.annotate(&mut metadata, stays)?;
        if let (Some(count), None) = (self.task.args.palette, &self.report.palette) {
            self.report.palette = Some(palette::of(&result, usize::from(count)));
        }
        if self.task.args.color_only {
            result = layer::of(&result);
        }
        self.sink.put(result, &mut metadata)?;
        self.report.note(metadata.notes);
        Ok(())
    }

    /// Reports the model's confidence, and writes the map of it, if requested.
    fn tell_confidence(&mut self, picture: &Picture) -> anyhow::Result<()> {
        if !self.task.args.reports_confidence() {
            return Ok(());
        }
        let map = confidence::map(picture, self.session, &self.task.params, self.task.stop)?;
        self.report.confidence = Some(self.mean.add(&map));
        self.map.as_mut().map_or(Ok(()), |sink| sink.put(map, &mut Metadata::default()))
    }

    /// Notes in the metadata where the colors are from.
    fn annotate(&self, metadata: &mut Metadata, stays: bool) -> anyhow::Result<()> {
        let provenance = Provenance {
            tool: format!("Autochrome {}", env!("CARGO_PKG_VERSION")),
            model: if stays { String::new() } else { self.session.info()?.model },
        };
        let noted = !stays && !self.task.args.no_provenance;
        let provenance = noted.then_some(&provenance);
        let texts = if self.sink.holds_texts() { Vec::new() } else { metadata.texts_as_xmp() };
        let (mut packet, mut problem) = xmp::merged(metadata.xmp.as_deref(), provenance, &texts);
        let (length, room) = (packet.as_ref().map_or(0, Vec::len), self.sink.room_for_xmp());
        if length > room && room > 0 {
            // The note itself always has room.
            packet = xmp::merged(None, provenance, &[]).0;
            problem =
                Some(format!("its XMP was dropped: it is {length} bytes, and the format allows {room}"));
        }
        metadata.xmp = packet;
        metadata.notes.extend(problem);
        Ok(())
    }
}

/// Pictures with color channels are colorized in place, gray ones into new memory.
fn colorize(
    task: &Task<'_>,
    picture: Picture,
    hints: Option<&Picture>,
    session: &mut Session,
    progress: &mut dyn FnMut(f32),
) -> anyhow::Result<Picture> {
    let Picture { format, width, height, mut pixels, alpha } = picture;
    let hints = hints.map(|hints| Image::tight(hints.format, width, height, &hints.pixels)).transpose()?;
    let mut tell = |fraction: f32| {
        progress(DECODED + fraction * (COLORED - DECODED));
        if task.stop.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let target = match format {
        PixelFormat::Gray8 => PixelFormat::Rgb8,
        PixelFormat::Gray16 => PixelFormat::Rgb16,
        PixelFormat::GrayF32 => PixelFormat::RgbaF32,
        other => other,
    };
    let result = if target == format {
        let mut image = ImageMut::tight(format, width, height, &mut pixels)?;
        match &hints {
            Some(hints) => session.colorize_hinted(&task.params, hints, None, &mut image, &mut tell),
            None => session.colorize_in_place(&task.params, &mut image, &mut tell),
        }
    } else {
        let input = Image::tight(format, width, height, &pixels)?;
        let mut color = vec![0; pixels.len() * target.bytes_per_pixel() / format.bytes_per_pixel()];
        let mut output = ImageMut::tight(target, width, height, &mut color)?;
        let result = match &hints {
            Some(hints) => session.colorize_hinted(&task.params, hints, Some(&input), &mut output, &mut tell),
            None => session.colorize(&task.params, &input, &mut output, &mut tell),
        };
        pixels = color;
        result
    };
    task.stop.check()?;
    result.context("colorizing failed")?;
    Ok(Picture { format: target, width, height, pixels, alpha })
}
