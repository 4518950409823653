//! The folders searched for models.
//!
//! The idea: **the closer to the caller, the earlier**: the host's folders, then those of the environment, the
//! user's, and those installed or built with the library. docs/models.md states the order for users.

use std::path::{Path, PathBuf};

/// The environment variable with more folders, separated by colons.
pub const VARIABLE: &str = "AUTOCHROME_MODELS";

/// The model folders of a session whose host names `own`, in order and without duplicates. Missing folders stay in
/// the list, so that an error can say where it looked.
pub fn models_folders(own: &[PathBuf]) -> Vec<PathBuf> {
    let named = std::env::var_os(VARIABLE);
    let named = named.iter().flat_map(std::env::split_paths);
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in own
        .iter()
        .cloned()
        .chain(named)
        .chain(users())
        .chain(autochrome_boundary::own_path().iter().flat_map(|path| beside(path)))
    {
        if !folder.as_os_str().is_empty() && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// `$XDG_DATA_HOME/autochrome/models`, by default below `~/.local/share`. A relative XDG_DATA_HOME must be ignored
/// (XDG Base Directory Specification 0.8).
fn users() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    let data = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))?;
    Some(data.join("autochrome/models"))
}

/// The folders that belong to a library at `path`: of an installation (`<prefix>/lib/autochrome/`), then of a build
/// tree (`target/release/`).
fn beside(path: &Path) -> Vec<PathBuf> {
    let Some(root) = path.ancestors().nth(3) else { return Vec::new() };
    vec![root.join("share/autochrome/models"), root.join("models/packages")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_knows_its_installation_and_its_build_tree() {
        let found = beside(Path::new("/usr/lib/autochrome/libautochrome.so"));
        assert_eq!(found[0], Path::new("/usr/share/autochrome/models"));
        let found = beside(Path::new("/checkout/target/release/libautochrome.so"));
        assert_eq!(found[1], Path::new("/checkout/models/packages"));
        assert!(beside(Path::new("/a.so")).is_empty());
    }

    #[test]
    fn the_hosts_own_folders_come_first_and_once() {
        let own = [PathBuf::from("/b"), PathBuf::from("/a"), PathBuf::from("/b"), PathBuf::new()];
        let folders = models_folders(&own);
        assert_eq!(folders[..2], [PathBuf::from("/b"), PathBuf::from("/a")]);
        assert_eq!(folders.iter().filter(|folder| *folder == Path::new("/b")).count(), 1);
    }
}
