//! From pictures to a file that is whole or absent: written under a temporary name, then renamed.
//!
//! What a format cannot store is refused before any work is done: too many pixels per side, transparency, several
//! pictures. Depth is rounded to the format's; metadata it does not allow is dropped with a sentence.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use tempfile::NamedTempFile;

use crate::format::{self, Encode, Format, Options, Output, Pager, Writer};
use crate::metadata::Metadata;
use crate::partial;
use crate::picture::Picture;
use crate::stop::{PartialFile, Stop, Stoppable};

/// Why nothing can be written to a file of this name.
pub fn not_written(path: &Path) -> anyhow::Error {
    match format::by_extension(path) {
        Some(format) => {
            anyhow!("{} can be read but not written; name another output, or another --format", format.name)
        }
        None => anyhow!(
            "{} must end in {}, which selects the format",
            path.display(),
            format::written_extensions(".")
        ),
    }
}

/// The folder that `path` is in.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.into(),
        _ => PathBuf::from("."),
    }
}

/// A file to be written.
pub struct Sink<'a> {
    format: &'static Format,
    writer: &'static Writer,
    path: &'a Path,
    options: Options,
    overwrite: bool,
    stop: &'a Stop,
    /// Once there is something to write.
    open: Option<Open>,
}

struct Open {
    file: NamedTempFile,
    _partial: PartialFile,
    pager: Option<Box<dyn Pager>>,
}

impl<'a> Sink<'a> {
    /// A file at `path` in this format; nothing is written before its first picture.
    pub fn new(
        format: &'static Format,
        path: &'a Path,
        options: Options,
        overwrite: bool,
        stop: &'a Stop,
    ) -> anyhow::Result<Self> {
        let writer = format.write.as_ref().with_context(|| not_written(path))?;
        Ok(Self { format, writer, path, options, overwrite, stop, open: None })
    }

    /// Bytes of XMP that the format allows.
    pub fn room_for_xmp(&self) -> usize {
        self.writer.holds.xmp
    }

    /// Whether the format has texts beside XMP.
    pub fn holds_texts(&self) -> bool {
        self.writer.holds.texts
    }

    /// Whether the format allows that many pictures: checked before the work is done.
    pub fn check_count(&self, count: usize) -> anyhow::Result<()> {
        if count > 1 && matches!(self.writer.encode, Encode::One(_)) {
            bail!(
                "it has {count} pages, and {} allows only one; write TIFF (--format tif)",
                self.format.name
            );
        }
        Ok(())
    }

    /// Whether the format can hold the result of colorizing `picture`: checked before the work is done.
    pub fn check(&self, picture: &Picture) -> anyhow::Result<()> {
        let (width, height, side) = (picture.width, picture.height, self.writer.max_side);
        if width > side || height > side {
            bail!(
                "{} allows at most {side} pixels per side, and the picture is {width} x {height}; write TIFF or PNG",
                self.format.name
            );
        }
        if matches!(self.writer.encode, Encode::Many(_)) {
            let bytes = u64::from(width) * u64::from(height) * 16;
            if bytes > 0xF000_0000 && picture.pixels.len() > 0xF000_0000 / 3 {
                bail!(
                    "{} files are limited to 4 GB, and the picture is {width} x {height}; write PNG",
                    self.format.name
                );
            }
        }
        if !self.writer.alpha && !picture.is_opaque() {
            bail!(
                "the picture is partly transparent, which {} does not support; write PNG, TIFF or WebP",
                self.format.name
            );
        }
        Ok(())
    }

    /// Writes one picture. What is dropped from `metadata` is noted in it.
    pub fn put(&mut self, picture: Picture, metadata: &mut Metadata) -> anyhow::Result<()> {
        let picture = picture.at_most(self.writer.depth);
        let picture = if self.writer.alpha { picture } else { picture.without_alpha() };
        metadata.fit(&self.writer.holds, self.format.name);
        let written = self.write(&picture, metadata);
        self.stop.check()?;
        written
    }

    fn write(&mut self, picture: &Picture, metadata: &Metadata) -> anyhow::Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open::new(self.path, self.stop)?),
        };
        match self.writer.encode {
            Encode::One(encode) => encode(picture, metadata, &self.options, open.output(self.stop)?),
            Encode::Many(begin) => {
                let pager = match &mut open.pager {
                    Some(pager) => pager,
                    None => open.pager.insert(begin(Open::writer(&open.file, self.stop)?)?),
                };
                pager.page(picture, metadata)
            }
        }
        .context("the output cannot be written")
    }

    /// Ends the file: all of it is on the disk, without its name yet.
    pub fn finish(self) -> anyhow::Result<Ready<'a>> {
        let open = self.open.context("the file contains no picture")?;
        let finished = open.pager.map_or(Ok(()), Pager::finish);
        self.stop.check()?;
        finished
            .and_then(|()| Ok(open.file.as_file().sync_all()?))
            .context("the output cannot be written")?;
        Ok(Ready { file: open.file, _partial: open._partial, path: self.path, overwrite: self.overwrite })
    }
}

/// A whole file that waits for its name.
pub struct Ready<'a> {
    file: NamedTempFile,
    _partial: PartialFile,
    path: &'a Path,
    overwrite: bool,
}

impl Ready<'_> {
    /// The name it will have.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// Its content, to be read.
    pub fn reopened(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// Moves it into place.
    pub fn place(self) -> anyhow::Result<()> {
        let placed = if self.overwrite {
            self.file.persist(self.path)
        } else {
            self.file.persist_noclobber(self.path)
        };
        placed.map(|_| ()).map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => {
                anyhow!(
                    "the output {} was created meanwhile; pass --overwrite to replace it",
                    self.path.display()
                )
            }
            _ => anyhow!("the output {} cannot be written: {}", self.path.display(), error.error),
        })
    }
}

impl Open {
    fn new(path: &Path, stop: &Stop) -> anyhow::Result<Self> {
        let folder = folder_of(path);
        fs::create_dir_all(&folder)
            .with_context(|| format!("the folder {} cannot be created", folder.display()))?;
        let file = partial::create(&folder)
            .with_context(|| format!("the folder {} cannot be written to", folder.display()))?;
        let partial = stop.partial_file(file.path());
        Ok(Self { file, _partial: partial, pager: None })
    }

    fn output(&self, stop: &Stop) -> anyhow::Result<Output> {
        Self::writer(&self.file, stop)
    }

    fn writer(file: &NamedTempFile, stop: &Stop) -> anyhow::Result<Output> {
        let inner = file.as_file().try_clone()?;
        Ok(BufWriter::new(Stoppable { inner, stop: stop.clone() }))
    }
}
