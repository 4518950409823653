//! The network of Zhang, Isola and Efros 2016 (arXiv 1603.08511), in the form its authors released as "ECCV16".
//!
//! | layers | kernel | channels | stride | dilation | output stride |
//! |---|---|---|---|---|---|
//! | group1: conv x2, BN | 3 | 64 | 1, 2 | 1 | 2 |
//! | group2: conv x2, BN | 3 | 128 | 1, 2 | 1 | 4 |
//! | group3: conv x3, BN | 3 | 256 | 1, 1, 2 | 1 | 8 |
//! | group4: conv x3, BN | 3 | 512 | 1 | 1 | 8 |
//! | group5, group6: conv x3, BN | 3 | 512 | 1 | 2 | 8 |
//! | group7: conv x3, BN | 3 | 512 | 1 | 1 | 8 |
//! | group8.up: transposed | 4 | 256 | 2 | 1 | 4 |
//! | group8.conv1, group8.conv2 | 3 | 256 | 1 | 1 | 4 |
//! | head | 1 | C | 1 | 1 | 4 |
//!
//! Input (L - 50) / 100. Each convolution but the head has a bias and is followed by ReLU, and each group's last ReLU by
//! batch normalization (BN). The idea: **resolution is given up early and the view is widened by dilation instead of
//! further strides**, so that a pixel's logits see 349 x 349 pixels of the picture and still lie 4 apart.
//!
//! With 313 outputs: 32,240,377 parameters (32.2 M), 9984 of them the four vectors of each normalization; 41.77 G
//! multiply-adds at 256x256 (83.5 GFLOP).

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::Network;
use super::conv_group::{ConvGroup, GroupShape};
use super::layers::{Activation, Conv, ConvShape, Layer};
use super::store::{NetError, Path};

/// The release fixes every hyperparameter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eccv16Config {}

/// PyTorch's epsilon, as the release has it.
const EPS: f64 = 1e-5;

/// Output channels, number of convolutions, stride of the last and dilation, a group.
const GROUPS: [(i64, usize, i64, i64); 7] = [
    (64, 2, 2, 1),
    (128, 2, 2, 1),
    (256, 3, 2, 1),
    (512, 3, 1, 1),
    (512, 3, 1, 2),
    (512, 3, 1, 2),
    (512, 3, 1, 1),
];

/// Channels of the last convolutions before the head.
const LAST: i64 = 256;

/// See the module's documentation.
#[derive(Debug)]
pub struct Eccv16 {
    groups: Vec<ConvGroup>,
    /// The transposed convolution, the two after it, and the head.
    tail: Vec<Conv>,
}

impl Eccv16 {
    /// Makes the network.
    ///
    /// # Errors
    /// Whatever the store refuses.
    pub fn new(_config: &Eccv16Config, out_channels: i64, mut path: Path) -> Result<Self, NetError> {
        let mut input = 1;
        let mut groups = Vec::with_capacity(GROUPS.len());
        for (index, (output, count, stride, dilation)) in GROUPS.into_iter().enumerate() {
            let shape = GroupShape { input, output, count, stride, dilation };
            groups.push(ConvGroup::new(path.sub(&format!("group{}", index + 1)), shape, EPS)?);
            input = output;
        }
        let mut group8 = path.sub("group8");
        let up = ConvShape::dense(input, LAST, 4, 2);
        let mut tail = vec![Conv::transposed(group8.sub("up"), up, Activation::Relu)?];
        for name in ["conv1", "conv2"] {
            let shape = ConvShape::dense(LAST, LAST, 3, 1);
            tail.push(Conv::with_bias(group8.sub(name), shape, Activation::Relu)?);
        }
        let head = ConvShape::dense(LAST, out_channels, 1, 1);
        tail.push(Conv::with_bias(path.sub("head"), head, Activation::None)?);
        Ok(Eccv16 { groups, tail })
    }
}

impl Network for Eccv16 {
    fn forward_t(&self, l: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let mut x = l.f_sub_scalar(50.0)?.f_div_scalar(100.0)?;
        for group in &self.groups {
            x = group.forward(&x, train)?;
        }
        for conv in &self.tail {
            x = conv.forward(&x, train)?;
        }
        Ok(x)
    }

    fn stride_in(&self) -> i64 {
        8
    }

    fn stride_out(&self) -> i64 {
        4
    }

    fn layers_mut(&mut self) -> Vec<&mut dyn Layer> {
        let tail = self.tail.iter_mut().map(|conv| conv as &mut dyn Layer);
        self.groups.iter_mut().flat_map(ConvGroup::layers_mut).chain(tail).collect()
    }
}
