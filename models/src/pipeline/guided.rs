//! Chroma from the network's size to the picture's, along the edges of lightness.
//!
//! The idea: **near any point, chroma is a line over lightness** (K. He, J. Sun, "Fast guided filter", 2015). The
//! lines, a slope and an offset for each of a and b, are fitted where chroma is known, at low resolution;
//! interpolated, they give chroma from the full-resolution L, sharp where L is sharp. A line fitted to few values
//! says nothing beyond them, so its result is held near the range of the surrounding predictions.
//!
//! One step differs from the paper: where the lines of overlapping windows are averaged, a window counts by the
//! variance of L in it. A window that straddles an edge knows both sides; a flat one beside it knows one, and with
//! equal votes would flatten the line and bleed colour over the edge.

use super::frame::Line;
use super::resample::Axis;

/// Windows reach this many low-resolution pixels to each side.
const RADIUS: usize = 1;
/// Variance of L, in squared units of L, below which a window counts as flat.
const FLATNESS: f32 = 4.0;
/// Chroma may leave the range of the surrounding predictions by this, plus a tenth of the range.
const MARGIN: f32 = 1.0;

/// Values kept for each low-resolution pixel and each of a and b: slope, offset, least, most.
const KINDS: usize = 4;
/// All planes: four for a, then four for b.
const PLANES: usize = 2 * KINDS;

/// The lines of a whole picture, ready to be evaluated at any of its pixels.
pub(super) struct ChromaField {
    planes: [Vec<f32>; PLANES],
    width: usize,
    height: usize,
    down: Line,
    runs: Vec<Run>,
}

/// Neighbouring pixels of a row that lie between the same two low-resolution columns.
#[derive(Clone, Copy)]
struct Run {
    end: usize,
    left: usize,
    right: usize,
    /// Share of the right column at pixel 0 (as if the run began there), and its growth from pixel to pixel.
    share: f32,
    step: f32,
}

impl ChromaField {
    /// Fits the lines. `lightness`, `a` and `b` are `width` x `height`; a and b are multiplied by `strength`. `across`
    /// and `down` say where the `columns` pixels of the picture's rows, and its rows, lie among them.
    pub(super) fn new(
        lightness: &[f32],
        ab: [&[f32]; 2],
        (width, height): (usize, usize),
        (across, down): (Line, Line),
        columns: usize,
        strength: f32,
    ) -> Self {
        let window = |plane: &[f32]| window_mean(plane, width, height);
        let product = |left: &[f32], right: &[f32]| -> Vec<f32> {
            left.iter().zip(right).map(|(left, right)| left * right).collect()
        };
        let mean_l = window(lightness);
        let mean_ll = window(&product(lightness, lightness));
        let weight: Vec<f32> =
            mean_ll.iter().zip(&mean_l).map(|(ll, l)| (ll - l * l).max(0.0) + FLATNESS).collect();
        let total = window(&weight);
        let mut planes: [Vec<f32>; PLANES] = Default::default();
        for (channel, chroma) in ab.into_iter().enumerate() {
            let chroma: Vec<f32> = chroma.iter().map(|value| value * strength).collect();
            let mean_c = window(&chroma);
            let mean_lc = window(&product(lightness, &chroma));
            // Slope times weight, and offset times weight, so that the mean over windows is a weighted one.
            let slope: Vec<f32> = (0..chroma.len()).map(|at| mean_lc[at] - mean_l[at] * mean_c[at]).collect();
            let offset: Vec<f32> =
                (0..chroma.len()).map(|at| mean_c[at] * weight[at] - slope[at] * mean_l[at]).collect();
            let settle = |weighted: Vec<f32>| -> Vec<f32> {
                window(&weighted).iter().zip(&total).map(|(value, total)| value / total).collect()
            };
            let (least, most) = window_range(&chroma, width, height);
            let kinds = [settle(slope), settle(offset), least, most];
            for (kind, plane) in kinds.into_iter().enumerate() {
                planes[channel * KINDS + kind] = plane;
            }
        }
        Self { planes, width, height, down, runs: runs(across, columns, width) }
    }

    /// Memory for one row, as [`Self::row`] fills it.
    pub(super) fn row_buffer(&self) -> Vec<f32> {
        vec![0.0; self.width * PLANES]
    }

    /// Interpolates the lines to the height of row `y` of the picture.
    pub(super) fn row(&self, y: usize, buffer: &mut [f32]) {
        let (top, bottom, share) = between(self.down.at(y), self.height);
        let share = narrow(share);
        for (plane, row) in self.planes.iter().zip(buffer.chunks_exact_mut(self.width)) {
            let above = &plane[top * self.width..][..self.width];
            let below = &plane[bottom * self.width..][..self.width];
            for ((value, above), below) in row.iter_mut().zip(above).zip(below) {
                *value = above + (below - above) * share;
            }
        }
    }

    /// Chroma of the pixels from column `begin` on, from their L and a row's lines.
    #[inline(always)]
    pub(super) fn chroma(&self, row: &[f32], begin: usize, lightness: &[f32], a: &mut [f32], b: &mut [f32]) {
        let end = begin + lightness.len();
        let mut at = begin;
        let mut run = self.runs.partition_point(|run| run.end <= begin);
        while at < end {
            let Run { end: run_end, left, right, share, step } = self.runs[run];
            let stop = run_end.min(end);
            let mut low = [0.0; PLANES];
            let mut rise = [0.0; PLANES];
            for plane in 0..PLANES {
                let (from, to) = (row[plane * self.width + left], row[plane * self.width + right]);
                let share = share + step * at as f32;
                low[plane] = from + (to - from) * share;
                rise[plane] = (to - from) * step;
            }
            let within = at - begin..stop - begin;
            let lightness = &lightness[within.clone()];
            line::<0>(&low, &rise, lightness, &mut a[within.clone()]);
            line::<KINDS>(&low, &rise, lightness, &mut b[within]);
            at = stop;
            run += 1;
        }
    }
}

/// One channel of a run: the line at each pixel's L, held within its bounds.
#[inline(always)]
fn line<const CHANNEL: usize>(low: &[f32; PLANES], rise: &[f32; PLANES], lightness: &[f32], out: &mut [f32]) {
    let mut step = 0_u16;
    for (out, lightness) in out.iter_mut().zip(lightness) {
        let t = f32::from(step);
        step = step.wrapping_add(1);
        let at = |kind: usize| low[CHANNEL + kind] + rise[CHANNEL + kind] * t;
        let value = at(0) * lightness + at(1);
        let (least, most) = (at(2), at(3));
        let value = if value < least { least } else { value };
        *out = if value > most { most } else { value };
    }
}

/// Splits a row of `columns` pixels, which lie along `across`, into runs over `low` columns.
fn runs(across: Line, columns: usize, low: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for x in 0..columns {
        let (left, right, _) = between(across.at(x), low);
        match runs.last_mut() {
            Some(run) if (run.left, run.right) == (left, right) => run.end = x + 1,
            _ => {
                let share = narrow(across.origin - left as f64);
                runs.push(Run { end: x + 1, left, right, share, step: narrow(across.step) });
            }
        }
    }
    runs
}

/// The two of `len` samples that a position lies between, and the share of the second; the outermost one twice beyond it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= position < len")]
fn between(position: f64, len: usize) -> (usize, usize, f64) {
    if position <= 0.0 {
        return (0, 0, 0.0);
    }
    let first = (position as usize).min(len - 1);
    let second = (first + 1).min(len - 1);
    (first, second, if second > first { position - first as f64 } else { 0.0 })
}

#[expect(clippy::cast_possible_truncation, reason = "a share or a step, of which seven digits count")]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Mean over the window around each pixel, smaller at the borders.
fn window_mean(plane: &[f32], width: usize, height: usize) -> Vec<f32> {
    let mut across = vec![0.0; plane.len()];
    for (source, target) in plane.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        for (x, value) in target.iter_mut().enumerate() {
            let window = &source[x.saturating_sub(RADIUS)..(x + RADIUS + 1).min(width)];
            *value = window.iter().sum::<f32>() / window.len() as f32;
        }
    }
    let mut mean = vec![0.0; plane.len()];
    for (y, target) in mean.chunks_exact_mut(width).enumerate() {
        let rows = y.saturating_sub(RADIUS)..(y + RADIUS + 1).min(height);
        let share = 1.0 / rows.len() as f32;
        for source in across[rows.start * width..rows.end * width].chunks_exact(width) {
            target.iter_mut().zip(source).for_each(|(value, source)| *value += source * share);
        }
    }
    mean
}

/// Least and most of the 3 x 3 pixels around each one, with the margin.
fn window_range(plane: &[f32], width: usize, height: usize) -> (Vec<f32>, Vec<f32>) {
    let around = |x: usize, len: usize| x.saturating_sub(1)..(x + 2).min(len);
    let mut least = Vec::with_capacity(plane.len());
    let mut most = Vec::with_capacity(plane.len());
    for y in 0..height {
        for x in 0..width {
            let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
            for row in around(y, height) {
                for value in &plane[row * width..][around(x, width)] {
                    low = low.min(*value);
                    high = high.max(*value);
                }
            }
            // Where predictions are neutral all around, nothing may tint.
            let margin = 0.1 * (high - low) + MARGIN.min(0.1 * low.abs().max(high.abs()));
            least.push(low - margin);
            most.push(high + margin);
        }
    }
    (least, most)
}

/// Shrinks a plane to the size of the chroma by area.
pub(super) fn shrink(plane: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    if from == to {
        return plane.to_vec();
    }
    let axis = |from: usize, to: usize| Axis::new(from, to, to as f64 / from as f64);
    let (columns, rows) = (axis(from.0, to.0), axis(from.1, to.1));
    let mut row = vec![0.0; from.0];
    let mut result = vec![0.0; to.0 * to.1];
    for (y, target) in result.chunks_exact_mut(to.0).enumerate() {
        let (first, weights) = rows.taps(y);
        row.fill(0.0);
        for (source, weight) in plane[first * from.0..].chunks_exact(from.0).zip(weights) {
            row.iter_mut().zip(source).for_each(|(value, source)| *value += source * weight);
        }
        columns.apply(&row, target);
    }
    result
}
