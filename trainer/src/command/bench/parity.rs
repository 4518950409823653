//! Whether CUDA gives the colors that the CPU gives.
//!
//! The idea: **the same L through the same weights, and the largest difference in ab counts**: a mean would hide a
//! corner that is wrong. Three ways of computing are compared with the CPU's float32: CUDA's float32 without cuDNN,
//! which rounds nothing; with cuDNN, whose convolutions round their inputs to TF32; and in half precision, which is
//! what the product uses on CUDA.

use std::path::Path;

use anyhow::{Context, Result};
use image::imageops::{self, FilterType};
use serde::Serialize;
use tch::{Cuda, Device, Kind, Tensor};

use super::measure;
use super::subject::Subject;
use crate::data::gray_of;
use crate::data::{self, Selection};

/// A way of computing on CUDA, and how far from the CPU it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// The way.
    pub name: &'static str,
    kind: Kind,
    cudnn: bool,
    /// Largest difference of a or b that is taken for rounding.
    pub most: f64,
}

const BOUNDS: [Bound; 3] = [
    Bound { name: "float32", kind: Kind::Float, cudnn: false, most: 0.5 },
    Bound { name: "float32 with TF32", kind: Kind::Float, cudnn: true, most: 3.0 },
    Bound { name: "half", kind: Kind::Half, cudnn: true, most: 3.0 },
];

/// How far one way of computing is from the CPU's float32.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parity {
    /// The way.
    pub name: &'static str,
    /// Pictures compared.
    pub pictures: usize,
    /// Largest difference of a or b; none where a value is not finite.
    pub most: Option<f64>,
    /// Mean difference.
    pub mean: Option<f64>,
    /// Largest difference that is taken for rounding.
    pub bound: f64,
}

impl Parity {
    /// The sentence for a difference that is no rounding.
    pub fn fault(&self) -> Option<String> {
        let Parity { name, most, bound, .. } = self;
        match most {
            Some(most) if most <= bound => None,
            Some(most) => Some(format!(
                "parity: cuda in {name} differs from the cpu by up to {most:.2} in ab, expected at most {bound}; do \
                 not trust colors made there"
            )),
            None => Some(format!(
                "parity: cuda in {name} gives ab that is not finite; do not trust colors made there"
            )),
        }
    }
}

/// Most photographs of a data set that are compared.
const PHOTOGRAPHS: usize = 4;

/// Compares ab on `device` with the CPU's, on made-up pictures, photographs of the configuration and those of `photos`.
///
/// # Errors
/// The photographs cannot be read, or whatever libtorch reports.
pub fn compare(subject: &Subject, device: Device, photos: Option<&Path>) -> Result<Vec<Parity>> {
    let _no_grad = tch::no_grad_guard();
    let pictures = pictures(subject, photos).context("parity: pictures")?;
    let expected = predict(subject, Device::Cpu, Kind::Float, &pictures).context("parity: cpu")?;
    let cudnn = Cuda::user_enabled_cudnn();
    let compared = BOUNDS.iter().map(|bound| {
        Cuda::set_user_enabled_cudnn(cudnn && bound.cudnn);
        let got = predict(subject, device, bound.kind, &pictures)?;
        apart(bound, &expected, &got).with_context(|| format!("parity: cuda in {}", bound.name))
    });
    let compared = compared.collect();
    Cuda::set_user_enabled_cudnn(cudnn);
    compared
}

/// ab of each picture, on the CPU.
fn predict(subject: &Subject, device: Device, kind: Kind, pictures: &[Tensor]) -> Result<Vec<Tensor>> {
    let network = subject.ready(device, kind)?;
    let predict = |l: &Tensor| {
        let output = network.forward(&l.f_to_device(device)?.f_to_kind(kind)?)?.f_to_kind(Kind::Float)?;
        Ok(subject.codec.decode(&output, None)?.f_to_device(Device::Cpu)?)
    };
    pictures.iter().map(predict).collect()
}

fn apart(bound: &Bound, expected: &[Tensor], got: &[Tensor]) -> Result<Parity> {
    let differences = expected.iter().zip(got).map(|(a, b)| a.f_sub(b)?.f_abs()?.f_flatten(0, -1));
    let differences = Tensor::f_cat(&differences.collect::<Result<Vec<_>, _>>()?, 0)?;
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    Ok(Parity {
        name: bound.name,
        pictures: expected.len(),
        most: finite(differences.f_max()?.f_double_value(&[])?),
        mean: finite(differences.f_mean(Kind::Float)?.f_double_value(&[])?),
        bound: bound.most,
    })
}

/// L of every picture, `[1, 1, side, side]`.
fn pictures(subject: &Subject, photos: Option<&Path>) -> Result<Vec<Tensor>> {
    let side = usize::try_from(subject.side)?;
    let mut pictures: Vec<Vec<f32>> = (0..SYNTHETIC).map(|kind| synthetic(kind, side)).collect();
    if let Some((config, root)) = subject.training() {
        let batch = measure::open(config, root, PHOTOGRAPHS)?.batch(0)?;
        pictures.extend(batch.l.chunks(side * side).map(<[f32]>::to_vec));
    }
    if let Some(path) = photos {
        let set = data::open(&[path.to_owned()], &Selection::default())?;
        let decoded = (0..set.items.len()).filter_map(|index| set.decode(index)).take(PHOTOGRAPHS);
        for photograph in decoded {
            let side = u32::try_from(side)?;
            let square = imageops::resize(&photograph, side, side, FilterType::Triangle);
            let lightness = autochrome_models::color::gray8_to_lightness();
            pictures
                .push(gray_of(&square).into_raw().into_iter().map(|v| lightness[usize::from(v)]).collect());
        }
    }
    let tensor = |l: &Vec<f32>| Ok(Tensor::f_from_slice(l)?.f_view([1, 1, subject.side, subject.side])?);
    pictures.iter().map(tensor).collect()
}

/// Made-up pictures.
const SYNTHETIC: usize = 4;

/// L of a made-up picture: a ramp, rings, a board of squares, or a scatter of blocks.
fn synthetic(kind: usize, side: usize) -> Vec<f32> {
    let place = |index: usize| u16::try_from(index).map_or(f32::MAX, f32::from);
    let l = |index: usize| {
        let (x, y) = (index % side, index / side);
        let (u, v) = (place(x) / place(side), place(y) / place(side));
        match kind {
            0 => 100.0 * u,
            1 => 50.0 + 45.0 * (40.0 * (u - 0.5).hypot(v - 0.5)).sin(),
            2 => {
                if (x / 16 + y / 16) % 2 == 0 {
                    20.0
                } else {
                    80.0
                }
            }
            // Knuth's multiplicative hash of the block.
            _ => place((((x / 8) * 251 + y / 8) * 40_503) % 65_536) / 655.36,
        }
    };
    (0..side * side).map(l).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parity(most: Option<f64>) -> Parity {
        Parity { name: "half", pictures: 4, most, mean: Some(0.1), bound: 3.0 }
    }

    #[test]
    fn a_difference_beyond_rounding_is_a_sentence() {
        assert_eq!(parity(Some(2.9)).fault(), None);
        let said = parity(Some(3.25)).fault().unwrap();
        assert!(said.contains("up to 3.25 in ab, expected at most 3"), "{said}");
        assert!(parity(None).fault().unwrap().contains("not finite"));
    }

    #[test]
    fn differences_are_the_largest_and_the_mean_of_all_values() {
        let full = |value: f64| Tensor::full([1, 2, 2, 2], value, (Kind::Float, Device::Cpu));
        let parity = apart(&BOUNDS[0], &[full(1.0), full(5.0)], &[full(1.0), full(4.0)]).unwrap();
        assert_eq!((parity.most, parity.mean), (Some(1.0), Some(0.5)));
        let parity = apart(&BOUNDS[0], &[full(1.0)], &[full(f64::NAN)]).unwrap();
        assert!(parity.fault().is_some());
    }

    #[test]
    fn made_up_pictures_are_l_and_differ() {
        let pictures: Vec<Vec<f32>> = (0..SYNTHETIC).map(|kind| synthetic(kind, 64)).collect();
        for (index, picture) in pictures.iter().enumerate() {
            assert!(picture.iter().all(|l| (0.0..=100.0).contains(l)), "{index}");
            assert!(!pictures[..index].contains(picture));
        }
    }
}
