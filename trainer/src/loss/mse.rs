//! Mean squared error (the seed report's equation 1), averaged over the batch:
//!
//! 1 / N Σ_n 1 / (2 H W) Σ_pixels ((a - a')^2 + (b - b')^2)
//!
//! Both arguments are `[N, 2, H, W]`, ab in units of the codec's scale
//! (`autochrome_models::codec::regression`); an output in bfloat16 is widened by the subtraction.

use tch::{Kind, TchError, Tensor};

/// The loss; a scalar.
///
/// # Errors
/// Whatever libtorch reports.
pub fn mse(output: &Tensor, values: &Tensor) -> Result<Tensor, TchError> {
    output.f_sub(values)?.f_square()?.f_mean(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_half_the_squared_distance_of_a_pixel() {
        let output = Tensor::from_slice(&[3.0_f32, 4.0]).view([1, 2, 1, 1]);
        let loss = mse(&output, &Tensor::zeros_like(&output)).expect("computes").double_value(&[]);
        assert!((loss - 12.5).abs() < 1e-6, "(9 + 16) / 2, got {loss}");
    }

    #[test]
    fn pixels_and_samples_are_meaned() {
        // Two samples of one row of two pixels. Off in a: 1, 2 | 0, 0; in b: 3, 0 | 0, 4.
        let output = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 4.0]).view([2, 2, 1, 2]);
        let loss = mse(&output, &Tensor::zeros_like(&output)).expect("computes").double_value(&[]);
        // (1 + 4 + 9) / (2 * 1 * 2) = 3.5 and 16 / 4 = 4.
        assert!((loss - 3.75).abs() < 1e-6, "got {loss}");
    }
}
