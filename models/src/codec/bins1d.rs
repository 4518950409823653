//! Two distributions per pixel: one over bins of a, one over bins of b (the seed report, equation 2).
//!
//! The idea: **a and b are predicted separately**, so that few bins are enough.
//!
//! - **Bins**: n of them divide -r to r evenly, r the range; width w = 2 r / n, center of bin i: c_i = (i + 1/2) w - r.
//! - **Target**, `[N, 2, 1, H, W]`: a value x belongs to bin floor((x + r) / w), within 0 to n - 1, with share 1.
//! - **Class rebalancing**: the report weighs all bins alike, and its distributions say little but "gray". `gamma`
//!   and `tilt` rebalance as those of `bins2d` do, a and b each by its prior: that over photographs, summed over the
//!   other. Importance `[N, 2, H, W]`; `gamma = 0` is none.
//! - **Loss**: the mean of the cross-entropies of the two distributions.
//! - **Prediction** `[N, 2, H, W]` from logits z `[N, 2 n, H, W]`, all bins of a, then all bins of b: the annealed mean
//!   Σ c_i softmax(z / T)_i of each distribution by itself.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use super::bins2d::{self, rebalancing};
use super::point::{Point, annealed_point};
use super::{Bins, Codec, CodecError, Target, check, narrow, tilted};

/// Parameters of [`Bins1d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bins1dConfig {
    /// Bins per channel, 2 to 256.
    #[serde(default = "default_bins")]
    pub bins: i64,
    /// The bins cover -range to range, 10 to 128; values beyond belong to the outermost bins.
    #[serde(default = "default_range")]
    pub range: f64,
    /// Share of the uniform distribution in the rebalancing, 0 to 1.
    #[serde(default = "default_lambda", skip_serializing_if = "is_default_lambda")]
    pub lambda: f64,
    /// Exponent of the rebalancing, 0 (none, as in the report) to 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gamma: f64,
    /// Temperature of the annealed mean, 0 to 1.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// Added to gamma at prediction, -2 to 2.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tilt: f64,
}

fn default_bins() -> i64 {
    20
}

fn default_range() -> f64 {
    110.0
}

fn default_lambda() -> f64 {
    0.5
}

fn is_default_lambda(lambda: &f64) -> bool {
    *lambda == default_lambda()
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn default_temperature() -> f64 {
    0.38
}

impl Default for Bins1dConfig {
    fn default() -> Self {
        Bins1dConfig {
            bins: default_bins(),
            range: default_range(),
            lambda: default_lambda(),
            gamma: 0.0,
            temperature: default_temperature(),
            tilt: 0.0,
        }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Bins1d {
    config: Bins1dConfig,
    /// Importance of a value by its bin: all bins of a, then all bins of b.
    weights: Vec<f32>,
    /// Added to the logits at prediction, in the same order.
    shift: Vec<f32>,
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
        check("lambda", config.lambda, 0.0, 1.0)?;
        check("gamma", config.gamma, 0.0, 1.0)?;
        check("temperature", config.temperature, 0.0, 1.0)?;
        check("tilt", config.tilt, -2.0, 2.0)?;
        let mut codec = Bins1d { config: config.clone(), weights: Vec::new(), shift: Vec::new() };
        for coordinate in [0, 1] {
            let prior = codec.prior(coordinate);
            let full = rebalancing(&prior, config.lambda, 1.0);
            codec.weights.extend(rebalancing(&prior, config.lambda, config.gamma).into_iter().map(narrow));
            codec.shift.extend(full.into_iter().map(|weight| narrow(config.tilt * weight.ln())));
        }
        if !codec.weights.iter().chain(&codec.shift).all(|value| value.is_finite()) {
            return Err(CodecError("lambda: expected above 0, since some bins are empty, got 0".to_owned()));
        }
        Ok(codec)
    }

    /// The prior over the bins of a (0) or b (1): that of the 313 bins, each spread evenly over its 10 units.
    fn prior(&self, coordinate: usize) -> Vec<f64> {
        let (width, range) = (self.width(), self.config.range);
        let half = f64::from(bins2d::GRID) / 2.0;
        let mut prior = vec![0.0; self.values().len()];
        let last = prior.len() - 1;
        for ((a, b), share) in bins2d::bins().into_iter().zip(bins2d::photos_prior()) {
            let center = f64::from([a, b][coordinate]);
            for (bin, sum) in prior.iter_mut().enumerate() {
                let low = f64::from(u16::try_from(bin).unwrap_or(u16::MAX)) * width - range;
                // The outermost bins hold all that lies beyond them.
                let low_edge = if bin == 0 { f64::NEG_INFINITY } else { low };
                let high_edge = if bin == last { f64::INFINITY } else { low + width };
                let overlap = (center + half).min(high_edge) - (center - half).max(low_edge);
                *sum += share * overlap.max(0.0) / (2.0 * half);
            }
        }
        prior
    }

    /// Width of a bin.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 256 bins")]
    pub fn width(&self) -> f64 {
        2.0 * self.config.range / self.config.bins as f64
    }

    /// Centers of the bins.
    fn values(&self) -> Vec<f32> {
        let (width, range) = (self.width(), self.config.range);
        (0..u16::try_from(self.config.bins).unwrap_or(0))
            .map(|index| narrow((f64::from(index) + 0.5) * width - range))
            .collect()
    }

    /// Centers of the bins, `[bins, 1]`.
    fn centers(&self) -> Result<Tensor, TchError> {
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
        let weights = Tensor::f_from_slice(&self.weights)?.f_to_device(ab.device())?;
        // Bins of b lie behind those of a.
        let first = Tensor::f_from_slice(&[0, self.config.bins])?.f_to_device(ab.device())?;
        let place = index.f_squeeze_dim(2)?.f_add(&first.f_view([1, 2, 1, 1])?)?;
        let importance = weights.f_index_select(0, &place.f_reshape([-1])?)?.f_view([n, 2, height, width])?;
        Ok(Target::Bins { index, share, importance })
    }

    fn decode(&self, output: &Tensor, temperature: Option<f64>) -> Result<Tensor, TchError> {
        let temperature = temperature.unwrap_or(self.config.temperature);
        let centers = self.centers()?;
        let halves = tilted(output, &self.shift)?.f_chunk(2, 1)?;
        let decoded = halves.iter().map(|half| annealed_point(half, &centers, temperature, Point::Mean));
        Tensor::f_cat(&decoded.collect::<Result<Vec<_>, _>>()?, 1)
    }

    fn temperature(&self) -> Option<f64> {
        Some(self.config.temperature)
    }

    fn tilt(&self) -> f64 {
        self.config.tilt
    }

    fn bins(&self) -> Option<Bins> {
        Some(Bins::Line(self.values()))
    }

    fn distribution(&self, output: &Tensor, tilt: bool) -> Result<Option<Tensor>, TchError> {
        let (n, _, height, width) = output.size4()?;
        let logits = if tilt { tilted(output, &self.shift)? } else { output.shallow_clone() };
        let groups = logits.f_reshape([n, self.groups(), self.config.bins, height, width])?;
        groups.f_softmax(2, Kind::Float).map(Some)
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
    fn bins_and_centers_are_those_worked_by_hand() {
        // 20 bins over 220: 11 wide, the first from -110 to -99.
        assert!((codec().width() - 11.0).abs() < 1e-12);
        let centers = codec().centers().expect("centers");
        assert_eq!(centers.size(), [20, 1]);
        for (bin, center) in [(0, -104.5), (9, -5.5), (10, 5.5), (19, 104.5)] {
            assert!((centers.double_value(&[bin, 0]) - center).abs() < 1e-4, "bin {bin}");
        }
        // Two pixels: a is -3, then 0; b is 109.9, then beyond the range.
        let ab = Tensor::from_slice(&[-3.0_f32, 0.0, 109.9, -500.0]).view([1, 2, 1, 2]);
        let Target::Bins { index, share, importance } = codec().encode(&ab).expect("encodes") else {
            panic!("not bins")
        };
        assert_eq!(
            (index.size(), share.size(), importance.size()),
            (vec![1, 2, 1, 1, 2], vec![1, 2, 1, 1, 2], vec![1, 2, 1, 2])
        );
        // floor(107 / 11) = 9, floor(110 / 11) = 10, floor(219.9 / 11) = 19; what is beyond is in the last bin.
        assert_eq!(Vec::<i64>::try_from(index.view([-1])).expect("four"), [9, 10, 19, 0]);
        assert_eq!(Vec::<f32>::try_from(share.view([-1])).expect("four"), [1.0; 4]);
        assert_eq!(Vec::<f32>::try_from(importance.view([-1])).expect("four"), [1.0; 4]);
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

    #[test]
    fn rebalancing_weighs_rare_bins_more_and_the_mean_stays_1() {
        let codec = Bins1d::new(&Bins1dConfig { gamma: 1.0, ..Bins1dConfig::default() }).expect("builds");
        for coordinate in [0, 1] {
            let (prior, weights) = (codec.prior(coordinate), &codec.weights[20 * coordinate..][..20]);
            assert!((prior.iter().sum::<f64>() - 1.0).abs() < 1e-3);
            let mean: f64 = prior.iter().zip(weights).map(|(p, w)| p * f64::from(*w)).sum();
            assert!((mean - 1.0).abs() < 1e-3, "{mean}");
            // Gray is most frequent, the outermost bins are all but empty.
            assert!(weights[0] > 5.0 * weights[10]);
        }
    }
}
