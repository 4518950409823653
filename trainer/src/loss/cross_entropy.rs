//! Cross-entropy against sparse distributions (Zhang et al. 2016, equation 2; the seed report's equations 2 and 3):
//!
//! 1 / (N H W) Σ_pixels 1 / G Σ_g -v Σ_k z_k log softmax(output of g)[bin k]
//!
//! v is the importance of the pixel to that distribution and z_k the share of its bin k. Output `[N, G Q, H, W]` holds G
//! distributions over Q bins; the target's bins and shares are `[N, G, K, H, W]`, the importance `[N, G, H, W]`
//! (`autochrome_models::codec::Target::Bins`).
//!
//! | equation | codec | G | Q | K | v |
//! |---|---|---|---|---|---|
//! | 2 | `bins1d` | 2 | 20 | 1 | w of the value's bin; 1 for `gamma = 0`, as in the report |
//! | 3, hard targets | `bins2d`, `neighbors = 1` | 1 | 313 | 1 | w of the pixel's bin; 1 for `gamma = 0` |
//! | 3, soft targets | `bins2d` | 1 | 313 | 5 | the same |
//!
//! The report divides by the number of bins too, which only scales the learning rate.

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
    use autochrome_models::codec::bins2d::{BINS, bins};
    use autochrome_models::codec::{Bins2d, Bins2dConfig, Codec, Target};
    use tch::Device;

    use super::*;

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

    #[test]
    fn pixels_are_meaned_by_their_importance() {
        // Two pixels, two bins, logits (ln 3, 0) and (0, 0); both belong to bin 0; importance 1 and 3.
        let output = Tensor::from_slice(&[3.0_f32.ln(), 0.0, 0.0, 0.0]).view([1, 2, 1, 2]);
        let index = Tensor::zeros([1, 1, 1, 1, 2], (Kind::Int64, Device::Cpu));
        let share = Tensor::ones([1, 1, 1, 1, 2], (Kind::Float, Device::Cpu));
        let importance = Tensor::from_slice(&[1.0_f32, 3.0]).view([1, 1, 1, 2]);
        let loss = cross_entropy(&output, &index, &share, &importance).expect("computes").double_value(&[]);
        let expected = 0.5 * -(0.75_f64.ln() + 3.0 * 0.5_f64.ln());
        assert!((loss - expected).abs() < 1e-6, "expected {expected}, got {loss}");
    }

    /// Loss of the pixel (2, 0) where the network gives the bin (10, 0) `logit` and all others 0.
    fn of_one_pixel(config: Bins2dConfig, logit: f64) -> f64 {
        let ab = Tensor::from_slice(&[2.0_f32, 0.0]).view([1, 2, 1, 1]);
        let codec = Bins2d::new(&config).expect("builds");
        let Target::Bins { index, share, importance } = codec.encode(&ab).expect("encodes") else {
            panic!("not bins")
        };
        let output = Tensor::zeros([1, 313, 1, 1], (Kind::Float, Device::Cpu));
        let ten = bins().iter().position(|&bin| bin == (10, 0)).and_then(|bin| i64::try_from(bin).ok());
        let _ = output.narrow(1, ten.expect("a bin"), 1).fill_(logit);
        cross_entropy(&output, &index, &share, &importance).expect("computes").double_value(&[])
    }

    #[test]
    fn hard_and_soft_targets_with_and_without_rebalancing_are_those_worked_by_hand() {
        // All pixels of the prior are at (50, 50): another bin's mixture is 0.5 / 313, that one's 0.5 + 0.5 / 313, 314
        // times as much. So the pixel weighs 314 with rebalancing, and 1 without.
        let mut prior = vec![0.0; BINS];
        prior[bins().iter().position(|&bin| bin == (50, 50)).expect("a bin")] = 1.0;
        let config = |neighbors, gamma| Bins2dConfig {
            neighbors,
            gamma,
            prior: Some(prior.clone()),
            ..Bins2dConfig::default()
        };
        // The logit makes (10, 0) have exp(3) of 312 + exp(3) parts and every other bin one.
        let parts = (312.0 + 3.0_f64.exp()).ln();
        // Hard: all at (0, 0). Soft, two bins: (0, 0) at 2 and (10, 0) at 8, exponents -4/50 and -64/50.
        let share = 1.0 / (1.0 + (60.0_f64 / 50.0).exp());
        for (neighbors, expected) in [(1, parts), (2, parts - 3.0 * share)] {
            for (gamma, weight) in [(0.0, 1.0), (1.0, 314.0)] {
                let got = of_one_pixel(config(neighbors, gamma), 3.0);
                let expected = weight * expected;
                assert!(
                    (got / expected - 1.0).abs() < 1e-5,
                    "{neighbors} bins, gamma {gamma}: expected {expected}, got {got}"
                );
            }
        }
    }
}
