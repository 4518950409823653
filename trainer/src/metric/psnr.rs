//! PSNR: the peak signal-to-noise ratio of the RGB picture, in decibels.
//!
//! The idea: **one mean squared error over all pixels and all three 8-bit channels**, against the largest value.
//!
//! ```text
//! PSNR = 10 log10(255^2 / mean((x - x*)^2))
//! ```

use super::mean;

/// PSNR of two pictures of one size, in dB; infinite when they are equal, NaN when they are empty.
///
/// `truth` and `output` are interleaved 8-bit sRGB.
pub fn psnr(truth: &[u8], output: &[u8]) -> f64 {
    debug_assert_eq!(truth.len(), output.len());
    let squares = truth.iter().zip(output).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2));
    10.0 * (255.0_f64.powi(2) / mean(squares)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        // Errors 0, 3, 4: mean square 25/3, so 10 log10(65025 * 3 / 25) = 38.92.
        let value = psnr(&[10, 20, 30], &[10, 23, 34]);
        assert!((value - 38.9226).abs() < 1e-4, "{value}");
        // Black against white: 0 dB.
        assert!(psnr(&[0, 0, 0], &[255, 255, 255]).abs() < 1e-12);
        assert!(psnr(&[7, 8, 9], &[7, 8, 9]).is_infinite());
    }
}
