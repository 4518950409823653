//! A network's distributions for a photograph while the product colorizes it.
//!
//! The idea: **wrap the product's engine and record**. The pipeline asks an engine for ab; this one runs the package's
//! network, keeps its distribution, and answers as the package would.

use std::cell::RefCell;
use std::path::Path;

use anyhow::{Context, Result, bail};
use autochrome_models::codec::{Codec, Target};
use autochrome_models::color::srgb8_to_lab;
use autochrome_models::colorizer::{Colorizer, Distribution};
use autochrome_models::package::{Manifest, Package};
use autochrome_pixels::pipeline::{Frame, Params};
use autochrome_pixels::{Ab, Confidence, Engine, InputSpec, Plane, PredictError, Settings};
use image::RgbImage;
use image::imageops::{self, FilterType};
use tch::{Kind, Tensor};

use super::Machine;
use crate::data::gray_of;
use crate::model::paint;

/// A package whose distributions are recorded.
pub struct Looker {
    /// What the package says about itself.
    pub manifest: Manifest,
    codec: Box<dyn Codec>,
    colorizer: Colorizer,
    params: Params,
    seen: RefCell<Option<Prediction>>,
}

/// What was said of one photograph.
#[derive(Debug, Clone)]
struct Prediction {
    l: Vec<f32>,
    size: (usize, usize),
    raw: Distribution,
    tilted: Distribution,
    ab: Ab,
}

/// What was said of one photograph, and what is true of it, on the grid of the network's output: around the photograph
/// lies its mirror image.
#[derive(Debug)]
pub struct Seen {
    /// Where the photograph lies on the grid.
    pub frame: Frame,
    /// As the network gave it.
    pub raw: Distribution,
    /// As the package weighs it; the same where it has no tilt.
    pub tilted: Distribution,
    /// The ab that the package makes of it.
    pub made: Ab,
    /// L, a and b of the photograph, each the mean over the cell, row by row.
    pub truth: Vec<[f32; 3]>,
    /// The true bin of each cell, for each distribution of a pixel.
    pub bins: Vec<Vec<usize>>,
}

impl Seen {
    /// Whether the cell, by its place in a plane, shows the photograph and not its mirror image.
    pub fn is_photograph(&self, cell: usize) -> bool {
        let (columns, rows) = (self.raw.width, self.raw.height);
        let shown = |seen: usize, padded: usize, cells: usize| (seen * cells).div_ceil(padded);
        let ((width, height), (padded_width, padded_height)) = (self.frame.seen(), self.frame.padded());
        cell % columns < shown(width, padded_width, columns)
            && cell / columns < shown(height, padded_height, rows)
    }
}

impl Looker {
    /// Loads the package in `folder`.
    ///
    /// # Errors
    /// The package cannot be used, or its codec has no distribution.
    pub fn load(folder: &Path, machine: &Machine) -> Result<Self> {
        let package = Package::open(folder)?;
        let manifest = package.manifest().clone();
        let codec = manifest.codec.build()?;
        if codec.bins().is_none() {
            bail!(
                "{}: expected a model that predicts a distribution (bins1d or bins2d), got {}, which predicts one \
                 color a pixel; take another package",
                folder.display(),
                manifest.codec.name()
            );
        }
        let colorizer = Colorizer::load(&package, &machine.resolve()?)?;
        let params = Params {
            working_size: manifest.input.working_size,
            strength: 1.0,
            temperature: None,
            threads: machine.threads,
        };
        Ok(Self { manifest, codec, colorizer, params, seen: RefCell::new(None) })
    }

    /// The package's tilt; 0 for codecs that have none.
    pub fn tilt(&self) -> f64 {
        self.codec.tilt()
    }

    /// The package's temperature.
    pub fn temperature(&self) -> f64 {
        self.codec.temperature().unwrap_or(1.0)
    }

    /// Colorizes the gray of a photograph and returns its distributions.
    ///
    /// # Errors
    /// The pipeline refuses the photograph.
    pub fn look(&self, photo: &RgbImage) -> Result<Seen> {
        paint(self, &gray_of(photo), &self.params, None)?;
        let said = self.seen.take().context("the pipeline asked for no prediction")?;
        let stride = i64::try_from(said.size.0 / said.raw.width.max(1))?;
        let frame = Frame::new(photo.width(), photo.height(), self.params.working_size);
        let ab = cell_ab(photo, frame, stride)?;
        let bins = self.true_bins(&ab)?;
        let truth = cells(&cell_l(&said.l, said.size, stride)?, &ab)?;
        Ok(Seen { frame, raw: said.raw, tilted: said.tilted, made: said.ab, truth, bins })
    }

    /// The bin that training would call the true one: the nearest, for each distribution of a pixel.
    fn true_bins(&self, ab: &Tensor) -> Result<Vec<Vec<usize>>> {
        let Target::Bins { index, .. } = self.codec.encode(ab)? else { bail!("the codec has no bins") };
        let nearest = index.f_select(2, 0)?.f_select(0, 0)?;
        let group = |group| {
            let flat = Vec::<i64>::try_from(nearest.f_select(0, group)?.f_reshape([-1])?)?;
            Ok(flat.into_iter().map(usize::try_from).collect::<Result<_, _>>()?)
        };
        (0..self.codec.groups()).map(group).collect()
    }

    fn ask(&self, l: &Plane, tilted: bool) -> Result<Distribution, PredictError> {
        let said = self.colorizer.distribution(l, tilted)?;
        said.ok_or_else(|| PredictError::new("the model has no distribution"))
    }
}

impl Engine for Looker {
    fn input(&self) -> InputSpec {
        self.colorizer.input()
    }

    fn predict(&self, l: &Plane, settings: Settings) -> Result<Ab, PredictError> {
        let ab = self.colorizer.predict(l, settings)?;
        let raw = self.ask(l, false)?;
        let tilted = if self.tilt() == 0.0 { raw.clone() } else { self.ask(l, true)? };
        let (l, size) = (l.values().to_vec(), l.size());
        self.seen.replace(Some(Prediction { l, size, raw, tilted, ab: ab.clone() }));
        Ok(ab)
    }

    fn confidence(&self, l: &Plane, settings: Settings) -> Result<Option<Confidence>, PredictError> {
        self.colorizer.confidence(l, settings)
    }
}

/// True ab of the cells, `[1, 2, h, w]`: of the photograph at the working size, as in training.
fn cell_ab(photo: &RgbImage, frame: Frame, stride: i64) -> Result<Tensor> {
    let (width, height) = frame.seen();
    let small = imageops::resize(photo, u32::try_from(width)?, u32::try_from(height)?, FilterType::Triangle);
    let lab: Vec<[f32; 3]> = small.pixels().map(|pixel| srgb8_to_lab(pixel.0)).collect();
    let plane = |channel: usize| frame.pad(&lab.iter().map(|lab| lab[channel]).collect::<Vec<f32>>());
    cell_means(&[plane(1), plane(2)].concat(), 2, frame.padded(), stride)
}

/// L of the cells, `[1, 1, h, w]`.
fn cell_l(l: &[f32], size: (usize, usize), stride: i64) -> Result<Tensor> {
    cell_means(l, 1, size, stride)
}

fn cell_means(planes: &[f32], count: i64, size: (usize, usize), stride: i64) -> Result<Tensor> {
    let (width, height) = (i64::try_from(size.0)?, i64::try_from(size.1)?);
    let planes = Tensor::f_from_slice(planes)?.f_view([1, count, height, width])?;
    Ok(planes.f_avg_pool2d([stride; 2], [stride; 2], [0, 0], false, true, None)?)
}

/// L, a and b of each cell, row by row.
fn cells(l: &Tensor, ab: &Tensor) -> Result<Vec<[f32; 3]>> {
    let lab = Tensor::f_cat(&[l, ab], 1)?.f_view([3, -1])?.f_tr()?.f_contiguous()?;
    let flat = Vec::<f32>::try_from(lab.f_to_kind(Kind::Float)?.f_view([-1])?)?;
    Ok(flat.as_chunks::<3>().0.to_vec())
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn cells_have_the_mean_of_their_pixels() {
        // Left half red, right half gray, a cell each.
        let photo = RgbImage::from_fn(64, 32, |x, _| if x < 32 { Rgb([255, 0, 0]) } else { Rgb([119; 3]) });
        let frame = Frame::new(64, 32, 64);
        assert_eq!((frame.seen(), frame.padded()), ((64, 32), (64, 32)));
        let ab = cell_ab(&photo, frame, 32).unwrap();
        let l: Vec<f32> =
            (0..64 * 32).map(|at| if at % 64 >= 32 { 50.0 } else { 10.0 + (at % 31) as f32 }).collect();
        let l = cell_l(&l, (64, 32), 32).unwrap();
        let cells = cells(&l, &ab).unwrap();
        assert_eq!(cells.len(), 2);
        let near = |got: [f32; 3], expected: [f32; 3]| {
            got.iter()
                .zip(expected)
                .for_each(|(got, expected)| assert!((got - expected).abs() < 0.05, "{got}"));
        };
        near(cells[0], [25.0, 80.09, 67.20]);
        near(cells[1], [50.0, 0.0, 0.0]);
    }
}
