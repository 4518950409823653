//! The network of the seed report ("Image Colorization", 2019, figures 4 and 10), after Zhang, Isola and Efros 2016.
//!
//! | layers | kernel | channels | stride (our reading) |
//! |---|---|---|---|
//! | conv x2, BN | 3 | 8 | 1, 2 |
//! | conv x2, BN | 3 | 16 | 1, 2 or 1 |
//! | conv x3, BN | 3 | 32 | 1, 1, 2 or 1 |
//! | (conv x3, BN) x4 | 3 | 64 | 1 |
//! | transposed | 4 | 32 | 2 |
//! | transposed x2 | 3 | 32 | 2 or 1 |
//! | conv for a, conv for b | 1 | C / 2 each | 1 |
//!
//! Each convolution has a bias and is followed by ReLU; normalization comes after the ReLU, as the report's text
//! has it. Its table counts 504,602 parameters with one output each for a and b, counting the four vectors of each
//! normalization. The table gives no strides. The losses are over every pixel of the input, so the transposed
//! convolutions undo all halvings, and there are one to three of them (`halvings`), placed as Zhang places them. Three
//! are the cheapest. One is what the kernels suggest: Zhang's only transposed convolution has a kernel of 4 and stride 2,
//! and the two layers after it a kernel of 3 and stride 1; and it is what the text asks for ("irreversible information
//! aggregation would be undesirable"). A head with an odd number of channels (313 bins) is one convolution.

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::Network;
use super::conv_group::{ConvGroup, GroupShape};
use super::layers::{Activation, Conv, ConvShape, Layer};
use super::store::{NetError, Path};

/// The report fixes every hyperparameter; what its text leaves open is a switch, off in the reading that works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeedReportConfig {
    /// How often the sides are halved on the way in, and doubled on the way out: 1 to 3.
    #[serde(skip_serializing_if = "is_default_halvings")]
    pub halvings: usize,
    /// L goes in as it is, 0 to 100, and not as -1 to 1.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub raw_input: bool,
    /// "Each layer is one convolution followed by a relu" taken to the letter: the heads too, so that no output is
    /// below 0.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub relu_heads: bool,
}

const HALVINGS: usize = 3;

fn is_default_halvings(halvings: &usize) -> bool {
    *halvings == HALVINGS
}

impl Default for SeedReportConfig {
    fn default() -> Self {
        SeedReportConfig { halvings: HALVINGS, raw_input: false, relu_heads: false }
    }
}

/// Keras' epsilon, as the report used Keras.
const EPS: f64 = 1e-3;

/// Output channels and number of convolutions of each group; the first ones end in a halving.
const GROUPS: [(i64, usize); 7] = [(8, 2), (16, 2), (32, 3), (64, 3), (64, 3), (64, 3), (64, 3)];
/// Input channels and kernel of each transposed convolution; the first ones double.
const UPS: [(i64, i64); 3] = [(64, 4), (32, 3), (32, 3)];

/// See the module's documentation.
#[derive(Debug)]
pub struct SeedReport {
    groups: Vec<ConvGroup>,
    ups: Vec<Conv>,
    heads: Vec<Conv>,
    config: SeedReportConfig,
}

impl SeedReport {
    /// Makes the network.
    ///
    /// # Errors
    /// `halvings` out of bounds, or whatever the store refuses.
    pub fn new(config: &SeedReportConfig, out_channels: i64, mut path: Path) -> Result<Self, NetError> {
        if !(1..=HALVINGS).contains(&config.halvings) {
            return Err(NetError::Config(format!("halvings: expected 1 to 3, got {}", config.halvings)));
        }
        let stride = |index: usize| if index < config.halvings { 2 } else { 1 };
        let mut input = 1;
        let mut groups = Vec::with_capacity(GROUPS.len());
        for (index, (output, count)) in GROUPS.into_iter().enumerate() {
            let shape = GroupShape { input, output, count, stride: stride(index), dilation: 1 };
            groups.push(ConvGroup::new(path.sub(&format!("group{}", index + 1)), shape, EPS)?);
            input = output;
        }
        let mut ups = Vec::with_capacity(UPS.len());
        for (index, (input, kernel)) in UPS.into_iter().enumerate() {
            let shape = ConvShape::dense(input, 32, kernel, stride(index));
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
        Ok(SeedReport { groups, ups, heads, config: config.clone() })
    }
}

impl Network for SeedReport {
    fn forward_t(&self, l: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let mut x = match self.config.raw_input {
            true => l.shallow_clone(),
            false => l.f_mul_scalar(1.0 / 50.0)?.f_add_scalar(-1.0)?,
        };
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
        1 << self.config.halvings
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
