//! Tar archives of at most a given size, in a folder.
//!
//! The idea: **each is written under a temporary name and renamed**, so that a slice with its final name is whole.

use std::io::{BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use crate::files::{self, UNFINISHED};

/// Tar archives in a folder, each closed before it outgrows its size.
pub(super) struct Slices {
    folder: PathBuf,
    most: u64,
    open: Option<Slice>,
    /// Slices closed so far, and their bytes.
    closed: (usize, u64),
}

/// One archive being written, under a temporary name.
struct Slice {
    builder: tar::Builder<BufWriter<NamedTempFile>>,
    bytes: u64,
}

/// Bytes of a header, and what every file in an archive is filled up to a multiple of.
const BLOCK: u64 = 512;
/// What an archive ends with.
const END: u64 = 2 * BLOCK;
/// Names up to this length lie in the header; longer ones in an entry of their own.
const SHORT_NAME: usize = 100;

impl Slices {
    /// Begins in `folder`, which is made; `megabytes` is the most that a slice may have.
    ///
    /// # Errors
    /// The folder cannot be written to, or holds slices already.
    pub(super) fn begin(folder: &Path, megabytes: f64) -> Result<Self> {
        let subject = || format!("slices {}", folder.display());
        std::fs::create_dir_all(folder).with_context(subject)?;
        files::sweep(folder).with_context(subject)?;
        if slice_path(folder, 0).exists() {
            bail!(
                "{}: expected a folder without slices, found photos-000.tar; remove them or name another folder",
                subject()
            );
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0.01 to 100,000 megabytes"
        )]
        let most = (megabytes * 1e6) as u64;
        Ok(Slices { folder: folder.to_owned(), most, open: None, closed: (0, 0) })
    }

    /// Adds a file, under a name that stays inside the archive.
    ///
    /// # Errors
    /// It is larger than a slice may be, or the disk is full.
    pub(super) fn add(&mut self, name: &str, jpeg: &[u8]) -> Result<()> {
        let name = name_in_slice(name);
        let long = name.as_os_str().len() >= SHORT_NAME;
        let blocks = |bytes: usize| Ok::<_, anyhow::Error>(u64::try_from(bytes)?.div_ceil(BLOCK) * BLOCK);
        let name_blocks = if long { BLOCK + blocks(name.as_os_str().len() + 1)? } else { 0 };
        let bytes = BLOCK + blocks(jpeg.len())? + name_blocks;
        if bytes + END > self.most {
            bail!(
                "{}: {} bytes do not fit into a slice of {}; raise --slice-mb",
                name.display(),
                jpeg.len(),
                self.most
            );
        }
        if self.open.as_ref().is_some_and(|slice| slice.bytes + bytes + END > self.most) {
            self.close()?;
        }
        let slice = match &mut self.open {
            Some(slice) => slice,
            None => self.open.insert(Slice::begin(&self.folder)?),
        };
        slice.bytes += bytes;
        slice.add(&name, jpeg).with_context(|| format!("slices {}", self.folder.display()))
    }

    /// Gives the open slice its name.
    fn close(&mut self) -> Result<()> {
        let Some(slice) = self.open.take() else { return Ok(()) };
        let path = slice_path(&self.folder, self.closed.0);
        let bytes = slice.end(&path).with_context(|| format!("slice {}", path.display()))?;
        self.closed = (self.closed.0 + 1, self.closed.1 + bytes);
        Ok(())
    }

    /// Closes the last slice; gives how many there are, and their bytes.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn end(mut self) -> Result<(usize, u64)> {
        self.close()?;
        Ok(self.closed)
    }
}

fn slice_path(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("photos-{index:03}.tar"))
}

impl Slice {
    fn begin(folder: &Path) -> Result<Self> {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let file =
            tempfile::Builder::new().prefix(UNFINISHED).permissions(permissions).tempfile_in(folder)?;
        Ok(Slice { builder: tar::Builder::new(BufWriter::new(file)), bytes: 0 })
    }

    fn add(&mut self, name: &Path, jpeg: &[u8]) -> std::io::Result<()> {
        // Nothing of the machine or the day, so that the same photographs give the same bytes.
        let mut header = tar::Header::new_gnu();
        header.set_size(jpeg.len() as u64);
        header.set_mode(0o644);
        self.builder.append_data(&mut header, name, jpeg)
    }

    fn end(self, path: &Path) -> Result<u64> {
        let mut writer = self.builder.into_inner()?;
        writer.flush()?;
        let file = writer.into_inner()?;
        file.as_file().sync_all()?;
        Ok(file.persist(path)?.metadata()?.len())
    }
}

/// The name inside a slice: folders kept, what leads out of the archive left out, and an ending that says JPEG.
fn name_in_slice(name: &str) -> PathBuf {
    let parts = Path::new(name).components().filter(|part| matches!(part, Component::Normal(_)));
    let mut path: PathBuf = parts.collect();
    let is_jpeg = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("jpg") || ending.eq_ignore_ascii_case("jpeg"));
    if !is_jpeg {
        path.as_mut_os_string().push(".jpg");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_folders_and_stay_inside_the_archive() {
        let names = ["a/b.JPG", "../a/./b.jpeg", "/etc/c.png", "data_batch_1.bin/00040-dog"];
        let kept = names.map(|name| name_in_slice(name).display().to_string());
        assert_eq!(kept, ["a/b.JPG", "a/b.jpeg", "etc/c.png.jpg", "data_batch_1.bin/00040-dog.jpg"]);
    }

    #[test]
    fn no_slice_outgrows_its_size_and_together_they_hold_every_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut slices = Slices::begin(folder.path(), 0.01).unwrap();
        let names: Vec<String> = (0..30_usize).map(|n| format!("{}{n}.jpg", "long/".repeat(n))).collect();
        for (size, name) in names.iter().enumerate() {
            slices.add(name, &vec![7; 100 * size]).unwrap();
        }
        let refused = slices.add("large.jpg", &[0; 10_000]).unwrap_err().to_string();
        assert!(refused.contains("raise --slice-mb"), "{refused}");
        let (count, bytes) = slices.end().unwrap();
        let paths: Vec<PathBuf> = (0..count).map(|index| slice_path(folder.path(), index)).collect();
        let sizes = paths.iter().map(|path| path.metadata().unwrap().len());
        assert!(count > 3 && sizes.clone().all(|size| size <= 10_000));
        assert_eq!(sizes.sum::<u64>(), bytes);
        let found = paths.iter().flat_map(|path| {
            let mut archive = tar::Archive::new(std::fs::File::open(path).unwrap());
            let names = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned());
            names.collect::<Vec<_>>()
        });
        assert_eq!(found.collect::<Vec<_>>(), names.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), count, "nothing half-written is left");
    }
}
