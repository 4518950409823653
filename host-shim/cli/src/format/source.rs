//! A file that is read, and the pictures in it.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use anyhow::bail;
use image::metadata::Orientation;

use super::limits::Limits;
use crate::metadata::Metadata;
use crate::picture::Picture;
use crate::stop::{Stop, Stoppable};

/// A file to be read.
pub struct Source {
    pub reader: BufReader<Stoppable<File>>,
    /// Its size in bytes.
    pub length: u64,
}

impl Source {
    /// `file` from its beginning.
    pub fn new(file: File, length: u64, stop: &Stop) -> Self {
        Self { reader: BufReader::new(Stoppable { inner: file, stop: stop.clone() }), length }
    }

    /// Its first bytes.
    pub fn start(&mut self) -> std::io::Result<Vec<u8>> {
        let mut start = Vec::new();
        self.reader.by_ref().take(64).read_to_end(&mut start)?;
        self.reader.seek(SeekFrom::Start(0))?;
        Ok(start)
    }

    /// All of it, for decoders that work on memory.
    pub fn bytes(mut self, limits: &Limits) -> anyhow::Result<Vec<u8>> {
        if usize::try_from(self.length).map_or(true, |length| length > limits.memory()) {
            bail!(
                "the file is {} bytes, more than a picture within --max-pixels needs; if it really is one, raise --max-pixels",
                self.length
            );
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.length).unwrap_or(0));
        self.reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The pictures of a file.
pub struct Pages {
    pub count: usize,
    pub pages: Box<dyn Iterator<Item = anyhow::Result<Page>>>,
}

impl Pages {
    /// A file of one picture.
    pub fn one(page: Page) -> Self {
        Self { count: 1, pages: Box::new(std::iter::once(Ok(page))) }
    }
}

/// A picture as stored in its file.
pub struct Page {
    pub picture: Picture,
    pub metadata: Metadata,
    /// Its orientation, where the format itself states it; otherwise EXIF does.
    pub orientation: Option<Orientation>,
}

impl Page {
    /// A picture whose format does not state the orientation.
    pub fn new(picture: Picture, metadata: Metadata) -> Self {
        Self { picture, metadata, orientation: None }
    }
}
