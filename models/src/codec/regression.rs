//! Regression: the network's two outputs are a and b divided by a scale (the seed report, equation 1).
//!
//! The scale brings targets to the order of 1, where weights begin; without it the first layers see gradients two
//! orders of magnitude too large.

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
    fn targets_and_predictions_differ_by_the_scale() {
        let codec = Regression::new(&RegressionConfig { scale: 40.0 }).expect("builds");
        let ab = Tensor::from_slice(&[20.0_f32, -60.0]).view([1, 2, 1, 1]);
        let Target::Values(values) = codec.encode(&ab).expect("encodes") else { panic!("expected values") };
        assert!((values.double_value(&[0, 0, 0, 0]) - 0.5).abs() < 1e-6);
        assert!((values.double_value(&[0, 1, 0, 0]) + 1.5).abs() < 1e-6);
        assert!((codec.decode(&values, None).expect("decodes") - ab).abs().max().double_value(&[]) < 1e-5);
    }
}
