//! The layers that the networks are made of.
//!
//! The idea: **a convolution owns the batch normalization that follows it**, so that folding the two is one step
//! that no network has to know about. A normalization that follows something else ([`Norm`]) folds to a scale
//! and a shift.
//!
//! Training may compute in half the bits (Micikevicius et al. 2018, "Mixed Precision Training", arXiv 1710.03740), in
//! bfloat16: it has float32's range, so the loss needs no scaling. One rule decides the kind: **a layer converts its
//! input to the kind it computes in, whatever arrives**, so that layers of different kinds may follow each other.
//!
//! | | computes in, and gives | weights |
//! |---|---|---|
//! | a convolution that learns, a head too | the kind of [`Layer::compute_in`] | float32, cast where they are used: gradients come back through the cast in float32, and no update is too small to change a weight |
//! | a normalization that learns | the kind of its input; statistics in float32 | float32 |
//! | a prepared layer: predicting, or frozen in training | the kind of [`Layer::prepare`] | that kind, rounded once |
//! | codecs and losses | float32: the trainer widens the network's output before they see it | |
//!
//! libtorch's own autocast is not used: as tch exposes it, it knows float16 on CUDA only and does nothing on the CPU,
//! where what a GPU will compute could then not be tested.

use tch::{Device, Kind, TchError, Tensor};

use super::ready::Ready;
use super::store::{Init, NetError, Path};

/// A layer that can be made ready for prediction.
pub trait Layer {
    /// Computes in `kind` from now on, while the weights stay in the kind they have; for training, as the table of the
    /// module says. [`prepare`](Self::prepare) ends it.
    fn compute_in(&mut self, kind: Kind);

    /// Folds what can be folded and moves the weights to `device` in `kind`, channels_last; computes in `kind` from
    /// now on.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    fn prepare(&mut self, device: Device, kind: Kind) -> Result<(), TchError>;
}

/// What follows a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x * relu6(x + 3) / 6 (Howard et al. 2019).
    Hardswish,
}

impl Activation {
    /// In place when predicting, which saves fresh memory; training needs the old values again.
    fn apply(self, mut x: Tensor, train: bool) -> Result<Tensor, TchError> {
        match (self, train) {
            (Self::None, _) => Ok(x),
            (Self::Relu, true) => x.f_relu(),
            (Self::Relu, false) => x.f_relu_(),
            (Self::Relu6, true) => x.f_clamp(0.0, 6.0),
            (Self::Relu6, false) => x.f_clamp_(0.0, 6.0),
            (Self::Hardswish, true) => x.f_hardswish(),
            (Self::Hardswish, false) => x.f_hardswish_(),
        }
    }
}

/// Batch normalization (Ioffe and Szegedy 2015): weight, bias, running mean and variance of `channels`.
#[derive(Debug)]
struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    eps: f64,
}

/// Share of a batch's statistics in the running ones (PyTorch's convention).
const MOMENTUM: f64 = 0.03;

impl BatchNorm {
    fn new(mut path: Path, channels: i64, eps: f64) -> Result<Self, NetError> {
        Ok(BatchNorm {
            weight: path.tensor("weight", &[channels], Init::Constant(1.0))?,
            bias: path.tensor("bias", &[channels], Init::Constant(0.0))?,
            running_mean: path.tensor("running_mean", &[channels], Init::Statistic(0.0))?,
            running_var: path.tensor("running_var", &[channels], Init::Statistic(1.0))?,
            eps,
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor, TchError> {
        x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            MOMENTUM,
            self.eps,
            true,
        )
    }

    /// The scale and shift that normalization by the running statistics amounts to.
    fn scale_and_shift(&self) -> Result<(Tensor, Tensor), TchError> {
        let scale = self.weight.f_div(&self.running_var.f_add_scalar(self.eps)?.f_sqrt()?)?;
        let shift = self.bias.f_sub(&self.running_mean.f_mul(&scale)?)?;
        Ok((scale, shift))
    }
}

/// A convolution, the batch normalization after it (if any) and an activation.
///
/// Padding is TensorFlow's "SAME": the output has ceil(input / stride) pixels per side, and where the padding is
/// odd the extra pixel is at the right and the bottom.
#[derive(Debug)]
pub struct Conv {
    weight: Tensor,
    bias: Option<Tensor>,
    norm: Option<BatchNorm>,
    kernel: i64,
    stride: i64,
    dilation: i64,
    groups: i64,
    transposed: bool,
    activation: Activation,
    /// The kind it computes in, which input and weights are brought to; `None` until that is said: the kind they have.
    compute: Option<Kind>,
    /// The faster form of the weights, once prepared.
    ready: Option<Ready>,
}

/// Shape of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct ConvShape {
    /// Input channels.
    pub input: i64,
    /// Output channels.
    pub output: i64,
    /// Kernel side.
    pub kernel: i64,
    /// Stride.
    pub stride: i64,
    /// Distance of neighboring taps of the kernel (Yu and Koltun 2016); 1 is the ordinary convolution. Transposed
    /// convolutions have none.
    pub dilation: i64,
    /// Groups; equal to `input` and `output` for a depthwise convolution.
    pub groups: i64,
}

impl ConvShape {
    /// A dense convolution.
    #[must_use]
    pub fn dense(input: i64, output: i64, kernel: i64, stride: i64) -> Self {
        ConvShape { input, output, kernel, stride, dilation: 1, groups: 1 }
    }

    /// The same with its taps `dilation` pixels apart, 1 or more.
    #[must_use]
    pub fn dilated(self, dilation: i64) -> Self {
        ConvShape { dilation, ..self }
    }

    /// A depthwise convolution: one filter per channel.
    #[must_use]
    pub fn depthwise(channels: i64, kernel: i64, stride: i64) -> Self {
        ConvShape { input: channels, output: channels, kernel, stride, dilation: 1, groups: channels }
    }
}

impl Conv {
    /// A convolution with bias and no normalization: `<path>.weight`, `<path>.bias`.
    ///
    /// # Errors
    /// As [`super::Store::tensor`].
    pub fn with_bias(mut path: Path, shape: ConvShape, activation: Activation) -> Result<Self, NetError> {
        let weight = Self::weight(&mut path, shape)?;
        let bias = path.tensor("bias", &[shape.output], Init::Constant(0.0))?;
        Ok(Self::assemble(weight, Some(bias), None, shape, activation))
    }

    /// A convolution without bias followed by batch normalization: `<path>.<conv>.weight`, `<path>.<norm>.*`.
    ///
    /// # Errors
    /// As [`super::Store::tensor`].
    pub fn with_norm(
        path: &mut Path,
        (conv, norm): (&str, &str),
        shape: ConvShape,
        eps: f64,
        activation: Activation,
    ) -> Result<Self, NetError> {
        let weight = Self::weight(&mut path.sub(conv), shape)?;
        let norm = BatchNorm::new(path.sub(norm), shape.output, eps)?;
        Ok(Self::assemble(weight, None, Some(norm), shape, activation))
    }

    /// A transposed convolution with bias that multiplies each side by `shape.stride`.
    ///
    /// # Errors
    /// As [`super::Store::tensor`].
    pub fn transposed(mut path: Path, shape: ConvShape, activation: Activation) -> Result<Self, NetError> {
        let fan_in = float(shape.input * shape.kernel * shape.kernel) / float(shape.stride * shape.stride);
        let size = [shape.input, shape.output, shape.kernel, shape.kernel];
        let weight = path.tensor("weight", &size, Init::Normal((2.0 / fan_in).sqrt()))?;
        let bias = path.tensor("bias", &[shape.output], Init::Constant(0.0))?;
        let mut conv = Self::assemble(weight, Some(bias), None, shape, activation);
        conv.transposed = true;
        Ok(conv)
    }

    /// He et al. 2015: variance 2 / fan-in.
    fn weight(path: &mut Path, shape: ConvShape) -> Result<Tensor, NetError> {
        let per_group = shape.input / shape.groups;
        let fan_in = float(per_group * shape.kernel * shape.kernel);
        let size = [shape.output, per_group, shape.kernel, shape.kernel];
        path.tensor("weight", &size, Init::Normal((2.0 / fan_in).sqrt()))
    }

    fn assemble(
        weight: Tensor,
        bias: Option<Tensor>,
        norm: Option<BatchNorm>,
        shape: ConvShape,
        activation: Activation,
    ) -> Self {
        let ConvShape { kernel, stride, dilation, groups, .. } = shape;
        Conv {
            weight,
            bias,
            norm,
            kernel,
            stride,
            dilation,
            groups,
            transposed: false,
            activation,
            compute: None,
            ready: None,
        }
    }

    /// Runs the layer on `[N, C, H, W]`.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let cast = |t: &Tensor| match self.compute {
            Some(kind) => t.f_to_kind(kind),
            None => Ok(t.shallow_clone()),
        };
        let (x, weight, bias) = (cast(x)?, cast(&self.weight)?, self.bias.as_ref().map(cast).transpose()?);
        let convolve = if self.transposed { Self::up } else { Self::across };
        let y = convolve(self, &x, &weight, bias.as_ref())?;
        let y = match &self.norm {
            Some(norm) => norm.forward(&y, train)?,
            None => y,
        };
        self.activation.apply(y, train)
    }

    fn across(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        let (_, _, height, width) = x.size4()?;
        let reach = (self.kernel - 1) * self.dilation + 1;
        let (top, bottom) = same_padding(height, reach, self.stride);
        let (left, right) = same_padding(width, reach, self.stride);
        let convolve = |x: &Tensor, weight: &Tensor, padding: [i64; 2]| {
            let (stride, dilation) = ([self.stride; 2], [self.dilation; 2]);
            x.f_conv2d(weight, bias, stride, padding, dilation, self.groups)
        };
        match &self.ready {
            Some(Ready::Product(product)) => product.of(x),
            _ if top == bottom && left == right => convolve(x, weight, [top, left]),
            Some(Ready::Widened(weight)) if top < bottom && left < right => {
                convolve(x, weight, [bottom, right])
            }
            _ => convolve(&x.f_constant_pad_nd([left, right, top, bottom])?, weight, [0, 0]),
        }
    }

    fn up(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        // output = (input - 1) * stride - 2 * padding + kernel + output_padding = input * stride
        let padding = (self.kernel - self.stride + 1) / 2;
        let output_padding = self.stride - self.kernel + 2 * padding;
        x.f_conv_transpose2d(weight, bias, [self.stride; 2], [padding; 2], [output_padding; 2], 1, [1, 1])
    }
}

impl Layer for Conv {
    fn compute_in(&mut self, kind: Kind) {
        self.compute = Some(kind);
        self.ready = None;
    }

    fn prepare(&mut self, device: Device, kind: Kind) -> Result<(), TchError> {
        if let Some(norm) = self.norm.take() {
            let (scale, shift) = norm.scale_and_shift()?;
            self.weight = self.weight.f_mul(&scale.f_view([-1, 1, 1, 1])?)?;
            self.bias = Some(match self.bias.take() {
                Some(bias) => bias.f_mul(&scale)?.f_add(&shift)?,
                None => shift,
            });
        }
        self.compute = Some(kind);
        self.weight = channels_last(&self.weight.f_detach()?.f_to_device(device)?.f_to_kind(kind)?)?;
        self.bias = match self.bias.take() {
            Some(bias) => Some(bias.f_detach()?.f_to_device(device)?.f_to_kind(kind)?),
            None => None,
        };
        if self.dilation == 1 && !self.transposed {
            self.ready = Ready::of(&self.weight, self.bias.as_ref(), self.stride, self.groups)?;
        }
        Ok(())
    }
}

/// Batch normalization that follows something other than a convolution.
#[derive(Debug)]
pub struct Norm {
    norm: Option<BatchNorm>,
    folded: Option<(Tensor, Tensor)>,
}

impl Norm {
    /// `<path>.weight`, `bias`, `running_mean`, `running_var`.
    ///
    /// # Errors
    /// As [`super::Store::tensor`].
    pub fn new(path: Path, channels: i64, eps: f64) -> Result<Self, NetError> {
        Ok(Norm { norm: Some(BatchNorm::new(path, channels, eps)?), folded: None })
    }

    /// Runs the layer on `[N, C, H, W]`.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor, TchError> {
        match (&self.folded, &self.norm) {
            (Some((scale, shift)), _) => x.f_to_kind(scale.kind())?.f_mul(scale)?.f_add(shift),
            (None, Some(norm)) => norm.forward(x, train),
            (None, None) => Err(TchError::Torch("a normalization without its tensors".to_owned())),
        }
    }
}

impl Layer for Norm {
    fn compute_in(&mut self, _kind: Kind) {
        // libtorch normalizes bfloat16 by float32 parameters and statistics, and gives bfloat16.
    }

    fn prepare(&mut self, device: Device, kind: Kind) -> Result<(), TchError> {
        if let Some(norm) = self.norm.take() {
            let (scale, shift) = norm.scale_and_shift()?;
            let place = |t: Tensor| t.f_view([1, -1, 1, 1])?.f_detach()?.f_to_device(device)?.f_to_kind(kind);
            self.folded = Some((place(scale)?, place(shift)?));
        }
        Ok(())
    }
}

/// Padding before and after for TensorFlow's "SAME"; `reach` is the kernel's side with its dilation.
fn same_padding(size: i64, reach: i64, stride: i64) -> (i64, i64) {
    let output = (size + stride - 1) / stride;
    let total = ((output - 1) * stride + reach - size).max(0);
    (total / 2, total - total / 2)
}

/// The same values with channels innermost in memory: the layout the CPU's convolutions are fastest in.
///
/// # Errors
/// Whatever libtorch reports.
pub fn channels_last(x: &Tensor) -> Result<Tensor, TchError> {
    let mut y = Tensor::f_empty_permuted(x.size(), [0, 2, 3, 1], (x.kind(), x.device()))?;
    y.f_copy_(x)?;
    Ok(y)
}

/// Nearest-neighbor upsampling by 2.
///
/// # Errors
/// Whatever libtorch reports.
pub fn upsample_nearest_2x(x: &Tensor) -> Result<Tensor, TchError> {
    let (_, _, height, width) = x.size4()?;
    x.f_upsample_nearest2d([height * 2, width * 2], None, None)
}

/// Layer sizes are far below 2^52: exact in f64.
#[expect(clippy::cast_precision_loss, reason = "layer sizes are far below 2^52")]
fn float(n: i64) -> f64 {
    n as f64
}
