//! The network that ships: an EfficientNet-Lite0 encoder and a light U-Net decoder (Ronneberger et al. 2015).
//!
//! ```text
//! L [N,1,H,W] -> (L / 100 * 255 - 127) / 128 -> encoder -> 16 @ 1/2, 24 @ 1/4, 40 @ 1/8, 112 @ 1/16, 320 @ 1/32
//! 320 @ 1/32                   -> block -> w0 @ 1/32
//! w0 up x2, concat 112         -> block -> w1 @ 1/16
//! w1 up x2, concat 40          -> block -> w2 @ 1/8
//! w2 up x2, concat 24          -> block -> w3 @ 1/4  -> 1x1 -> logits [N,C,H/4,W/4]
//! block(c -> w) = depthwise 5x5 + BN, 1x1 (c -> 2w) + hardswish, 1x1 (2w -> w) + BN
//! ```
//!
//! The idea: colour is a matter of *what* a thing is, which a classifier's encoder already knows; the decoder only
//! has to carry that back to places, so it is separable and stops at a quarter of the resolution.

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::Network;
use super::efficientnet_lite0::{Encoder, STAGE_CHANNELS};
use super::layers::{Activation, Conv, ConvShape, Layer, upsample_nearest_2x};
use super::store::{NetError, Path};

/// Hyperparameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiteUnetConfig {
    /// Channels of the decoder's blocks, from stride 32 to stride 4; each 8 to 512.
    #[serde(default = "default_widths")]
    pub widths: [i64; 4],
}

fn default_widths() -> [i64; 4] {
    [160, 128, 128, 128]
}

impl Default for LiteUnetConfig {
    fn default() -> Self {
        LiteUnetConfig { widths: default_widths() }
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

/// See the module's documentation.
#[derive(Debug)]
pub struct LiteUnet {
    encoder: Encoder,
    blocks: Vec<Block>,
    head: Conv,
}

impl LiteUnet {
    /// Makes the network.
    ///
    /// # Errors
    /// A width out of bounds, or whatever the store refuses.
    pub fn new(config: &LiteUnetConfig, out_channels: i64, mut path: Path) -> Result<Self, NetError> {
        if let Some(width) = config.widths.iter().find(|width| !(8..=512).contains(*width)) {
            return Err(NetError::Config(format!("widths: expected 8 to 512 each, got {width}")));
        }
        let encoder = Encoder::new(path.sub("encoder"), 1)?;
        let mut blocks = Vec::with_capacity(4);
        let mut below = 0;
        for (index, (width, skip)) in
            config.widths.into_iter().zip(STAGE_CHANNELS.into_iter().rev()).enumerate()
        {
            blocks.push(Block::new(path.sub(&format!("decoder.{index}")), below + skip, width)?);
            below = width;
        }
        let shape = ConvShape::dense(below, out_channels, 1, 1);
        let head = Conv::with_bias(path.sub("head"), shape, Activation::None)?;
        Ok(LiteUnet { encoder, blocks, head })
    }
}

impl Network for LiteUnet {
    fn forward_t(&self, l: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let x = l.f_mul_scalar(255.0 / 100.0 / 128.0)?.f_add_scalar(-127.0 / 128.0)?;
        let features = self.encoder.forward(&x, train)?;
        let mut below: Option<Tensor> = None;
        for (block, skip) in self.blocks.iter().zip(features.iter().rev()) {
            let input = match &below {
                Some(below) => Tensor::f_cat(&[upsample_nearest_2x(below)?, skip.shallow_clone()], 1)?,
                None => skip.shallow_clone(),
            };
            below = Some(block.forward(&input, train)?);
        }
        let last = below.ok_or_else(|| TchError::Torch("the encoder gave no features".to_owned()))?;
        self.head.forward(&last, train)
    }

    fn stride_in(&self) -> i64 {
        32
    }

    fn stride_out(&self) -> i64 {
        4
    }

    fn layers_mut(&mut self) -> Vec<&mut dyn Layer> {
        let mut layers = self.encoder.layers_mut();
        for Block { depthwise, expand, project } in &mut self.blocks {
            layers.extend([depthwise as &mut dyn Layer, expand, project]);
        }
        layers.push(&mut self.head);
        layers
    }
}
