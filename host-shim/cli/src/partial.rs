//! Files being written: hidden in the same folder as the final file, and locked while a program works on them.
//!
//! The idea: **the system releases the locks of a process that dies**, so a hidden file without one was left by a
//! crash, and the next run in its folder removes it.

use std::fs::{self, DirEntry, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tempfile::NamedTempFile;

const PREFIX: &str = ".autochrome-";
const SUFFIX: &str = ".part";

/// A new file in `folder`.
pub fn create(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        // A file system without locks has none to ask for either, and nothing in it counts as left behind.
        let _ = file.as_file().lock();
        // Another program may have removed it before it was locked.
        if file.as_file().metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Removes what crashes left in `folder`.
pub fn remove_left_behind(folder: &Path) {
    // A folder that cannot be listed is one to be made, or one whose outputs will fail with a sentence.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(is_partial) {
        let Ok(file) = File::open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            // If it cannot be removed, it does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_partial(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.as_encoded_bytes();
    name.starts_with(PREFIX.as_bytes())
        && name.ends_with(SUFFIX.as_bytes())
        && entry.file_type().is_ok_and(|kind| kind.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_works_at_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let names = |folder: &Path| {
            let mut names: Vec<_> =
                fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let held = create(folder.path()).unwrap();
        for name in [".autochrome-left.part", ".another.part", ".autochrome-note.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_left_behind(folder.path());
        let mut kept = vec![".another.part".into(), ".autochrome-note.txt".into()];
        kept.push(held.path().file_name().unwrap().to_owned());
        kept.sort();
        assert_eq!(names(folder.path()), kept);
        remove_left_behind(&folder.path().join("not there"));
    }
}
