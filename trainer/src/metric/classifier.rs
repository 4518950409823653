//! Top-1 of an ImageNet classifier: is a colorized photograph recognized as what it shows?
//!
//! The idea: **colors that belong to their objects help a network that knows objects** (Zhang et al. 2016, section
//! 3.1, "semantic interpretability"). Gray photographs cost a classifier some of its answers; a colorizer wins part
//! of that back.
//!
//! ```text
//! top-1 = share of images whose largest logit is the true class
//! gap closed = (outputs - gray) / (truth - gray)
//! ```
//!
//! The classifiers are EfficientNet-Lite as published: Lite0 sees the middle square with 224/256 of the short side,
//! brought to 224x224, Lite1 240/272 at 240, Lite2 260/292 at 260, Lite3 280/312 at 280; values (v - 127) / 128. A
//! class is the rank of its WordNet id among the 1000 of ILSVRC 2012 (`imagenet_wnids.txt`, sorted); the true one is
//! read from the file's name, `...-n01440764_tench.jpg`. Training images of ImageNet make the shares optimistic:
//! compare them only with each other.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use autochrome_models::net::{self, Init, Lite, NetError, Store};
use image::RgbImage;
use image::imageops::{self, FilterType};
use tch::{Device, Kind, Tensor, no_grad};

/// What the picture is larger than the part that is seen, where that part has the size of the network's input.
const MARGIN: u32 = 32;

/// Pixels along a side of what a network learned from, and sees here.
const fn side_of(lite: Lite) -> u32 {
    match lite {
        Lite::Lite0 => 224,
        Lite::Lite1 => 240,
        Lite::Lite2 => 260,
        Lite::Lite3 => 280,
    }
}

/// The 1000 WordNet ids of ILSVRC 2012, sorted: the position of an id is its class.
pub fn wnids() -> impl Iterator<Item = &'static str> {
    include_str!("imagenet_wnids.txt").lines()
}

/// The class in a file's name: the first `n` followed by eight digits, when it is one of the 1000.
pub fn label_of(name: &str) -> Option<usize> {
    let is_wnid = |part: &[u8]| part[0] == b'n' && part[1..].iter().all(u8::is_ascii_digit);
    let name = name.as_bytes();
    let wnid = name.windows(9).find(|part| is_wnid(part))?;
    wnids().position(|known| known.as_bytes() == wnid)
}

/// EfficientNet-Lite with the weights of ImageNet.
#[derive(Debug)]
pub struct Classifier {
    lite: Lite,
    network: net::Classifier,
    device: Device,
}

impl Classifier {
    /// Reads the classifier from a safetensors file with the names of the public checkpoints; which of the family it is
    /// shows in its tensors.
    ///
    /// # Errors
    /// The file cannot be read, is of no known network, or a tensor is missing or has another shape.
    pub fn load(path: &Path, device: Device) -> Result<Self> {
        let subject = || format!("classifier {}", path.display());
        let tensors = Tensor::read_safetensors(path).with_context(subject)?;
        let mut store = Loaded { tensors: tensors.into_iter().collect(), device };
        let lite = lite_of(&store.tensors).with_context(subject)?;
        let network = net::Classifier::new(net::Path::root(&mut store), lite).with_context(subject)?;
        Ok(Self { lite, network, device })
    }

    /// Its name: `lite0`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.lite.name()
    }

    /// The network itself; nothing of it learns.
    #[must_use]
    pub fn network(&self) -> &net::Classifier {
        &self.network
    }

    /// The likeliest class of a photograph, 0 to 999.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn classify(&self, photograph: &RgbImage) -> Result<usize> {
        let side = side_of(self.lite);
        let (crop, side) = (crop(photograph, side), i64::from(side));
        let best = no_grad(|| {
            let bytes = Tensor::f_from_slice(crop.as_raw())?.f_view([1, side, side, 3])?;
            let values = bytes.f_permute([0, 3, 1, 2])?.f_to_device(self.device)?.f_to_kind(Kind::Float)?;
            let logits = self.network.forward(&values.f_sub_scalar(127.0)?.f_div_scalar(128.0)?)?;
            i64::try_from(logits.f_argmax(1, false)?)
        })?;
        usize::try_from(best).context("the classifier gave no class")
    }
}

/// The middle square of `seen / (seen + MARGIN)` of the short side, at `seen` pixels.
fn crop(photograph: &RgbImage, seen: u32) -> RgbImage {
    let (width, height) = photograph.dimensions();
    let side = (width.min(height).saturating_mul(seen) / (seen + MARGIN)).max(1);
    let middle = imageops::crop_imm(photograph, (width - side) / 2, (height - side) / 2, side, side);
    if side == seen {
        middle.to_image()
    } else {
        imageops::resize(&*middle, seen, seen, FilterType::CatmullRom)
    }
}

/// Which of the family has these tensors.
fn lite_of(tensors: &HashMap<String, Tensor>) -> Result<Lite> {
    let blocks = tensors.keys().filter(|name| name.ends_with("._depthwise_conv.weight")).count();
    let last = tensors.get("_conv_head.weight").and_then(|weight| weight.size().get(1).copied());
    let fits = |lite: &Lite| lite.blocks() == blocks && last == lite.channels().last().copied();
    Lite::ALL.into_iter().find(fits).with_context(|| {
        let head =
            last.map_or_else(|| "no `_conv_head`".to_owned(), |last| format!("{last} channels at the end"));
        format!("expected one of EfficientNet-Lite0 to Lite3, got {blocks} blocks and {head}")
    })
}

/// Tensors of a file, by name.
struct Loaded {
    tensors: HashMap<String, Tensor>,
    device: Device,
}

impl Store for Loaded {
    fn tensor(&mut self, name: &str, shape: &[i64], _init: Init) -> Result<Tensor, NetError> {
        let Some(tensor) = self.tensors.remove(name) else {
            return Err(NetError::Tensor(format!("tensor `{name}` is missing")));
        };
        if tensor.size() != shape {
            let got = tensor.size();
            return Err(NetError::Tensor(format!("tensor `{name}`: expected shape {shape:?}, got {got:?}")));
        }
        Ok(tensor.f_to_device(self.device)?.f_to_kind(Kind::Float)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_1000_ids_sorted_and_each_once() {
        let ids: Vec<&str> = wnids().collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(ids.iter().all(|id| id.len() == 9 && id.starts_with('n')));
        assert_eq!((ids[0], ids[999]), ("n01440764", "n15075141"));
    }

    #[test]
    fn the_class_is_read_from_the_name() {
        assert_eq!(label_of("photos-eval-public/0000-n01440764_tench.jpg"), Some(0));
        assert_eq!(label_of("n01443537/n01443537_10007.JPEG"), Some(1));
        assert_eq!(label_of("toilet_tissue-n15075141.png"), Some(999));
        // No id, one that is too short, and one that is not among the 1000.
        assert_eq!(label_of("harbour.jpg"), None);
        assert_eq!(label_of("n0144076_x.jpg"), None);
        assert_eq!(label_of("n99999999.jpg"), None);
    }

    #[test]
    fn a_256_square_is_cut_and_not_resampled() {
        let photograph = RgbImage::from_fn(256, 256, |x, y| {
            image::Rgb([u8::try_from(x).unwrap(), u8::try_from(y).unwrap(), 7])
        });
        let crop = crop(&photograph, 224);
        assert_eq!(crop.get_pixel(0, 0).0, [16, 16, 7]);
        assert_eq!(crop.get_pixel(223, 223).0, [239, 239, 7]);
        assert_eq!(super::crop(&RgbImage::new(40, 1000), 280).dimensions(), (280, 280));
    }

    #[test]
    fn a_file_of_another_network_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.safetensors");
        Tensor::write_safetensors(&[("weight", Tensor::from_slice(&[1.0_f32]))], &path).unwrap();
        let error = format!("{:#}", Classifier::load(&path, Device::Cpu).unwrap_err());
        let expected = "expected one of EfficientNet-Lite0 to Lite3, got 0 blocks and no `_conv_head`";
        assert!(error.contains(expected), "{error}");
    }
}
