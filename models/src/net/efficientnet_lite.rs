//! EfficientNet-Lite (Tan and Le 2019, arXiv 1905.11946; the "Lite" variants have no squeeze-and-excitation and use
//! ReLU6), as an encoder for one channel and as the ImageNet classifiers the metrics ask.
//!
//! | stage | blocks of Lite0, Lite1, Lite2, Lite3 | kernel | stride | expansion | channels of Lite0 and Lite1, Lite2, Lite3 | output stride |
//! |---|---|---|---|---|---|---|
//! | stem | - | 3 | 2 | - | 32, 32, 32 | 2 |
//! | 0 | 1, 1, 1, 1 | 3 | 1 | 1 | 16, 16, 24 | 2 |
//! | 1 | 2, 3, 3, 3 | 3 | 2 | 6 | 24, 24, 32 | 4 |
//! | 2 | 2, 3, 3, 3 | 5 | 2 | 6 | 40, 48, 48 | 8 |
//! | 3 | 3, 4, 4, 5 | 3 | 2 | 6 | 80, 88, 96 | 16 |
//! | 4 | 3, 4, 4, 5 | 5 | 1 | 6 | 112, 120, 136 | 16 |
//! | 5 | 4, 5, 5, 6 | 5 | 2 | 6 | 192, 208, 232 | 32 |
//! | 6 | 1, 1, 1, 1 | 3 | 1 | 6 | 320, 352, 384 | 32 |
//! | head | - | 1 | 1 | - | 1280, 1280, 1280 | 32 |
//!
//! Tensor names are those of the public checkpoints (`_conv_stem`, `_bn0`, `_blocks.N._expand_conv`, ...).

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

use super::layers::{Activation, Conv, ConvShape, Layer};
use super::store::{NetError, Path};

/// Batch normalization epsilon of the checkpoint.
const EPS: f64 = 1e-3;

/// Which of the family: each is deeper, and from Lite2 on wider, than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lite {
    /// Width 1, depth 1.
    #[default]
    Lite0,
    /// Width 1, depth 1.1.
    Lite1,
    /// Width 1.1, depth 1.2.
    Lite2,
    /// Width 1.2, depth 1.4.
    Lite3,
}

/// Blocks and output channels of a stage.
type Extent = (usize, i64);

impl Lite {
    /// The table of the module's documentation.
    fn extents(self) -> [Extent; 7] {
        match self {
            Self::Lite0 => [(1, 16), (2, 24), (2, 40), (3, 80), (3, 112), (4, 192), (1, 320)],
            Self::Lite1 => [(1, 16), (3, 24), (3, 40), (4, 80), (4, 112), (5, 192), (1, 320)],
            Self::Lite2 => [(1, 16), (3, 24), (3, 48), (4, 88), (4, 120), (5, 208), (1, 352)],
            Self::Lite3 => [(1, 24), (3, 32), (3, 48), (5, 96), (5, 136), (6, 232), (1, 384)],
        }
    }

    /// The family, the smallest first.
    pub const ALL: [Self; 4] = [Self::Lite0, Self::Lite1, Self::Lite2, Self::Lite3];

    /// Its name in configurations and files: `lite0`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lite0 => "lite0",
            Self::Lite1 => "lite1",
            Self::Lite2 => "lite2",
            Self::Lite3 => "lite3",
        }
    }

    /// Blocks of all stages.
    #[must_use]
    pub fn blocks(self) -> usize {
        self.extents().iter().map(|(blocks, _)| blocks).sum()
    }

    /// Channels of the features the encoder gives, at strides 2, 4, 8, 16 and 32.
    #[must_use]
    pub fn channels(self) -> [i64; 5] {
        TAPS.map(|stage| self.extents()[stage].1)
    }
}

/// (kernel, stride, expansion) of a stage.
const STAGES: [(i64, i64, i64); 7] =
    [(3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6)];

/// Channels of the stem and of the head: the same in the whole family.
const STEM: i64 = 32;
/// See [`STEM`].
pub const HEAD: i64 = 1280;

/// The stages after which the resolution is about to halve, and the last: where features are taken.
const TAPS: [usize; 5] = [0, 1, 2, 4, 6];

/// Mobile inverted bottleneck (Sandler et al. 2018).
#[derive(Debug)]
struct Block {
    expand: Option<Conv>,
    depthwise: Conv,
    project: Conv,
    residual: bool,
}

impl Block {
    fn new(
        mut path: Path,
        input: i64,
        kernel: i64,
        stride: i64,
        expansion: i64,
        output: i64,
    ) -> Result<Self, NetError> {
        let wide = input * expansion;
        let expand = match expansion {
            1 => None,
            _ => Some(Conv::with_norm(
                &mut path,
                ("_expand_conv", "_bn0"),
                ConvShape::dense(input, wide, 1, 1),
                EPS,
                Activation::Relu6,
            )?),
        };
        let depthwise = Conv::with_norm(
            &mut path,
            ("_depthwise_conv", "_bn1"),
            ConvShape::depthwise(wide, kernel, stride),
            EPS,
            Activation::Relu6,
        )?;
        let project = Conv::with_norm(
            &mut path,
            ("_project_conv", "_bn2"),
            ConvShape::dense(wide, output, 1, 1),
            EPS,
            Activation::None,
        )?;
        Ok(Block { expand, depthwise, project, residual: stride == 1 && input == output })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let wide = match &self.expand {
            Some(expand) => &expand.forward(x, train)?,
            None => x,
        };
        let mut y = self.project.forward(&self.depthwise.forward(wide, train)?, train)?;
        match (self.residual, train) {
            (false, _) => Ok(y),
            (true, false) => y.f_add_(x),
            (true, true) => y.f_add(x),
        }
    }

    fn layers_mut(&mut self) -> impl Iterator<Item = &mut dyn Layer> {
        let expand = self.expand.iter_mut();
        expand.chain([&mut self.depthwise, &mut self.project]).map(|conv| conv as &mut dyn Layer)
    }
}

/// The encoder: an image in, features at five strides out.
#[derive(Debug)]
pub struct Encoder {
    stem: Conv,
    blocks: Vec<Block>,
    taps: Vec<usize>,
    /// The stem and so many blocks take no part in training.
    frozen: Option<usize>,
}

impl Encoder {
    /// The encoder for images of `channels` channels. A gray image needs one: three equal channels give the
    /// same as one channel under the sum of the three filters.
    ///
    /// # Errors
    /// As [`super::Store::tensor`].
    pub fn new(mut path: Path, lite: Lite, channels: i64) -> Result<Self, NetError> {
        let stem = Conv::with_norm(
            &mut path,
            ("_conv_stem", "_bn0"),
            ConvShape::dense(channels, STEM, 3, 2),
            EPS,
            Activation::Relu6,
        )?;
        let mut path = path.sub("_blocks");
        let (mut blocks, mut taps, mut input) = (Vec::new(), Vec::new(), STEM);
        for (stage, (count, output)) in lite.extents().into_iter().enumerate() {
            let (kernel, stride, expansion) = STAGES[stage];
            for index in 0..count {
                let stride = if index == 0 { stride } else { 1 };
                let name = blocks.len().to_string();
                blocks.push(Block::new(path.sub(&name), input, kernel, stride, expansion, output)?);
                input = output;
            }
            if TAPS.contains(&stage) {
                taps.push(blocks.len() - 1);
            }
        }
        Ok(Encoder { stem, blocks, taps, frozen: None })
    }

    /// Features at strides 2, 4, 8, 16 and 32 of `x`, shape `[N, channels, H, W]`, values (v - 127) / 128.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Vec<Tensor>, TchError> {
        let mut features = Vec::with_capacity(self.taps.len());
        let frozen = |index: usize| self.frozen.is_some_and(|frozen| index < frozen);
        let quietly = |frozen: bool, layer: &dyn Fn(bool) -> Result<Tensor, TchError>| match frozen {
            true => tch::no_grad(|| layer(false)),
            false => layer(train),
        };
        let mut x = quietly(self.frozen.is_some(), &|train| self.stem.forward(x, train))?;
        for (index, block) in self.blocks.iter().enumerate() {
            x = quietly(frozen(index), &|train| block.forward(&x, train))?;
            if self.taps.contains(&index) {
                features.push(x.shallow_clone());
            }
        }
        Ok(features)
    }

    /// Lets the layers finer than stride `from` be as they are from now on, made ready for prediction.
    ///
    /// # Errors
    /// As [`Layer::prepare`].
    pub fn freeze_below(&mut self, from: i64, device: Device, kind: Kind) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        let finer = self.taps.iter().zip(1..).take_while(|&(_, power)| 1_i64 << power < from);
        let frozen = finer.last().map_or(0, |(tap, _)| tap + 1);
        self.frozen = Some(frozen);
        let blocks = self.blocks.iter_mut().take(frozen).flat_map(Block::layers_mut);
        let stem = std::iter::once(&mut self.stem as &mut dyn Layer);
        stem.chain(blocks).try_for_each(|layer| layer.prepare(device, kind))
    }

    /// Whether the tensor `name`, below the encoder's place, is of a layer that [`freeze_below`](Self::freeze_below)
    /// froze.
    #[must_use]
    pub fn is_frozen(&self, name: &str) -> bool {
        let Some(frozen) = self.frozen else { return false };
        let block = name.strip_prefix("_blocks.").and_then(|rest| rest.split('.').next());
        match block {
            Some(block) => block.parse::<usize>().is_ok_and(|block| block < frozen),
            None => name.starts_with("_conv_stem.") || name.starts_with("_bn0."),
        }
    }

    /// Every layer.
    pub fn layers_mut(&mut self) -> Vec<&mut dyn Layer> {
        let mut layers: Vec<&mut dyn Layer> = vec![&mut self.stem];
        layers.extend(self.blocks.iter_mut().flat_map(Block::layers_mut));
        layers
    }
}

/// The classifier's last convolution, on the features at stride 32: what it decides the thousand classes by.
///
/// # Errors
/// As [`super::Store::tensor`].
pub fn head(path: &mut Path, lite: Lite) -> Result<Conv, NetError> {
    let [.., last] = lite.channels();
    let shape = ConvShape::dense(last, HEAD, 1, 1);
    Conv::with_norm(path, ("_conv_head", "_bn1"), shape, EPS, Activation::Relu6)
}

/// An ImageNet classifier, for testing whether a colorized photograph is recognized.
#[derive(Debug)]
pub struct Classifier {
    encoder: Encoder,
    head: Conv,
    weight: Tensor,
    bias: Tensor,
}

impl Classifier {
    /// The classifier over 1000 classes, with the checkpoint's names.
    ///
    /// # Errors
    /// As [`super::Store::tensor`].
    pub fn new(mut path: Path, lite: Lite) -> Result<Self, NetError> {
        use super::store::Init;
        let encoder = Encoder::new(path.sub_here(), lite, 3)?;
        let head = head(&mut path, lite)?;
        let mut fc = path.sub("_fc");
        let weight = fc.tensor("weight", &[1000, HEAD], Init::Normal(0.01))?;
        let bias = fc.tensor("bias", &[1000], Init::Constant(0.0))?;
        Ok(Classifier { encoder, head, weight, bias })
    }

    /// Class logits `[N, 1000]` of `rgb`, shape `[N, 3, H, W]`, values (v - 127) / 128 of 8-bit sRGB.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn forward(&self, rgb: &Tensor) -> Result<Tensor, TchError> {
        Ok(self.look(rgb)?.1)
    }

    /// The encoder's features at strides 2, 4, 8, 16 and 32, and the class logits, as [`forward`](Self::forward).
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn look(&self, rgb: &Tensor) -> Result<(Vec<Tensor>, Tensor), TchError> {
        let features = self.encoder.forward(rgb, false)?;
        let last =
            features.last().ok_or_else(|| TchError::Torch("the encoder gave no features".to_owned()))?;
        let pooled = self.head.forward(last, false)?.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?;
        let logits = pooled.f_linear(&self.weight, Some(&self.bias))?;
        Ok((features, logits))
    }
}
