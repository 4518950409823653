//! What a file format is: how its files are recognized, read and written, and what they can store.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::limits::Limits;
use super::source::{Pages, Source};
use crate::metadata::{Holds, Metadata};
use crate::picture::{Depth, Picture};
use crate::stop::Stoppable;

/// A file format.
pub struct Format {
    /// What people call it.
    pub name: &'static str,
    /// Which kinds of it are read.
    pub kinds: &'static str,
    /// The extensions of its files, the usual one first.
    pub extensions: &'static [&'static str],
    /// Whether a file that begins with these bytes is one.
    pub recognizes: fn(&[u8]) -> bool,
    /// Opens a file; every limit is checked before memory is taken.
    pub read: fn(Source, &Limits) -> anyhow::Result<Pages>,
    /// How it is written, if it can be.
    pub write: Option<Writer>,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// How a format is written, and what it can store.
pub struct Writer {
    /// Most pixels per side.
    pub max_side: u32,
    /// The deepest samples.
    pub depth: Depth,
    /// Whether it supports transparency.
    pub alpha: bool,
    /// Which metadata it allows.
    pub holds: Holds,
    /// Writes one picture, or begins a file of several.
    pub encode: Encode,
}

/// Writes one picture to a file.
pub type EncodePage = fn(&Picture, &Metadata, &Options, Output) -> anyhow::Result<()>;

/// How pictures are written to a file.
pub enum Encode {
    /// A file is one picture.
    One(EncodePage),
    /// A file is any number of pictures.
    Many(fn(Output) -> anyhow::Result<Box<dyn Pager>>),
}

/// Takes the pictures of a file one after another.
pub trait Pager {
    /// Writes one more.
    fn page(&mut self, picture: &Picture, metadata: &Metadata) -> anyhow::Result<()>;
    /// Ends the file.
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

/// Options of a file to be written.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    /// Whether PNM is to be PAM.
    pub pam: bool,
}

/// Where an encoder writes to.
pub type Output = BufWriter<Stoppable<File>>;

/// Ends a file: what is still buffered goes out.
pub fn flush(mut output: Output) -> anyhow::Result<()> {
    Ok(output.flush()?)
}
