//! LPIPS: how different two pictures look to a network (Zhang, Isola, Efros, Shechtman and Wang 2018), AlexNet, v0.1.
//!
//! The idea: **distances between the features of a network agree with people where distances between pixels do not**.
//! The weight of each channel was fitted to people's choices.
//!
//! ```text
//! x        sRGB from -1 to 1, less SHIFT, by SCALE
//! f1 .. f5 AlexNet's features after each of its five ReLUs, each place divided by its length over the channels
//! LPIPS    sum over layers of the mean over places of sum over channels of w (f(x) - f(y))^2
//! ```
//!
//! 0 is the same picture; lower is better. Weights: `python3 trainer/encoder.py lpips`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use image::RgbImage;
use tch::{Device, Kind, TchError, Tensor, no_grad};

use crate::files;

/// SHA-256 of the file that `trainer/encoder.py lpips` writes.
const SHA256: &str = "39c86da6b583c4de8f37dc9c02a1cde8e62f36ae0da28ce069c27e80ea43bb84";

/// Mean and standard deviation of ImageNet's channels, for values from -1 to 1.
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
/// See [`SHIFT`].
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];

/// (stride, padding, whether maxima of 3x3 at stride 2 are taken first) of the convolutions.
const LAYERS: [(i64, i64, bool); 5] =
    [(4, 2, false), (1, 2, true), (1, 1, true), (1, 1, false), (1, 1, false)];

/// Shorter sides leave nothing for the last layers.
const SMALLEST: u32 = 31;

/// A convolution and what its channels count.
#[derive(Debug)]
struct Layer {
    weight: Tensor,
    bias: Tensor,
    head: Tensor,
}

/// AlexNet's features with the heads of LPIPS v0.1.
#[derive(Debug)]
pub struct Lpips {
    layers: Vec<Layer>,
    device: Device,
}

impl Lpips {
    /// Reads the weights from the file that `trainer/encoder.py lpips` writes.
    ///
    /// # Errors
    /// The file cannot be read or is another one.
    pub fn load(path: &Path, device: Device) -> Result<Self> {
        let subject = || format!("lpips {}", path.display());
        let got = files::sha256_of(path).with_context(subject)?;
        if got != SHA256 {
            let expected = format!("expected sha256 {SHA256}, got {got}");
            bail!("{}: {expected}; `python3 trainer/encoder.py lpips` writes the file", subject());
        }
        let tensors = files::tensors(&std::fs::read(path).with_context(subject)?);
        tensors.and_then(|tensors| Self::new(&tensors, device)).with_context(subject)
    }

    /// The network of these tensors: `conv0.weight` [out, in, k, k], `conv0.bias` [out], `lin0.weight` [1, out, 1,
    /// 1], to 4.
    fn new(tensors: &HashMap<String, Tensor>, device: Device) -> Result<Self> {
        let tensor = |name: String| {
            let found = tensors.get(&name).with_context(|| format!("tensor `{name}` is missing"))?;
            Ok::<_, anyhow::Error>(found.f_to_device(device)?.f_to_kind(Kind::Float)?)
        };
        let layer = |index: usize| {
            Ok(Layer {
                weight: tensor(format!("conv{index}.weight"))?,
                bias: tensor(format!("conv{index}.bias"))?,
                head: tensor(format!("lin{index}.weight"))?,
            })
        };
        let layers = (0..LAYERS.len()).map(layer).collect::<Result<_>>()?;
        Ok(Self { layers, device })
    }

    /// The distance of each of `pictures` from `truth`; all are of one size. `None` where a side is below 31 pixels:
    /// the network sees nothing there.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn distances<const N: usize>(
        &self,
        truth: &RgbImage,
        pictures: [&RgbImage; N],
    ) -> Result<Option<[f64; N]>> {
        if truth.width().min(truth.height()) < SMALLEST {
            return Ok(None);
        }
        no_grad(|| {
            let truth = self.features(&self.values(truth)?)?;
            let mut distances = [0.0; N];
            for (distance, picture) in distances.iter_mut().zip(pictures) {
                *distance = self.between(&self.features(&self.values(picture)?)?, &truth)?;
            }
            Ok(Some(distances))
        })
    }

    /// What the network is given: `[1, 3, H, W]`.
    fn values(&self, picture: &RgbImage) -> Result<Tensor, TchError> {
        let (width, height) = picture.dimensions();
        let bytes = Tensor::f_from_slice(picture.as_raw())?.f_view([1, height.into(), width.into(), 3])?;
        let unit = bytes.f_permute([0, 3, 1, 2])?.f_to_device(self.device)?.f_to_kind(Kind::Float)?;
        let channel =
            |values: &[f32]| Tensor::f_from_slice(values)?.f_view([1, 3, 1, 1])?.f_to_device(self.device);
        let signed = unit.f_div_scalar(127.5)?.f_sub_scalar(1.0)?;
        signed.f_sub(&channel(&SHIFT)?)?.f_div(&channel(&SCALE)?)
    }

    /// Features after each ReLU, of length 1 at each place.
    fn features(&self, values: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let mut x = values.shallow_clone();
        let mut features = Vec::with_capacity(LAYERS.len());
        for (layer, (stride, padding, pooled)) in self.layers.iter().zip(LAYERS) {
            if pooled {
                x = x.f_max_pool2d([3, 3], [2, 2], [0, 0], [1, 1], false)?;
            }
            let convolved = x.f_conv2d(&layer.weight, Some(&layer.bias), stride, padding, 1, 1)?;
            x = convolved.f_relu()?;
            let squares = x.f_square()?.f_sum_dim_intlist([1].as_slice(), true, Kind::Float)?;
            features.push(x.f_div(&squares.f_sqrt()?.f_add_scalar(1e-10)?)?);
        }
        Ok(features)
    }

    /// Weighted squares of the differences, summed over channels and layers, mean over places.
    fn between(&self, one: &[Tensor], other: &[Tensor]) -> Result<f64, TchError> {
        let mut sum = 0.0;
        for ((one, other), layer) in one.iter().zip(other).zip(&self.layers) {
            let weighed = one.f_sub(other)?.f_square()?.f_mul(&layer.head)?;
            let places = weighed.f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?;
            sum += places.f_mean(Kind::Double)?.f_double_value(&[])?;
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small network with random weights, two pictures and their distance: see tests/parity/make_lpips_fixture.py.
    fn fixture() -> HashMap<String, Tensor> {
        files::tensors(include_bytes!("../../../tests/parity/lpips.safetensors")).unwrap()
    }

    fn picture(tensor: &Tensor) -> RgbImage {
        let [height, width, _] = tensor.size()[..] else { panic!("rows, columns, channels") };
        let values: Vec<f32> = tensor.flatten(0, -1).try_into().unwrap();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole numbers of 0 to 255"
        )]
        let bytes = values.into_iter().map(|value| value as u8).collect();
        RgbImage::from_raw(u32::try_from(width).unwrap(), u32::try_from(height).unwrap(), bytes).unwrap()
    }

    #[test]
    fn agrees_with_numpy() {
        let tensors = fixture();
        let lpips = Lpips::new(&tensors, Device::Cpu).unwrap();
        let [one, other] = ["picture0", "picture1"].map(|name| picture(&tensors[name]));
        let expected = tensors["distance"].double_value(&[0]);
        let [zero, got] = lpips.distances(&one, [&one, &other]).unwrap().unwrap();
        assert_eq!(zero, 0.0);
        assert!((got / expected - 1.0).abs() < 1e-5, "expected {expected}, got {got}");
    }

    #[test]
    fn pictures_too_small_for_the_network_have_none() {
        let lpips = Lpips::new(&fixture(), Device::Cpu).unwrap();
        let of = |side| lpips.distances(&RgbImage::new(side, 40), [&RgbImage::new(side, 40)]).unwrap();
        assert_eq!((of(30), of(31)), (None, Some([0.0])));
    }

    #[test]
    fn another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.safetensors");
        Tensor::write_safetensors(&[("conv0.weight", Tensor::from_slice(&[1.0_f32]))], &path).unwrap();
        let error = format!("{:#}", Lpips::load(&path, Device::Cpu).unwrap_err());
        assert!(error.contains("expected sha256 39c86d") && error.contains("encoder.py lpips"), "{error}");
    }
}
