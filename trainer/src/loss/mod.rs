//! Losses, chosen by what the codec's target is.
//!
//! The idea: **a loss is a mean over pixels**, so that its size does not depend on that of the picture, and a codec's
//! target already says which loss it wants.
//!
//! To add a loss: one file here and one row in [`loss`].

mod cross_entropy;
mod mse;

use autochrome_models::codec::Target;
use serde::{Deserialize, Serialize};

pub use cross_entropy::cross_entropy;
pub use mse::mse;
use tch::{TchError, Tensor};

/// What can be said about a loss besides the codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// Divides a cross-entropy by its number of bins, as the seed report's equations 2 and 3 are written. Nothing but
    /// the size of the gradient changes, which matters to `sgd` and not to `adamw`.
    pub per_bin: bool,
}

impl LossConfig {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The loss of a network's output `[N, C, H, W]` against the codec's target; a scalar, mean over pixels.
///
/// # Errors
/// Whatever libtorch reports.
pub fn loss(output: &Tensor, target: &Target, config: LossConfig) -> Result<Tensor, TchError> {
    match target {
        Target::Values(values) => mse(output, values),
        Target::Bins { index, share, importance } => {
            let entropy = cross_entropy(output, index, share, importance)?;
            let bins = output.size4()?.1 / index.size()[1];
            if config.per_bin { entropy.f_div_scalar(bins) } else { Ok(entropy) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autochrome_models::codec::{Bins1dConfig, CodecConfig};
    use tch::{Device, Kind};

    #[test]
    fn per_bin_divides_by_the_bins_of_one_distribution() {
        let codec = CodecConfig::Bins1d(Bins1dConfig::default()).build().expect("builds");
        let target = codec.encode(&Tensor::zeros([1, 2, 2, 2], (Kind::Float, Device::Cpu))).expect("encodes");
        let output = Tensor::zeros([1, 40, 2, 2], (Kind::Float, Device::Cpu));
        let of =
            |per_bin| loss(&output, &target, LossConfig { per_bin }).expect("computes").double_value(&[]);
        assert!((of(false) - 20.0_f64.ln()).abs() < 1e-6);
        assert!((of(true) - 20.0_f64.ln() / 20.0).abs() < 1e-6);
    }
}
