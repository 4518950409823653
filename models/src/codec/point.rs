//! One color of a distribution over colors.
//!
//! The idea: **which point is best depends on how the error is counted**: the mean minimizes the mean squared distance,
//! the median the mean distance. Both are taken under the annealed shares, softmax(logits / T).

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// The point that is taken of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// The mean (Zhang et al. 2016, equation 5).
    #[default]
    Mean,
    /// The geometric median: Weiszfeld's iteration (1937), begun at the mean.
    Median,
}

impl Point {
    /// Whether it is the default, which is left out where a codec is written.
    #[must_use]
    pub fn is_mean(&self) -> bool {
        *self == Point::Mean
    }
}

/// Temperatures below this are taken as this: nothing changes any more but the rounding.
const MIN_TEMPERATURE: f64 = 0.01;

/// Steps of Weiszfeld's iteration; further ones move a color by less than 8 bits can show.
const STEPS: usize = 12;

/// Distances are sqrt(d^2 + this): a bin stands for the cell around it, and a median may lie on a center.
const SMOOTH: f64 = 9.0;

/// The `point` of `centers` under softmax(logits / T).
///
/// `logits` is `[N, Q, H, W]`, `centers` `[Q, D]`; gives `[N, D, H, W]`, float32.
pub(super) fn annealed_point(
    logits: &Tensor,
    centers: &Tensor,
    temperature: f64,
    point: Point,
) -> Result<Tensor, TchError> {
    let (n, q, height, width) = logits.size4()?;
    // A row is a pixel's distribution: what follows reads each of them many times.
    let rows = logits.f_to_kind(Kind::Float)?.f_permute([0, 2, 3, 1])?.f_reshape([-1, q])?;
    let shares = rows.f_div_scalar(temperature.max(MIN_TEMPERATURE))?.f_softmax(1, Kind::Float)?;
    let centers = centers.f_to_device(shares.device())?;
    let taken = match point {
        Point::Mean => shares.f_matmul(&centers)?,
        Point::Median => median(&shares, &centers)?,
    };
    let dims = centers.size2()?.1;
    taken.f_view([n, height, width, dims])?.f_permute([0, 3, 1, 2])?.f_contiguous()
}

/// The geometric median of `centers` `[Q, D]` under each row of `shares` `[P, Q]`; `[P, D]`.
///
/// The gradient is that of the last step alone: the point that the others lead to hardly depends on where they began,
/// so twelve steps' worth of memory and time would add nothing.
fn median(shares: &Tensor, centers: &Tensor) -> Result<Tensor, TchError> {
    let squares = centers.f_square()?.f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?;
    let last = tch::no_grad(|| {
        let mut guess = shares.f_matmul(centers)?;
        for _ in 1..STEPS {
            guess = closer(shares, centers, &squares, &guess)?;
        }
        Ok::<_, TchError>(guess)
    })?;
    closer(shares, centers, &squares, &last)
}

/// One step of Weiszfeld's iteration from `guess` `[P, D]`; `squares` are the centers', `[Q]`.
fn closer(shares: &Tensor, centers: &Tensor, squares: &Tensor, guess: &Tensor) -> Result<Tensor, TchError> {
    // |c - y|^2 = |c|^2 - 2 c y + |y|^2, each bin against each pixel.
    let own = guess.f_square()?.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
    let crossed = guess.f_matmul(&centers.f_tr()?)?.f_mul_scalar(-2.0)?;
    let squared = crossed.f_add(squares)?.f_add(&own)?.f_clamp_min(0.0)?.f_add_scalar(SMOOTH)?;
    let pull = shares.f_mul(&squared.f_rsqrt()?)?;
    let total = pull.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
    pull.f_matmul(centers)?.f_div(&total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The point of bins on a line under these shares.
    fn of(places: &[f32], shares: &[f32], point: Point) -> f64 {
        let count = i64::try_from(places.len()).expect("fits");
        let logits = Tensor::from_slice(shares).log().view([1, count, 1, 1]);
        let centers = Tensor::from_slice(places).view([count, 1]);
        annealed_point(&logits, &centers, 1.0, point).expect("computes").double_value(&[0, 0, 0, 0])
    }

    #[test]
    fn the_median_takes_the_side_of_the_majority_where_the_mean_lies_between() {
        let (places, shares) = ([-40.0, 0.0, 60.0], [0.2, 0.2, 0.6]);
        assert!((of(&places, &shares, Point::Mean) - 28.0).abs() < 1e-3);
        // The smoothing leaves it a little short of the bin.
        assert!((of(&places, &shares, Point::Median) - 60.0).abs() < 3.0);
    }

    #[test]
    fn of_a_symmetric_distribution_both_are_the_middle() {
        for point in [Point::Mean, Point::Median] {
            assert!((of(&[-10.0, 10.0, 30.0], &[0.3, 0.4, 0.3], point) - 10.0).abs() < 1e-3);
        }
    }

    #[test]
    fn a_median_is_pulled_to_the_bin_whose_share_grows() {
        let centers = Tensor::from_slice(&[0.0_f32, 10.0]).view([2, 1]);
        let logits = Tensor::from_slice(&[0.0_f32, 0.2]).view([1, 2, 1, 1]).set_requires_grad(true);
        let point = annealed_point(&logits, &centers, 1.0, Point::Median).expect("computes");
        point.sum(Kind::Float).backward();
        let pull = |bin| logits.grad().double_value(&[0, bin, 0, 0]);
        assert!(pull(0) < 0.0 && pull(1) > 0.0 && (pull(0) + pull(1)).abs() < 1e-5);
    }

    #[test]
    fn a_bin_alone_is_its_own_median() {
        assert!((of(&[-50.0, 70.0], &[1.0, 1e-30], Point::Median) + 50.0).abs() < 1e-3);
    }
}
