//! Other forms of a convolution's weights, with which the CPU predicts the same values faster.
//!
//! The idea: **what libtorch would repeat at every call is done once, when the network is made ready.** Its
//! convolution reorders the weights each time, which for the many small 1x1 layers costs as much as the products; a
//! matrix product does not. And it pads both sides alike, so that TensorFlow's odd pixel means a copy of the whole
//! input; a kernel with zeros where the other pixel would be needs none.

use tch::{Device, Kind, TchError, Tensor};

use super::layers::channels_last;

/// A form that is faster than the weights as they are.
#[derive(Debug)]
pub enum Ready {
    /// A dense 1x1 convolution.
    Product(Product),
    /// One filter per output channel, with a row and a column of zeros before it.
    Widened(Tensor),
}

impl Ready {
    /// The form for `weight`, `[output, input a group, kernel, kernel]`, and `bias` of a convolution without
    /// dilation, if there is one.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn of(
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: i64,
        groups: i64,
    ) -> Result<Option<Self>, TchError> {
        // On a GPU, and in half the bits, the convolutions as they are were not found wanting.
        if weight.device() != Device::Cpu || weight.kind() != Kind::Float {
            return Ok(None);
        }
        let (_, input, kernel, _) = weight.size4()?;
        Ok(match (input, kernel, stride, groups) {
            (_, 1, 1, 1) => Some(Self::Product(Product::new(weight, bias)?)),
            // With more channels the zeros would cost more than the copy.
            (1, 2.., 2.., _) => Some(Self::Widened(channels_last(&weight.f_constant_pad_nd([1, 0, 1, 0])?)?)),
            _ => None,
        })
    }
}

/// A 1x1 convolution as one matrix product over the pixels.
#[derive(Debug)]
pub struct Product {
    /// `[output + spare, input]`.
    weight: Tensor,
    bias: Option<Tensor>,
    outputs: i64,
}

impl Product {
    fn new(weight: &Tensor, bias: Option<&Tensor>) -> Result<Self, TchError> {
        let (outputs, input, ..) = weight.size4()?;
        let (weight, bias) = (weight.f_view([outputs, input])?, bias.map(Tensor::shallow_clone));
        let spare = spare(outputs);
        if spare == 0 {
            return Ok(Product { weight, bias, outputs });
        }
        let weight = weight.f_constant_pad_nd([0, 0, 0, spare])?;
        let bias = bias.map(|bias| bias.f_constant_pad_nd([0, spare])).transpose()?;
        Ok(Product { weight, bias, outputs })
    }

    /// The convolution of `x`, `[N, C, H, W]`; nothing is copied where channels are innermost.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn of(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (batch, channels, height, width) = x.size4()?;
        let pixels = x.f_permute([0, 2, 3, 1])?.f_reshape([-1, channels])?;
        let y = pixels.f_linear(&self.weight, self.bias.as_ref())?;
        y.f_view([batch, height, width, -1])?.f_permute([0, 3, 1, 2])?.f_narrow(1, 0, self.outputs)
    }
}

/// Has glibc keep what a prediction frees for the next one, which needs as much again: it maps blocks one by one and
/// gives memory back up to twice the largest mapped block it saw freed, at most 32 MiB, so one is freed here, never
/// touched. Without it a prediction at 256x256 had 14 MB mapped and cleared anew. Elsewhere it has no effect.
///
/// # Errors
/// There is not as much memory.
pub fn keep_freed_memory() -> Result<(), TchError> {
    Tensor::f_empty([31 << 20], (Kind::Uint8, Device::Cpu)).map(drop)
}

/// Unused outputs to add: rows of 313 numbers are not aligned to vectors, and took 1.8 times as long as rows of 320.
/// With few outputs it would not pay.
fn spare(outputs: i64) -> i64 {
    if outputs < 64 || outputs % 8 == 0 { 0 } else { (outputs + 15) / 16 * 16 - outputs }
}
