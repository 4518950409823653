//! Palettes for a decoder that supports none.

use std::io::{Read, Seek, SeekFrom};

use super::tags::{BLACK_IS_ZERO, PHOTOMETRIC};
use crate::metadata::ifd::{Directory, Header};

/// A file in which some values read differently from how they are stored: the decoder supports no palettes, so it is
/// shown their indices as gray.
pub struct Patched<R> {
    inner: R,
    position: u64,
    patches: Vec<(u64, [u8; 2])>,
}

impl<R: Read + Seek> Patched<R> {
    /// `inner`, from its beginning, as it is.
    pub fn new(inner: R) -> Self {
        Self { inner, position: 0, patches: Vec::new() }
    }

    /// Shows the indices of a palette as gray.
    pub fn patch_photometric(&mut self, header: &Header, directory: &Directory) {
        if let Some(entry) = directory.find(PHOTOMETRIC) {
            let value =
                if header.big_endian { BLACK_IS_ZERO.to_be_bytes() } else { BLACK_IS_ZERO.to_le_bytes() };
            self.patches.push((entry.at, value));
        }
    }

    /// Whether that was done for this page.
    pub fn is_palette(&self, directory: &Directory) -> bool {
        directory.find(PHOTOMETRIC).is_some_and(|entry| self.patches.iter().any(|(at, _)| *at == entry.at))
    }
}

impl<R: Read> Read for Patched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let (from, to) = (self.position, self.position + u64::try_from(count).unwrap_or(0));
        for (at, value) in &self.patches {
            for (at, byte) in (*at..).zip(value) {
                if (from..to).contains(&at) {
                    buffer[usize::try_from(at - from).unwrap_or(0)] = *byte;
                }
            }
        }
        self.position = to;
        Ok(count)
    }
}

impl<R: Seek> Seek for Patched<R> {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        self.position = self.inner.seek(position)?;
        Ok(self.position)
    }
}
