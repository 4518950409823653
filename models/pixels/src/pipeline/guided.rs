//! Upsamples chroma from the network's size to the image's, along the edges of lightness.
//!
//! The idea: **locally, chroma is a linear function of lightness** (K. He, J. Sun, "Fast guided filter", 2015), and
//! only its slope is needed: **chroma is interpolated, and the slope times the difference of L from its own
//! interpolation is added.** Where L is smooth nothing is added; where an edge of L falls between two predictions,
//! chroma gets the same edge. A slope fitted to few values says nothing beyond them, so the result is clamped near
//! the range of the surrounding predictions.
//!
//! Two things differ from the paper, both found by measurement (docs/research/pixels.md). The paper averages the lines of
//! overlapping windows, offsets included, which blurs the prediction. And here a slope is weighted by how well its
//! line fits, so that texture without color stays without.

use super::frame::Line;
use super::resample::Axis;
use crate::color::fast::fma;

/// Weight of a neighbor in the 3 x 3 window, for each step from the center.
const NEIGHBOR: f32 = 0.5;
/// Variance of L, in squared units of L, below which a window counts as flat.
const FLATNESS: f32 = 4.0;
/// Variance of chroma that counts as noise.
const NOISE: f32 = 0.5;
/// Chroma may exceed the range of the surrounding predictions by this, plus a tenth of the range.
const MARGIN: f32 = 1.0;

/// Values kept per low-resolution pixel and channel: chroma, slope, minimum, maximum.
const KINDS: usize = 4;

/// The channels of a whole image (a and b, or one for a map), fitted and ready to be evaluated at any pixel.
pub(super) struct Field<const N: usize> {
    channels: [[Vec<f32>; KINDS]; N],
    /// L, which the slopes are relative to.
    guide: Vec<f32>,
    width: usize,
    height: usize,
    down: Line,
    runs: Vec<Run>,
}

/// A run of pixels in a row that lie between the same two low-resolution columns.
#[derive(Clone, Copy)]
struct Run {
    end: usize,
    left: usize,
    right: usize,
    /// Weight of the right column at pixel 0 (as if the run began there), and its increment per pixel.
    share: f32,
    step: f32,
}

impl<const N: usize> Field<N> {
    /// Fits the slopes. `guide` (L) and the `channels` are `width` x `height`; the channels are multiplied by
    /// `factor`. `across` and `down` map the `columns` pixels of an image row, and the image's rows, onto them.
    pub(super) fn new(
        guide: Vec<f32>,
        channels: [&[f32]; N],
        (width, height): (usize, usize),
        (across, down): (Line, Line),
        columns: usize,
        factor: f32,
    ) -> Self {
        let values = channels.map(|plane| plane.iter().map(|value| value * factor).collect::<Vec<f32>>());
        let mut fitted: [Vec<f32>; N] = std::array::from_fn(|_| Vec::with_capacity(guide.len()));
        for at in 0..guide.len() {
            let window = neighbors(at, width, height);
            let window = window
                .map(|(at, weight)| (weight, guide[at], std::array::from_fn(|channel| values[channel][at])));
            for (fitted, slope) in fitted.iter_mut().zip(slopes::<N>(window)) {
                fitted.push(slope);
            }
        }
        let mut fitted = fitted.into_iter();
        let channels = values.map(|values| {
            let (least, most) = window_range(&values, width, height);
            [values, fitted.next().unwrap_or_default(), least, most]
        });
        Self { channels, guide, width, height, down, runs: runs(across, columns, width) }
    }

    /// Buffer for one row, as filled by [`Self::row`].
    pub(super) fn row_buffer(&self) -> Vec<f32> {
        vec![0.0; self.width * (N * KINDS + 1)]
    }

    /// Interpolates the planes vertically at row `y` of the image: the channels, then L.
    pub(super) fn row(&self, y: usize, buffer: &mut [f32]) {
        let (top, bottom, share) = between(self.down.at(y), self.height);
        let share = narrow(share);
        let planes = self.channels.iter().flatten().chain([&self.guide]);
        for (plane, row) in planes.zip(buffer.chunks_exact_mut(self.width)) {
            let above = &plane[top * self.width..][..self.width];
            let below = &plane[bottom * self.width..][..self.width];
            for ((value, above), below) in row.iter_mut().zip(above).zip(below) {
                *value = above + (below - above) * share;
            }
        }
    }

    /// The channels of the pixels from column `begin` on, from their L and an interpolated row of the planes.
    #[inline(always)]
    pub(super) fn values<const FMA: bool>(
        &self,
        row: &[f32],
        begin: usize,
        lightness: &[f32],
        mut out: [&mut [f32]; N],
    ) {
        let end = begin + lightness.len();
        let mut at = begin;
        let mut run = self.runs.partition_point(|run| run.end <= begin);
        while at < end {
            let Run { end: run_end, left, right, share, step } = self.runs[run];
            let stop = run_end.min(end);
            let share = share + step * at as f32;
            let slope = |plane: usize| {
                let (from, to) = (row[plane * self.width + left], row[plane * self.width + right]);
                Slope { low: from + (to - from) * share, rise: (to - from) * step }
            };
            let within = at - begin..stop - begin;
            let guide = slope(N * KINDS);
            for (channel, out) in out.iter_mut().enumerate() {
                let kinds = [0, 1, 2, 3].map(|kind| slope(channel * KINDS + kind));
                line::<FMA>(&kinds, guide, &lightness[within.clone()], &mut out[within.clone()]);
            }
            at = stop;
            run += 1;
        }
    }
}

/// A value that is linear along a run.
#[derive(Clone, Copy)]
struct Slope {
    low: f32,
    rise: f32,
}

/// One channel of a run: chroma plus the slope times the difference of L from its interpolation, clamped to the
/// bounds.
#[inline(always)]
fn line<const FMA: bool>(kinds: &[Slope; KINDS], guide: Slope, lightness: &[f32], out: &mut [f32]) {
    let [chroma, slope, least, most] = *kinds;
    let mut step = 0_u16;
    for (out, lightness) in out.iter_mut().zip(lightness) {
        let t = f32::from(step);
        step = step.wrapping_add(1);
        let at = |value: Slope| fma::<FMA>(value.rise, t, value.low);
        let value = fma::<FMA>(at(slope), lightness - at(guide), at(chroma));
        let (least, most) = (at(least), at(most));
        let value = if value < least { least } else { value };
        *out = if value > most { most } else { value };
    }
}

/// The pixels of the 3 x 3 window around pixel `at`, without those outside the plane, and their weights.
fn neighbors(at: usize, width: usize, height: usize) -> impl Iterator<Item = (usize, f32)> {
    let (x, y) = (at % width, at / width);
    let weight = |place: usize, middle: usize| if place == middle { 1.0 } else { NEIGHBOR };
    (y.saturating_sub(1)..(y + 2).min(height)).flat_map(move |v| {
        let columns = x.saturating_sub(1)..(x + 2).min(width);
        columns.map(move |u| (v * width + u, weight(u, x) * weight(v, y)))
    })
}

/// Least-squares slopes of the channels over L in a window of (weight, L, channels), each times the correlation of
/// chroma and L.
fn slopes<const N: usize>(window: impl Iterator<Item = (f32, f32, [f32; N])>) -> [f32; N] {
    // Sums of 1, L, L^2 and the channels' squares; and of each channel and its product with L.
    let (mut sums, mut first, mut with_l) = ([0.0_f32; 4], [0.0_f32; N], [0.0_f32; N]);
    for (weight, l, values) in window {
        let squares = values.iter().map(|value| value * value).sum();
        for (sum, value) in sums.iter_mut().zip([1.0, l, l * l, squares]) {
            *sum += weight * value;
        }
        for channel in 0..N {
            first[channel] += weight * values[channel];
            with_l[channel] += weight * (l * values[channel]);
        }
    }
    let [weight, l, ll, cc] = sums;
    let (l, ll, cc) = (l / weight, ll / weight, cc / weight);
    let means = first.map(|sum| sum / weight);
    let shared: [f32; N] = std::array::from_fn(|channel| with_l[channel] / weight - l * means[channel]);
    let variance = (ll - l * l).max(0.0) + FLATNESS;
    let chroma = means.iter().fold(cc, |left, mean| left - mean * mean).max(0.0) + NOISE;
    let explained: f32 = shared.iter().map(|value| value * value).sum();
    let correlation = (explained / (variance * chroma)).min(1.0).sqrt();
    shared.map(|value| correlation * value / variance)
}

/// Splits a row of `columns` pixels, positioned by `across`, into runs over `low` columns.
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

/// The two of `len` samples around a position, and the weight of the second; outside, the outermost sample twice.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= position < len")]
fn between(position: f64, len: usize) -> (usize, usize, f64) {
    if position <= 0.0 {
        return (0, 0, 0.0);
    }
    let first = (position as usize).min(len - 1);
    let second = (first + 1).min(len - 1);
    (first, second, if second > first { position - first as f64 } else { 0.0 })
}

#[expect(clippy::cast_possible_truncation, reason = "a weight or a step; f32 precision is enough")]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Minimum and maximum over the 3 x 3 pixels around each one, with the margin.
fn window_range(plane: &[f32], width: usize, height: usize) -> (Vec<f32>, Vec<f32>) {
    let mut least = Vec::with_capacity(plane.len());
    let mut most = Vec::with_capacity(plane.len());
    for at in 0..plane.len() {
        let values = neighbors(at, width, height).map(|(at, _)| plane[at]);
        let (low, high) = values
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // Where all surrounding predictions are neutral, nothing may be tinted.
        let margin = 0.1 * (high - low) + MARGIN.min(0.1 * low.abs().max(high.abs()));
        least.push(low - margin);
        most.push(high + margin);
    }
    (least, most)
}

/// Resamples a plane to the size of the chroma: area averages where it shrinks, linear interpolation where it grows.
pub(super) fn resize(plane: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
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
