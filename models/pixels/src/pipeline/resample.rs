//! Resamples the image's lightness to the working size.
//!
//! The idea: **a resampling is, for each target, a first source and a few weights**: area coverage when shrinking,
//! linear interpolation when enlarging. Rows are accumulated first: adding whole rows vectorizes and leaves a
//! single row to shrink horizontally.

/// Weights along one axis: target `i` is the sum of `weights(i)` times the sources starting at `first(i)`.
pub(super) struct Axis {
    first: Vec<usize>,
    /// Offsets of each target's weights in `weights`; one more entry than targets.
    begin: Vec<usize>,
    weights: Vec<f32>,
}

impl Axis {
    /// Resampling of `from` pixels to `to`, with `scale` targets per source: `to` is about `scale * from`.
    pub(super) fn new(from: usize, to: usize, scale: f64) -> Self {
        let mut axis = Self { first: Vec::with_capacity(to), begin: vec![0], weights: Vec::new() };
        for target in 0..to {
            if scale <= 1.0 {
                axis.push_area(from, target, scale)
            } else {
                axis.push_linear(from, target, scale)
            }
            axis.begin.push(axis.weights.len());
        }
        axis
    }

    /// The sources that the target covers, each weighted by the covered fraction.
    fn push_area(&mut self, from: usize, target: usize, scale: f64) {
        let place = |edge: usize| (edge as f64 / scale).min(from as f64);
        let (start, end) = (place(target), place(target + 1));
        let first = index(start).min(from - 1);
        let covered = |source: usize| end.min((source + 1) as f64) - start.max(source as f64);
        // Rounding may leave a sliver of the next source.
        let last = (first + 1..from).take_while(|source| covered(*source) > 1e-6 * (end - start)).last();
        self.first.push(first);
        for source in first..=last.unwrap_or(first) {
            self.weights.push(narrow(covered(source) / (end - start)));
        }
    }

    /// Interpolates between the centers of the two nearest sources; beyond the outermost centers, the outermost
    /// source.
    fn push_linear(&mut self, from: usize, target: usize, scale: f64) {
        let position = ((target as f64 + 0.5) / scale - 0.5).clamp(0.0, (from - 1) as f64);
        let first = index(position);
        let share = narrow(position - first as f64);
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

    /// Computes `target` from `source` along this axis.
    pub(super) fn apply(&self, source: &[f32], target: &mut [f32]) {
        for (at, value) in target.iter_mut().enumerate() {
            let (first, weights) = self.taps(at);
            *value = source[first..].iter().zip(weights).map(|(value, weight)| value * weight).sum();
        }
    }
}

/// The source that a position >= 0 lies in.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position within an image's side"
)]
fn index(place: f64) -> usize {
    place as usize
}

#[expect(clippy::cast_possible_truncation, reason = "a weight; f32 precision is enough")]
fn narrow(share: f64) -> f32 {
    share as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn areas_are_those_worked_by_hand() {
        // 1.25 sources per target: 1 and 1/4; 3/4 and 1/2; then the remaining half.
        let axis = Axis::new(3, 3, 0.8);
        let taps: Vec<_> = (0..3).map(|at| axis.taps(at)).collect();
        assert_eq!(taps[0], (0, &[0.8, 0.2][..]));
        assert_eq!(taps[1], (1, &[0.6, 0.4][..]));
        assert_eq!(taps[2], (2, &[1.0][..]));
    }

    proptest! {
        #[test]
        fn a_flat_row_stays_flat(from in 1_usize..300, to in 1_usize..300, value in 0.0_f32..100.0) {
            let mut target = vec![0.0; to];
            Axis::new(from, to, to as f64 / from as f64).apply(&vec![value; from], &mut target);
            for got in target {
                prop_assert!((got - value).abs() < 1e-3, "{got}");
            }
        }

        #[test]
        fn shrinking_keeps_the_mean(source in prop::collection::vec(0.0_f32..100.0, 40..200), to in 1_usize..40) {
            let mut target = vec![0.0; to];
            Axis::new(source.len(), to, to as f64 / source.len() as f64).apply(&source, &mut target);
            let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
            prop_assert!((mean(&source) - mean(&target)).abs() < 1e-2);
        }
    }
}
