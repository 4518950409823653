//! The network that ships: an EfficientNet-Lite encoder and a light U-Net decoder (Ronneberger et al. 2015).
//!
//! ```text
//! L [N,1,H,W] -> (L / 100 * 255 - 127) / 128 -> encoder -> 16 @ 1/2, 24 @ 1/4, 40 @ 1/8, 112 @ 1/16, 320 @ 1/32
//! 320 (and the context)        -> block -> w0 @ 1/32
//! w0 up x2, concat 112         -> block -> w1 @ 1/16
//! w1 up x2, concat 40          -> block -> w2 @ 1/8
//! w2 up x2, concat 24          -> block -> w3 @ 1/4  -> 1x1 -> logits [N,C,H/4,W/4]
//! block(c -> w) = depthwise 5x5 + BN, 1x1 (c -> 2w) + hardswish, 1x1 (2w -> w) + BN
//! context = hardswish(1x1 (1280 -> w0) of the classifier's head + 1x1 (1280 -> w0) of that head's mean over the picture)
//! ```
//!
//! The idea: color depends on *what* a thing is, which a classifier's encoder already knows; the decoder only has to
//! carry that back to positions, so it is separable and stops at a quarter or an eighth of the resolution. The context
//! is what the classifier decides by: what is here, and what kind of picture this is.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

use super::Network;
use super::efficientnet_lite::{Encoder, HEAD, Lite, head};
use super::layers::{Activation, Conv, ConvShape, Layer, upsample_nearest_2x};
use super::store::{NetError, Path};

/// Hyperparameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiteUnetConfig {
    /// Channels of the decoder's blocks, from stride 32 downwards; each 8 to 512. Four blocks end at stride 4, three
    /// at 8.
    #[serde(default = "default_widths")]
    pub widths: Vec<i64>,
    /// Which encoder.
    #[serde(default, skip_serializing_if = "is_default")]
    pub encoder: Lite,
    /// Whether the decoder begins with the context.
    #[serde(default, skip_serializing_if = "is_default")]
    pub context: bool,
}

fn default_widths() -> Vec<i64> {
    vec![160, 128, 128, 128]
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for LiteUnetConfig {
    fn default() -> Self {
        LiteUnetConfig { widths: default_widths(), encoder: Lite::Lite0, context: false }
    }
}

const EPS: f64 = 1e-3;

#[derive(Debug)]
struct Block {
    depthwise: Conv,
    expand: Conv,
    project: Conv,
}

impl Block {
    fn new(mut path: Path, input: i64, width: i64) -> Result<Self, NetError> {
        let shape = ConvShape::depthwise(input, 5, 1);
        let depthwise = Conv::with_norm(&mut path, ("depthwise", "norm0"), shape, EPS, Activation::None)?;
        let shape = ConvShape::dense(input, 2 * width, 1, 1);
        let expand = Conv::with_bias(path.sub("expand"), shape, Activation::Hardswish)?;
        let shape = ConvShape::dense(2 * width, width, 1, 1);
        let project = Conv::with_norm(&mut path, ("project", "norm1"), shape, EPS, Activation::None)?;
        Ok(Block { depthwise, expand, project })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let x = self.depthwise.forward(x, train)?;
        self.project.forward(&self.expand.forward(&x, train)?, train)
    }
}

/// What the classifier decides by, here and in the whole picture.
#[derive(Debug)]
struct Context {
    head: Conv,
    here: Conv,
    whole: Conv,
}

impl Context {
    fn new(mut path: Path, lite: Lite, width: i64) -> Result<Self, NetError> {
        let head = head(&mut path.sub("encoder"), lite)?;
        let shape = ConvShape::dense(HEAD, width, 1, 1);
        let here = Conv::with_bias(path.sub("context.here"), shape, Activation::None)?;
        let whole = Conv::with_bias(path.sub("context.whole"), shape, Activation::None)?;
        Ok(Context { head, here, whole })
    }

    fn forward(&self, head: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let mean = head.f_adaptive_avg_pool2d([1, 1])?;
        self.here.forward(head, train)?.f_add(&self.whole.forward(&mean, train)?)?.f_hardswish()
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct LiteUnet {
    encoder: Encoder,
    context: Option<Context>,
    blocks: Vec<Block>,
    head: Conv,
    frozen: bool,
}

/// What the encoder tells the decoder: features by stride, and the classifier's head where there is a context.
type Seen = (Vec<Tensor>, Option<Tensor>);

impl LiteUnet {
    /// Makes the network.
    ///
    /// # Errors
    /// A number of widths or a width out of bounds, or whatever the store refuses.
    pub fn new(config: &LiteUnetConfig, out_channels: i64, mut path: Path) -> Result<Self, NetError> {
        let widths = &config.widths;
        if !(3..=4).contains(&widths.len()) {
            return Err(NetError::Config(format!("widths: expected 3 or 4, got {}", widths.len())));
        }
        if let Some(width) = widths.iter().find(|width| !(8..=512).contains(*width)) {
            return Err(NetError::Config(format!("widths: expected 8 to 512 each, got {width}")));
        }
        let encoder = Encoder::new(path.sub("encoder"), config.encoder, 1)?;
        let context = match config.context {
            true => Some(Context::new(path.sub_here(), config.encoder, widths[0])?),
            false => None,
        };
        let mut blocks = Vec::with_capacity(widths.len());
        let mut below = if config.context { widths[0] } else { 0 };
        for (index, (&width, skip)) in
            widths.iter().zip(config.encoder.channels().into_iter().rev()).enumerate()
        {
            blocks.push(Block::new(path.sub(&format!("decoder.{index}")), below + skip, width)?);
            below = width;
        }
        let shape = ConvShape::dense(below, out_channels, 1, 1);
        let head = Conv::with_bias(path.sub("head"), shape, Activation::None)?;
        Ok(LiteUnet { encoder, context, blocks, head, frozen: false })
    }

    fn see(&self, l: &Tensor, train: bool) -> Result<Seen, TchError> {
        let x = l.f_mul_scalar(255.0 / 100.0 / 128.0)?.f_add_scalar(-127.0 / 128.0)?;
        let features = self.encoder.forward(&x, train)?;
        let last =
            features.last().ok_or_else(|| TchError::Torch("the encoder gave no features".to_owned()))?;
        let head = self.context.as_ref().map(|context| context.head.forward(last, train)).transpose()?;
        Ok((features, head))
    }

    fn decode(&self, (features, head): &Seen, train: bool) -> Result<Tensor, TchError> {
        let mut below = match (&self.context, head) {
            (Some(context), Some(head)) => Some(context.forward(head, train)?),
            _ => None,
        };
        for (index, (block, skip)) in self.blocks.iter().zip(features.iter().rev()).enumerate() {
            let input = match below {
                // The context is of the last features' size.
                Some(context) if index == 0 => Tensor::f_cat(&[context, skip.shallow_clone()], 1)?,
                Some(below) => Tensor::f_cat(&[upsample_nearest_2x(&below)?, skip.shallow_clone()], 1)?,
                None => skip.shallow_clone(),
            };
            below = Some(block.forward(&input, train)?);
        }
        let last = below.ok_or_else(|| TchError::Torch("the decoder has no blocks".to_owned()))?;
        self.head.forward(&last, train)
    }

    fn encoder_layers(&mut self) -> Vec<&mut dyn Layer> {
        let mut layers = self.encoder.layers_mut();
        layers.extend(self.context.iter_mut().map(|context| &mut context.head as &mut dyn Layer));
        layers
    }
}

impl Network for LiteUnet {
    fn forward_t(&self, l: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let seen = if self.frozen { tch::no_grad(|| self.see(l, false)) } else { self.see(l, train) }?;
        self.decode(&seen, train)
    }

    fn stride_in(&self) -> i64 {
        32
    }

    fn stride_out(&self) -> i64 {
        if self.blocks.len() == 4 { 4 } else { 8 }
    }

    fn layers_mut(&mut self) -> Vec<&mut dyn Layer> {
        let mut layers = self.encoder.layers_mut();
        if let Some(Context { head, here, whole }) = &mut self.context {
            layers.extend([head as &mut dyn Layer, here, whole]);
        }
        for Block { depthwise, expand, project } in &mut self.blocks {
            layers.extend([depthwise as &mut dyn Layer, expand, project]);
        }
        layers.push(&mut self.head);
        layers
    }

    fn is_frozen(&self, name: &str) -> bool {
        let Some(name) = name.strip_prefix("encoder.") else { return false };
        self.frozen || self.encoder.is_frozen(name)
    }

    fn freeze_encoder(&mut self, from: Option<i64>, device: Device, kind: Kind) -> Result<(), TchError> {
        if let Some(from) = from {
            return self.encoder.freeze_below(from, device, kind);
        }
        let _no_grad = tch::no_grad_guard();
        self.frozen = true;
        self.encoder_layers().into_iter().try_for_each(|layer| layer.prepare(device, kind))
    }
}
