//! Batches for training: random crops and flips, as L and ab.
//!
//! The idea: **a batch is a function of (seed, step)**. The order of an epoch is a shuffle seeded by (seed, epoch);
//! the crop of a sample is drawn from a generator seeded by (seed, position). A resumed run therefore sees what an
//! unbroken one would have seen.

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow, bail};
use autochrome_models::color::{gray8_to_lightness, srgb_to_lab};
use image::imageops::{self, FilterType};
use image::{GrayImage, RgbImage};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DataSet;
use super::degrade::degrade;
use crate::data::gray_of;

/// How a photograph of any size becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// A random square is cut out, as Zhang et al. 2016 do.
    #[default]
    Crop,
    /// The whole photograph is resized to the square, ignoring its aspect ratio, as the seed report does (section
    /// 2.2.1).
    Resize,
}

impl Fit {
    fn is_crop(&self) -> bool {
        *self == Fit::Crop
    }
}

/// How a photograph becomes a training sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Side of the sample in pixels.
    pub size: u32,
    /// How a photograph becomes a square.
    #[serde(default, skip_serializing_if = "Fit::is_crop")]
    pub fit: Fit,
    /// Least side of the square cut out, by default `size`; a photograph whose short side is less is cut at that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop_min: Option<u32>,
    /// Greatest side of the square cut out, by default `size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop_max: Option<u32>,
    /// Whether half of the samples are mirrored.
    #[serde(default = "yes")]
    pub flip: bool,
    /// Share of the samples, 0 to 1, whose L is made that of an old photograph; their colors are untouched.
    #[serde(default, skip_serializing_if = "none")]
    pub degrade: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn none(share: &f64) -> bool {
    *share == 0.0
}

fn yes() -> bool {
    true
}

impl Augment {
    /// Checks the bounds.
    ///
    /// # Errors
    /// A side of 0 or above 4096, an empty range, or sides of a crop where nothing is cropped.
    pub fn check(&self) -> Result<()> {
        let (least, most) = self.crop();
        let sides = [("size", self.size), ("crop_min", least), ("crop_max", most)];
        for (name, side) in sides {
            if !(1..=4096).contains(&side) {
                bail!("{name}: expected 1 to 4096, got {side}");
            }
        }
        if !(0.0..=1.0).contains(&self.degrade) {
            bail!("degrade: expected 0 to 1, got {}", self.degrade);
        }
        if least > most {
            bail!("crop_min: expected at most crop_max ({most}), got {least}");
        }
        if self.fit == Fit::Resize && (self.crop_min.is_some() || self.crop_max.is_some()) {
            bail!(
                "crop_min, crop_max: expected none with fit = \"resize\", which cuts nothing; leave them out"
            );
        }
        Ok(())
    }

    /// Least and greatest side of the square cut out.
    fn crop(&self) -> (u32, u32) {
        (self.crop_min.unwrap_or(self.size), self.crop_max.unwrap_or(self.size))
    }
}

/// Samples in memory, planar, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Lightness 0 to 100, `[count, size, size]`.
    pub l: Vec<f32>,
    /// a and b, `[count, 2, size, size]`.
    pub ab: Vec<f32>,
    /// Number of samples.
    pub count: usize,
    /// Side of a sample in pixels.
    pub size: usize,
    /// Names of the photographs.
    pub names: Vec<String>,
}

impl Batch {
    /// First 8 hexadecimal digits of the SHA-256 of names and L: tells two batches apart in the log.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        self.names.iter().for_each(|name| hasher.update(name.as_bytes()));
        self.l.iter().for_each(|l| hasher.update(l.to_le_bytes()));
        hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Makes the batches of a run.
#[derive(Debug, Clone)]
pub struct Batches {
    data: Arc<DataSet>,
    augment: Augment,
    batch: usize,
    seed: u64,
    /// The order of the epoch asked for last: shuffling a million photographs for every batch would take longer than
    /// the batch.
    last_order: Arc<Mutex<(usize, Arc<Vec<usize>>)>>,
}

/// How many photographs in a row may be unusable before the batch fails.
pub(super) const MAX_CORRUPT_IN_A_ROW: usize = 64;

impl Batches {
    /// Batches of `batch` samples.
    #[must_use]
    pub fn new(data: Arc<DataSet>, augment: Augment, batch: usize, seed: u64) -> Self {
        Batches { data, augment, batch, seed, last_order: Arc::default() }
    }

    /// The batch of a step, whatever came before. An unusable photograph is
    /// replaced by the one after it in the epoch's order.
    ///
    /// # Errors
    /// 64 photographs in a row are unusable.
    pub fn batch(&self, step: u64) -> Result<Batch> {
        let total = self.data.items.len();
        let first = usize::try_from(step)? * self.batch;
        let mut orders: Vec<(usize, Arc<Vec<usize>>)> = Vec::new();
        let mut places = Vec::with_capacity(self.batch);
        for position in first..first + self.batch {
            let epoch = position / total;
            if orders.last().is_none_or(|(last, _)| *last != epoch) {
                orders.push((epoch, self.order(epoch)));
            }
            places.push((position, orders.len() - 1));
        }
        let samples: Vec<Sample> = places
            .into_par_iter()
            .map(|(position, order)| self.sample(position, &orders[order].1))
            .collect::<Result<_>>()?;
        Ok(assemble(samples, self.augment.size))
    }

    /// Batches from `start` up to `end`, made ahead on a thread of their own while the caller trains.
    pub fn stream(self, start: u64, end: u64, ahead: usize) -> Receiver<Result<Batch>> {
        let (sender, receiver) = sync_channel(ahead);
        std::thread::spawn(move || {
            for step in start..end {
                // A closed channel means that the run has ended early.
                if sender.send(self.batch(step)).is_err() {
                    return;
                }
            }
        });
        receiver
    }

    fn order(&self, epoch: usize) -> Arc<Vec<usize>> {
        let mut last = self.last_order.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != epoch || last.1.is_empty() {
            let mut order: Vec<usize> = (0..self.data.items.len()).collect();
            order.shuffle(&mut self.generator(1, epoch));
            *last = (epoch, Arc::new(order));
        }
        Arc::clone(&last.1)
    }

    fn generator(&self, purpose: u64, index: usize) -> ChaCha8Rng {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(purpose << 56 | u64::try_from(index).unwrap_or(u64::MAX >> 8));
        generator
    }

    fn sample(&self, position: usize, order: &[usize]) -> Result<Sample> {
        let mut generator = self.generator(2, position);
        for attempt in 0..MAX_CORRUPT_IN_A_ROW.min(order.len()) {
            let index = order[(position + attempt) % order.len()];
            if let Some(image) = self.data.decode(index) {
                let crop = augment(&image, &self.augment, &mut generator);
                let name = self.data.items[index].name.clone();
                return Ok(Sample { name, aged: aged(&crop, self.augment.degrade, &mut generator), crop });
            }
        }
        Err(none_of_use(&self.data))
    }
}

/// The error of too many unusable photographs in a row.
pub(super) fn none_of_use(data: &DataSet) -> anyhow::Error {
    let (name, reason) = data.corrupt().pop().unwrap_or_default();
    let count = MAX_CORRUPT_IN_A_ROW.min(data.items.len());
    anyhow!("{count} photographs in a row are unusable, such as {name} ({reason}); run `data check`")
}

/// A photograph, made a square.
pub(super) struct Sample {
    pub name: String,
    pub crop: RgbImage,
    /// What L is taken from in place of the crop.
    pub aged: Option<GrayImage>,
}

/// The batch of samples of `size` pixels per side.
pub(super) fn assemble(samples: Vec<Sample>, size: u32) -> Batch {
    let size = usize::try_from(size).unwrap_or(0);
    let area = size * size;
    let (mut l, mut ab) =
        (Vec::with_capacity(samples.len() * area), Vec::with_capacity(samples.len() * area * 2));
    let mut names = Vec::with_capacity(samples.len());
    for Sample { name, crop, aged } in samples {
        let lab = crop.pixels().map(|pixel| srgb_to_lab(pixel.0.map(|v| f32::from(v) / 255.0)));
        let lab: Vec<[f32; 3]> = lab.collect();
        match aged {
            Some(aged) => l.extend(aged.as_raw().iter().map(|&v| gray8_to_lightness()[usize::from(v)])),
            None => l.extend(lab.iter().map(|lab| lab[0])),
        }
        ab.extend(lab.iter().map(|lab| lab[1]));
        ab.extend(lab.iter().map(|lab| lab[2]));
        names.push(name);
    }
    Batch { l, ab, count: names.len(), size, names }
}

/// The gray of an old photograph, for this share of the samples. Draws nothing where there are none, so that older
/// configurations make the batches they made.
fn aged(crop: &RgbImage, share: f64, generator: &mut ChaCha8Rng) -> Option<GrayImage> {
    (share > 0.0 && generator.random_bool(share)).then(|| degrade(&gray_of(crop), generator))
}

/// Makes a square of the photograph, brings it to size, mirrors it or not.
fn augment(image: &RgbImage, augment: &Augment, generator: &mut ChaCha8Rng) -> RgbImage {
    let size = augment.size;
    let sample = match augment.fit {
        Fit::Resize if image.dimensions() == (size, size) => image.clone(),
        Fit::Resize => imageops::resize(image, size, size, FilterType::Triangle),
        Fit::Crop => crop(image, augment, generator),
    };
    if augment.flip && generator.random::<bool>() { imageops::flip_horizontal(&sample) } else { sample }
}

/// Cuts a random square and brings it to size.
fn crop(image: &RgbImage, augment: &Augment, generator: &mut ChaCha8Rng) -> RgbImage {
    let short = image.width().min(image.height());
    let (least, most) = augment.crop();
    let side = generator.random_range(least..=most).min(short);
    let x = generator.random_range(0..=image.width() - side);
    let y = generator.random_range(0..=image.height() - side);
    let crop = imageops::crop_imm(image, x, y, side, side);
    if side == augment.size {
        return crop.to_image();
    }
    imageops::resize(&*crop, augment.size, augment.size, FilterType::Triangle)
}
