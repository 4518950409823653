//! AuC: the area under the curve of the share of pixels whose ab error is within a distance.
//!
//! The idea: **count a pixel as right at a tolerance t, and average over all tolerances**, so that no single
//! tolerance decides (Deshpande et al. 2015; Zhang et al. 2016, section 3.1).
//!
//! ```text
//! e    = sqrt((a - a*)^2 + (b - b*)^2)                     error of a pixel
//! s(e) = (number of t in 0, 1, ..., 150 with e <= t) / 151  its score
//! AuC  = 100 sum(w s(e)) / sum(w)                          over all pixels of all images
//! ```
//!
//! Plain AuC has w = 1. The rebalanced one has w = 1 / ((1 - lambda) p + lambda/Q) with p the smoothed prior of the
//! pixel's true ab bin (Zhang's equation 4), lambda = 0.5 and Q = 313 bins, so that rare colors count. Zhang's own
//! table has lambda 0, where a handful of the rarest pixels decides a set of a few hundred images.

use super::LabPlanes;

/// Tolerances 0, 1, ..., 150.
const TOLERANCES: f64 = 151.0;

/// The share of weight gained, kept as its two sums so that images add up to the share over all their pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Share {
    /// Sum of weight times score.
    pub gained: f64,
    /// Sum of weight.
    pub total: f64,
}

impl Share {
    /// The share in percent; NaN when there was no weight.
    pub fn percent(self) -> f64 {
        100.0 * self.gained / self.total
    }
}

impl std::iter::Sum for Share {
    fn sum<I: Iterator<Item = Self>>(shares: I) -> Self {
        shares.fold(Self::default(), |sum, share| Self {
            gained: sum.gained + share.gained,
            total: sum.total + share.total,
        })
    }
}

/// The score of one pixel with ab error `error` >= 0: the share of tolerances 0, 1, ..., 150 it is within.
pub fn score(error: f64) -> f64 {
    // The tolerances with t >= error are ceil(error), ..., 150.
    ((TOLERANCES - error.ceil()) / TOLERANCES).max(0.0)
}

/// Scores `output` against `truth` (planes of one length); `weight` is asked with the true (a, b) of a pixel.
pub fn share(truth: &LabPlanes, output: &LabPlanes, weight: impl Fn(f32, f32) -> f64) -> Share {
    debug_assert_eq!(truth.len(), output.len());
    let mut share = Share::default();
    for (index, ((a, b), (output_a, output_b))) in truth.ab().zip(output.ab()).enumerate() {
        let weight = weight(truth.a[index], truth.b[index]);
        share.gained += weight * score((a - output_a).hypot(b - output_b));
        share.total += weight;
    }
    share
}

/// The weight of each ab bin in the rebalanced AuC: 1 / (0.5 p + 0.5/Q), from the smoothed prior p over Q bins.
pub fn bin_weights(prior: &[f64]) -> Vec<f64> {
    let uniform = 1.0 / prior.len() as f64;
    prior.iter().map(|p| 1.0 / (0.5 * p + 0.5 * uniform)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ab(values: &[(f32, f32)]) -> LabPlanes {
        LabPlanes {
            l: vec![50.0; values.len()],
            a: values.iter().map(|v| v.0).collect(),
            b: values.iter().map(|v| v.1).collect(),
        }
    }

    #[test]
    fn score_counts_the_tolerances_that_hold() {
        assert_eq!(score(0.0), 1.0);
        // 0.2 is within 1, ..., 150: 150 of 151. 5 is within 5, ..., 150: 146. 150 within itself. 151 within none.
        assert_eq!(score(0.2), 150.0 / 151.0);
        assert_eq!(score(5.0), 146.0 / 151.0);
        assert_eq!(score(150.0), 1.0 / 151.0);
        assert_eq!(score(151.0), 0.0);
        assert_eq!(score(400.0), 0.0);
    }

    #[test]
    fn a_3_4_error_scores_as_5_and_images_add_up_by_pixels() {
        let truth = ab(&[(10.0, 20.0), (0.0, 0.0)]);
        let one = share(&truth, &ab(&[(13.0, 24.0), (0.0, 0.0)]), |_, _| 1.0);
        assert!((one.percent() - 100.0 * (146.0 + 151.0) / 302.0).abs() < 1e-9);
        let perfect = share(&truth, &truth, |_, _| 1.0);
        let both: Share = [one, perfect].into_iter().sum();
        assert!((both.percent() - 100.0 * (146.0 + 3.0 * 151.0) / 604.0).abs() < 1e-9);
    }

    #[test]
    fn the_weight_is_that_of_the_true_color() {
        let truth = ab(&[(40.0, 0.0), (0.0, 0.0)]);
        let gray = ab(&[(0.0, 0.0), (0.0, 0.0)]);
        // The colored pixel (error 40: 111 of 151) weighs 3, the gray one 1.
        let share = share(&truth, &gray, |a, _| if a > 0.0 { 3.0 } else { 1.0 });
        assert!((share.percent() - 100.0 * (3.0 * 111.0 / 151.0 + 1.0) / 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_bin_never_seen_weighs_twice_the_number_of_bins() {
        // p = 1 and 0 over two bins: 1 / (0.5 + 0.25) and 1 / 0.25.
        let weights = bin_weights(&[1.0, 0.0]);
        assert!((weights[0] - 4.0 / 3.0).abs() < 1e-12);
        assert!((weights[1] - 4.0).abs() < 1e-12);
    }
}
