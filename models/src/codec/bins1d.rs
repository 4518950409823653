//! Two distributions a pixel: one over bins of a, one over bins of b (the seed report, equation 2).
//!
//! The bins divide -range..range evenly; a value belongs to the bin it lies in, one-hot. Output channels: all bins of
//! a, then all bins of b. Decoding is the annealed mean of each distribution by itself.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use super::{Bins, Codec, CodecError, Target, annealed_mean, check};

/// Parameters of [`Bins1d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bins1dConfig {
    /// Bins a channel, 2 to 256.
    #[serde(default = "default_bins")]
    pub bins: i64,
    /// The bins cover -range to range, 10 to 128; values beyond belong to the outermost bins.
    #[serde(default = "default_range")]
    pub range: f64,
    /// Temperature of the annealed mean, 0 to 1.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
}

fn default_bins() -> i64 {
    20
}

fn default_range() -> f64 {
    110.0
}

fn default_temperature() -> f64 {
    0.38
}

impl Default for Bins1dConfig {
    fn default() -> Self {
        Bins1dConfig { bins: default_bins(), range: default_range(), temperature: default_temperature() }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Bins1d {
    config: Bins1dConfig,
}

impl Bins1d {
    /// Makes the codec.
    ///
    /// # Errors
    /// A parameter out of bounds.
    pub fn new(config: &Bins1dConfig) -> Result<Self, CodecError> {
        if !(2..=256).contains(&config.bins) {
            return Err(CodecError(format!("bins: expected 2 to 256, got {}", config.bins)));
        }
        check("range", config.range, 10.0, 128.0)?;
        check("temperature", config.temperature, 0.0, 1.0)?;
        Ok(Bins1d { config: config.clone() })
    }

    /// Width of a bin.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 256 bins")]
    pub fn width(&self) -> f64 {
        2.0 * self.config.range / self.config.bins as f64
    }

    /// Centres of the bins.
    fn values(&self) -> Vec<f32> {
        let (width, range) = (self.width(), self.config.range);
        (0..u16::try_from(self.config.bins).unwrap_or(0))
            .map(|index| narrow((f64::from(index) + 0.5) * width - range))
            .collect()
    }

    /// Centres of the bins, `[bins, 1]`.
    fn centres(&self) -> Result<Tensor, TchError> {
        Tensor::f_from_slice(&self.values())?.f_view([-1, 1])
    }
}

impl Codec for Bins1d {
    fn channels(&self) -> i64 {
        2 * self.config.bins
    }

    fn groups(&self) -> i64 {
        2
    }

    fn encode(&self, ab: &Tensor) -> Result<Target, TchError> {
        let (n, _, height, width) = ab.size4()?;
        let bin = ab.f_add_scalar(self.config.range)?.f_div_scalar(self.width())?.f_floor()?;
        let last = self.config.bins - 1;
        let index = bin.f_clamp(0, last)?.f_to_kind(Kind::Int64)?.f_view([n, 2, 1, height, width])?;
        let share = index.f_ones_like()?.f_to_kind(Kind::Float)?;
        let importance = Tensor::f_ones([n, height, width], (Kind::Float, ab.device()))?;
        Ok(Target::Bins { index, share, importance })
    }

    fn decode(&self, output: &Tensor, temperature: Option<f64>) -> Result<Tensor, TchError> {
        let temperature = temperature.unwrap_or(self.config.temperature);
        let centres = self.centres()?;
        let halves = output.f_chunk(2, 1)?;
        let decoded = halves.iter().map(|half| annealed_mean(half, &centres, temperature));
        Tensor::f_cat(&decoded.collect::<Result<Vec<_>, _>>()?, 1)
    }

    fn temperature(&self) -> Option<f64> {
        Some(self.config.temperature)
    }

    fn bins(&self) -> Option<Bins> {
        Some(Bins::Line(self.values()))
    }

    fn distribution(&self, output: &Tensor, _tilted: bool) -> Result<Option<Tensor>, TchError> {
        let (n, _, height, width) = output.size4()?;
        let groups = output.f_reshape([n, self.groups(), self.config.bins, height, width])?;
        groups.f_softmax(2, Kind::Float).map(Some)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "centres need no more than float32 holds")]
fn narrow(value: f64) -> f32 {
    value as f32
}
