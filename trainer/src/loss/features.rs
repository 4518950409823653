//! How a classifier's view of the colorized picture differs from its view of the photograph (Johnson et al. 2016):
//!
//! weight · 1 / 5 Σ_stages |f - f'|^2 / |f'|^2  +  recognition · KL(p' ‖ p)
//!
//! f are the features of EfficientNet-Lite0 at its five strides, p its distribution over the 1000 classes, the prime
//! the photograph's. The classifier is not trained. Colors with which it sees the same are plausible, even where they
//! are not the true ones; a loss on pixels cannot tell.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Reduction, TchError, Tensor};

use super::rgb::lab_to_srgb;
use crate::metric::classifier::Classifier;

/// Parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesConfig {
    /// The classifier (safetensors), below `--data`.
    pub classifier: PathBuf,
    /// Factor on the features' distance.
    #[serde(default)]
    pub weight: f64,
    /// Factor on the divergence of what is recognized.
    #[serde(default)]
    pub recognition: f64,
    /// How many samples of a batch, the first ones, this is computed on; absent: all. The classifier costs half of
    /// what training does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
}

/// The classifier, and how much its opinion counts.
#[derive(Debug)]
pub struct Features {
    classifier: Classifier,
    weight: f64,
    recognition: f64,
    samples: Option<u32>,
}

impl Features {
    /// Loads the classifier.
    ///
    /// # Errors
    /// Its file cannot be used.
    pub fn load(config: &FeaturesConfig, data_root: &Path, device: Device) -> Result<Self> {
        let classifier = Classifier::load(&data_root.join(&config.classifier), device)?;
        let FeaturesConfig { weight, recognition, samples, .. } = *config;
        Ok(Features { classifier, weight, recognition, samples })
    }

    /// The loss; a scalar. L is `[N, 1, H, W]`, the true ab `[N, 2, H, W]`, the decoded ab a fraction of that size.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn loss(&self, l: &Tensor, ab: &Tensor, decoded: &Tensor) -> Result<Tensor, TchError> {
        let (count, _, height, width) = l.size4()?;
        let seen = self.samples.map_or(count, |samples| count.min(i64::from(samples)));
        let first = |tensor: &Tensor| tensor.f_narrow(0, 0, seen);
        let (l, ab, decoded) = (&first(l)?, &first(ab)?, first(decoded)?);
        let decoded = decoded.f_upsample_bilinear2d([height, width], false, None, None)?;
        let (features, logits) = self.look(l, &decoded)?;
        let (true_features, true_logits) = tch::no_grad(|| self.look(l, ab))?;
        let mut total = Tensor::f_zeros([0_i64; 0], (Kind::Float, logits.device()))?;
        if self.weight > 0.0 {
            for (feature, truth) in features.iter().zip(&true_features) {
                let apart = feature.f_sub(truth)?.f_square()?.f_mean(Kind::Float)?;
                let size = truth.f_square()?.f_mean(Kind::Float)?;
                let share = self.weight / f64::from(u32::try_from(features.len()).unwrap_or(u32::MAX));
                total = total.f_add(&apart.f_div(&size)?.f_mul_scalar(share)?)?;
            }
        }
        if self.recognition > 0.0 {
            let (log_p, p) = (logits.f_log_softmax(1, Kind::Float)?, true_logits.f_softmax(1, Kind::Float)?);
            let divergence = log_p.f_kl_div(&p, Reduction::Sum, false)?.f_div_scalar(seen)?;
            total = total.f_add(&divergence.f_mul_scalar(self.recognition)?)?;
        }
        Ok(total)
    }

    fn look(&self, l: &Tensor, ab: &Tensor) -> Result<(Vec<Tensor>, Tensor), TchError> {
        let rgb = lab_to_srgb(l, ab)?;
        self.classifier.network().look(&rgb.f_mul_scalar(255.0)?.f_sub_scalar(127.0)?.f_div_scalar(128.0)?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use autochrome_models::net::{self, Init, Lite, NetError, Store};

    /// Writes a classifier with random weights.
    pub(crate) fn made_classifier(path: &Path) {
        let _generator = crate::random::generator();
        tch::manual_seed(3);
        let mut made = Made::default();
        net::Classifier::new(net::Path::root(&mut made), Lite::Lite0).unwrap();
        Tensor::write_safetensors(&made.0, path).unwrap();
    }

    /// Random weights, as a file that a classifier can be read from.
    #[derive(Default)]
    struct Made(Vec<(String, Tensor)>);

    impl Store for Made {
        fn tensor(&mut self, name: &str, shape: &[i64], init: Init) -> Result<Tensor, NetError> {
            let value = match init {
                Init::Normal(std) => Tensor::randn(shape, (Kind::Float, Device::Cpu)) * std,
                Init::Constant(value) | Init::Statistic(value) => {
                    Tensor::full(shape, value, (Kind::Float, Device::Cpu))
                }
            };
            self.0.push((name.to_owned(), value.shallow_clone()));
            Ok(value)
        }
    }

    fn features(folder: &Path) -> Features {
        made_classifier(&folder.join("classifier.safetensors"));
        let config = FeaturesConfig {
            classifier: PathBuf::from("classifier.safetensors"),
            weight: 1.0,
            recognition: 1.0,
            samples: Some(1),
        };
        Features::load(&config, folder, Device::Cpu).unwrap()
    }

    #[test]
    fn is_nothing_for_the_true_colors_and_pulls_others_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let features = features(folder.path());
        let full =
            |channels, value: f64| Tensor::full([2, channels, 32, 32], value, (Kind::Float, Device::Cpu));
        let (l, ab) = (full(1, 60.0), full(2, 20.0));
        let of = |cells: &Tensor| features.loss(&l, &ab, cells).unwrap();
        let cells = |value: f64| Tensor::full([2, 2, 8, 8], value, (Kind::Float, Device::Cpu));
        assert!(of(&cells(20.0)).double_value(&[]).abs() < 1e-5);
        let wrong = cells(-20.0).set_requires_grad(true);
        let loss = of(&wrong);
        assert!(loss.double_value(&[]) > 1e-4);
        loss.backward();
        // The first sample is looked at, the second is not.
        let pull = wrong.grad().abs().sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Float);
        assert!(pull.double_value(&[0]) > 0.0 && pull.double_value(&[1]) == 0.0);
    }
}
