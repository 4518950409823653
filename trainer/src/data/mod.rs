//! Photographs to train on and to measure with.
//!
//! The idea: **a data set is a list of places bytes can be read from** (a file, or a stretch of a tar archive);
//! nothing is unpacked, and everything random is a function of the seed and the position in the run, so any batch
//! can be made again without making those before it.
//!
//! To add a data set: one file here and one row in [`open`].

mod batch;
mod folder;
mod tar;

use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use image::{ImageReader, Limits, RgbImage};

pub use batch::{Augment, Batch, Batches};

/// Where the bytes of a photograph are.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Stretch { archive: Arc<File>, offset: u64, size: u64 },
}

/// A photograph that can be read.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its path inside the data set.
    pub name: String,
    place: Place,
}

/// Larger files are refused unread: no photograph to train on has so many bytes.
const MAX_BYTES: u64 = 256 << 20;
/// Larger sides are refused undecoded.
const MAX_SIDE: u32 = 20_000;

impl Item {
    /// The bytes of the file.
    ///
    /// # Errors
    /// The file cannot be read or is larger than 256 MiB.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        match &self.place {
            Place::File(path) => {
                let size = std::fs::metadata(path).with_context(|| format!("{}", path.display()))?.len();
                check_size(size)?;
                std::fs::read(path).with_context(|| format!("{}", path.display()))
            }
            Place::Stretch { archive, offset, size } => {
                check_size(*size)?;
                let mut bytes = vec![0; usize::try_from(*size)?];
                archive.read_exact_at(&mut bytes, *offset)?;
                Ok(bytes)
            }
        }
    }

    /// The photograph in 8-bit sRGB.
    ///
    /// # Errors
    /// The bytes cannot be read, are no image of a known format, or claim sides above 20,000 pixels.
    pub fn decode(&self) -> Result<RgbImage> {
        let mut reader = ImageReader::new(Cursor::new(self.bytes()?)).with_guessed_format()?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        reader.limits(limits);
        Ok(reader.decode()?.into_rgb8())
    }
}

fn check_size(size: u64) -> Result<()> {
    if size > MAX_BYTES {
        bail!("expected at most {MAX_BYTES} bytes, got {size}");
    }
    Ok(())
}

/// Photographs, in the order of their names, and what was found wrong with some.
#[derive(Debug)]
pub struct DataSet {
    /// What can be read (whether it decodes shows when it is used).
    pub items: Vec<Item>,
    corrupt: Mutex<Vec<(String, String)>>,
}

impl DataSet {
    /// A data set of these photographs.
    #[must_use]
    pub fn new(items: Vec<Item>) -> Self {
        DataSet { items, corrupt: Mutex::new(Vec::new()) }
    }

    /// The photograph at `index`, or `None` when it does not decode; then its name and the reason are kept.
    pub fn decode(&self, index: usize) -> Option<RgbImage> {
        let item = &self.items[index];
        let reason = match item.decode() {
            Ok(image) if image.width() > 0 && image.height() > 0 => return Some(image),
            Ok(_) => "the image has no pixels".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        let mut corrupt = self.corrupt.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !corrupt.iter().any(|(name, _)| *name == item.name) {
            corrupt.push((item.name.clone(), reason));
        }
        None
    }

    /// SHA-256 of the sorted names and sizes: tells whether a folder is still the one a run saw.
    ///
    /// # Errors
    /// A file's size cannot be read.
    pub fn listing_sha256(&self) -> Result<String> {
        use sha2::Digest;
        let mut hasher = sha2::Sha256::new();
        for Item { name, place } in &self.items {
            let size = match place {
                Place::File(path) => std::fs::metadata(path)?.len(),
                Place::Stretch { size, .. } => *size,
            };
            hasher.update(format!("{name} {size}\n"));
        }
        Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Names and reasons of the photographs that did not decode so far, by name.
    #[must_use]
    pub fn corrupt(&self) -> Vec<(String, String)> {
        let mut corrupt = self.corrupt.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        corrupt.sort();
        corrupt
    }

    /// Parts the set in two: every `n`-th photograph so that `count` of them make the second.
    ///
    /// # Errors
    /// There are not more than `count` photographs.
    pub fn hold_out(self, count: usize) -> Result<(DataSet, DataSet)> {
        let total = self.items.len();
        if count >= total {
            bail!("held_out: expected fewer than the {total} photographs there are, got {count}");
        }
        let is_held = |index: usize| (index + 1) * count / total > index * count / total;
        let (held, rest): (Vec<_>, Vec<_>) =
            self.items.into_iter().enumerate().partition(|(index, _)| is_held(*index));
        let items =
            |pairs: Vec<(usize, Item)>| DataSet::new(pairs.into_iter().map(|(_, item)| item).collect());
        Ok((items(rest), items(held)))
    }
}

/// The photographs of one or several tar archives or folder trees, ordered by name within each.
///
/// # Errors
/// A path that is neither, cannot be read, or holds no image.
pub fn open(paths: &[PathBuf]) -> Result<DataSet> {
    let mut items = Vec::new();
    for path in paths {
        let mut found = open_one(path).with_context(|| format!("data set {}", path.display()))?;
        if found.is_empty() {
            bail!(
                "data set {}: expected .jpg, .jpeg, .png, .tif, .tiff or .webp files, found none",
                path.display()
            );
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        items.append(&mut found);
    }
    Ok(DataSet::new(items))
}

fn open_one(path: &Path) -> Result<Vec<Item>> {
    let kind = std::fs::metadata(path).context("cannot be read; check the path")?;
    if kind.is_dir() { folder::items(path) } else { tar::items(path) }
}

/// Whether the name is that of an image we decode.
fn is_image(name: &Path) -> bool {
    let extension = name.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    ["jpg", "jpeg", "png", "tif", "tiff", "webp"].contains(&extension.as_str())
}
