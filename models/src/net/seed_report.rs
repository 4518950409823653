//! The network of the seed report ("Image Colorization", 2019, figures 4 and 10), after Zhang, Isola and Efros 2016.
//!
//! | layers | kernel | channels | stride (our reading) |
//! |---|---|---|---|
//! | conv x2, BN | 3 | 8 | 1, 2 |
//! | conv x2, BN | 3 | 16 | 1, 2 |
//! | conv x3, BN | 3 | 32 | 1, 1, 2 |
//! | (conv x3, BN) x4 | 3 | 64 | 1 |
//! | transposed | 4 | 32 | 2 |
//! | transposed x2 | 3 | 32 | 2 |
//! | conv for a, conv for b | 1 | C / 2 each | 1 |
//!
//! Each convolution has a bias and is followed by ReLU; normalization comes after the ReLU, as the report's text
//! has it. Its table counts 504,602 parameters with one output each for a and b, counting the four vectors of each
//! normalization. The table gives no strides: three transposed convolutions undo three halvings, placed as Zhang
//! places them. A head with an odd number of channels (313 bins) is one convolution.

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::Network;
use super::conv_group::{ConvGroup, GroupShape};
use super::layers::{Activation, Conv, ConvShape, Layer};
use super::store::{NetError, Path};

/// The report fixes every hyperparameter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedReportConfig {}

/// Keras' epsilon, as the report used Keras.
const EPS: f64 = 1e-3;

/// Output channels and the stride of the last convolution, a group of convolutions.
const GROUPS: [(i64, usize, i64); 7] =
    [(8, 2, 2), (16, 2, 2), (32, 3, 2), (64, 3, 1), (64, 3, 1), (64, 3, 1), (64, 3, 1)];

/// See the module's documentation.
#[derive(Debug)]
pub struct SeedReport {
    groups: Vec<ConvGroup>,
    ups: Vec<Conv>,
    heads: Vec<Conv>,
}

impl SeedReport {
    /// Makes the network.
    ///
    /// # Errors
    /// Whatever the store refuses.
    pub fn new(_config: &SeedReportConfig, out_channels: i64, mut path: Path) -> Result<Self, NetError> {
        let mut input = 1;
        let mut groups = Vec::with_capacity(GROUPS.len());
        for (index, (output, count, stride)) in GROUPS.into_iter().enumerate() {
            let shape = GroupShape { input, output, count, stride, dilation: 1 };
            groups.push(ConvGroup::new(path.sub(&format!("group{}", index + 1)), shape, EPS)?);
            input = output;
        }
        let mut ups = Vec::with_capacity(3);
        for (index, (input, kernel)) in [(64, 4), (32, 3), (32, 3)].into_iter().enumerate() {
            let shape = ConvShape::dense(input, 32, kernel, 2);
            ups.push(Conv::transposed(path.sub(&format!("up{}", index + 1)), shape, Activation::Relu)?);
        }
        let split: &[(&str, i64)] = match out_channels % 2 {
            0 => &[("head_a", out_channels / 2), ("head_b", out_channels / 2)],
            _ => &[("head", out_channels)],
        };
        let head = |&(name, output): &(&str, i64)| {
            Conv::with_bias(path.sub(name), ConvShape::dense(32, output, 1, 1), Activation::None)
        };
        let heads = split.iter().map(head).collect::<Result<_, _>>()?;
        Ok(SeedReport { groups, ups, heads })
    }
}

impl Network for SeedReport {
    fn forward_t(&self, l: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let mut x = l.f_mul_scalar(1.0 / 50.0)?.f_add_scalar(-1.0)?;
        for group in &self.groups {
            x = group.forward(&x, train)?;
        }
        for up in &self.ups {
            x = up.forward(&x, train)?;
        }
        let outputs = self.heads.iter().map(|head| head.forward(&x, train)).collect::<Result<Vec<_>, _>>()?;
        Tensor::f_cat(&outputs, 1)
    }

    fn stride_in(&self) -> i64 {
        8
    }

    fn stride_out(&self) -> i64 {
        1
    }

    fn layers_mut(&mut self) -> Vec<&mut dyn Layer> {
        let mut layers: Vec<&mut dyn Layer> =
            self.groups.iter_mut().flat_map(ConvGroup::layers_mut).collect();
        layers.extend(self.ups.iter_mut().chain(&mut self.heads).map(|conv| conv as &mut dyn Layer));
        layers
    }
}
