//! How far the colorfulness of a batch falls short of its photographs' (Hasler and Suesstrunk 2003, M^(3)), in units
//! of it:
//!
//! max(0, share M' - M),  M = 1 / N Σ_pictures sqrt(var rg + var yb) + 0.3 sqrt(mean rg^2 + mean yb^2)
//!
//! rg = R - G, yb = (R + G) / 2 - B of 8-bit sRGB, M of the decoded colors, M' of the true ones. The idea: **losses
//! that count errors favor gray, so colorfulness is required of the whole batch**, and goes to the pictures where it
//! costs the least error.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use super::rgb::lab_to_srgb;

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColorfulnessConfig {
    /// Factor on what is lacking.
    pub weight: f64,
    /// Share of the photographs' colorfulness that is asked for.
    pub share: f64,
}

/// What is lacking, without its factor; a scalar. L is `[N, 1, H, W]`, decoded and true ab are `[N, 2, H, W]`.
///
/// # Errors
/// Whatever libtorch reports.
pub fn lacking(l: &Tensor, decoded: &Tensor, ab: &Tensor, share: f64) -> Result<Tensor, TchError> {
    let asked = tch::no_grad(|| colorfulness(&lab_to_srgb(l, ab)?)?.f_mul_scalar(share))?;
    asked.f_sub(&colorfulness(&lab_to_srgb(l, decoded)?)?)?.f_clamp_min(0.0)
}

/// Mean colorfulness of pictures `[N, 3, H, W]`, sRGB from 0 to 1.
fn colorfulness(rgb: &Tensor) -> Result<Tensor, TchError> {
    let channel = |index| rgb.f_select(1, index)?.f_mul_scalar(255.0)?.f_flatten(1, -1);
    let (r, g, b) = (channel(0)?, channel(1)?, channel(2)?);
    let (rg, yb) = (r.f_sub(&g)?, r.f_add(&g)?.f_div_scalar(2.0)?.f_sub(&b)?);
    let mean = |tensor: &Tensor| tensor.f_mean_dim([1].as_slice(), true, Kind::Float);
    let (mean_rg, mean_yb) = (mean(&rg)?, mean(&yb)?);
    let variance = |tensor: &Tensor, middle: &Tensor| mean(&tensor.f_sub(middle)?.f_square()?);
    // The roots' slopes at gray would be infinite.
    let root = |tensor: Tensor| tensor.f_add_scalar(1e-3)?.f_sqrt();
    let deviation = root(variance(&rg, &mean_rg)?.f_add(&variance(&yb, &mean_yb)?)?)?;
    let tint = root(mean_rg.f_square()?.f_add(&mean_yb.f_square()?)?)?;
    deviation.f_add(&tint.f_mul_scalar(0.3)?)?.f_mean(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_that_worked_by_hand_and_the_metric() {
        // A red and a black pixel: rg 255 and 0, yb 127.5 and 0; half of each is the mean and the deviation.
        let rgb = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 0.0, 0.0, 0.0]).view([1, 3, 1, 2]);
        let expected = 1.3 * (127.5_f64.powi(2) + 63.75_f64.powi(2)).sqrt();
        let got = colorfulness(&rgb).unwrap().double_value(&[]);
        assert!((got - expected).abs() < 0.01);
        // What `eval` reports is the same measure.
        assert!((got - crate::metric::colorfulness::colorfulness(&[255, 0, 0, 0, 0, 0])).abs() < 0.01);
    }

    #[test]
    fn asks_for_color_where_there_is_less_and_for_nothing_where_there_is_enough() {
        let l = Tensor::from_slice(&[50.0_f32, 60.0]).view([1, 1, 1, 2]);
        let ab = Tensor::from_slice(&[30.0_f32, 0.0, 0.0, 30.0]).view([1, 2, 1, 2]);
        let pale = (&ab * 0.5).set_requires_grad(true);
        let loss = lacking(&l, &pale, &ab, 1.0).unwrap();
        assert!(loss.double_value(&[]) > 5.0);
        loss.backward();
        // Less of the loss is more of the color.
        assert!((pale.grad() * &ab).sum(Kind::Float).double_value(&[]) < 0.0);
        assert_eq!(lacking(&l, &ab, &ab, 0.9).unwrap().double_value(&[]), 0.0);
        // Gray has a slope too.
        let gray = Tensor::zeros_like(&ab).set_requires_grad(true);
        lacking(&l, &gray, &ab, 1.0).unwrap().backward();
        assert!(gray.grad().isfinite().all().double_value(&[]) > 0.0);
    }
}
