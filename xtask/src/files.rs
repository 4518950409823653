//! Atomic writes: an interruption leaves the old file or the new one, never a part.
//!
//! The idea: bytes are written to a sibling of the final name, flushed to disk, and then renamed into place.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Marks a file that waits for its final name.
pub const STAGED_SUFFIX: &str = ".autochrome-new";

/// The sibling in which the new content of `path` is prepared.
pub fn staged(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(STAGED_SUFFIX);
    PathBuf::from(name)
}

/// Writes `bytes` to the sibling of `path` and flushes them to disk, with permissions `mode`.
pub fn stage(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    stage_with(path, mode, |new| fs::write(new, bytes))
}

/// Copies `from` to the sibling of `path` and flushes it to disk.
pub fn stage_copy(path: &Path, from: &Path, mode: u32) -> Result<()> {
    stage_with(path, mode, |new| fs::copy(from, new).map(|_| ()))
}

/// Prepares a link to `target` as the sibling of `path`.
pub fn stage_link(path: &Path, target: &Path) -> Result<()> {
    let new = staged(path);
    let write = || -> io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::os::unix::fs::symlink(target, &new)
    };
    write().with_context(|| format!("cannot create the link {}", path.display()))
}

fn stage_with(path: &Path, mode: u32, fill: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let new = staged(path);
    let write = || -> io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        fill(&new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(mode))?;
        File::open(&new)?.sync_all()
    };
    write()
        .inspect_err(|_| drop(fs::remove_file(&new)))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Renames the staged content of `path` into place.
pub fn commit(path: &Path) -> Result<()> {
    fs::rename(staged(path), path).with_context(|| format!("cannot replace {}", path.display()))
}

/// Replaces `path` with `bytes`, whole or not at all.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    stage(path, bytes, mode)?;
    commit(path)
}

/// Removes the file, link (never its target) or folder at `path`; missing is fine.
pub fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Puts the finished `new` (a folder or a link) in place of `path`, then removes what was there.
pub fn swap_in(new: &Path, path: &Path) -> Result<()> {
    let mut old = OsString::from(path);
    old.push("-old");
    let old = PathBuf::from(old);
    remove(&old)?;
    match fs::rename(path, &old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot move {} aside", path.display()));
        }
        _ => {}
    }
    fs::rename(new, path).with_context(|| format!("cannot put {} in place", path.display()))?;
    remove(&old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_neighbor() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, b"old", 0o644).unwrap();
        stage_copy(&path, &dir.path().join("absent"), 0o644).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert!(!staged(&path).exists());
    }

    #[test]
    fn a_staged_file_shows_only_when_it_is_committed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below/file");
        stage(&path, b"new", 0o644).unwrap();
        assert!(!path.exists());
        commit(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_link_is_removed_and_not_what_it_names() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        remove(&link).unwrap();
        assert!(target.is_dir() && !link.exists());
        remove(&link).unwrap();
    }

    #[test]
    fn swapping_replaces_a_whole_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (new, path) = (dir.path().join("new"), dir.path().join("path"));
        for (folder, file) in [(&new, "b"), (&path, "a")] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(file), "").unwrap();
        }
        swap_in(&new, &path).unwrap();
        assert!(path.join("b").exists() && !path.join("a").exists() && !new.exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
