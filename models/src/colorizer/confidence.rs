//! The confidence of a model in the color it chose.
//!
//! The idea: **the probability, by the model's own estimate, that the true color is close to the one shown**: the
//! share of its distribution within 25 units of ab around that color. Entropy would not do: a model that
//! hesitates between two reds has as much of it as one that hesitates between red and green, but only the second can
//! be badly wrong.
//!
//! Bins are 10 apart, so each counts by how much of it lies within: wholly up to 20, not at all from 30, which keeps
//! the map smooth where the chosen color moves between bins. Where a and b have distributions of their own, the two
//! shares are multiplied.
//!
//! A network may be over- or underconfident; one number corrects most of that (temperature scaling, Guo et al.
//! 2017): the share is read from the distribution at the package's `confidence.temperature`.

use tch::{Kind, TchError, Tensor};

use crate::codec::Bins;

/// Distance at which a bin counts by half.
const NEAR: f64 = 25.0;
/// Half the distance over which it goes from whole to none.
const RAMP: f64 = 5.0;

/// Probabilities `[N, groups, bins, h, w]` at another temperature than 1: p^(1/T) over their sum.
pub(super) fn tempered(shares: Tensor, temperature: f64) -> Result<Tensor, TchError> {
    if temperature == 1.0 {
        return Ok(shares);
    }
    let powers = shares.f_pow_tensor_scalar(1.0 / temperature)?;
    powers.f_div(&powers.f_sum_dim_intlist([2_i64].as_slice(), true, Kind::Float)?)
}

/// The share near `ab` (`[2, h, w]`) of the distributions `shares` (`[groups, bins, h, w]`) over `bins`: `[h, w]`.
pub(super) fn near_share(shares: &Tensor, ab: &Tensor, bins: &Bins) -> Result<Tensor, TchError> {
    match bins {
        Bins::Plane(centers) => {
            let flat: Vec<f32> = centers.iter().flatten().copied().collect();
            let centers = Tensor::f_from_slice(&flat)?.f_view([-1, 2])?.f_to_device(ab.device())?;
            let off = |channel| squared_off(&centers, channel, ab, channel);
            share_within(&shares.f_select(0, 0)?, &off(0)?.f_add(&off(1)?)?)
        }
        Bins::Line(values) => {
            let centers = Tensor::f_from_slice(values)?.f_view([-1, 1])?.f_to_device(ab.device())?;
            let one = |channel| {
                share_within(&shares.f_select(0, channel)?, &squared_off(&centers, 0, ab, channel)?)
            };
            one(0)?.f_mul(&one(1)?)
        }
    }
}

/// Squares of what a column of the centers `[bins, n]` differs from a channel of ab: `[bins, h, w]`.
fn squared_off(centers: &Tensor, column: i64, ab: &Tensor, channel: i64) -> Result<Tensor, TchError> {
    let centers = centers.f_select(1, column)?.f_view([-1, 1, 1])?;
    centers.f_sub(&ab.f_select(0, channel)?.f_unsqueeze(0)?)?.f_square()
}

/// Sum over the bins of what counts: `[h, w]`.
fn share_within(shares: &Tensor, squared: &Tensor) -> Result<Tensor, TchError> {
    let counts =
        squared.f_sqrt()?.f_neg()?.f_add_scalar(NEAR + RAMP)?.f_div_scalar(2.0 * RAMP)?.f_clamp(0.0, 1.0)?;
    counts.f_mul(shares)?.f_sum_dim_intlist([0_i64].as_slice(), false, Kind::Float)?.f_clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(values: &[f32], shape: &[i64]) -> Tensor {
        Tensor::from_slice(values).view(shape)
    }

    #[test]
    fn a_temperature_below_1_makes_surer_and_keeps_the_sum() {
        let shares = one(&[0.2, 0.8], &[1, 1, 2, 1, 1]);
        let of = |t: f64| {
            let tempered = tempered(shares.shallow_clone(), t).expect("computes").view([2]);
            [0, 1].map(|bin| tempered.double_value(&[bin]))
        };
        // 0.04 and 0.64 over 0.68.
        let [low, high] = of(0.5);
        assert!((low - 0.058_823).abs() < 1e-5 && (high - 0.941_176).abs() < 1e-5);
        assert!(of(2.0)[1] < 0.8 && (of(2.0)[0] + of(2.0)[1] - 1.0).abs() < 1e-6);
        assert!((of(1.0)[1] - 0.8).abs() < 1e-6);
    }

    #[test]
    fn shares_near_the_chosen_color_are_those_worked_by_hand() {
        // Three bins 0, 25 and 60 away along a: whole, half, none.
        let bins = Bins::Plane(vec![[0.0, 0.0], [25.0, 0.0], [60.0, 0.0]]);
        let (shares, ab) = (one(&[0.5, 0.3, 0.2], &[1, 3, 1, 1]), one(&[0.0, 0.0], &[2, 1, 1]));
        let near = near_share(&shares, &ab, &bins).expect("computes");
        assert_eq!(near.size(), [1, 1]);
        assert!((near.double_value(&[0, 0]) - 0.65).abs() < 1e-6);
        // a: 0.5 and half of 0.5; b: all of it far away but 0.1.
        let bins = Bins::Line(vec![0.0, 25.0]);
        let (shares, ab) = (one(&[0.5, 0.5, 0.1, 0.9], &[2, 2, 1, 1]), one(&[0.0, -5.0], &[2, 1, 1]));
        let near = near_share(&shares, &ab, &bins).expect("computes");
        assert!((near.double_value(&[0, 0]) - 0.75 * 0.1).abs() < 1e-6);
    }
}
