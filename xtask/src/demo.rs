//! `cargo xtask demo`: from a fresh checkout to a colored photograph.
//!
//! The idea: it runs the same program a user runs, and the result goes to `target/demo/`, never beside or over the
//! photograph, so that it can be repeated any number of times.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::setup;
use crate::workspace::{Workspace, run as run_command};

/// Arguments of `demo`.
#[derive(clap::Args)]
pub struct Args {
    /// The photograph to colorize [default: the first one in examples/photos/]
    photo: Option<PathBuf>,
}

/// Extensions of the formats that `autochrome` reads.
const PHOTOS: &[&str] = &["jpg", "jpeg", "png", "tif", "tiff", "webp"];

/// Sets up, builds, colorizes the photograph and prints where the result is.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let photo = match &args.photo {
        Some(photo) if photo.is_file() => photo.canonicalize()?,
        Some(photo) => bail!("photograph {} does not exist", photo.display()),
        None => first_photo(&workspace.root().join("examples/photos"))?,
    };
    setup::ensure(workspace)?;
    workspace.build(&["autochrome-plugin", "autochrome-cli"])?;
    let result = result_path(workspace.target(), &photo)?;
    fs::create_dir_all(result.parent().unwrap_or(workspace.target()))?;
    let mut autochrome = workspace.command(workspace.built("autochrome"));
    autochrome.arg(&photo).arg("-o").arg(&result).arg("--overwrite");
    run_command(&mut autochrome, "autochrome")?;
    if !result.is_file() {
        bail!("autochrome succeeded but did not write {}", result.display());
    }
    println!("before  {}\nafter   {}", photo.display(), result.display());
    Ok(())
}

fn first_photo(folder: &Path) -> Result<PathBuf> {
    let mut photos: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_photo(path))
        .collect();
    photos.sort();
    let first = photos.into_iter().next();
    first.with_context(|| {
        format!("{} contains no photograph: name one with `cargo xtask demo PHOTO`", folder.display())
    })
}

fn is_photo(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    path.is_file() && PHOTOS.contains(&ending.as_str())
}

/// Where the result goes: `target/demo/`, under the photograph's name, as PNG.
fn result_path(target: &Path, photo: &Path) -> Result<PathBuf> {
    let name = photo.file_stem().with_context(|| format!("{} has no name", photo.display()))?;
    let mut name = name.to_owned();
    name.push("-colored.png");
    let result = target.join("demo").join(name);
    if result.canonicalize().is_ok_and(|there| there == photo) {
        bail!("{} is the result of an earlier demo: name the original photograph", photo.display());
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_first_photograph_by_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["LICENSE.md", "b.jpg", "a.PNG"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(first_photo(dir.path()).unwrap(), dir.path().join("a.PNG"));
        let said = first_photo(&dir.path().join("absent")).unwrap_err().to_string();
        assert!(said.contains("cargo xtask demo PHOTO"));
    }

    #[test]
    fn the_result_is_never_the_photograph() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().canonicalize().unwrap();
        let result = result_path(&target, Path::new("/photos/old street.jpg")).unwrap();
        assert_eq!(result, target.join("demo/old street-colored.png"));
        fs::create_dir(target.join("demo")).unwrap();
        for name in ["x-colored.png", "x.png"] {
            fs::write(target.join("demo").join(name), "").unwrap();
        }
        result_path(&target, &target.join("demo/x-colored.png")).unwrap();
        assert_eq!(
            result_path(&target, &target.join("demo/x.png")).unwrap(),
            target.join("demo/x-colored.png")
        );
    }
}
