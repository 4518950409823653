//! One file: decode, colorize, encode.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use autochrome_loader::{Format, Image, ImageMut, Params, Session};
use std::ops::ControlFlow;

use crate::args::Colorize;
use crate::decode::{self, Picture};
use crate::plan::{Item, Plan};
use crate::report::FileReport;
use crate::stop::Stop;
use crate::{chroma, confidence, encode};

/// Shares of a file's progress: decoding ends here,
const DECODED: f32 = 0.1;
/// and encoding begins here.
const COLOURED: f32 = 0.9;

/// What every job is done by.
pub struct Task<'a> {
    pub args: &'a Colorize,
    pub plan: &'a Plan,
    pub params: Params,
    pub stop: &'a Stop,
}

/// Does the job of `item`. The report says what was done or skipped; an error why it failed.
pub fn run(
    task: &Task<'_>,
    item: &Item,
    session: &mut Session,
    progress: &mut dyn FnMut(f32),
) -> anyhow::Result<FileReport> {
    let started = Instant::now();
    let output = item.output.as_ref().map_err(|problem| anyhow::anyhow!("{problem}"))?;
    task.stop.check()?;
    task.plan.may_write(output, task.args.overwrite).map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let picture = decode::read(&item.input, task.args.max_megapixels, task.stop)?;
    let mut report = FileReport::new(&item.input);
    (report.width, report.height) = (Some(picture.width), Some(picture.height));
    if task.args.skip_colour && chroma::spread(&picture) > chroma::THRESHOLD {
        return Ok(report.skipped("it has colours already"));
    }
    encode::check(encode::by_extension(output)?, &picture)?;
    progress(DECODED);
    let map = match confidence::path(task, output)? {
        Some(path) => Some((confidence::map(task, &picture, session)?, path)),
        None => None,
    };
    let picture = colorize(task, picture, session, progress)?;
    let info = session.info()?;
    save(task, picture, output)?;
    if let Some((map, path)) = map {
        confidence::save(task, map, &path)?;
    }
    progress(1.0);
    report.ms = Some(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    Ok(report.done(output, info))
}

fn save(task: &Task<'_>, picture: Picture, output: &Path) -> anyhow::Result<()> {
    // Another job, or another program, may have made a link of it since.
    task.plan.may_write(output, task.args.overwrite).map_err(|problem| anyhow::anyhow!("{problem}"))?;
    encode::save(picture, output, task.args.quality, task.args.overwrite, task.stop)
}

/// Pictures with colour channels are colorized in place, gray ones into new memory.
fn colorize(
    task: &Task<'_>,
    picture: Picture,
    session: &mut Session,
    progress: &mut dyn FnMut(f32),
) -> anyhow::Result<Picture> {
    let Picture { format, width, height, mut pixels, profile } = picture;
    let mut tell = |fraction: f32| {
        progress(DECODED + fraction * (COLOURED - DECODED));
        if task.stop.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let target = match format {
        Format::Gray8 => Format::Rgb8,
        Format::Gray16 => Format::Rgb16,
        other => other,
    };
    let result = if target == format {
        let mut image = ImageMut::tight(format, width, height, &mut pixels)?;
        session.colorize_in_place(&task.params, &mut image, &mut tell)
    } else {
        let input = Image::tight(format, width, height, &pixels)?;
        let mut colour = vec![0; pixels.len() * target.bytes_per_pixel() / format.bytes_per_pixel()];
        let mut output = ImageMut::tight(target, width, height, &mut colour)?;
        let result = session.colorize(&task.params, &input, &mut output, &mut tell);
        pixels = colour;
        result
    };
    task.stop.check()?;
    result.context("it could not be colorized")?;
    Ok(Picture { format: target, width, height, pixels, profile })
}
