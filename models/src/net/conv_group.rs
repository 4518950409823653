//! A series of convolutions and the normalization after them: the building block of the networks after Zhang et al.
//! 2016.
//!
//! The idea: **the normalization comes after the last ReLU of the group**, not before one, so it cannot be folded
//! into a convolution of its own; it stays a [`Norm`].

use tch::{TchError, Tensor};

use super::layers::{Activation, Conv, ConvShape, Layer, Norm};
use super::store::{NetError, Path};

/// Shape of a group: `count` 3x3 convolutions.
#[derive(Debug, Clone, Copy)]
pub struct GroupShape {
    /// Channels that come in.
    pub input: i64,
    /// Channels of every convolution.
    pub output: i64,
    /// Number of convolutions.
    pub count: usize,
    /// Stride of the last; the others have 1.
    pub stride: i64,
    /// Dilation of all.
    pub dilation: i64,
}

/// Convolutions with bias, each followed by ReLU, then batch normalization.
#[derive(Debug)]
pub struct ConvGroup {
    convs: Vec<Conv>,
    norm: Norm,
}

impl ConvGroup {
    /// `<path>.conv1`, `<path>.conv2`, ..., `<path>.norm`. `eps` is the normalization's epsilon.
    ///
    /// # Errors
    /// As [`super::Store::tensor`].
    pub fn new(mut path: Path, shape: GroupShape, eps: f64) -> Result<Self, NetError> {
        let GroupShape { input, output, count, stride, dilation } = shape;
        let mut convs = Vec::with_capacity(count);
        for conv in 1..=count {
            let input = if conv == 1 { input } else { output };
            let stride = if conv == count { stride } else { 1 };
            let shape = ConvShape::dense(input, output, 3, stride).dilated(dilation);
            convs.push(Conv::with_bias(path.sub(&format!("conv{conv}")), shape, Activation::Relu)?);
        }
        Ok(ConvGroup { convs, norm: Norm::new(path.sub("norm"), output, eps)? })
    }

    /// Runs the group on `[N, input, H, W]`; gives `[N, output, H / stride, W / stride]`.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let mut x = x.shallow_clone();
        for conv in &self.convs {
            x = conv.forward(&x, train)?;
        }
        self.norm.forward(&x, train)
    }

    /// Every layer.
    pub fn layers_mut(&mut self) -> impl Iterator<Item = &mut dyn Layer> {
        let convs = self.convs.iter_mut().map(|conv| conv as &mut dyn Layer);
        convs.chain(std::iter::once(&mut self.norm as &mut dyn Layer))
    }
}
