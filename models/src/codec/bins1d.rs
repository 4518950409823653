//! Two distributions a pixel: one over bins of a, one over bins of b (the seed report, equation 2).
//!
//! The idea: **a and b are told apart each by itself**, so that few bins are enough.
//!
//! - **Bins**: n of them divide -r to r evenly, r the range; width w = 2 r / n, centre of bin i: c_i = (i + 1/2) w - r.
//! - **Target**, `[N, 2, 1, H, W]`: a value x belongs to bin floor((x + r) / w), within 0 to n - 1, with share 1; every pixel
//!   counts 1.
//! - **Loss**: the mean of the cross-entropies of the two distributions.
//! - **Prediction** `[N, 2, H, W]` from logits z `[N, 2 n, H, W]`, all bins of a, then all bins of b: the annealed mean
//!   Σ c_i softmax(z / T)_i of each distribution by itself.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use super::{Codec, CodecError, Target, annealed_mean, check};

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

    /// Centres of the bins, `[bins, 1]`.
    fn centres(&self) -> Result<Tensor, TchError> {
        let index = Tensor::f_arange(self.config.bins, (Kind::Float, tch::Device::Cpu))?;
        index.f_add_scalar(0.5)?.f_mul_scalar(self.width())?.f_sub_scalar(self.config.range)?.f_view([-1, 1])
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
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    fn codec() -> Bins1d {
        Bins1d::new(&Bins1dConfig::default()).expect("builds")
    }

    #[test]
    fn bins_and_centres_are_those_worked_by_hand() {
        // 20 bins over 220: 11 wide, the first from -110 to -99.
        assert!((codec().width() - 11.0).abs() < 1e-12);
        let centres = codec().centres().expect("centres");
        assert_eq!(centres.size(), [20, 1]);
        for (bin, centre) in [(0, -104.5), (9, -5.5), (10, 5.5), (19, 104.5)] {
            assert!((centres.double_value(&[bin, 0]) - centre).abs() < 1e-4, "bin {bin}");
        }
        // Two pixels: a is -3, then 0; b is 109.9, then beyond the range.
        let ab = Tensor::from_slice(&[-3.0_f32, 0.0, 109.9, -500.0]).view([1, 2, 1, 2]);
        let Target::Bins { index, share, importance } = codec().encode(&ab).expect("encodes") else {
            panic!("not bins")
        };
        assert_eq!(
            (index.size(), share.size(), importance.size()),
            (vec![1, 2, 1, 1, 2], vec![1, 2, 1, 1, 2], vec![1, 1, 2])
        );
        // floor(107 / 11) = 9, floor(110 / 11) = 10, floor(219.9 / 11) = 19; what is beyond is in the last bin.
        assert_eq!(Vec::<i64>::try_from(index.view([-1])).expect("four"), [9, 10, 19, 0]);
        assert_eq!(Vec::<f32>::try_from(share.view([-1])).expect("four"), [1.0; 4]);
        assert_eq!(Vec::<f32>::try_from(importance.view([-1])).expect("two"), [1.0; 2]);
    }

    #[test]
    fn the_annealed_mean_is_that_worked_by_hand() {
        let logits = Tensor::full([1, 40, 1, 1], -1e4, (Kind::Float, Device::Cpu));
        let put = |channel: i64, share: f64| {
            let _ = logits.narrow(1, channel, 1).fill_(share.ln());
        };
        // a: 1/4 at -5.5 and 3/4 at 5.5; b: all at -104.5.
        put(9, 0.25);
        put(10, 0.75);
        put(20, 1.0);
        let at = |t, channel: i64| {
            codec().decode(&logits, Some(t)).expect("decodes").double_value(&[0, channel, 0, 0])
        };
        // T = 1: (3 - 1) / 4 * 5.5. T = 1/2 squares the shares, 9 : 1: (9 - 1) / 10 * 5.5.
        for (t, a) in [(1.0, 2.75), (0.5, 4.4)] {
            assert!((at(t, 0) - a).abs() < 1e-4, "T = {t}: expected {a}, got {}", at(t, 0));
            assert!((at(t, 1) + 104.5).abs() < 1e-3);
        }
    }
}
