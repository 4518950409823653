//! Distance of the decoded color from the true one, in steps of the bins' grid:
//!
//! 1 / (N H W) Σ_pixels v sqrt(|x - y|^2 + 1) / 10
//!
//! x is the color that the codec decodes of the output, y the true one, v the pixel's importance. It is Charbonnier's
//! robust loss (1994), and what AuC counts: cross-entropy alone does not know that one wrong bin is farther off than
//! another.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistanceConfig {
    /// Factor on the distance.
    pub weight: f64,
}

/// The distance, without its factor; a scalar. Decoded and true ab are `[N, 2, H, W]`, the importance `[N, 1, H, W]`.
///
/// # Errors
/// Whatever libtorch reports.
pub fn distance(decoded: &Tensor, ab: &Tensor, importance: Option<&Tensor>) -> Result<Tensor, TchError> {
    let squared = decoded.f_sub(ab)?.f_square()?.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
    let steps = squared.f_add_scalar(1.0)?.f_sqrt()?.f_div_scalar(10.0)?;
    match importance {
        Some(importance) => steps.f_mul(importance)?.f_mean(Kind::Float),
        None => steps.f_mean(Kind::Float),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_distance_in_the_plane_by_importance() {
        // Off by (30, 40) and by nothing.
        let decoded = Tensor::from_slice(&[30.0_f32, 0.0, 40.0, 0.0]).view([1, 2, 1, 2]);
        let ab = Tensor::zeros_like(&decoded);
        let of = |importance: Option<&Tensor>| distance(&decoded, &ab, importance).unwrap().double_value(&[]);
        let far = 2501.0_f64.sqrt() / 10.0;
        assert!((of(None) - 0.5 * (far + 0.1)).abs() < 1e-5);
        let importance = Tensor::from_slice(&[2.0_f32, 0.0]).view([1, 1, 1, 2]);
        assert!((of(Some(&importance)) - far).abs() < 1e-5);
    }
}
