//! Colors made to stand out from the picture they are in.
//!
//! The idea: **a network is surer of what differs within a picture than of the picture's tint**. A mean or a median
//! of a distribution over colors is duller than any of them, and what is left has too much of a common tint (brown,
//! mostly) and too little that stands out from it: outputs have the truth's mean chroma but only half of its spread.
//! So a color gains chroma where it has more than the picture's mean color has along the same hue, and loses chroma
//! where it has less; hues are unchanged:
//!
//! c' = c max(0, 1 + (k - 1) g),  g = (c - m . u) / (c + s), and where that is above 0, g / (1 + (c / r)^2)
//!
//! c is a cell's chroma, u its hue as a direction, m the mean (a, b) of the picture, k the contrast. s = 4 keeps
//! near-grays from taking their hue from rounding; r = 40 makes strong colors gain less, since they need it least and
//! become blots where they are wrong. k = 1 changes nothing. Its effect on the metrics is in
//! docs/research/lab-book.md.

use tch::{Kind, TchError, Tensor};

/// s, in units of ab.
const SMOOTH: f64 = 4.0;

/// r, in units of ab.
const STRONG: f64 = 40.0;

/// ab `[N, 2, H, W]` under the contrast k, float32.
pub(super) fn set_off(ab: Tensor, contrast: f64) -> Result<Tensor, TchError> {
    if contrast == 1.0 {
        return Ok(ab);
    }
    let over = |tensor: &Tensor| tensor.f_sum_dim_intlist([1].as_slice(), true, Kind::Float);
    // The root's slope at nothing is infinite, which no training survives.
    let chroma = over(&ab.f_square()?)?.f_add_scalar(1e-12)?.f_sqrt()?;
    let mean = ab.f_mean_dim([2, 3].as_slice(), true, Kind::Float)?;
    let along = over(&ab.f_mul(&mean)?)?.f_div(&chroma.f_clamp_min(1e-3)?)?;
    let more = chroma.f_sub(&along)?.f_div(&chroma.f_add_scalar(SMOOTH)?)?;
    let strength = chroma.f_div_scalar(STRONG)?.f_square()?.f_add_scalar(1.0)?;
    let more = more.f_minimum(&more.f_div(&strength)?)?;
    let factor = more.f_mul_scalar(contrast - 1.0)?.f_add_scalar(1.0)?.f_clamp_min(0.0)?;
    ab.f_mul(&factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (a, b) of two cells under the contrast.
    fn of(cells: [[f32; 2]; 2], contrast: f64) -> [[f64; 2]; 2] {
        let [[a0, b0], [a1, b1]] = cells;
        let ab = Tensor::from_slice(&[a0, a1, b0, b1]).view([1, 2, 1, 2]);
        let ab = set_off(ab, contrast).expect("computes");
        [0, 1].map(|x| [0, 1].map(|channel| ab.double_value(&[0, channel, 0, x])))
    }

    #[test]
    fn a_color_gains_by_what_it_has_more_of_than_the_picture() {
        // Mean (8, 0): 16 has 8 more, over 16 + 4 and 1.16; gray stays gray.
        let [strong, gray] = of([[16.0, 0.0], [0.0, 0.0]], 2.0);
        assert!((strong[0] - 16.0 * (1.0 + 0.4 / 1.16)).abs() < 1e-4 && strong[1].abs() < 1e-6, "{strong:?}");
        assert_eq!(gray, [0.0, 0.0]);
        // Mean (10, 0): 4 has 6 less, over 8.
        let [weak, strong] = of([[4.0, 0.0], [16.0, 0.0]], 2.0);
        assert!((weak[0] - 4.0 * 0.25).abs() < 1e-4 && (strong[0] - 16.0 * (1.0 + 0.3 / 1.16)).abs() < 1e-4);
        // Mean (20, 0): 40 has half of itself more, over 44 and 2.
        let [strong, _] = of([[40.0, 0.0], [0.0, 0.0]], 2.0);
        assert!((strong[0] - 40.0 * (1.0 + 20.0 / 44.0 / 2.0)).abs() < 1e-4);
    }

    #[test]
    fn hues_stay_and_one_tint_stays_as_it_is() {
        // Mean (5, 5): (10, 0) has 5 of it along its own hue.
        let [red, yellow] = of([[10.0, 0.0], [0.0, 10.0]], 1.5);
        assert!(red[0] > 10.0 && red[1] == 0.0 && yellow[0] == 0.0 && yellow[1] > 10.0);
        assert_eq!(of([[6.0, -8.0]; 2], 3.0), [[6.0, -8.0]; 2]);
        // Never to the opposite hue.
        assert_eq!(of([[1.0, 0.0], [60.0, 0.0]], 3.0)[0], [0.0, 0.0]);
    }

    #[test]
    fn without_contrast_nothing_changes() {
        assert_eq!(of([[3.0, -4.0], [50.0, 20.0]], 1.0), [[3.0, -4.0], [50.0, 20.0]]);
    }
}
