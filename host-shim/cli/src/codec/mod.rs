//! The formats of files: one file and one row of [`CODECS`] each.
//!
//! The idea: **a codec only translates**. It knows the bytes of its format and nothing of color, orientation or
//! provenance; what is right for every format - limits, turning, profiles, what of the metadata goes along - is done
//! once, around it.

mod bmp;
mod jpeg;
mod jxl;
mod png;
mod pnm;
mod simple;
mod tiff;
mod webp;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{anyhow, bail};
use image::metadata::Orientation;

use crate::metadata::Metadata;
use crate::picture::{Depth, Picture};
use crate::stop::{Stop, Stoppable};

/// Every format, in the order they are told in.
pub static CODECS: [&Codec; 7] =
    [&jpeg::CODEC, &png::CODEC, &tiff::CODEC, &webp::CODEC, &jxl::CODEC, &bmp::CODEC, &pnm::CODEC];

/// What is said of a file that holds something else.
pub const NOT_A_PICTURE: &str = "it is not a JPEG, PNG, TIFF, WebP, JPEG XL, BMP or PNM picture";

/// Bytes of each of EXIF, XMP, IPTC and profile that are read; more is no photograph's.
pub const MAX_METADATA: usize = 16 << 20;

/// A format of files.
pub struct Codec {
    /// What people call it.
    pub name: &'static str,
    /// What its files' names end in, the usual one first.
    pub extensions: &'static [&'static str],
    /// Whether a file that begins so is one.
    pub recognizes: fn(&[u8]) -> bool,
    /// Opens a file; every limit is checked before memory is taken.
    pub read: fn(Source, &Limits) -> anyhow::Result<Pages>,
    /// How it is written, if it is.
    pub write: Option<Writer>,
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// How a format is written, and what it can hold.
pub struct Writer {
    /// Pixels a side.
    pub max_side: u32,
    /// The deepest samples.
    pub depth: Depth,
    /// Whether it holds transparency.
    pub alpha: bool,
    /// What of the metadata it holds.
    pub holds: Holds,
    /// Writes one picture, or begins a file of several.
    pub encode: Encode,
}

/// What of the metadata a format holds, in bytes; 0 is none.
pub struct Holds {
    pub exif: usize,
    pub xmp: usize,
    pub iptc: usize,
    /// Whether it has a place of its own for dots an inch, besides EXIF.
    pub density: bool,
}

/// Writes one picture to a file.
pub type EncodePage = fn(&Picture, &Metadata, &Options, Output) -> anyhow::Result<()>;

/// How pictures get into a file.
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

/// What can be chosen about a file to be written.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Of JPEG, 1 to 100.
    pub quality: u8,
}

/// Where an encoder writes to.
pub type Output = BufWriter<Stoppable<File>>;

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

    /// The first bytes of it, as far as they go.
    pub fn start(&mut self) -> std::io::Result<Vec<u8>> {
        let mut start = Vec::new();
        self.reader.by_ref().take(64).read_to_end(&mut start)?;
        self.reader.seek(SeekFrom::Start(0))?;
        Ok(start)
    }

    /// All of it, for decoders that work on memory.
    pub fn bytes(mut self, limits: &Limits) -> anyhow::Result<Vec<u8>> {
        if usize::try_from(self.length).map_or(true, |length| length > limits.memory()) {
            bail!("the file is {} bytes, more than a picture that --max-pixels allows can need", self.length);
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

/// A picture as it lies in its file.
pub struct Page {
    pub picture: Picture,
    pub metadata: Metadata,
    /// How it is to be turned, where the format itself says so; otherwise EXIF does.
    pub orientation: Option<Orientation>,
}

impl Page {
    /// A picture whose format says nothing about how it is to be turned.
    pub fn new(picture: Picture, metadata: Metadata) -> Self {
        Self { picture, metadata, orientation: None }
    }
}

/// How large a picture may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Pixels of one picture.
    pub max_pixels: u64,
}

impl Limits {
    /// Refuses a size that is none, or more than allowed.
    pub fn size(&self, width: u32, height: u32) -> anyhow::Result<()> {
        if width == 0 || height == 0 {
            bail!("the picture is {width} x {height} pixels, expected at least 1 x 1");
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            bail!(
                "the picture claims {width} x {height} pixels, {}, more than the limit of {}; if that is true, \
                 raise it with --max-pixels",
                millions(pixels),
                millions(self.max_pixels)
            );
        }
        Ok(())
    }

    /// Refuses a size that `length` bytes cannot hold, at `most` pixels a byte.
    pub fn holds(name: &str, width: u32, height: u32, length: u64, most: u64) -> anyhow::Result<()> {
        if u64::from(width) * u64::from(height) > length.saturating_mul(most) {
            bail!(
                "the {name} claims {width} x {height} pixels, which its {length} bytes cannot hold: it is cut \
                 short or damaged"
            );
        }
        Ok(())
    }

    /// Memory a decoder may take: 16 bytes (RGBA of floats) for each pixel allowed, and some for its tables.
    pub fn memory(&self) -> usize {
        usize::try_from(self.max_pixels).unwrap_or(usize::MAX).saturating_mul(16).saturating_add(64 << 20)
    }
}

fn millions(pixels: u64) -> String {
    if pixels < 1_000_000 {
        return pixels.to_string();
    }
    let tenths = pixels.div_ceil(100_000);
    if tenths.is_multiple_of(10) {
        format!("{} million", tenths / 10)
    } else {
        format!("{}.{} million", tenths / 10, tenths % 10)
    }
}

/// The format a file's content says it is.
pub fn by_content(start: &[u8]) -> Option<&'static Codec> {
    CODECS.into_iter().find(|codec| (codec.recognizes)(start))
}

/// The format a file's name says it is.
pub fn by_extension(path: &Path) -> Option<&'static Codec> {
    by_name(path.extension().and_then(OsStr::to_str)?)
}

/// The format of files with this extension.
pub fn by_name(extension: &str) -> Option<&'static Codec> {
    let extension = extension.to_ascii_lowercase();
    CODECS.into_iter().find(|codec| codec.extensions.contains(&extension.as_str()))
}

/// What is written for a picture whose own format is not.
pub fn fallback() -> &'static Codec {
    &png::CODEC
}

/// What a file's name may end in to be written.
pub fn written_extensions() -> String {
    let written = CODECS.into_iter().filter(|codec| codec.write.is_some());
    let names: Vec<String> = written.map(|codec| format!(".{}", codec.extensions[0])).collect();
    let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    format!("{} or {last}", others.join(", "))
}

/// What is said when the bytes end too early.
fn cut_short(name: &str) -> anyhow::Error {
    anyhow!("the {name} is cut short")
}

/// What is said of bytes that make no sense; `error` is the decoder's word for it.
fn damaged(name: &str, error: &dyn std::fmt::Display) -> anyhow::Error {
    let text = error.to_string();
    anyhow!("the {name} is damaged: {}", text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What is said of a kind of file the decoder does not know.
fn unsupported(name: &str, what: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!("this kind of {name} cannot be read: {what}; another program can save it as PNG or TIFF")
}

/// Ends a file: what is still buffered goes out.
fn flush(mut output: Output) -> anyhow::Result<()> {
    Ok(output.flush()?)
}
