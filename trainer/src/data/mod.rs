//! Photographs to train on and to measure with.
//!
//! The idea: **a data set is a list of places bytes can be read from** (a file, a stretch of a tar archive, a record
//! in memory); photographs are decoded one by one when they are asked for, and everything random is a function of the
//! seed and the position in the run, so any batch can be made again without making those before it, and a set may be
//! larger than memory: what is held of a photograph is its name and its place.
//!
//! To add a data set: one file here and one row in [`KINDS`].

mod batch;
mod cifar10;
mod folder;
mod imagenet;
mod item;
mod select;
mod tar;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use image::RgbImage;

use crate::checkpoint::{DataStamp, sha256_of};

pub use batch::{Augment, Batch, Batches, Fit};
pub use item::Item;
pub use select::{Selection, Split, expand_braces};

/// A way in which photographs are stored.
struct Kind {
    name: &'static str,
    /// Whether a path is of this kind; the first row that says so reads it.
    is: fn(&Path) -> bool,
    list: fn(&Path, Option<Split>) -> Result<Listing>,
}

/// Every kind; the plain folder, which any folder is, comes last.
const KINDS: [Kind; 4] = [
    Kind { name: "cifar10", is: cifar10::is, list: cifar10::list },
    Kind { name: "imagenet", is: imagenet::is, list: imagenet::list },
    Kind { name: "tar", is: Path::is_file, list: tar::list },
    Kind { name: "folder", is: Path::is_dir, list: folder::list },
];

/// What a path holds.
#[derive(Debug, Default)]
struct Listing {
    items: Vec<Item>,
    /// Name and reason of what is known to be broken without decoding it.
    corrupt: Vec<(String, String)>,
    /// Classes that have a place and no photograph.
    empty_classes: Vec<String>,
}

/// What a photograph must have to be of use; one that lacks it is passed over, counted and named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Screen {
    /// Refuses photographs without colour.
    pub colour: bool,
    /// Refuses photographs with a side below this.
    pub min_side: u32,
}

impl Screen {
    /// What training asks for: colour to learn from, and 16 pixels a side.
    pub const TRAINING: Screen = Screen { colour: true, min_side: 16 };

    fn fault(self, image: &RgbImage) -> Option<String> {
        let (width, height) = image.dimensions();
        let least = self.min_side.max(1);
        if width.min(height) < least {
            return Some(format!("expected at least {least} pixels a side, got {width} x {height}"));
        }
        (self.colour && is_gray(image)).then(|| "gray: there is no colour to learn from".to_owned())
    }
}

/// Mean difference of the greatest and the least channel, in 8-bit steps, below which a photograph counts as gray:
/// what JPEG leaves of a gray picture stored in three channels.
const GRAY_BELOW: f64 = 2.0;

/// Whether a picture has no colour but the noise of its compression.
#[must_use]
pub fn is_gray(image: &RgbImage) -> bool {
    let spans = image.pixels().map(|pixel| {
        let [r, g, b] = pixel.0;
        f64::from(r.max(g).max(b) - r.min(g).min(b))
    });
    crate::metric::mean(spans) < GRAY_BELOW
}

/// Photographs, in the order of their names, and what was found wrong with some.
#[derive(Debug)]
pub struct DataSet {
    /// What can be read (whether it decodes shows when it is used).
    pub items: Vec<Item>,
    /// Classes that have a place in the set and no photograph.
    pub empty_classes: Vec<String>,
    screen: Screen,
    corrupt: Mutex<Vec<(String, String)>>,
}

impl DataSet {
    /// A data set of these photographs.
    #[must_use]
    pub fn new(items: Vec<Item>) -> Self {
        DataSet {
            items,
            empty_classes: Vec::new(),
            screen: Screen::default(),
            corrupt: Mutex::new(Vec::new()),
        }
    }

    /// The set with a condition that its photographs must meet.
    #[must_use]
    pub fn screened(self, screen: Screen) -> Self {
        DataSet { screen, ..self }
    }

    /// The photograph at `index`, or `None` when it does not decode or is of no use; then its name and the reason are
    /// kept.
    pub fn decode(&self, index: usize) -> Option<RgbImage> {
        let item = &self.items[index];
        let reason = match item.decode() {
            Ok(image) => match self.screen.fault(&image) {
                None => return Some(image),
                Some(reason) => reason,
            },
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
        for item in &self.items {
            hasher.update(format!("{} {}\n", item.name, item.size()?));
        }
        Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Names and reasons of the photographs that were passed over so far, by name.
    #[must_use]
    pub fn corrupt(&self) -> Vec<(String, String)> {
        let mut corrupt = self.corrupt.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        corrupt.sort();
        corrupt
    }

    /// Parts the set in two: every `n`-th photograph so that `count` of them make the second. What is known of
    /// corrupt ones stays with the first.
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
        let items = |pairs: Vec<(usize, Item)>| pairs.into_iter().map(|(_, item)| item).collect();
        let held = DataSet::new(items(held)).screened(self.screen);
        Ok((DataSet { items: items(rest), ..self }, held))
    }
}

/// A path of a configuration, opened.
#[derive(Debug)]
pub struct Opened {
    /// The path.
    pub path: PathBuf,
    /// How it is stored, by the name in the documentation.
    pub kind: &'static str,
    /// Its photographs.
    pub set: DataSet,
}

impl Opened {
    /// Opens one path: what it holds of the selection, ordered by name.
    ///
    /// # Errors
    /// No known kind, unreadable, a class or a split that is not there, or no photograph at all.
    pub fn new(path: &Path, selection: &Selection) -> Result<Self> {
        Self::open(path, selection).with_context(|| format!("data set {}", path.display()))
    }

    fn open(path: &Path, selection: &Selection) -> Result<Self> {
        std::fs::metadata(path).context("cannot be read; check the path")?;
        let kind = KINDS
            .iter()
            .find(|kind| (kind.is)(path))
            .context("expected a file or a folder, got something else; check the path")?;
        let Listing { mut items, corrupt, empty_classes } = (kind.list)(path, selection.split)?;
        if items.is_empty() {
            bail!(
                "expected .jpg, .jpeg, .png, .tif, .tiff or .webp files or CIFAR-10 records, found none{}",
                selection.split.map(|split| format!(" in the {split} split")).unwrap_or_default()
            );
        }
        items.sort_by(|a, b| a.name.cmp(&b.name));
        selection.keep(&mut items)?;
        let set = DataSet { empty_classes, corrupt: Mutex::new(corrupt), ..DataSet::new(items) };
        Ok(Opened { path: path.to_owned(), kind: kind.name, set })
    }

    /// Name, hash and count, for the package's card and for knowing the set again.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn stamp(&self) -> Result<DataStamp> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = if self.path.is_file() { sha256_of(&self.path)? } else { self.set.listing_sha256()? };
        Ok(DataStamp { name, sha256, count: self.set.items.len() })
    }
}

/// The photographs of one or several paths, ordered by name within each.
///
/// # Errors
/// As [`Opened::new`].
pub fn open(paths: &[PathBuf], selection: &Selection) -> Result<DataSet> {
    Ok(join(open_each(paths, selection)?))
}

/// The same, path by path; a `{000..012}` in a path stands for the numbers from the first to the last.
///
/// # Errors
/// As [`Opened::new`].
pub fn open_each(paths: &[PathBuf], selection: &Selection) -> Result<Vec<Opened>> {
    let paths = paths.iter().map(|path| expand_braces(path)).collect::<Result<Vec<_>>>()?;
    paths.iter().flatten().map(|path| Opened::new(path, selection)).collect()
}

/// One data set of several.
#[must_use]
pub fn join(opened: Vec<Opened>) -> DataSet {
    let mut whole = DataSet::new(Vec::new());
    for Opened { set, .. } in opened {
        whole.items.extend(set.items);
        whole.empty_classes.extend(set.empty_classes);
        let corrupt = set.corrupt.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        whole.corrupt.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).extend(corrupt);
    }
    whole
}

/// Whether the name is that of an image we decode.
fn is_image(name: &Path) -> bool {
    let extension = name.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    ["jpg", "jpeg", "png", "tif", "tiff", "webp"].contains(&extension.as_str())
}
