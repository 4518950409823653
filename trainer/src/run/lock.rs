//! One run a folder: a lock that the system drops with the process, however it ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The lock of a run folder; dropped, it is free.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock of `folder`, which it makes where it is not there, and removes what a run that was killed left
    /// half-written.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be written to.
    pub fn take(folder: &Path) -> Result<Self> {
        let made = std::fs::create_dir_all(folder).and_then(|()| File::create(folder.join("lock")));
        let file = made.with_context(|| format!("run folder {}", folder.display()))?;
        match file.try_lock() {
            Ok(()) => {
                crate::files::sweep(folder)
                    .with_context(|| format!("run folder {}: cannot be tidied", folder.display()))?;
                Ok(RunLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "run folder {}: another run works in it; wait for it or name another --out",
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
        assert!(refused.contains("another run works in it"), "{refused}");
        drop(first);
        RunLock::take(folder.path()).unwrap();
    }
}
