//! How far apart a picture's colors and those of a part of it, seen alone, are, in steps of the bins' grid:
//!
//! 1 / (N h w) Σ_cells (sqrt(|x - x'|^2 + 1) - 1) / 10
//!
//! x are the colors that the codec decodes for the part within the whole, x' those for the part alone. The idea:
//! **cropping a photograph to another shape must not change its colors**, and what depends on the crop cannot be
//! right in both. The part begins and ends where the network's cells do, so that cells meet without resampling. Both
//! are trained toward the truth too, or gray would be the most consistent of all. After consistency training (Sajjadi
//! et al. 2016, arXiv 1606.04586).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyConfig {
    /// Factor on the distance.
    pub weight: f64,
}

/// A part of a square picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    left: i64,
    top: i64,
    width: i64,
    height: i64,
}

impl Window {
    /// The part of a square of `side` that a step looks at: each side a multiple of `grain` and at least half of the
    /// whole's, at a place that is a multiple of `grain` too. A function of (seed, step), so that a resumed run sees
    /// the same.
    #[must_use]
    pub fn draw(seed: u64, step: u64, side: i64, grain: i64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        // Streams 1 and 2 << 56 are the batches'.
        generator.set_stream(3 << 56 | step);
        let grains = (side / grain).max(1);
        let mut span = || {
            let length = generator.random_range((grains + 1) / 2..=grains);
            (grain * generator.random_range(0..=grains - length), grain * length)
        };
        let ((left, width), (top, height)) = (span(), span());
        Window { left, top, width, height }
    }

    /// The part of `[N, C, H, W]` whose values are `cell` pixels wide and high.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn of(&self, whole: &Tensor, cell: i64) -> Result<Tensor, TchError> {
        whole.f_narrow(2, self.top / cell, self.height / cell)?.f_narrow(
            3,
            self.left / cell,
            self.width / cell,
        )
    }
}

/// The distance, without its factor; a scalar. Both are decoded ab, `[N, 2, h, w]`.
///
/// # Errors
/// Whatever libtorch reports.
pub fn apart(within: &Tensor, alone: &Tensor) -> Result<Tensor, TchError> {
    let squared = within.f_sub(alone)?.f_square()?.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
    squared.f_add_scalar(1.0)?.f_sqrt()?.f_sub_scalar(1.0)?.f_div_scalar(10.0)?.f_mean(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn is_the_distance_in_the_plane() {
        // Apart by (30, 40) and by nothing.
        let within = Tensor::from_slice(&[30.0_f32, 0.0, 40.0, 0.0]).view([1, 2, 1, 2]);
        let far = (2501.0_f64.sqrt() - 1.0) / 10.0;
        let of = |other: &Tensor| apart(&within, other).unwrap().double_value(&[]);
        assert!((of(&Tensor::zeros_like(&within)) - 0.5 * far).abs() < 1e-5);
        assert!(of(&within).abs() < 1e-9);
    }

    #[test]
    fn pixels_and_cells_show_the_same_part() {
        let window = Window { left: 32, top: 64, width: 64, height: 32 };
        let pixels = Tensor::arange(128 * 128, (Kind::Float, Device::Cpu)).view([1, 1, 128, 128]);
        let cells = pixels.f_avg_pool2d([8; 2], [8; 2], [0, 0], false, true, None).unwrap();
        let part = window.of(&pixels, 1).unwrap();
        assert_eq!(part.size(), [1, 1, 32, 64]);
        let pooled = part.f_avg_pool2d([8; 2], [8; 2], [0, 0], false, true, None).unwrap();
        assert_eq!(pooled, window.of(&cells, 8).unwrap());
    }

    #[test]
    fn a_part_lies_within_and_is_no_less_than_half() {
        for step in 0..500 {
            let side = 32 * (1 + i64::try_from(step).unwrap() % 8);
            let window = Window::draw(7, step, side, 32);
            for (from, length) in [(window.left, window.width), (window.top, window.height)] {
                assert!(from >= 0 && from + length <= side && 2 * length >= side, "{window:?} of {side}");
                assert!(from % 32 == 0 && length % 32 == 0, "{window:?}");
            }
            assert_eq!(window, Window::draw(7, step, side, 32));
        }
        let drawn = |seed| (0..8).map(|step| Window::draw(seed, step, 224, 32)).collect::<Vec<_>>();
        assert_ne!(drawn(7), drawn(8));
    }
}
