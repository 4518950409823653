//! A tar archive of photographs: indexed once by its headers, then read in place.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::{Item, Place, is_image};

/// Every image file in the archive.
pub(super) fn items(path: &Path) -> Result<Vec<Item>> {
    let archive = Arc::new(File::open(path)?);
    let length = archive.metadata()?.len();
    let mut reader = tar::Archive::new(archive.try_clone()?);
    let mut items = Vec::new();
    for entry in reader.entries_with_seek().context("expected a folder or an uncompressed tar archive")? {
        let entry = entry.context("the archive is damaged or cut short; fetch it again")?;
        let name = entry.path()?.into_owned();
        if !entry.header().entry_type().is_file() || !is_image(&name) {
            continue;
        }
        let (offset, size) = (entry.raw_file_position(), entry.size());
        // A cut archive is used as far as it goes: what lies beyond its end shows up as a corrupt file.
        let size = size.min(length.saturating_sub(offset));
        let place = Place::Stretch { archive: Arc::clone(&archive), offset, size };
        items.push(Item { name: name.to_string_lossy().into_owned(), place });
    }
    Ok(items)
}
