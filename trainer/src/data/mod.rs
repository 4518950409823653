//! Photographs to train on and to measure with.
//!
//! The idea: **a data set is a list of places bytes can be read from** (a file, a stretch of a tar archive, a record
//! in memory); photographs are decoded one by one when they are asked for, and everything random is a function of the
//! seed and the position in the run, so any batch can be made again without making those before it, and a set may be
//! larger than memory: only name and place of a photograph are kept.
//!
//! To add a data set: one file here and one row in `KINDS`.

mod batch;
mod cifar10;
mod degrade;
mod folder;
mod gray;
mod header;
mod held_out;
pub mod hints;
mod imagenet;
mod item;
mod jpeg;
mod opened;
mod screen;
mod select;
mod tar;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use image::RgbImage;

pub use batch::{Augment, Batch, Batches, Fit};
pub use gray::{gray_as_rgb, gray_of};
pub use header::Header;
pub use held_out::held_out_batches;
pub use item::Item;
pub use opened::{DataStamp, Opened};
pub use screen::{Remark, Screen, is_gray};
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

/// Photographs, in the order of their names, and what was found wrong with some.
#[derive(Debug)]
pub struct DataSet {
    /// What can be read (whether it decodes shows when it is used).
    pub items: Vec<Item>,
    /// Classes that have a place in the set and no photograph.
    pub empty_classes: Vec<String>,
    screen: Screen,
    /// Name and reason of what was broken before anything was decoded.
    known: Vec<(String, String)>,
    /// Index and reason of the photographs found unusable when decoded.
    found: Mutex<BTreeMap<usize, String>>,
}

impl DataSet {
    /// A data set of these photographs.
    #[must_use]
    pub fn new(items: Vec<Item>) -> Self {
        DataSet {
            items,
            empty_classes: Vec::new(),
            screen: Screen::default(),
            known: Vec::new(),
            found: Mutex::default(),
        }
    }

    /// The set with a condition that its photographs must meet.
    #[must_use]
    pub fn screened(self, screen: Screen) -> Self {
        DataSet { screen, ..self }
    }

    /// The photograph at `index`, or `None` when it is unusable; then its name and the reason are
    /// recorded.
    pub fn decode(&self, index: usize) -> Option<RgbImage> {
        let item = &self.items[index];
        let reason = match item.decode() {
            Ok(image) => match self.screen.fault(&image) {
                None => return Some(image),
                Some((_, reason)) => reason,
            },
            Err(error) => format!("{error:#}"),
        };
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(index, reason);
        None
    }

    /// SHA-256 of the sorted names and sizes: tells whether a folder is still the one a run saw. What has no size, as
    /// a link to nowhere, counts by its name.
    #[must_use]
    pub fn listing_sha256(&self) -> String {
        use sha2::Digest;
        let mut hasher = sha2::Sha256::new();
        for item in &self.items {
            let size = item.size().map_or_else(|_| "unreadable".to_owned(), |size| size.to_string());
            hasher.update(format!("{} {size}\n", item.name));
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Names and reasons of the photographs skipped so far, by name.
    #[must_use]
    pub fn corrupt(&self) -> Vec<(String, String)> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let found = found.iter().map(|(index, reason)| (self.items[*index].name.clone(), reason.clone()));
        let mut corrupt: Vec<(String, String)> = found.chain(self.known.iter().cloned()).collect();
        corrupt.sort();
        corrupt
    }

    /// Splits the set in two: every `n`-th photograph so that `count` of them make the second. The record of
    /// corrupt ones stays with the first.
    ///
    /// # Errors
    /// There are not more than `count` photographs.
    pub fn hold_out(self, count: usize) -> Result<(DataSet, DataSet)> {
        let total = self.items.len();
        if count >= total {
            bail!("held_out: expected fewer than the {total} photographs there are, got {count}");
        }
        let is_held_out = |index: usize| (index + 1) * count / total > index * count / total;
        let (held_out, rest): (Vec<_>, Vec<_>) =
            self.items.into_iter().enumerate().partition(|(index, _)| is_held_out(*index));
        let items = |pairs: Vec<(usize, Item)>| pairs.into_iter().map(|(_, item)| item).collect();
        let held_out = DataSet::new(items(held_out)).screened(self.screen);
        Ok((DataSet { items: items(rest), found: Mutex::default(), ..self }, held_out))
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
        whole.known.extend(set.known);
    }
    whole
}

/// Whether the name is that of an image we decode.
fn is_image(name: &Path) -> bool {
    let extension = name.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    ["jpg", "jpeg", "png", "tif", "tiff", "webp"].contains(&extension.as_str())
}
