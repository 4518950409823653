//! From the picture's lightness to the size the network works at.
//!
//! The idea: **a resampling is, for each target, a first source and a few weights**: the share of each source
//! pixel's area when shrinking, linear interpolation when enlarging. Rows are weighted first, because adding whole
//! rows is vector work and leaves one row to shrink across.

/// Sides are rounded to a multiple of this, which every network accepts.
pub(super) const SIDE_STEP: usize = 32;

/// Width and height to work at for a picture of `width` x `height`: its aspect, the area of a square of side
/// `working_size`, each side rounded to a multiple of 32 within 32 and 4 times the working size. Very long pictures
/// therefore lose some of their aspect.
pub(super) fn working_dimensions(width: usize, height: usize, working_size: u32) -> (usize, usize) {
    let aspect = (width as f64 / height as f64).sqrt();
    let side = f64::from(working_size);
    (to_side(side * aspect, side), to_side(side / aspect, side))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is within 1..=256")]
fn to_side(wanted: f64, working_size: f64) -> usize {
    let step = SIDE_STEP as f64;
    let most = (4.0 * working_size / step).floor().max(1.0);
    (wanted / step).round().clamp(1.0, most) as usize * SIDE_STEP
}

/// Weights along one axis: target `i` is the sum of `weights(i)` times the sources from `first(i)` on.
pub(super) struct Axis {
    first: Vec<usize>,
    /// Where the weights of each target begin in `weights`; one more entry than targets.
    begin: Vec<usize>,
    weights: Vec<f32>,
}

impl Axis {
    /// Resampling of `from` pixels to `to`.
    pub(super) fn new(from: usize, to: usize) -> Self {
        let mut axis = Self { first: Vec::with_capacity(to), begin: vec![0], weights: Vec::new() };
        for target in 0..to {
            if from >= to {
                axis.push_area(from, to, target)
            } else {
                axis.push_linear(from, to, target)
            }
            axis.begin.push(axis.weights.len());
        }
        axis
    }

    /// In units of 1/`to` of a source pixel everything is whole: the target covers `from` units.
    fn push_area(&mut self, from: usize, to: usize, target: usize) {
        let (start, end) = (target * from, (target + 1) * from);
        let (first, last) = (start / to, (end - 1) / to);
        self.first.push(first);
        for source in first..=last {
            let covered = end.min((source + 1) * to) - start.max(source * to);
            self.weights.push(covered as f32 / from as f32);
        }
    }

    /// Between the centres of the two nearest sources; beyond the outermost centres, the outermost source.
    fn push_linear(&mut self, from: usize, to: usize, target: usize) {
        let position = ((target as f32 + 0.5) * from as f32 / to as f32 - 0.5).max(0.0);
        let (first, share) = split(position, from);
        self.first.push(first);
        self.weights.push(1.0 - share);
        if first + 1 < from {
            self.weights.push(share);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.first.len()
    }

    /// First source of target `at`, and the weights from there on.
    pub(super) fn taps(&self, at: usize) -> (usize, &[f32]) {
        (self.first[at], &self.weights[self.begin[at]..self.begin[at + 1]])
    }

    /// `target` from `source` along this axis.
    pub(super) fn apply(&self, source: &[f32], target: &mut [f32]) {
        for (at, value) in target.iter_mut().enumerate() {
            let (first, weights) = self.taps(at);
            *value = source[first..].iter().zip(weights).map(|(value, weight)| value * weight).sum();
        }
    }
}

/// A position (>= 0) among `len` samples as the sample before it and the share of the next (0 at the last).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position is >= 0 and below len"
)]
pub(super) fn split(position: f32, len: usize) -> (usize, f32) {
    let index = (position as usize).min(len - 1);
    let share = if index + 1 < len { position - index as f32 } else { 0.0 };
    (index, share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn working_dimensions_keep_area_and_aspect() {
        assert_eq!(working_dimensions(4000, 3000, 256), (288, 224));
        assert_eq!(working_dimensions(3000, 4000, 256), (224, 288));
        assert_eq!(working_dimensions(100, 100, 256), (256, 256));
        assert_eq!(working_dimensions(1, 1, 512), (512, 512));
        assert_eq!(working_dimensions(1, 40_000, 256), (32, 1024));
        assert_eq!(working_dimensions(40_000, 1, 32), (128, 32));
    }

    proptest! {
        #[test]
        fn a_flat_row_stays_flat(from in 1_usize..300, to in 1_usize..300, value in 0.0_f32..100.0) {
            let mut target = vec![0.0; to];
            Axis::new(from, to).apply(&vec![value; from], &mut target);
            for got in target {
                prop_assert!((got - value).abs() < 1e-3, "{got}");
            }
        }

        #[test]
        fn shrinking_keeps_the_mean(source in prop::collection::vec(0.0_f32..100.0, 40..200), to in 1_usize..40) {
            let mut target = vec![0.0; to];
            Axis::new(source.len(), to).apply(&source, &mut target);
            let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
            prop_assert!((mean(&source) - mean(&target)).abs() < 1e-2);
        }
    }
}
