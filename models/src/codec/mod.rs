//! Codecs: what a network's output means, in both directions.
//!
//! The idea: **training targets and predictions are two ends of one definition**, so each codec has both `encode`
//! (true ab to target) and `decode` (network output to ab), and the round trip is tested.
//!
//! To add a codec: one file here and one row in [`CodecConfig`].

pub mod bins1d;
pub mod bins2d;
pub mod contrast;
mod nearest;
pub mod point;
pub mod regression;

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

pub use bins1d::{Bins1d, Bins1dConfig};
pub use bins2d::{Bins2d, Bins2dConfig};
pub use regression::{Regression, RegressionConfig};

/// A codec's parameters are out of bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);

/// A codec and its parameters, as they stand in `model.toml` and in a trainer's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CodecConfig {
    /// ab themselves (the report's equation 1).
    Regression(RegressionConfig),
    /// A distribution over bins of a and one over bins of b (equation 2).
    Bins1d(Bins1dConfig),
    /// A distribution over the 313 in-gamut bins of the ab plane (equation 3).
    Bins2d(Bins2dConfig),
}

impl CodecConfig {
    /// Makes the codec.
    ///
    /// # Errors
    /// A parameter out of bounds, with its name, bounds and value.
    pub fn build(&self) -> Result<Box<dyn Codec>, CodecError> {
        Ok(match self {
            Self::Regression(config) => Box::new(Regression::new(config)?),
            Self::Bins1d(config) => Box::new(Bins1d::new(config)?),
            Self::Bins2d(config) => Box::new(Bins2d::new(config)?),
        })
    }

    /// The codec's name, as in `model.toml`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Regression(_) => "regression",
            Self::Bins1d(_) => "bins1d",
            Self::Bins2d(_) => "bins2d",
        }
    }
}

/// What a network is trained toward; `[N, 2, H, W]` of true ab became this.
#[derive(Debug)]
pub enum Target {
    /// Values the outputs should equal, `[N, 2, H, W]`.
    Values(Tensor),
    /// Distributions the outputs should equal, sparse: G distributions per pixel, K bins with a share in each.
    Bins {
        /// Bins, int64 `[N, G, K, H, W]`, the nearest first.
        index: Tensor,
        /// Their shares, `[N, G, K, H, W]`; sum over K is 1.
        share: Tensor,
        /// Importance of the pixel to each distribution, `[N, G, H, W]`; mean 1 under the prior.
        importance: Tensor,
    },
}

/// Centers of the bins that a codec's distributions are over.
#[derive(Debug, Clone, PartialEq)]
pub enum Bins {
    /// One distribution per pixel, over the ab plane: (a, b) of each bin.
    Plane(Vec<[f32; 2]>),
    /// Two distributions per pixel, one of a and one of b: the values that both cover, rising.
    Line(Vec<f32>),
}

impl Bins {
    /// Bins of one distribution.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Plane(centers) => centers.len(),
            Self::Line(centers) => centers.len(),
        }
    }

    /// Whether there are none, which no codec has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Between true ab and a network's output.
pub trait Codec: Send + Sync {
    /// Output channels that the network needs.
    fn channels(&self) -> i64;

    /// Distributions per pixel (1, or 2 where a and b have one each); 0 where the output is the value itself.
    fn groups(&self) -> i64;

    /// The training target for true `ab`, float32 `[N, 2, H, W]`.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    fn encode(&self, ab: &Tensor) -> Result<Target, TchError>;

    /// The predicted ab, float32 `[N, 2, H, W]`, from the network's output `[N, channels, H, W]`.
    /// `temperature` is 0 (the likeliest bin) to 1 (the mean); `None` takes the codec's own; codecs without a
    /// distribution ignore it.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    fn decode(&self, output: &Tensor, temperature: Option<f64>) -> Result<Tensor, TchError>;

    /// The codec's own temperature, where it has one.
    fn temperature(&self) -> Option<f64>;

    /// What it adds to the exponent of its rebalancing at prediction; 0 where it has none.
    fn tilt(&self) -> f64 {
        0.0
    }

    /// The bins its distributions are over; `None` where the output is the value itself.
    fn bins(&self) -> Option<Bins>;

    /// What the output `[N, channels, H, W]` says of each pixel: probabilities at temperature 1, float32
    /// `[N, groups, bins, H, W]`, whose sum over the bins is 1; `None` where the output is the value itself.
    /// `tilted` is as [`decode`](Self::decode) weighs the bins; without it they are as the network gave them, which
    /// is the same for codecs that have no tilt.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    fn distribution(&self, output: &Tensor, tilted: bool) -> Result<Option<Tensor>, TchError>;
}

/// Logits `[N, Q, H, W]` with `shift`, Q numbers, added to each pixel's, in float32; nothing is done where all are 0.
fn tilted(logits: &Tensor, shift: &[f32]) -> Result<Tensor, TchError> {
    if shift.iter().all(|shift| *shift == 0.0) {
        return Ok(logits.shallow_clone());
    }
    let shift = Tensor::f_from_slice(shift)?.f_to_device(logits.device())?.f_view([1, -1, 1, 1])?;
    logits.f_to_kind(Kind::Float)?.f_add(&shift)
}

/// Weights, shifts and centers need no more than float32 holds.
#[expect(clippy::cast_possible_truncation, reason = "no more than float32 is needed")]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn check(name: &str, value: f64, low: f64, high: f64) -> Result<(), CodecError> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err(CodecError(format!("{name}: expected {low} to {high}, got {value}")))
}

#[cfg(test)]
mod tests;
