//! Mean squared error: sum over pixels of ((a - a')^2 + (b - b')^2) / (2 H W), the seed report's equation 1, meaned over
//! the batch. Both arguments are `[N, 2, H, W]`.

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
}
