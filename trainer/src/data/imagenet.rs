//! ImageNet as its archives unpack (Deng et al. 2009): `train/<wnid>/*.JPEG`, at any depth; the class of a photograph
//! is the folder named by a WordNet id (`n` and eight digits) that it is in.
//!
//! The splits are folders too: `train`, and `val` for [`Split::Test`]. Where there is neither, everything is `train`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};
use walkdir::{DirEntry, WalkDir};

use super::item::Place;
use super::{Item, Listing, Split, folder};

/// How deep below the path a class's folder may be (`ILSVRC/Data/CLS-LOC/train/<wnid>`).
const DEPTH: usize = 6;

/// Whether some folder below `path` is named by a WordNet id.
pub(super) fn is(path: &Path) -> bool {
    path.is_dir() && class_folders(path).next().is_some()
}

/// Every image file below a class's folder, of the split.
pub(super) fn list(root: &Path, split: Option<Split>) -> Result<Listing> {
    let classes: Vec<DirEntry> = class_folders(root).collect();
    let named = |entry: &DirEntry, name: &str| {
        entry.path().strip_prefix(root).is_ok_and(|path| path.iter().any(|part| part == name))
    };
    let has_splits = classes.iter().any(|entry| named(entry, "train") || named(entry, "val"));
    let wanted = match split {
        Some(Split::Test) => "val",
        _ => "train",
    };
    if !has_splits && split == Some(Split::Test) {
        bail!("split: expected a folder `val` for `test`, found none");
    }
    let (mut items, mut empty) = (Vec::new(), BTreeSet::new());
    for entry in classes.iter().filter(|entry| !has_splits || named(entry, wanted)) {
        let class = entry.file_name().to_string_lossy().into_owned();
        let paths = folder::images(entry.path())?;
        if paths.is_empty() {
            empty.insert(class.clone());
        }
        items.extend(paths.into_iter().map(|path| {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            Item { name, class: Some(class.clone()), place: Place::File(path) }
        }));
    }
    Ok(Listing { items, empty_classes: empty.into_iter().collect(), ..Listing::default() })
}

/// Folders named by a WordNet id, not looking inside one for another. One that cannot be read counts when its
/// photographs are listed.
fn class_folders(root: &Path) -> impl Iterator<Item = DirEntry> {
    let mut walk = WalkDir::new(root).max_depth(DEPTH).sort_by_file_name().into_iter();
    std::iter::from_fn(move || {
        loop {
            let Ok(entry) = walk.next()? else { continue };
            if entry.file_type().is_dir() && is_wnid(&entry.file_name().to_string_lossy()) {
                walk.skip_current_dir();
                return Some(entry);
            }
        }
    })
}

fn is_wnid(name: &str) -> bool {
    name.len() == 9 && name.starts_with('n') && name[1..].bytes().all(|byte| byte.is_ascii_digit())
}
