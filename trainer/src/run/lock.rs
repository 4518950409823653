//! One run per folder: a lock that the system releases with the process, however it ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The lock of a run folder, released when dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Locks `folder`, creating it if needed, and removes what a killed run left half-written.
    ///
    /// # Errors
    /// Another process has the lock, or the folder cannot be written to.
    pub fn take(folder: &Path) -> Result<Self> {
        let made = std::fs::create_dir_all(folder).and_then(|()| File::create(folder.join("lock")));
        let file = made.with_context(|| format!("run folder {}", folder.display()))?;
        match file.try_lock() {
            Ok(()) => {
                crate::files::sweep(folder)
                    .with_context(|| format!("run folder {}: cannot be cleaned up", folder.display()))?;
                Ok(RunLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "run folder {}: another run is using it; wait for it or name another --out",
                    folder.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("run folder {}: cannot be locked", folder.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_run_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunLock::take(folder.path()).unwrap();
        let refused = RunLock::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("another run is using it"), "{refused}");
        drop(first);
        RunLock::take(folder.path()).unwrap();
    }
}
