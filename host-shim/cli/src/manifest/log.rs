//! The file of a manifest: locked while a batch writes it, and only ever longer by whole lines.
//!
//! The idea: **one write a line, on the disk before it counts.** A crash can tear only the last line; the next start
//! drops it. A file that is not a manifest is refused before a byte of it changes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use super::line::{Line, SCHEMA};
use crate::format;

/// What every line begins with.
const BEGINNING: &str = r#"{"manifest":"#;

/// An open manifest.
pub struct Log {
    path: PathBuf,
    file: File,
    /// Where its last whole line ends.
    length: u64,
}

impl Log {
    /// Opens or makes the manifest at `path` and gives each of its lines to `take`.
    pub fn open(path: &Path, mut take: impl FnMut(Line)) -> anyhow::Result<Self> {
        let name = path.display();
        if let Some(format) = format::by_extension(path) {
            bail!("the manifest {name} has a name of a {} picture; name it FILE.jsonl", format.name);
        }
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            bail!("the manifest {name} is not a file; name one that is, or one to be made");
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(|error| anyhow!("the manifest {name} cannot be written: {error}"))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => bail!(
                "another run is writing the manifest {name}; wait until it ends, or give this one its own with \
                 --manifest"
            ),
            // A file system without locks: nothing tells two runs apart there.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let mut log = Self { path: path.into(), file, length: 0 };
        log.read(&mut take)?;
        Ok(log)
    }

    /// Reads every line; drops a torn last one.
    fn read(&mut self, take: &mut impl FnMut(Line)) -> anyhow::Result<()> {
        let name = self.path.display();
        let mut reader = BufReader::new(&self.file);
        let mut text = Vec::new();
        for number in 1.. {
            text.clear();
            let read = reader.read_until(b'\n', &mut text);
            read.with_context(|| format!("the manifest {name} cannot be read"))?;
            let Some(line) = text.strip_suffix(b"\n") else { break };
            match serde_json::from_slice::<Line>(line) {
                Ok(line) if line.manifest == SCHEMA => take(line),
                Ok(line) => bail!(
                    "line {number} of the manifest {name} has form {}, and this program knows form {SCHEMA}; use a \
                     program of the version that wrote it, or name another --manifest",
                    line.manifest
                ),
                Err(_) => bail!(
                    "line {number} of {name} is not the line of a manifest; nothing was changed; name another \
                     --manifest"
                ),
            }
            self.length += u64::try_from(text.len())?;
        }
        if text.is_empty() {
            return Ok(());
        }
        let begins = BEGINNING.as_bytes();
        if !text.starts_with(begins) && !begins.starts_with(&text) {
            bail!("{name} is not a manifest; nothing was changed; name another --manifest");
        }
        self.file.set_len(self.length).with_context(|| format!("the manifest {name} cannot be written"))
    }

    /// Adds a line; when this returns it is on the disk.
    pub fn append(&mut self, line: &Line) -> anyhow::Result<()> {
        let name = self.path.display();
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let (ours, found) = (self.file.metadata()?, fs::metadata(&self.path).ok());
        if found.is_none_or(|found| (found.dev(), found.ino()) != (ours.dev(), ours.ino())) {
            bail!("the manifest {name} was moved or removed while the batch was running");
        }
        if let Err(error) = self.file.write_all(&text).and_then(|()| self.file.sync_data()) {
            // The next line, of this run or another, must not begin in the middle of this one.
            let _ = self.file.set_len(self.length);
            bail!("the manifest {name} cannot be written: {error}");
        }
        self.length += u64::try_from(text.len())?;
        Ok(())
    }
}
