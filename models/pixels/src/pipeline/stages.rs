//! The two passes over the image, in bands of rows on a thread pool.
//!
//! The idea: **rows are independent, and the calling thread only hands out bands**, so progress and cancellation
//! happen between bands, on the caller's thread.

use std::ops::Range;

use multiversion::multiversion;
use multiversion::target::match_target;
use rayon::prelude::*;

use super::PipelineError;
use super::frame::Frame;
use super::guided::Field;
use super::hints::Hints;
use super::rows;
use super::shade::{BLOCK, Planes, shade};
use crate::color::fast::{fma, lab_curve};
use crate::{ImageView, ImageViewMut, Layout, PixelFormat};

/// Pixels processed together: their planes stay in the L1 cache.
const STRETCH: usize = 512;
/// Number of bands of the first pass.
const SHRINK_BANDS: usize = 8;
/// Number of bands of the second pass.
const WRITE_BANDS: usize = 32;

/// The threads of one call. With one thread the work runs on the calling thread.
pub(super) struct Workers {
    pool: Option<rayon::ThreadPool>,
    threads: usize,
}

impl Workers {
    /// Starts `threads` threads; 0 means one per core.
    pub(super) fn new(threads: usize) -> Result<Self, PipelineError> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        if threads == 1 {
            return Ok(Self { pool: None, threads });
        }
        let named = |index| format!("autochrome-{index}");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(named).build();
        let pool = pool.map_err(|error| PipelineError::Parameter {
            name: "threads",
            got: format!("{threads}, which the system would not start ({error})"),
            expected: "fewer".to_owned(),
        })?;
        Ok(Self { pool: Some(pool), threads })
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work` on each chunk of `data` (the last may be shorter) with its index; `scratch` makes a buffer that
    /// one thread reuses.
    fn chunks<T: Send, S>(
        &self,
        data: &mut [T],
        size: usize,
        scratch: impl Fn() -> S + Send + Sync,
        work: impl Fn(&mut S, usize, &mut [T]) + Send + Sync,
    ) {
        match &self.pool {
            Some(pool) => pool.install(|| {
                let chunks = data.par_chunks_mut(size).enumerate();
                chunks.for_each_init(scratch, |scratch, (index, chunk)| work(scratch, index, chunk));
            }),
            None => {
                let mut scratch = scratch();
                for (index, chunk) in data.chunks_mut(size).enumerate() {
                    work(&mut scratch, index, chunk);
                }
            }
        }
    }
}

/// Splits `len` rows into `count` bands of nearly equal size, some empty if there are fewer rows, with the fraction
/// done after each.
fn bands(len: usize, count: usize) -> impl Iterator<Item = (Range<usize>, f32)> {
    (0..count).map(move |band| {
        let done = (band + 1) as f32 / count as f32;
        (len * band / count..len * (band + 1) / count, done)
    })
}

/// L (0..100) of the image at the working size, in the visible part of the frame.
pub(super) fn shrink_lightness(
    input: &ImageView<'_>,
    frame: &Frame,
    workers: &Workers,
    report: &mut dyn FnMut(f32) -> Result<(), PipelineError>,
) -> Result<Vec<f32>, PipelineError> {
    let Layout { format, width, .. } = input.layout;
    let (columns, rows) = frame.axes();
    let working = frame.seen();
    let mut result = vec![0.0; working.0 * working.1];
    let scratch = || (vec![0.0; width], vec![0.0; STRETCH]);
    for (band, done) in bands(rows.len(), SHRINK_BANDS) {
        let target = &mut result[band.start * working.0..band.end * working.0];
        workers.chunks(target, working.0, scratch, |(sum, y), index, target| {
            let (first, weights) = rows.taps(band.start + index);
            sum.fill(0.0);
            for (source, weight) in (first..).zip(weights) {
                let bytes = input.row(source).chunks(STRETCH * format.bytes_per_pixel());
                for (bytes, sum) in bytes.zip(sum.chunks_mut(STRETCH)) {
                    add_lightness(format, bytes, *weight, y, sum);
                }
            }
            columns.apply(sum, target);
        });
        report(done)?;
    }
    Ok(result)
}

/// L in `frame`, interpolated from L in a smaller frame; on one thread, because there is little of it.
pub(super) fn enlarge_lightness(smaller: &Frame, lightness: &[f32], frame: &Frame) -> Vec<f32> {
    let (columns, rows) = frame.axes_from(smaller);
    let (from, to) = (smaller.seen().0, frame.seen());
    let mut result = vec![0.0; to.0 * to.1];
    let mut sum = vec![0.0; from];
    for (target, into) in result.chunks_mut(to.0).enumerate() {
        let (first, weights) = rows.taps(target);
        sum.fill(0.0);
        for (source, weight) in lightness[first * from..].chunks(from).zip(weights) {
            sum.iter_mut().zip(source).for_each(|(sum, l)| *sum += weight * l);
        }
        columns.apply(&sum, into);
    }
    result
}

/// Buffer that one thread reuses from row to row.
struct Scratch {
    /// Of each field, its planes at the row.
    lines: Vec<Vec<f32>>,
    fy: Vec<f32>,
    lightness: Vec<f32>,
    y: Vec<f32>,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Scratch {
    fn new(lines: Vec<Vec<f32>>) -> Self {
        let plane = || vec![0.0; STRETCH];
        Self { lines, fy: plane(), lightness: plane(), y: plane(), a: plane(), b: plane() }
    }
}

/// Where the colors of an image come from.
pub(super) struct Colors<'a> {
    pub(super) predicted: &'a Field<2>,
    pub(super) hinted: Option<&'a Hinted<'a>>,
}

/// What hints change: the field is added to the predicted one, and hinted pixels get their hint.
pub(super) struct Hinted<'a> {
    pub(super) hints: Hints<'a>,
    pub(super) field: Field<2>,
}

/// Reads each row's L again, adds chroma and writes it.
pub(super) fn write_color(
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    colors: &Colors<'_>,
    workers: &Workers,
    report: &mut dyn FnMut(f32) -> Result<(), PipelineError>,
) -> Result<(), PipelineError> {
    let formats = (input.format(), output.format());
    let hinted = colors.hinted.map(|hinted| &hinted.field);
    let fields: Vec<_> = [Some(colors.predicted), hinted].into_iter().flatten().collect();
    write_rows(input, output, &fields, workers, report, |at, source, target, scratch| {
        write_stretch(formats, source, target, colors, at, scratch);
    })
}

/// Reads each row's L again and writes the field's single channel, 0..=100, as the full range of a gray output.
pub(super) fn write_percent(
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    field: &Field<1>,
    workers: &Workers,
    report: &mut dyn FnMut(f32) -> Result<(), PipelineError>,
) -> Result<(), PipelineError> {
    let formats = (input.format(), output.format());
    write_rows(input, output, &[field], workers, report, |[begin, _], source, target, scratch| {
        write_percent_stretch(formats, source, target, field, begin, scratch);
    })
}

/// Calls `write` for each run of pixels of each row: its first column and its row, its pixels in the input and in the
/// output.
fn write_rows<const N: usize>(
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    fields: &[&Field<N>],
    workers: &Workers,
    report: &mut dyn FnMut(f32) -> Result<(), PipelineError>,
    write: impl Fn([usize; 2], &[u8], &mut [u8], &mut Scratch) + Send + Sync,
) -> Result<(), PipelineError> {
    let (from, to) = (input.layout, output.layout);
    let scratch = || Scratch::new(fields.iter().map(|field| field.row_buffer()).collect());
    for (places, done) in bands(to.height, WRITE_BANDS) {
        // An empty range has no last row, whose padding must be left alone.
        let bytes = if places.is_empty() { 0..0 } else { to.bytes_of(&places) };
        let band = &mut output.data[bytes];
        workers.chunks(band, to.pitch, scratch, |scratch, index, row| {
            let y = to.place(places.start + index);
            fields.iter().zip(&mut scratch.lines).for_each(|(field, lines)| field.row(y, lines));
            let source = input.row(y).chunks(STRETCH * from.format.bytes_per_pixel());
            let target = row[..to.row_bytes].chunks_mut(STRETCH * to.format.bytes_per_pixel());
            for (part, (source, target)) in source.zip(target).enumerate() {
                write([part * STRETCH, y], source, target, scratch);
            }
        });
        report(done)?;
    }
    Ok(())
}

/// Adds `weight` times the L of the pixels in `source` to `sum`.
#[multiversion(targets("x86_64+avx2+fma"))]
fn add_lightness(format: PixelFormat, source: &[u8], weight: f32, y: &mut [f32], sum: &mut [f32]) {
    const FMA: bool = match_target! { "x86_64+fma" => true, "aarch64" => true, _ => false };
    let y = &mut y[..sum.len()];
    rows::luminance(format, source, y);
    let (scale, offset) = (116.0 * weight, -16.0 * weight);
    for (sum, y) in sum.iter_mut().zip(y) {
        *sum += fma::<FMA>(scale, lab_curve::<FMA>(*y), offset);
    }
}

/// Adds what hints change to `a` and `b` of the pixels from column `begin` of row `y` on, and puts the hints in.
#[inline(always)]
fn follow_hints<const FMA: bool>(
    hinted: &Hinted<'_>,
    lines: &[f32],
    [begin, y]: [usize; 2],
    lightness: &[f32],
    [a, b]: [&mut [f32]; 2],
) {
    let (mut more_a, mut more_b) = ([0.0; STRETCH], [0.0; STRETCH]);
    let more = [&mut more_a[..a.len()], &mut more_b[..b.len()]];
    hinted.field.values::<FMA>(lines, begin, lightness, more);
    a.iter_mut().zip(more_a).for_each(|(a, more)| *a += more);
    b.iter_mut().zip(more_b).for_each(|(b, more)| *b += more);
    hinted.hints.stamp(y, begin, a, b);
}

/// Colors the pixels in `source`, which start at column `begin` of row `row`, into `target`.
#[multiversion(targets("x86_64+avx2+fma"))]
fn write_stretch(
    (from, to): (PixelFormat, PixelFormat),
    source: &[u8],
    target: &mut [u8],
    colors: &Colors<'_>,
    [begin, row]: [usize; 2],
    scratch: &mut Scratch,
) {
    const FMA: bool = match_target! { "x86_64+fma" => true, "aarch64" => true, _ => false };
    let pixels = source.len() / from.bytes_per_pixel();
    let Scratch { lines, fy, lightness, y, a, b } = scratch;
    rows::luminance(from, source, &mut y[..pixels]);
    // Whole blocks from here on: values past the last pixel are computed but not stored.
    let whole = pixels.next_multiple_of(BLOCK);
    let (fy, lightness, y) = (&mut fy[..whole], &mut lightness[..whole], &mut y[..whole]);
    for ((fy, lightness), y) in fy.iter_mut().zip(lightness.iter_mut()).zip(&*y) {
        *fy = lab_curve::<FMA>(*y);
        *lightness = fma::<FMA>(116.0, *fy, -16.0);
    }
    let lightness = &lightness[..pixels];
    colors.predicted.values::<FMA>(&lines[0], begin, lightness, [&mut a[..pixels], &mut b[..pixels]]);
    if let Some(hinted) = colors.hinted {
        follow_hints::<FMA>(hinted, &lines[1], [begin, row], lightness, [&mut a[..pixels], &mut b[..pixels]]);
    }
    let blocks = fy.as_chunks::<BLOCK>().0.iter().zip(y.as_chunks_mut::<BLOCK>().0);
    let chroma = a.as_chunks_mut::<BLOCK>().0.iter_mut().zip(b.as_chunks_mut::<BLOCK>().0);
    for ((fy, y), (a, b)) in blocks.zip(chroma) {
        shade::<FMA>(Planes { fy, y, a, b });
    }
    rows::store(to, target, [y, a, b]);
    rows::copy_alpha(from, source, to, target);
}

/// Writes the field's single channel at the pixels in `source`, which start at column `begin`, to a gray `target`.
#[multiversion(targets("x86_64+avx2+fma"))]
fn write_percent_stretch(
    (from, to): (PixelFormat, PixelFormat),
    source: &[u8],
    target: &mut [u8],
    field: &Field<1>,
    begin: usize,
    scratch: &mut Scratch,
) {
    const FMA: bool = match_target! { "x86_64+fma" => true, "aarch64" => true, _ => false };
    let pixels = source.len() / from.bytes_per_pixel();
    let Scratch { lines, lightness, y, a, .. } = scratch;
    let (lightness, y, a) = (&mut lightness[..pixels], &mut y[..pixels], &mut a[..pixels]);
    rows::luminance(from, source, y);
    for (lightness, y) in lightness.iter_mut().zip(&*y) {
        *lightness = fma::<FMA>(116.0, lab_curve::<FMA>(*y), -16.0);
    }
    field.values::<FMA>(&lines[0], begin, lightness, [&mut *a]);
    rows::store_percent(to, target, a);
}
