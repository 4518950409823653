//! Finds the installed models.
//!
//! The idea: **a bad package affects only its own line in the list.**

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{MANIFEST_FILE, Package, PackageError, Problem};

/// A folder that is a model package, or tries to be one.
#[derive(Debug)]
pub struct Found {
    /// The package's folder; for a models folder that cannot be read, that folder.
    pub folder: PathBuf,
    /// The package, or why it cannot be used.
    pub package: Result<Package, PackageError>,
}

/// Opens every model package directly inside `folders`: each sub-folder with a `model.toml` whose name does not
/// begin with a dot. Checks every weights file, so it takes about 2 ms per megabyte.
///
/// Usable ones come first: those with `default = true`, then the rest, each in the order of `folders` and of their
/// names. Of two with the same name, the first folder's is usable and the other is listed as shadowed. A folder that
/// does not exist is skipped, one that cannot be read is listed.
#[must_use]
pub fn find_models(folders: &[PathBuf]) -> Vec<Found> {
    let mut seen = HashSet::new();
    let mut found: Vec<Found> = Vec::new();
    for folder in folders {
        // One folder is often named twice, by a setting and by the default.
        if seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
            found.extend(in_folder(folder));
        }
    }
    shadow(&mut found);
    // The sort is stable: what is equal here stays in the order of folders and names.
    found.sort_by_key(|found| match &found.package {
        Ok(package) if package.manifest().default => 0,
        Ok(_) => 1,
        Err(_) => 2,
    });
    found
}

/// The packages of one folder, by name; the bad ones by folder name.
fn in_folder(folder: &Path) -> Vec<Found> {
    let mut found: Vec<Found> = match packages(folder) {
        Ok(folders) => {
            folders.into_iter().map(|folder| Found { package: Package::open(&folder), folder }).collect()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => {
            let problem = Problem::Io { what: "the models folder".to_owned(), action: "read", source };
            vec![Found {
                folder: folder.to_owned(),
                package: Err(PackageError { folder: folder.to_owned(), problem }),
            }]
        }
    };
    found.sort_by(|x, y| sort_key(x).cmp(&sort_key(y)));
    found
}

fn sort_key(found: &Found) -> (&str, &Path) {
    (found.package.as_ref().map_or("", |package| &package.manifest().name), &found.folder)
}

/// Sub-folders that hold a `model.toml`; hidden ones are packages being written.
fn packages(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let path = entry.path();
        // Not `exists`: a link that leads nowhere is a package with a fault, not no package.
        if !hidden && path.join(MANIFEST_FILE).symlink_metadata().is_ok() {
            folders.push(path);
        }
    }
    Ok(folders)
}

/// Makes the second and later of one name unusable.
fn shadow(found: &mut [Found]) {
    let mut first: HashMap<String, PathBuf> = HashMap::new();
    for found in found {
        let Ok(package) = &found.package else { continue };
        let name = package.manifest().name.clone();
        match first.get(&name) {
            Some(folder) => {
                let problem = Problem::Shadowed(folder.clone());
                found.package = Err(PackageError { folder: found.folder.clone(), problem });
            }
            None => drop(first.insert(name, found.folder.clone())),
        }
    }
}
