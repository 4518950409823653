//! Losses: the one that the codec's target asks for, and others added to it.
//!
//! The idea: **a loss is a mean over pixels**, so that its magnitude does not depend on the size of the picture, and a
//! codec's target already determines its loss.
//!
//! To add a loss: one file here and one row in [`loss`], or, for one that is added, in [`Objective`].

mod calm;
mod colorfulness;
mod consistency;
mod cross_entropy;
mod distance;
mod features;
mod mse;
mod rgb;

use std::path::Path;

use anyhow::{Result, bail};
use autochrome_models::codec::{Codec, Target};
use serde::{Deserialize, Serialize};

pub use calm::CalmConfig;
pub use colorfulness::{ColorfulnessConfig, lacking};
pub use consistency::{ConsistencyConfig, Window};
pub use cross_entropy::cross_entropy;
pub use distance::{DistanceConfig, distance};
#[cfg(test)]
pub(crate) use features::tests::made_classifier;
pub use features::{Features, FeaturesConfig};
pub use mse::mse;
pub use rgb::lab_to_srgb;
use tch::{Device, TchError, Tensor};

/// What can be said about a loss besides the codec.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// Divides a cross-entropy by its number of bins, as the seed report's equations 2 and 3 are written. Nothing but
    /// the size of the gradient changes, which matters to `sgd` and not to `adamw`.
    pub per_bin: bool,
    /// Temperature at which the losses below decode; absent: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Adds the distance of the decoded color from the true one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<DistanceConfig>,
    /// Adds what the decoded colors change where the true ones do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calm: Option<CalmConfig>,
    /// Adds what the decoded colors lack of the photographs' colorfulness.
    #[serde(skip_serializing_if = "Option::is_none", alias = "colourfulness")]
    pub colorfulness: Option<ColorfulnessConfig>,
    /// Adds what a classifier sees of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<FeaturesConfig>,
    /// Adds how far the colors of a part, seen alone, are from those it has within the whole. A step then takes 1.5
    /// to 2 times as long. Older configurations call it `steady`.
    #[serde(skip_serializing_if = "Option::is_none", alias = "steady")]
    pub consistency: Option<ConsistencyConfig>,
}

impl LossConfig {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// A value out of bounds, with its name.
    pub fn check(&self) -> Result<()> {
        let temperature = self.temperature.unwrap_or(1.0);
        if !(0.05..=1.0).contains(&temperature) {
            bail!("temperature: expected 0.05 to 1, got {temperature}");
        }
        let features = self.features.as_ref();
        if features.is_some_and(|features| features.samples == Some(0)) {
            bail!("features.samples: expected at least 1, got 0");
        }
        let colorfulness = self.colorfulness;
        if let Some(share) =
            colorfulness.map(|asked| asked.share).filter(|share| !(0.0..=2.0).contains(share))
        {
            bail!("colorfulness.share: expected 0 to 2, got {share}");
        }
        for (name, weight) in [
            ("calm.weight", self.calm.map(|calm| calm.weight)),
            ("colorfulness.weight", colorfulness.map(|asked| asked.weight)),
            ("distance.weight", self.distance.map(|distance| distance.weight)),
            ("features.weight", features.map(|features| features.weight)),
            ("features.recognition", features.map(|features| features.recognition)),
            ("consistency.weight", self.consistency.map(|consistency| consistency.weight)),
        ] {
            if let Some(weight) = weight.filter(|weight| !(0.0..=1e6).contains(weight)) {
                bail!("{name}: expected a number of at least 0, got {weight}");
            }
        }
        Ok(())
    }
}

/// A batch of true colors, `[N, channels, H, W]`.
pub struct Truth<'a> {
    /// Lightness, one channel.
    pub l: &'a Tensor,
    /// ab, at the size of L.
    pub ab: &'a Tensor,
    /// ab, each the mean over a cell of the network's output.
    pub cells: &'a Tensor,
}

/// The whole loss of a run.
#[derive(Debug)]
pub struct Objective {
    config: LossConfig,
    features: Option<Features>,
}

impl Objective {
    /// Makes it; relative paths start from `data_root`.
    ///
    /// # Errors
    /// The classifier cannot be loaded.
    pub fn new(config: &LossConfig, data_root: &Path, device: Device) -> Result<Self> {
        let load = |features| Features::load(features, data_root, device);
        Ok(Objective { config: config.clone(), features: config.features.as_ref().map(load).transpose()? })
    }

    /// The loss of a network's output `[N, C, h, w]`; a scalar.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn loss(&self, codec: &dyn Codec, output: &Tensor, truth: &Truth) -> Result<Tensor, TchError> {
        let target = codec.encode(truth.cells)?;
        let mut total = loss(output, &target, &self.config)?;
        let config = &self.config;
        if config.distance.is_none()
            && config.calm.is_none()
            && config.colorfulness.is_none()
            && self.features.is_none()
        {
            return Ok(total);
        }
        let decoded = codec.decode(output, Some(self.config.temperature.unwrap_or(1.0)))?;
        if let Some(config) = self.config.distance {
            let importance = match &target {
                Target::Bins { importance, .. } => Some(importance.f_mean_dim([1].as_slice(), true, None)?),
                Target::Values(_) => None,
            };
            let distance = distance(&decoded, truth.cells, importance.as_ref())?;
            total = total.f_add(&distance.f_mul_scalar(config.weight)?)?;
        }
        if let Some(config) = self.config.calm {
            let excess = calm::excess(&decoded, truth.cells)?;
            total = total.f_add(&excess.f_mul_scalar(config.weight)?)?;
        }
        if let Some(config) = self.config.colorfulness {
            let (height, width) = (decoded.size()[2], decoded.size()[3]);
            let l = truth.l.f_adaptive_avg_pool2d([height, width])?;
            let lacking = lacking(&l, &decoded, truth.cells, config.share)?;
            total = total.f_add(&lacking.f_mul_scalar(config.weight)?)?;
        }
        if let Some(features) = &self.features {
            total = total.f_add(&features.loss(truth.l, truth.ab, &decoded)?)?;
        }
        Ok(total)
    }

    /// How far apart outputs for a part, within the whole and alone, are, times the factor; a scalar.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn inconsistency(
        &self,
        codec: &dyn Codec,
        within: &Tensor,
        alone: &Tensor,
    ) -> Result<Tensor, TchError> {
        let temperature = Some(self.config.temperature.unwrap_or(1.0));
        let apart =
            consistency::apart(&codec.decode(within, temperature)?, &codec.decode(alone, temperature)?)?;
        apart.f_mul_scalar(self.config.consistency.map_or(0.0, |consistency| consistency.weight))
    }
}

/// The loss of a network's output `[N, C, H, W]` against the codec's target; a scalar, mean over pixels.
///
/// # Errors
/// Whatever libtorch reports.
pub fn loss(output: &Tensor, target: &Target, config: &LossConfig) -> Result<Tensor, TchError> {
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
        let of = |per_bin| {
            let config = LossConfig { per_bin, ..LossConfig::default() };
            loss(&output, &target, &config).expect("computes").double_value(&[])
        };
        assert!((of(false) - 20.0_f64.ln()).abs() < 1e-6);
        assert!((of(true) - 20.0_f64.ln() / 20.0).abs() < 1e-6);
    }
}
