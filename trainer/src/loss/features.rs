//! What a classifier sees of the coloured picture, against what it sees of the photograph (Johnson et al. 2016):
//!
//! weight · 1 / 5 Σ_stages |f - f'|^2 / |f'|^2  +  recognition · KL(p' ‖ p)
//!
//! f are the features of EfficientNet-Lite0 at its five strides, p its distribution over the 1000 classes, the prime the
//! photograph's. The classifier stays as it is. Colours that let it see the same are plausible ones, even where they are not
//! the true ones; a loss on pixels has nothing to say of that.

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
    /// Factor on the divergence of what is recognised.
    #[serde(default)]
    pub recognition: f64,
}

/// The classifier, and how much its opinion counts.
#[derive(Debug)]
pub struct Features {
    classifier: Classifier,
    weight: f64,
    recognition: f64,
}

impl Features {
    /// Loads the classifier.
    ///
    /// # Errors
    /// Its file cannot be used.
    pub fn load(config: &FeaturesConfig, data_root: &Path, device: Device) -> Result<Self> {
        let classifier = Classifier::load(&data_root.join(&config.classifier), device)?;
        Ok(Features { classifier, weight: config.weight, recognition: config.recognition })
    }

    /// The loss; a scalar. L is `[N, 1, H, W]`, the true ab `[N, 2, H, W]`, the decoded ab a fraction of that size.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn loss(&self, l: &Tensor, ab: &Tensor, decoded: &Tensor) -> Result<Tensor, TchError> {
        let (_, _, height, width) = l.size4()?;
        let decoded = decoded.f_upsample_bilinear2d([height, width], false, None, None)?;
        let (features, logits) = self.look(l, &decoded)?;
        let (true_features, true_logits) = tch::no_grad(|| self.look(l, ab))?;
        let mut total = logits.f_new_zeros([0; 0], (Kind::Float, logits.device()))?;
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
            let count = logits.size()[0];
            let divergence = log_p.f_kl_div(&p, Reduction::Sum, false)?.f_div_scalar(count)?;
            total = total.f_add(&divergence.f_mul_scalar(self.recognition)?)?;
        }
        Ok(total)
    }

    fn look(&self, l: &Tensor, ab: &Tensor) -> Result<(Vec<Tensor>, Tensor), TchError> {
        let rgb = lab_to_srgb(l, ab)?;
        self.classifier.network().look(&rgb.f_mul_scalar(255.0)?.f_sub_scalar(127.0)?.f_div_scalar(128.0)?)
    }
}
