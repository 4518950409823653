//! Ctrl-C: the first one lets every job stop at its next step, the second one ends the program at once; neither
//! leaves a partial file.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::exit::INTERRUPTED;

/// Shared by the signal handler and every job.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    partial: Mutex<HashSet<PathBuf>>,
}

/// Why a job ended with neither a result nor a failure.
#[derive(Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interrupted")
    }
}

impl std::error::Error for Stopped {}

impl Stop {
    /// Takes over SIGINT, SIGTERM and SIGHUP.
    pub fn install() -> anyhow::Result<Self> {
        let stop = Self::default();
        let handler = stop.clone();
        ctrlc::set_handler(move || {
            if handler.0.requested.swap(true, Ordering::SeqCst) {
                for path in handler.partial().iter() {
                    // Nobody is left to tell if it cannot be removed.
                    let _ = fs::remove_file(path);
                }
                std::process::exit(INTERRUPTED.into());
            }
        })?;
        Ok(stop)
    }

    /// Asks every job to stop.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
    }

    /// Whether jobs are to stop.
    pub fn requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// An error once jobs are to stop.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.requested() { Err(Stopped) } else { Ok(()) }
    }

    /// Notes a file that must not outlive the program; the note lasts as long as the result.
    pub fn partial_file(&self, path: &Path) -> PartialFile {
        self.partial().insert(path.into());
        PartialFile { stop: self.clone(), path: path.into() }
    }

    fn partial(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.0.partial.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Stop::partial_file`].
pub struct PartialFile {
    stop: Stop,
    path: PathBuf,
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        self.stop.partial().remove(&self.path);
    }
}

/// A reader or writer that fails once jobs are to stop, so that a long decoding or encoding ends too.
pub struct Stoppable<T> {
    pub inner: T,
    pub stop: Stop,
}

impl<T> Stoppable<T> {
    fn check(&self) -> io::Result<()> {
        // Not ErrorKind::Interrupted: that one means "try again".
        self.stop.check().map_err(io::Error::other)
    }
}

impl<T: Read> Read for Stoppable<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.read(buffer)
    }
}

impl<T: Write> Write for Stoppable<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Seek> Seek for Stoppable<T> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}
