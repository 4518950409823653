//! A path of a configuration, opened, and the stamp that it is known by.
//!
//! The idea: **a run records what it learned from, so that changes are noticed**: name, hash and count go into its
//! checkpoint and into the package's card.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{DataSet, KINDS, Listing, Selection};
use crate::files::sha256_of;

/// A data set as the run found it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DataStamp {
    /// File or folder name.
    pub name: String,
    /// SHA-256 of the archive; of a folder, of its sorted names and sizes.
    pub sha256: String,
    /// Photographs in it.
    pub count: usize,
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
        let Listing { mut items, corrupt, mut empty_classes } = (kind.list)(path, selection.split)?;
        if items.is_empty() {
            bail!(
                "expected .jpg, .jpeg, .png, .tif, .tiff or .webp files or CIFAR-10 records, found none{}",
                selection.split.map(|split| format!(" in the {split} split")).unwrap_or_default()
            );
        }
        items.sort_by(|a, b| a.name.cmp(&b.name));
        selection.keep(&mut items)?;
        // Only selected classes can be missing.
        empty_classes.retain(|class| selection.wants(class));
        let set = DataSet { empty_classes, known: corrupt, ..DataSet::new(items) };
        Ok(Opened { path: path.to_owned(), kind: kind.name, set })
    }

    /// Name, hash and count, for the package's card and to recognize the set.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn stamp(&self) -> Result<DataStamp> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = if self.path.is_file() { sha256_of(&self.path)? } else { self.set.listing_sha256() };
        Ok(DataStamp { name, sha256, count: self.set.items.len() })
    }
}
