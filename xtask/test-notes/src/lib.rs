//! What a test has to say beside pass or fail.
//!
//! The idea: **nothing is skipped in silence.** A test that cannot run writes a line to `target/skipped` and passes; a
//! pinned number that moved within its tolerance writes a line to `target/drifted`. `cargo xtask test` prints and counts
//! both, and fails on what `--require` says must not be skipped.

use std::fmt::{self, Display};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a machine may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// An NVIDIA GPU.
    Cuda,
    /// GIMP 2.10.
    Gimp2,
    /// GIMP 3.
    Gimp3,
    /// A screen in memory, for GIMP's windows.
    Screen,
    /// A browser, for the trainer's pages.
    Browser,
    /// Photographs that the project may not pass on.
    Photographs,
    /// Valgrind.
    Valgrind,
    /// A C compiler with `AddressSanitizer`.
    Sanitizer,
}

impl Need {
    /// Every need.
    pub const ALL: [Self; 8] = [
        Self::Cuda,
        Self::Gimp2,
        Self::Gimp3,
        Self::Screen,
        Self::Browser,
        Self::Photographs,
        Self::Valgrind,
        Self::Sanitizer,
    ];

    /// The name, as `--require` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Gimp2 => "gimp-2.10",
            Self::Gimp3 => "gimp-3",
            Self::Screen => "screen",
            Self::Browser => "browser",
            Self::Photographs => "photographs",
            Self::Valgrind => "valgrind",
            Self::Sanitizer => "sanitizer",
        }
    }

    /// Whether tests with this need compare snapshots, which then go unused.
    #[must_use]
    pub fn has_snapshots(self) -> bool {
        matches!(self, Self::Gimp2 | Self::Gimp3 | Self::Screen | Self::Photographs)
    }
}

/// A test that did not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// What it lacked.
    pub need: Need,
    /// Its name.
    pub test: String,
    /// Why it could not run, in one line.
    pub reason: String,
}

impl Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (needs {}): {}", self.test, self.need.name(), self.reason)
    }
}

/// Reports that the running test is skipped. The test should then return.
///
/// # Panics
/// The line cannot be written: a test must not be skipped in silence.
pub fn skip(need: Need, reason: impl Display) {
    let reason = reason.to_string().replace(['\n', '\t'], " ");
    append("skipped", &format!("{}\t{}\t{reason}", need.name(), test_name()));
}

/// Reports that a pinned number moved, though within its tolerance.
///
/// # Panics
/// The line cannot be written.
pub fn drift(what: impl Display) {
    append("drifted", &format!("{}: {what}", test_name()));
}

/// The skipped tests that `target/skipped` names, in order, each once.
#[must_use]
pub fn skipped(target: &Path) -> Vec<Skipped> {
    lines(target, "skipped").iter().filter_map(|line| parse(line)).collect()
}

/// The lines of `target/drifted`, in order, each once.
#[must_use]
pub fn drifted(target: &Path) -> Vec<String> {
    lines(target, "drifted")
}

/// Forgets what earlier runs reported.
///
/// # Errors
/// A file cannot be removed.
pub fn clear(target: &Path) -> std::io::Result<()> {
    for name in ["skipped", "drifted"] {
        match fs::remove_file(target.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// libtest runs each test on a thread of its name.
fn test_name() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}

fn append(name: &str, line: &str) {
    eprintln!("{name}: {line}");
    let path = target().join(name);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    // One write a line, so that tests side by side do not mix theirs.
    file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The target folder, seen from the running test.
fn target() -> PathBuf {
    let exe = std::env::current_exe().expect("a test knows its own path");
    exe.ancestors().nth(3).expect("tests lie in <target>/<profile>/deps").to_path_buf()
}

fn lines(target: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(target.join(name)).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    lines
}

fn parse(line: &str) -> Option<Skipped> {
    let mut parts = line.splitn(3, '\t');
    let (need, test, reason) = (parts.next()?, parts.next()?, parts.next()?);
    let need = Need::ALL.into_iter().find(|known| known.name() == need)?;
    Some(Skipped { need, test: test.to_owned(), reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_sorted_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let text = "cuda\tb\tno driver\nbrowser\ta\tno browser is on PATH\ncuda\tb\tno driver\n";
        fs::write(folder.path().join("skipped"), text).unwrap();
        let said: Vec<String> = skipped(folder.path()).iter().map(ToString::to_string).collect();
        assert_eq!(said, ["a (needs browser): no browser is on PATH", "b (needs cuda): no driver"]);
        clear(folder.path()).unwrap();
        assert!(skipped(folder.path()).is_empty() && drifted(folder.path()).is_empty());
        clear(folder.path()).unwrap();
    }

    #[test]
    fn every_need_has_a_name_of_its_own() {
        for need in Need::ALL {
            assert_eq!(parse(&format!("{}\tt\tr", need.name())).unwrap().need, need);
        }
    }
}
