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
use super::layers::{Activation, Conv, ConvShape, Layer, Norm};
use super::store::{NetError, Path};

/// The report fixes every hyperparameter; what its text leaves open is a switch, off in the reading that works.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeedReportConfig {
    /// L goes in as it is, 0 to 100, and not as -1 to 1.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub raw_input: bool,
    /// "Each layer is one convolution followed by a relu" taken to the letter: the heads too, so that no output is
    /// below 0.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub relu_heads: bool,
}

/// Keras' epsilon, as the report used Keras.
const EPS: f64 = 1e-3;

/// Output channels and the stride of the last convolution, a group of convolutions.
const GROUPS: [(i64, usize, i64); 7] =
    [(8, 2, 2), (16, 2, 2), (32, 3, 2), (64, 3, 1), (64, 3, 1), (64, 3, 1), (64, 3, 1)];

#[derive(Debug)]
struct Group {
    convs: Vec<Conv>,
    norm: Norm,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct SeedReport {
    groups: Vec<Group>,
    ups: Vec<Conv>,
    heads: Vec<Conv>,
    raw_input: bool,
}

impl SeedReport {
    /// Makes the network.
    ///
    /// # Errors
    /// Whatever the store refuses.
    pub fn new(config: &SeedReportConfig, out_channels: i64, mut path: Path) -> Result<Self, NetError> {
        let mut input = 1;
        let mut groups = Vec::with_capacity(GROUPS.len());
        for (index, (output, count, last_stride)) in GROUPS.into_iter().enumerate() {
            let mut group = path.sub(&format!("group{}", index + 1));
            let mut convs = Vec::with_capacity(count);
            for conv in 1..=count {
                let stride = if conv == count { last_stride } else { 1 };
                let shape = ConvShape::dense(input, output, 3, stride);
                convs.push(Conv::with_bias(group.sub(&format!("conv{conv}")), shape, Activation::Relu)?);
                input = output;
            }
            groups.push(Group { convs, norm: Norm::new(group.sub("norm"), output, EPS)? });
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
        let activation = if config.relu_heads { Activation::Relu } else { Activation::None };
        let head = |&(name, output): &(&str, i64)| {
            Conv::with_bias(path.sub(name), ConvShape::dense(32, output, 1, 1), activation)
        };
        let heads = split.iter().map(head).collect::<Result<_, _>>()?;
        Ok(SeedReport { groups, ups, heads, raw_input: config.raw_input })
    }
}

impl Network for SeedReport {
    fn forward_t(&self, l: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let mut x = match self.raw_input {
            true => l.shallow_clone(),
            false => l.f_mul_scalar(1.0 / 50.0)?.f_add_scalar(-1.0)?,
        };
        for Group { convs, norm } in &self.groups {
            for conv in convs {
                x = conv.forward(&x, train)?;
            }
            x = norm.forward(&x, train)?;
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
        let mut layers: Vec<&mut dyn Layer> = Vec::new();
        for Group { convs, norm } in &mut self.groups {
            layers.extend(convs.iter_mut().map(|conv| conv as &mut dyn Layer));
            layers.push(norm);
        }
        layers.extend(self.ups.iter_mut().chain(&mut self.heads).map(|conv| conv as &mut dyn Layer));
        layers
    }
}
