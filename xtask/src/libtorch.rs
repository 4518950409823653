//! Inspects a libtorch folder: its version, whether it is complete, whether it supports CUDA.
//!
//! The idea: a folder is judged by its own files, not by its origin, so one assembled from wheels, a libtorch
//! archive and an installed PyTorch are all the same.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The version the bindings are made for; `tch` in Cargo.toml pins it.
pub const VERSION: &str = "2.11.0";

/// The files a build needs in the folder.
const NEEDED: &[&str] = &[
    "lib/libtorch_cpu.so",
    "lib/libc10.so",
    "lib/libtorch.so",
    "include/torch/csrc/api/include/torch/torch.h",
];

/// The devices it supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// The CPU.
    Cpu,
    /// The CPU and NVIDIA GPUs.
    Cuda,
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Set::Cpu => "CPU set",
            Set::Cuda => "CUDA set",
        })
    }
}

/// A usable libtorch folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Libtorch {
    /// The devices it supports.
    pub set: Set,
}

/// Checks that `folder` is a complete libtorch of the right version.
pub fn inspect(folder: &Path) -> Result<Libtorch> {
    if !folder.exists() {
        bail!("folder {} does not exist", folder.display());
    }
    if let Some(missing) = NEEDED.iter().find(|file| !folder.join(file).is_file()) {
        bail!(
            "{} is not a libtorch folder: {missing} is missing. A libtorch folder contains lib/ and include/; in a \
             Python environment it is site-packages/torch",
            folder.display()
        );
    }
    let version = version(folder)?;
    if version != VERSION {
        bail!(
            "{} contains libtorch {version}, but this project needs libtorch {VERSION}. Use your own {VERSION} \
             with `cargo xtask setup --libtorch DIR` (`pip install torch=={VERSION}` makes one), or \
             unset LIBTORCH and run `cargo xtask setup`, which fetches {VERSION}",
            folder.display()
        );
    }
    let set = if folder.join("lib/libtorch_cuda.so").is_file() { Set::Cuda } else { Set::Cpu };
    Ok(Libtorch { set })
}

/// The version stated in a libtorch folder, without a local suffix such as `+cu130`.
fn version(folder: &Path) -> Result<String> {
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let stated = read("build-version")
        .or_else(|| read("version.py").as_deref().and_then(version_in_python))
        .or_else(|| read("include/torch/headeronly/version.h").as_deref().and_then(version_in_header))
        .or_else(|| {
            read("include/torch/csrc/api/include/torch/version.h").as_deref().and_then(version_in_header)
        });
    let stated = stated.with_context(|| {
        format!(
            "{} does not state its version: expected build-version, version.py or version.h in it",
            folder.display()
        )
    })?;
    Ok(without_suffix(&stated).to_owned())
}

fn without_suffix(version: &str) -> &str {
    version.trim().split('+').next().unwrap_or_default()
}

/// The version in PyTorch's `version.py`: `__version__ = '2.11.0+cu130'`.
fn version_in_python(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ ="))?;
    Some(line.trim().trim_matches(['\'', '"']).to_owned())
}

/// The version in libtorch's `version.h`: three macros of one number each.
fn version_in_header(text: &str) -> Option<String> {
    let number = |part: &str| {
        let name = format!("#define TORCH_VERSION_{part} ");
        text.lines().find_map(|line| line.strip_prefix(&name)?.trim().parse::<u32>().ok())
    };
    Some(format!("{}.{}.{}", number("MAJOR")?, number("MINOR")?, number("PATCH")?))
}

/// The folders with the libraries of a libtorch: its own, and NVIDIA's next to an installed PyTorch.
pub fn library_folders(libtorch: &Path) -> Vec<PathBuf> {
    let mut folders = vec![libtorch.join("lib")];
    let beside = libtorch.parent().map(|parent| parent.join("nvidia"));
    let nvidia = beside.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut nvidia: Vec<PathBuf> =
        nvidia.map(|entry| entry.path().join("lib")).filter(|lib| lib.is_dir()).collect();
    nvidia.sort();
    folders.append(&mut nvidia);
    folders
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Creates a folder that looks like libtorch of this version.
    pub fn fake(folder: &Path, version: &str) {
        for file in NEEDED {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(folder.join("build-version"), version).unwrap();
    }

    #[test]
    fn reads_the_version_wherever_it_is_stated() {
        let dir = tempfile::tempdir().unwrap();
        fake(dir.path(), "2.11.0+cpu\n");
        assert_eq!(version(dir.path()).unwrap(), "2.11.0");
        fs::remove_file(dir.path().join("build-version")).unwrap();
        version(dir.path()).unwrap_err();
        fs::create_dir_all(dir.path().join("include/torch/headeronly")).unwrap();
        let header =
            "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 10\n#define TORCH_VERSION_PATCH 1\n";
        fs::write(dir.path().join("include/torch/headeronly/version.h"), header).unwrap();
        assert_eq!(version(dir.path()).unwrap(), "2.10.1");
        fs::write(dir.path().join("version.py"), "__all__ = []\n__version__ = '2.11.0+cu130'\n").unwrap();
        assert_eq!(version(dir.path()).unwrap(), "2.11.0");
    }

    #[test]
    fn a_wrong_version_is_answered_with_both_versions_and_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        fake(dir.path(), "2.9.1+cu128");
        let said = inspect(dir.path()).unwrap_err().to_string();
        for part in ["2.9.1", "2.11.0", "--libtorch", "unset LIBTORCH"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn an_incomplete_folder_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        fake(dir.path(), VERSION);
        assert_eq!(inspect(dir.path()).unwrap().set, Set::Cpu);
        fs::write(dir.path().join("lib/libtorch_cuda.so"), "").unwrap();
        assert_eq!(inspect(dir.path()).unwrap().set, Set::Cuda);
        fs::remove_file(dir.path().join("lib/libc10.so")).unwrap();
        assert!(inspect(dir.path()).unwrap_err().to_string().contains("lib/libc10.so"));
    }
}
