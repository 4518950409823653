//! A folder tree of photographs, of any depth.

use std::path::Path;

use anyhow::Result;
use walkdir::WalkDir;

use super::{Item, Place, is_image};

/// Every image file below `root`; hidden ones too, links to folders not followed.
pub(super) fn items(root: &Path) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for entry in WalkDir::new(root) {
        let entry = entry?;
        if entry.file_type().is_dir() || !is_image(entry.path()) {
            continue;
        }
        let name = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().into_owned();
        items.push(Item { name, place: Place::File(entry.into_path()) });
    }
    Ok(items)
}
