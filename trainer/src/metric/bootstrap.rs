//! The 95% interval of a number measured on a set of images.
//!
//! The idea: **draw as many images again, with replacement, and compute the same number the same way** (Efron 1979,
//! percentile interval). The number may be a mean, a ratio of means or a share of all pixels: the caller computes it
//! from the drawn images, so a ratio is resampled as a ratio.
//!
//! One seed draws the same images for every number of a report: differences between numbers are paired.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Default number of resamples.
pub const RESAMPLES: usize = 1000;

/// The 2.5th and 97.5th percentile of `estimate` over `resamples` draws of `images` indices.
///
/// `estimate` gets indices below `images`, some of them more than once. `None` when there are fewer than two images
/// (nothing can be said about their scatter) or no resamples, or when an estimate is not a number.
pub fn interval(
    images: usize,
    resamples: usize,
    seed: u64,
    estimate: impl Fn(&[usize]) -> f64,
) -> Option<[f64; 2]> {
    if images < 2 || resamples == 0 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = vec![0; images];
    let mut estimates = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        drawn.fill_with(|| rng.random_range(0..images));
        estimates.push(estimate(&drawn));
    }
    if estimates.iter().any(|estimate| estimate.is_nan()) {
        return None;
    }
    estimates.sort_by(f64::total_cmp);
    Some([percentile(&estimates, 25), percentile(&estimates, 975)])
}

/// The value of rank `thousandths` of sorted values: nearest rank, so that infinite values need no arithmetic.
fn percentile(sorted: &[f64], thousandths: usize) -> f64 {
    let rank = ((sorted.len() - 1) * thousandths + 500) / 1000;
    sorted[rank]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::mean;

    #[test]
    fn the_interval_of_a_mean_is_two_standard_errors_wide_on_each_side() {
        // 0, 1, ..., 99: standard deviation 28.87, standard error of the mean 2.887, times 1.96 = 5.66.
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let [low, high] = interval(100, 4000, 7, |drawn| mean(drawn.iter().map(|&i| values[i]))).unwrap();
        assert!((low - (49.5 - 5.66)).abs() < 0.5, "{low}");
        assert!((high - (49.5 + 5.66)).abs() < 0.5, "{high}");
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_and_equal_values_give_no_width() {
        let of = |seed| interval(10, 200, seed, |drawn| drawn.iter().sum::<usize>() as f64);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(interval(5, 100, 1, |_| 3.0), Some([3.0, 3.0]));
    }

    #[test]
    fn a_ratio_is_resampled_as_a_ratio() {
        // Every image has twice the color of its truth: the ratio has no scatter though both sides have.
        let truth = [1.0, 20.0, 300.0];
        let ratio = |drawn: &[usize]| {
            let sum = |scale: f64| drawn.iter().map(|&i| scale * truth[i]).sum::<f64>();
            sum(2.0) / sum(1.0)
        };
        assert_eq!(interval(3, 500, 1, ratio), Some([2.0, 2.0]));
    }

    #[test]
    fn one_image_has_no_interval() {
        assert_eq!(interval(1, 100, 1, |_| 1.0), None);
        assert_eq!(interval(9, 100, 1, |_| f64::NAN), None);
    }
}
