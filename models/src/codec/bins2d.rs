//! One distribution per pixel, over the 313 in-gamut bins of the ab plane (Zhang, Isola and Efros 2016, sections 2.1
//! to 2.3; the seed report, equation 3).
//!
//! The idea: **a pixel has a distribution over colors**, so that something that may be red or blue need not come out
//! gray.
//!
//! - **Soft encoding**: the true x = (a, b) has shares in its K = 5 nearest bins c_k, weighted by a Gaussian, sigma 5:
//!   z_k = exp(-|x - c_k|^2 / (2 sigma^2)), divided by their sum. `neighbors = 1` is **hard encoding**: the nearest bin
//!   has share 1. Shapes: index and share `[N, 1, K, H, W]`, importance `[N, 1, H, W]`.
//! - **Class rebalancing**: a pixel of bin q has the weight w(q) = ((1 - lambda) p(q) + lambda / Q)^-gamma, scaled so
//!   that the mean of w under the prior p is 1 (equation 4 has gamma = 1). p is the mean soft encoding over a set of
//!   photographs. `gamma = 0` turns it off: every pixel has the weight 1.
//! - **Annealed mean**: ab is the mean of the bins under softmax((z + tilt log w1) / T), w1 the weights for gamma = 1
//!   (equation 5 has tilt = 0), `[N, 2, H, W]` from logits z `[N, 313, H, W]`. A network trained under weights w
//!   predicts w(q) p(q | x) up to a factor, so `tilt` moves the balance between frequent and rare colors after
//!   training as another gamma would have.
//! - **Annealed median** (`point = "median"`): the point with the least mean distance to the bins under the same
//!   shares; the mean has the least mean *squared* distance. What is probably red and perhaps green becomes red
//!   rather than brown, without the hard borders of the likeliest bin. The error of a pixel is measured as a
//!   distance, not its square.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

use super::contrast::set_off;
use super::nearest::Candidates;
use super::point::{Point, annealed_point};
use super::{Bins, Codec, CodecError, Target, check, narrow, tilted};

/// Number of bins.
pub const BINS: usize = 313;
/// Distance of neighboring bins.
pub const GRID: i16 = 10;

/// The in-gamut bins: for each a, the least and the greatest b. They are the set of Zhang et al.
const ROWS: [(i16, i16, i16); 20] = [
    (-90, 50, 90),
    (-80, 20, 90),
    (-70, 0, 90),
    (-60, -20, 90),
    (-50, -30, 100),
    (-40, -40, 100),
    (-30, -50, 100),
    (-20, -50, 100),
    (-10, -60, 100),
    (0, -70, 100),
    (10, -80, 90),
    (20, -80, 90),
    (30, -90, 90),
    (40, -100, 90),
    (50, -100, 80),
    (60, -110, 80),
    (70, -110, 80),
    (80, -110, 70),
    (90, -110, 70),
    (100, -90, 0),
];

/// The prior over photographs, bins in the order of [`bins`]; made by `autochrome-trainer prior`.
const PHOTOS_PRIOR: &str = include_str!("photos_prior.txt");

/// Centers (a, b) of the 313 bins, by rising a, then b.
#[must_use]
pub fn bins() -> Vec<(i16, i16)> {
    let row = |(a, low, high): (i16, i16, i16)| (low..=high).step_by(10).map(move |b| (a, b));
    ROWS.into_iter().flat_map(row).collect()
}

/// The prior over photographs that comes with the codec (smoothed: the mean soft encoding), in the order of [`bins`].
///
/// # Panics
/// Never: a test reads the same text.
#[must_use]
pub fn photos_prior() -> Vec<f64> {
    let lines = PHOTOS_PRIOR.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.trim().parse().expect("the prior's lines are numbers")).collect()
}

/// Position in [`bins`] of the bin nearest to (a, b).
#[must_use]
pub fn nearest_bin(a: f32, b: f32) -> usize {
    thread_local!(static CENTERS: Vec<(f32, f32)> =
        bins().into_iter().map(|(a, b)| (f32::from(a), f32::from(b))).collect());
    CENTERS.with(|centers| {
        let distance = |(ca, cb): (f32, f32)| (a - ca).powi(2) + (b - cb).powi(2);
        let mut best = (0, f32::INFINITY);
        for (index, &center) in centers.iter().enumerate() {
            let d = distance(center);
            if d < best.1 {
                best = (index, d);
            }
        }
        best.0
    })
}

/// Rebalancing weights w(q) of the bins for a prior p (module documentation); mean 1 under p.
#[must_use]
pub fn rebalancing(prior: &[f64], lambda: f64, gamma: f64) -> Vec<f64> {
    let uniform = 1.0 / f64::from(u16::try_from(prior.len()).unwrap_or(u16::MAX));
    let raw: Vec<f64> = prior.iter().map(|p| ((1.0 - lambda) * p + lambda * uniform).powf(-gamma)).collect();
    let mean: f64 = raw.iter().zip(prior).map(|(w, p)| w * p).sum();
    raw.into_iter().map(|w| w / mean).collect()
}

/// Parameters of [`Bins2d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bins2dConfig {
    /// Bins that share a target, 1 (hard) to 16.
    #[serde(default = "default_neighbors", alias = "neighbours")]
    pub neighbors: i64,
    /// Standard deviation of their shares, in units of ab; 0.1 to 50.
    #[serde(default = "default_sigma")]
    pub sigma: f64,
    /// Share of the uniform distribution in the rebalancing, 0 to 1; 1 is no rebalancing.
    #[serde(default = "default_lambda")]
    pub lambda: f64,
    /// Exponent of the rebalancing, 0 (none) to 1 (Zhang's).
    #[serde(default = "default_gamma")]
    pub gamma: f64,
    /// Temperature of the annealed mean, 0 to 1.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// Added to gamma at prediction, -2 to 2.
    #[serde(default)]
    pub tilt: f64,
    /// The point of the distribution that is taken.
    #[serde(default, skip_serializing_if = "Point::is_mean")]
    pub point: Point,
    /// How far colors are set off against the picture they are in, 0.5 to 3; 1: not at all
    /// ([`contrast`](super::contrast)).
    #[serde(default = "no_contrast", skip_serializing_if = "is_no_contrast")]
    pub contrast: f64,
    /// The prior over the bins, 313 numbers; absent: the one that comes with the codec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Vec<f64>>,
}

fn default_neighbors() -> i64 {
    5
}

fn default_sigma() -> f64 {
    5.0
}

fn default_lambda() -> f64 {
    0.5
}

fn default_gamma() -> f64 {
    1.0
}

fn default_temperature() -> f64 {
    0.38
}

fn no_contrast() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_no_contrast(contrast: &f64) -> bool {
    *contrast == 1.0
}

impl Default for Bins2dConfig {
    fn default() -> Self {
        Bins2dConfig {
            neighbors: default_neighbors(),
            sigma: default_sigma(),
            lambda: default_lambda(),
            gamma: default_gamma(),
            temperature: default_temperature(),
            tilt: 0.0,
            point: Point::Mean,
            contrast: no_contrast(),
            prior: None,
        }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Bins2d {
    config: Bins2dConfig,
    /// Importance of a pixel whose nearest bin is q.
    weights: Vec<f32>,
    /// Added to the logits at prediction.
    shift: Vec<f32>,
    /// Made when the first target is: prediction does without.
    candidates: OnceLock<Candidates>,
}

impl Bins2d {
    /// Makes the codec.
    ///
    /// # Errors
    /// A parameter out of bounds, or a prior that is none.
    pub fn new(config: &Bins2dConfig) -> Result<Self, CodecError> {
        if !(1..=16).contains(&config.neighbors) {
            return Err(CodecError(format!("neighbors: expected 1 to 16, got {}", config.neighbors)));
        }
        check("sigma", config.sigma, 0.1, 50.0)?;
        check("lambda", config.lambda, 0.0, 1.0)?;
        check("gamma", config.gamma, 0.0, 1.0)?;
        check("temperature", config.temperature, 0.0, 1.0)?;
        check("tilt", config.tilt, -2.0, 2.0)?;
        check("contrast", config.contrast, 0.5, 3.0)?;
        let prior = config.prior.clone().unwrap_or_else(photos_prior);
        check_prior(&prior)?;
        let weights = rebalancing(&prior, config.lambda, config.gamma);
        // A prior with empty bins and lambda 0 makes infinite weights.
        if weights.iter().any(|w| !w.is_finite()) {
            return Err(CodecError(
                "lambda: expected above 0 where the prior has empty bins, got 0".to_owned(),
            ));
        }
        let full = rebalancing(&prior, config.lambda, 1.0);
        let shift = full.into_iter().map(|w| narrow(config.tilt * w.ln())).collect();
        let weights = weights.into_iter().map(narrow).collect();
        Ok(Bins2d { config: config.clone(), weights, shift, candidates: OnceLock::new() })
    }

    /// Centers of the bins, `[313, 2]`.
    fn centers(device: Device) -> Result<Tensor, TchError> {
        let flat: Vec<f32> = bins().into_iter().flat_map(|(a, b)| [f32::from(a), f32::from(b)]).collect();
        Tensor::f_from_slice(&flat)?.f_view([-1, 2])?.f_to_device(device)
    }
}

fn check_prior(prior: &[f64]) -> Result<(), CodecError> {
    if prior.len() != BINS {
        return Err(CodecError(format!("prior: expected {BINS} numbers, got {}", prior.len())));
    }
    let sum: f64 = prior.iter().sum();
    if prior.iter().any(|p| !(0.0..=1.0).contains(p)) || (sum - 1.0).abs() > 1e-3 {
        return Err(CodecError(format!("prior: expected numbers from 0 to 1 with sum 1, got sum {sum}")));
    }
    Ok(())
}

impl Codec for Bins2d {
    fn channels(&self) -> i64 {
        313
    }

    fn groups(&self) -> i64 {
        1
    }

    fn encode(&self, ab: &Tensor) -> Result<Target, TchError> {
        let (n, _, height, width) = ab.size4()?;
        let k = self.config.neighbors;
        let points = ab.f_permute([0, 2, 3, 1])?.f_reshape([-1, 2])?;
        let candidates = self.candidates.get_or_init(|| Candidates::new(&bins(), k));
        let (index, squared) = candidates.nearest(&points)?;
        let share = squared.f_mul_scalar(-0.5 / self.config.sigma.powi(2))?.f_softmax(1, Kind::Float)?;
        let weights = Tensor::f_from_slice(&self.weights)?.f_to_device(ab.device())?;
        let nearest = index.f_select(1, 0)?;
        let importance = weights.f_index_select(0, &nearest)?.f_view([n, 1, height, width])?;
        let planes = |t: Tensor| t.f_view([n, height, width, k])?.f_permute([0, 3, 1, 2])?.f_unsqueeze(1);
        Ok(Target::Bins { index: planes(index)?, share: planes(share)?, importance })
    }

    fn decode(&self, output: &Tensor, temperature: Option<f64>) -> Result<Tensor, TchError> {
        let temperature = temperature.unwrap_or(self.config.temperature);
        let centers = Self::centers(output.device())?;
        let point = annealed_point(&tilted(output, &self.shift)?, &centers, temperature, self.config.point)?;
        set_off(point, self.config.contrast)
    }

    fn temperature(&self) -> Option<f64> {
        Some(self.config.temperature)
    }

    fn tilt(&self) -> f64 {
        self.config.tilt
    }

    fn bins(&self) -> Option<Bins> {
        Some(Bins::Plane(bins().into_iter().map(|(a, b)| [f32::from(a), f32::from(b)]).collect()))
    }

    fn distribution(&self, output: &Tensor, tilt: bool) -> Result<Option<Tensor>, TchError> {
        let logits = if tilt { tilted(output, &self.shift)? } else { output.shallow_clone() };
        logits.f_softmax(1, Kind::Float)?.f_unsqueeze(1).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bin: (i16, i16)) -> usize {
        bins().iter().position(|&other| other == bin).expect("a bin")
    }

    /// Half of all pixels at (0, 0), half at (0, 10).
    fn prior() -> Vec<f64> {
        let mut prior = vec![0.0; BINS];
        prior[at((0, 0))] = 0.5;
        prior[at((0, 10))] = 0.5;
        prior
    }

    /// Bins, shares and importance of the pixel (3, 2).
    fn encoded(config: &Bins2dConfig) -> (Vec<(i16, i16)>, Vec<f32>, f64) {
        let ab = Tensor::from_slice(&[3.0_f32, 2.0]).view([1, 2, 1, 1]);
        let codec = Bins2d::new(config).expect("builds");
        let Target::Bins { index, share, importance } = codec.encode(&ab).expect("encodes") else {
            panic!("not bins")
        };
        let shape = [1, 1, config.neighbors, 1, 1];
        assert_eq!((index.size(), share.size()), (shape.to_vec(), shape.to_vec()));
        assert_eq!(importance.size(), [1, 1, 1, 1]);
        let bin = |index: i64| bins()[usize::try_from(index).expect("a position")];
        let index = Vec::<i64>::try_from(index.view([-1])).expect("positions");
        let share = Vec::<f32>::try_from(share.view([-1])).expect("shares");
        (index.into_iter().map(bin).collect(), share, importance.double_value(&[0, 0, 0, 0]))
    }

    #[test]
    fn soft_shares_are_those_worked_by_hand() {
        let (nearest, shares, _) = encoded(&Bins2dConfig::default());
        assert_eq!(nearest, [(0, 0), (10, 0), (0, 10), (10, 10), (0, -10)]);
        // Squared distances 13, 53, 73, 113 and 153 over 2 * 25, less the first: exponents 0, -0.8, -1.2, -2 and -2.8,
        // whose exponentials sum to 1.946668.
        let expected = [0.513_698, 0.230_820, 0.154_723, 0.069_521, 0.031_238];
        for (share, expected) in shares.iter().zip(expected) {
            assert!((share - expected).abs() < 1e-5, "expected {expected}, got {share}");
        }
    }

    #[test]
    fn a_hard_target_is_the_nearest_bin() {
        let (nearest, shares, _) = encoded(&Bins2dConfig { neighbors: 1, ..Bins2dConfig::default() });
        assert_eq!((nearest, shares), (vec![(0, 0)], vec![1.0]));
        // Out of gamut: (100, 50) is 50 away from (100, 0), and 10 from (90, 50).
        assert_eq!(bins()[nearest_bin(100.0, 50.0)], (90, 50));
    }

    #[test]
    fn importance_is_that_worked_by_hand() {
        // A common bin's mixture is 0.25 + 0.5 / 313, an empty one's 0.5 / 313: 157.5 times less. Only the common ones
        // have a prior, so they weigh 1 and an empty one 157.5, or its root for gamma 1/2.
        let rare = at((50, 50));
        for (gamma, expected) in [(1.0, 157.5), (0.5, 157.5_f64.sqrt()), (0.0, 1.0)] {
            let weights = rebalancing(&prior(), 0.5, gamma);
            assert!((weights[at((0, 0))] - 1.0).abs() < 1e-9);
            assert!((weights[rare] - expected).abs() < 1e-9, "gamma {gamma}: {}", weights[rare]);
        }
        // Three quarters and one quarter: 1 / m1 and 1 / m2 over 0.75 / m1 + 0.25 / m2, m the mixtures.
        let mut uneven = vec![0.0; BINS];
        (uneven[at((0, 0))], uneven[rare]) = (0.75, 0.25);
        let (m1, m2) = (0.375 + 0.5 / 313.0, 0.125 + 0.5 / 313.0);
        let expected = (1.0 / m1) / (0.75 / m1 + 0.25 / m2);
        let weights = rebalancing(&uneven, 0.5, 1.0);
        assert!((weights[at((0, 0))] - expected).abs() < 1e-9);
        // The pixel (3, 2) belongs to the bin (0, 0).
        let (_, _, importance) = encoded(&Bins2dConfig { prior: Some(uneven), ..Bins2dConfig::default() });
        assert!((importance - expected).abs() < 1e-6, "expected {expected}, got {importance}");
        let (_, _, importance) = encoded(&Bins2dConfig { gamma: 0.0, ..Bins2dConfig::default() });
        assert!((importance - 1.0).abs() < 1e-6, "without rebalancing: {importance}");
    }

    #[test]
    fn annealed_mean_and_tilt_are_those_worked_by_hand() {
        let decode = |tilt: f64, shares: [f64; 2], t: f64| {
            let config = Bins2dConfig { tilt, prior: Some(prior()), ..Bins2dConfig::default() };
            let logits = Tensor::full([1, 313, 1, 1], -1e4, (Kind::Float, Device::Cpu));
            for (bin, share) in [(0, 0), (20, 0)].into_iter().zip(shares) {
                let channel = i64::try_from(at(bin)).expect("fits");
                let _ = logits.narrow(1, channel, 1).fill_(share.ln());
            }
            let decoded = Bins2d::new(&config).expect("builds").decode(&logits, Some(t)).expect("decodes");
            assert_eq!(decoded.size(), [1, 2, 1, 1]);
            assert!(decoded.double_value(&[0, 1, 0, 0]).abs() < 1e-4, "b is 0 in both bins");
            decoded.double_value(&[0, 0, 0, 0])
        };
        // Shares 3/4 at a = 0 and 1/4 at a = 20. T = 1/2 squares them, 9 : 1. Tilt 1 weighs the empty bin 157.5.
        for (tilt, t, expected) in
            [(0.0, 1.0, 5.0), (0.0, 0.5, 2.0), (1.0, 1.0, 20.0 * 157.5 / (3.0 + 157.5))]
        {
            let got = decode(tilt, [0.75, 0.25], t);
            assert!((got - expected).abs() < 1e-3, "tilt {tilt}, T = {t}: expected {expected}, got {got}");
        }
    }
}
