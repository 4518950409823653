//! One colour of a distribution over colours.
//!
//! The idea: **which point is best depends on how the error is counted**: the mean makes the mean squared distance least, the
//! median the mean distance. Both are taken of the annealed shares, softmax(logits / T).

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

/// Steps of Weiszfeld's iteration; the next ones move a colour by less than 8 bits show.
const STEPS: usize = 12;

/// Distances are sqrt(d^2 + this): a bin stands for the cell around it, and a median may lie on a centre.
const SMOOTH: f64 = 9.0;

/// The `point` of `centres` under softmax(logits / T).
///
/// `logits` is `[N, Q, H, W]`, `centres` `[Q, D]`; gives `[N, D, H, W]`, float32.
pub(super) fn annealed_point(
    logits: &Tensor,
    centres: &Tensor,
    temperature: f64,
    point: Point,
) -> Result<Tensor, TchError> {
    let logits = logits.f_to_kind(Kind::Float)?;
    let shares = logits.f_div_scalar(temperature.max(MIN_TEMPERATURE))?.f_softmax(1, Kind::Float)?;
    let (n, q, height, width) = shares.size4()?;
    let dims = centres.size2()?.1;
    let shares = shares.f_reshape([n, q, height * width])?;
    let centres = centres.f_to_device(shares.device())?;
    let mean = centres.f_tr()?.f_matmul(&shares)?;
    let taken = match point {
        Point::Mean => mean,
        Point::Median => median(&shares, &centres, mean)?,
    };
    taken.f_reshape([n, dims, height, width])
}

/// The geometric median of `centres` `[Q, D]` under `shares` `[N, Q, P]`, from a first guess `[N, D, P]`.
fn median(shares: &Tensor, centres: &Tensor, mut guess: Tensor) -> Result<Tensor, TchError> {
    let squares = centres.f_square()?.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
    for _ in 0..STEPS {
        // |c - y|^2 = |c|^2 - 2 c y + |y|^2, each bin against each pixel.
        let own = guess.f_square()?.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
        let crossed = centres.f_matmul(&guess)?.f_mul_scalar(-2.0)?;
        let squared = crossed.f_add(&squares)?.f_add(&own)?.f_clamp_min(0.0)?.f_add_scalar(SMOOTH)?;
        let pull = shares.f_mul(&squared.f_rsqrt()?)?;
        let total = pull.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
        guess = centres.f_tr()?.f_matmul(&pull)?.f_div(&total)?;
    }
    Ok(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The point of bins on a line under these shares.
    fn of(places: &[f32], shares: &[f32], point: Point) -> f64 {
        let count = i64::try_from(places.len()).expect("fits");
        let logits = Tensor::from_slice(shares).log().view([1, count, 1, 1]);
        let centres = Tensor::from_slice(places).view([count, 1]);
        annealed_point(&logits, &centres, 1.0, point).expect("computes").double_value(&[0, 0, 0, 0])
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
    fn a_bin_alone_is_its_own_median() {
        assert!((of(&[-50.0, 70.0], &[1.0, 1e-30], Point::Median) + 50.0).abs() < 1e-3);
    }
}
