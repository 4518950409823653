//! Regression: the network's two outputs are a and b divided by a scale (the seed report, equation 1).
//!
//! - **Target** `[N, 2, H, W]`: t = (a, b) / s, s the scale.
//! - **Loss**: the mean squared error of outputs and targets, 1 / (2 H W) Σ ((a - a')^2 + (b - b')^2) / s^2.
//! - **Prediction** `[N, 2, H, W]` from outputs y of the same shape: (a, b) = s y.
//!
//! The scale brings targets to the order of 1, where weights begin; without it, the first layers would see gradients
//! two orders of magnitude too large.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use super::{Bins, Codec, CodecError, Target, check};

/// Parameters of [`Regression`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegressionConfig {
    /// ab that an output of 1 stands for, 1 to 200.
    #[serde(default = "default_scale")]
    pub scale: f64,
}

fn default_scale() -> f64 {
    110.0
}

impl Default for RegressionConfig {
    fn default() -> Self {
        RegressionConfig { scale: default_scale() }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Regression {
    scale: f64,
}

impl Regression {
    /// Makes the codec.
    ///
    /// # Errors
    /// A parameter out of bounds.
    pub fn new(config: &RegressionConfig) -> Result<Self, CodecError> {
        check("scale", config.scale, 1.0, 200.0)?;
        Ok(Regression { scale: config.scale })
    }
}

impl Codec for Regression {
    fn channels(&self) -> i64 {
        2
    }

    fn groups(&self) -> i64 {
        0
    }

    fn encode(&self, ab: &Tensor) -> Result<Target, TchError> {
        Ok(Target::Values(ab.f_div_scalar(self.scale)?))
    }

    fn decode(&self, output: &Tensor, _temperature: Option<f64>) -> Result<Tensor, TchError> {
        output.f_to_kind(Kind::Float)?.f_mul_scalar(self.scale)
    }

    fn temperature(&self) -> Option<f64> {
        None
    }

    fn bins(&self) -> Option<Bins> {
        None
    }

    fn distribution(&self, _output: &Tensor, _tilted: bool) -> Result<Option<Tensor>, TchError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_predictions_are_those_worked_by_hand() {
        let codec = Regression::new(&RegressionConfig::default()).expect("builds");
        let ab = Tensor::from_slice(&[55.0_f32, -22.0]).view([1, 2, 1, 1]);
        let Target::Values(values) = codec.encode(&ab).expect("encodes") else { panic!("not values") };
        assert_eq!(values.size(), [1, 2, 1, 1]);
        // 55 / 110 and -22 / 110.
        assert_eq!(Vec::<f32>::try_from(values.view([-1])).expect("two"), [0.5, -0.2]);
        let output = Tensor::from_slice(&[0.25_f32, -1.0]).view([1, 2, 1, 1]);
        let decoded = codec.decode(&output, None).expect("decodes");
        assert_eq!(decoded.size(), [1, 2, 1, 1]);
        // 0.25 * 110 and -1 * 110.
        assert_eq!(Vec::<f32>::try_from(decoded.view([-1])).expect("two"), [27.5, -110.0]);
    }
}
