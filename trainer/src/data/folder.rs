//! A folder tree of photographs, of any depth; the class of a photograph is the name of the folder it is in.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use walkdir::WalkDir;

use super::item::Place;
use super::{Item, Listing, Split, is_image};

/// Every image file below `root`; hidden ones too, links to folders not followed.
pub(super) fn list(root: &Path, split: Option<Split>) -> Result<Listing> {
    no_splits(split)?;
    let items = images(root)?.into_iter().map(|path| {
        let inside = path.strip_prefix(root).unwrap_or(&path);
        let (name, class) = (inside.to_string_lossy().into_owned(), parent_name(inside));
        Item { name, class, place: Place::File(path) }
    });
    Ok(Listing { items: items.collect(), empty_classes: empty_folders(root)?, ..Listing::default() })
}

/// Names of the folders below `root` with nothing in them: classes somebody made and did not fill.
fn empty_folders(root: &Path) -> Result<Vec<String>> {
    let mut empty = Vec::new();
    for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_dir() && std::fs::read_dir(entry.path())?.next().is_none() {
            empty.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(empty)
}

/// Paths of every image file below `root`.
pub(super) fn images(root: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in WalkDir::new(root) {
        let entry = entry?;
        if !entry.file_type().is_dir() && is_image(entry.path()) {
            paths.push(entry.into_path());
        }
    }
    Ok(paths)
}

/// The folder a file is in, by its name alone.
pub(super) fn parent_name(path: &Path) -> Option<String> {
    let folder = path.parent()?.file_name()?;
    Some(folder.to_string_lossy().into_owned())
}

/// For sets whose makers gave them no splits.
///
/// # Errors
/// A split is asked for.
pub(super) fn no_splits(split: Option<Split>) -> Result<()> {
    match split {
        None => Ok(()),
        Some(split) => bail!("split: expected none, since this set has no splits, got `{split}`"),
    }
}
