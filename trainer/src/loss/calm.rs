//! Calm where the photograph is calm: what the decoded colors change more from cell to cell than the true ones do,
//! where the true ones hardly change, in steps of the bins' grid:
//!
//! 1 / |P| Σ_P max(0, |x_i - x_j| - |y_i - y_j|) / 10,  P = neighbors (i, j), right and below, with |y_i - y_j| < 3
//!
//! x are the decoded colors, y the true ones. The idea: **a blot is a step of color where there is none**, which a
//! loss on single cells cannot see: it penalizes an evenly wrong wall as much as a clouded one. Steps up to the
//! truth's are free, so that gray is not the calmest of all. It is what the metric `blot` counts.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalmConfig {
    /// Factor on the excess.
    pub weight: f64,
}

/// True steps below this, in ab, are calm.
const CALM: f64 = 3.0;

/// The excess, without its factor; a scalar. Decoded and true ab are `[N, 2, H, W]`.
///
/// # Errors
/// Whatever libtorch reports.
pub fn excess(decoded: &Tensor, ab: &Tensor) -> Result<Tensor, TchError> {
    let mut sum = Tensor::f_zeros([0_i64; 0], (Kind::Float, ab.device()))?;
    let mut count = sum.f_zeros_like()?;
    for dim in [2, 3] {
        let truth = steps(ab, dim)?;
        let calm = truth.f_lt(CALM)?.f_to_kind(Kind::Float)?;
        let more = steps(decoded, dim)?.f_sub(&truth)?.f_clamp_min(0.0)?;
        sum = sum.f_add(&more.f_mul(&calm)?.f_sum(Kind::Float)?)?;
        count = count.f_add(&calm.f_sum(Kind::Float)?)?;
    }
    sum.f_div(&count.f_clamp_min(1.0)?)?.f_div_scalar(10.0)
}

/// Distance in ab of each cell from the next one along `dim`.
fn steps(ab: &Tensor, dim: i64) -> Result<Tensor, TchError> {
    let last = ab.size()[usize::from(dim == 3) + 2] - 1;
    let apart = ab.f_narrow(dim, 1, last)?.f_sub(&ab.f_narrow(dim, 0, last)?)?;
    // The root's slope at nothing is infinite, which no training survives.
    let squared = apart.f_square()?.f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?;
    squared.f_add_scalar(1e-4)?.f_sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three cells in a row, (a, b) each.
    fn row(cells: [[f32; 2]; 3]) -> Tensor {
        let planes = [0, 1].map(|channel| cells.map(|cell| cell[channel]));
        Tensor::from_slice(&planes.concat()).view([1, 2, 1, 3])
    }

    #[test]
    fn counts_steps_where_the_truth_has_none_and_leaves_its_edges_free() {
        // The true second step is an edge: only the first pair is calm, and its step of 1 is free.
        let truth = row([[0.0, 0.0], [1.0, 0.0], [40.0, 0.0]]);
        let of = |decoded: &Tensor| excess(decoded, &truth).unwrap().double_value(&[]);
        assert!((of(&row([[3.0, 4.0], [0.0, 0.0], [90.0, 0.0]])) - 0.4).abs() < 1e-3);
        assert!(of(&truth).abs() < 1e-6);
        assert!(of(&row([[0.0, 0.0]; 3])).abs() < 1e-6);
    }

    #[test]
    fn pulls_neighbors_together_and_has_a_slope_everywhere() {
        let truth = row([[0.0, 0.0]; 3]);
        let decoded = row([[10.0, 0.0], [0.0, 0.0], [0.0, 0.0]]).set_requires_grad(true);
        excess(&decoded, &truth).unwrap().backward();
        let pull = |x| decoded.grad().double_value(&[0, 0, 0, x]);
        assert!(pull(0) > 0.0 && pull(1) < 0.0 && decoded.grad().isfinite().all().int64_value(&[]) == 1);
    }
}
