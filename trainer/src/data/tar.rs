//! A tar archive of photographs: indexed once by its headers, then read in place. Also a shard in WebDataset's style:
//! files that share a name up to its first dot are one sample, and its `.cls` is the class of its photograph.
//!
//! A set larger than memory is many such archives (`shard-{000..999}.tar`): of each photograph only name and place are
//! held.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use super::item::Place;
use super::{Item, Listing, Split, folder, is_image};

/// Most bytes of a `.cls` that are read.
const MAX_CLASS: u64 = 256;

/// What is said of an archive that goes wrong behind its first file.
pub(super) const CUT: &str = "the archive is damaged or truncated; download it again";

/// The error of an archive, with the reason but without the bytes of the header that the reason quotes.
pub(super) fn damaged(what: &str, error: &std::io::Error) -> anyhow::Error {
    let reason = error.to_string();
    anyhow!("{what}: {}", reason.split(':').next().unwrap_or_default())
}

/// Every image file in the archive.
pub(super) fn list(path: &Path, split: Option<Split>) -> Result<Listing> {
    folder::no_splits(split)?;
    let archive = Arc::new(File::open(path)?);
    let length = archive.metadata()?.len();
    let mut reader = tar::Archive::new(archive.try_clone()?);
    let (mut items, mut corrupt, mut classes) = (Vec::new(), Vec::new(), HashMap::new());
    for (index, entry) in reader.entries_with_seek()?.enumerate() {
        let expected = if index == 0 { "expected a folder or an uncompressed tar archive" } else { CUT };
        let mut entry = entry.map_err(|error| damaged(expected, &error))?;
        let name = entry.path()?.into_owned();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if name.extension().is_some_and(|extension| extension == "cls") {
            let mut class = String::new();
            let text = (&mut entry).take(MAX_CLASS).read_to_string(&mut class);
            text.with_context(|| format!("{}: expected the name of a class", name.display()))?;
            classes.insert(sample(&name.to_string_lossy()).to_owned(), class.trim().to_owned());
        }
        if !is_image(&name) {
            continue;
        }
        let (offset, size) = (entry.raw_file_position(), entry.size());
        // A cut archive is used as far as it goes.
        if offset.saturating_add(size) > length {
            let reason =
                "the archive ends in the middle of this file, and the rest is missing; download it again";
            corrupt.push((name.to_string_lossy().into_owned(), reason.to_owned()));
            continue;
        }
        let place = Place::Stretch { archive: Arc::clone(&archive), offset, size };
        let class = folder::parent_name(&name);
        items.push(Item { name: name.to_string_lossy().into_owned(), class, place });
    }
    for item in &mut items {
        if let Some(class) = classes.get(sample(&item.name)) {
            item.class = Some(class.clone());
        }
    }
    Ok(Listing { items, corrupt, ..Listing::default() })
}

/// The name of the sample a file belongs to: its path up to the first dot of its last part.
fn sample(name: &str) -> &str {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    name[file..].find('.').map_or(name, |dot| &name[..file + dot])
}
