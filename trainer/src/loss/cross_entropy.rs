//! Cross-entropy against sparse distributions (Zhang et al. 2016, equation 2; the seed report's equations 2 and 3):
//!
//! mean over pixels and distributions of -v Σ_k z_k log softmax(output)[bin k], v the importance of the pixel and z_k
//! the share of its bin k. Output `[N, G Q, H, W]` holds G distributions over Q bins; shapes of the target are those of
//! `autochrome_models::codec::Target::Bins`. The report divides by the number of bins too, which only scales the
//! learning rate.

use tch::{Kind, TchError, Tensor};

/// The loss; a scalar.
///
/// # Errors
/// Whatever libtorch reports.
pub fn cross_entropy(
    output: &Tensor,
    index: &Tensor,
    share: &Tensor,
    importance: &Tensor,
) -> Result<Tensor, TchError> {
    let (n, _, height, width) = output.size4()?;
    let groups = index.size()[1];
    let log_shares = output
        .f_to_kind(Kind::Float)?
        .f_view([n, groups, -1, height, width])?
        .f_log_softmax(2, Kind::Float)?;
    let picked = log_shares.f_gather(2, index, false)?.f_mul(share)?;
    let entropy = picked.f_sum_dim_intlist([2].as_slice(), false, Kind::Float)?.f_neg()?;
    entropy.f_mul(importance)?.f_mean(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn equals_the_formula_worked_by_hand() {
        // One pixel, two bins with logits (ln 3, 0): shares 3/4 and 1/4; target half and half; importance 2.
        let output = Tensor::from_slice(&[3.0_f32.ln(), 0.0]).view([1, 2, 1, 1]);
        let index = Tensor::from_slice(&[0_i64, 1]).view([1, 1, 2, 1, 1]);
        let share = Tensor::from_slice(&[0.5_f32, 0.5]).view([1, 1, 2, 1, 1]);
        let importance = Tensor::full([1, 1, 1, 1], 2.0, (Kind::Float, Device::Cpu));
        let loss = cross_entropy(&output, &index, &share, &importance).expect("computes").double_value(&[]);
        let expected = -2.0 * (0.5 * 0.75_f64.ln() + 0.5 * 0.25_f64.ln());
        assert!((loss - expected).abs() < 1e-6, "expected {expected}, got {loss}");
    }

    #[test]
    fn two_distributions_are_meaned() {
        // a certain and right, b uniform over two bins.
        let output = Tensor::from_slice(&[50.0_f32, 0.0, 0.0, 0.0]).view([1, 4, 1, 1]);
        let index = Tensor::from_slice(&[0_i64, 1]).view([1, 2, 1, 1, 1]);
        let share = Tensor::ones([1, 2, 1, 1, 1], (Kind::Float, Device::Cpu));
        let importance = Tensor::ones([1, 2, 1, 1], (Kind::Float, Device::Cpu));
        let loss = cross_entropy(&output, &index, &share, &importance).expect("computes").double_value(&[]);
        assert!((loss - 0.5 * 2.0_f64.ln()).abs() < 1e-6, "got {loss}");
    }
}
