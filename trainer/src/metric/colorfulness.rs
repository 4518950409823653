//! Colorfulness CF of Hasler and Suesstrunk (2003), section 7: the M-hat(3) measure.
//!
//! The idea: **how far the opponent colors of a picture spread, plus a share of how far they lie from gray**.
//!
//! ```text
//! rg = R - G,  yb = (R + G)/2 - B                         signed, on 8-bit sRGB values
//! CF = sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2)
//! ```
//!
//! About 0 is gray, 33 moderate, 59 quite and 109 extremely colorful. dCF of a set is the absolute difference of
//! the mean CF of its outputs and the mean CF of its truths.

use super::mean_and_variance;

/// CF of one picture of interleaved 8-bit sRGB; NaN when it is empty.
pub fn colorfulness(rgb: &[u8]) -> f64 {
    let pixels = || rgb.chunks_exact(3).map(|pixel| [0, 1, 2].map(|channel| f64::from(pixel[channel])));
    let (rg, rg_variance) = mean_and_variance(pixels().map(|[r, g, _]| r - g));
    let (yb, yb_variance) = mean_and_variance(pixels().map(|[r, g, b]| (r + g) / 2.0 - b));
    (rg_variance + yb_variance).sqrt() + 0.3 * rg.hypot(yb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_is_zero_and_a_flat_tint_has_only_its_mean() {
        assert_eq!(colorfulness(&[0, 0, 0, 90, 90, 90, 255, 255, 255]), 0.0);
        // rg = 30, yb = 25 - 65 = -40: no spread, mean 50, CF = 15.
        assert!((colorfulness(&[40, 10, 65, 40, 10, 65]) - 15.0).abs() < 1e-9);
    }

    #[test]
    fn opposite_colors_have_only_their_spread() {
        // rg = 60 and -60, yb = (60 + 0)/2 - 30 = 0 in both: spread 60, mean 0.
        assert!((colorfulness(&[60, 0, 30, 0, 60, 30]) - 60.0).abs() < 1e-9);
    }
}
