//! TIFF and BigTIFF: strips and tiles, one bit to 64-bit floats, every page.
//!
//! The decoder is the crate `tiff`. What it leaves to its users is done here: the pages are listed before any of them
//! is decoded, palettes become RGB, and what describes the photograph is read from the directories.

mod patched;
mod pixels;
mod problem;
mod tags;
mod write;

use std::collections::HashSet;
use std::io::{BufReader, ErrorKind, Seek, SeekFrom};
use std::ops::RangeInclusive;

use anyhow::bail;
use image::metadata::Orientation;
use tiff::decoder::Decoder;

use self::patched::Patched;
use self::problem::{NAME, explain};
use self::tags::{
    COLOR_MAP, COMPRESSION, DNG_VERSION, EXTRA_SAMPLES, ICC, IPTC, LENGTH, NEW_SUBFILE_TYPE, ORIENTATION,
    PALETTE, PHOTOMETRIC, PHOTOSHOP, WIDTH, XMP,
};
use crate::format::kind::{Encode, Format, Writer};
use crate::format::limits::Limits;
use crate::format::problem::{cut_short, damaged, unsupported};
use crate::format::source::{Page, Pages, Source};
use crate::metadata::exif::Fields;
use crate::metadata::ifd::{Directory, Header, size_of};
use crate::metadata::{Holds, MAX_METADATA, Metadata, iptc};
use crate::picture::Depth;

pub static FORMAT: Format = Format {
    name: NAME,
    extensions: &["tif", "tiff"],
    recognizes: |start| {
        [&b"II*\0"[..], b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|signature| start.starts_with(signature))
    },
    read,
    write: Some(Writer {
        max_side: u32::MAX,
        depth: Depth::Float,
        alpha: true,
        holds: Holds { exif: MAX_METADATA, xmp: MAX_METADATA, iptc: MAX_METADATA, density: true },
        encode: Encode::Many(write::begin),
    }),
};

/// Most pages in one file: no scan has more.
const MAX_PAGES: usize = 4096;

/// Most values of one tag that says how pixels are stored: one strip per row of the tallest pictures.
const MAX_VALUES: u64 = 1 << 20;
/// The tags that say so, among others that do no harm.
const STRUCTURE: RangeInclusive<u16> = 254..=532;
/// The type of text.
const ASCII: u16 = 2;

type Reader = Patched<BufReader<crate::stop::Stoppable<std::fs::File>>>;

/// A page as its directory describes it.
struct Listed {
    /// Its place in the chain of directories.
    index: usize,
    directory: u64,
    /// A smaller version of another page, or a mask.
    minor: bool,
}

fn read(source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let length = source.length;
    let mut reader = Patched::new(source.reader);
    let header = Header::read(&mut reader).map_err(|error| damaged(NAME, &error))?;
    let mut listed = list(&header, &mut reader, length)?;
    if listed.iter().any(|page| !page.minor) {
        listed.retain(|page| !page.minor);
    }
    reader.seek(SeekFrom::Start(0))?;
    let mut memory = tiff::decoder::Limits::default();
    memory.decoding_buffer_size = limits.memory();
    memory.intermediate_buffer_size = limits.memory();
    memory.ifd_value_size = 8 << 20;
    let decoder = Decoder::new(reader).map_err(|error| explain(&error))?.with_limits(memory);
    let count = listed.len();
    let mut file = File { header, decoder, limits: *limits, length };
    Ok(Pages { count, pages: Box::new(listed.into_iter().map(move |page| file.page(&page))) })
}

/// Walks the chain of directories.
fn list(header: &Header, reader: &mut Reader, length: u64) -> anyhow::Result<Vec<Listed>> {
    let mut listed: Vec<Listed> = Vec::new();
    let mut seen = HashSet::new();
    let mut next = header.first;
    while next != 0 {
        if listed.len() == MAX_PAGES {
            bail!("the TIFF claims more than {MAX_PAGES} pages; split it");
        }
        if !seen.insert(next) {
            return Err(damaged(NAME, &"its pages form a cycle"));
        }
        let directory = match header.directory(reader, next) {
            Ok(directory) => directory,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(cut_short(NAME)),
            Err(error) => return Err(damaged(NAME, &error)),
        };
        check_values(&directory, length)?;
        let number = |reader: &mut Reader, tag| header.unsigned(reader, directory.find(tag)?);
        if number(reader, DNG_VERSION).is_some() || directory.find(DNG_VERSION).is_some() {
            return Err(unsupported(NAME, &"it is a camera raw file (DNG), which must be developed first"));
        }
        let minor = number(reader, NEW_SUBFILE_TYPE).is_some_and(|kind| kind & 0b101 != 0);
        if number(reader, PHOTOMETRIC) == Some(PALETTE) {
            reader.patch_photometric(header, &directory);
        }
        listed.push(Listed { index: listed.len(), directory: next, minor });
        next = directory.next;
    }
    if listed.is_empty() {
        return Err(damaged(NAME, &"it has no pages"));
    }
    Ok(listed)
}

/// Refuses values that the file cannot hold, or that nobody needs: the decoder would take memory for them.
fn check_values(directory: &Directory, length: u64) -> anyhow::Result<()> {
    for entry in
        directory.entries.iter().filter(|entry| STRUCTURE.contains(&entry.tag) && entry.kind != ASCII)
    {
        let bytes = entry.count.saturating_mul(size_of(entry.kind));
        if entry.count > MAX_VALUES || bytes > length {
            let problem = format!("tag {} claims {} values", entry.tag, entry.count);
            return Err(damaged(NAME, &problem));
        }
    }
    Ok(())
}

/// An open file.
struct File {
    header: Header,
    decoder: Decoder<Reader>,
    limits: Limits,
    length: u64,
}

impl File {
    fn page(&mut self, listed: &Listed) -> anyhow::Result<Page> {
        let header = self.header;
        let reader = self.decoder.inner();
        let directory = header.directory(reader, listed.directory).map_err(|_| cut_short(NAME))?;
        let number = |reader: &mut Reader, tag| header.unsigned(reader, directory.find(tag)?);
        let side = |value: Option<u64>| u32::try_from(value.unwrap_or(0)).unwrap_or(u32::MAX);
        let (width, height) = (side(number(reader, WIDTH)), side(number(reader, LENGTH)));
        self.limits.size(width, height)?;
        let most = most_pixels_a_byte(number(reader, COMPRESSION).unwrap_or(1));
        Limits::holds(NAME, width, height, self.length, most)?;
        let orientation = number(reader, ORIENTATION).and_then(|value| u8::try_from(value).ok());
        let palette = reader.is_palette(&directory).then(|| directory.find(COLOR_MAP)).flatten();
        let palette = palette.and_then(|entry| header.values(reader, entry, 6 << 16));
        let extra = directory.find(EXTRA_SAMPLES).and_then(|entry| header.values(reader, entry, 64));
        let mut metadata = metadata(&header, reader, &directory);
        self.decoder.seek_to_image(listed.index).map_err(|error| explain(&error))?;
        let is = |number: u16| extra.as_ref().is_some_and(|extra| extra.starts_with(&number.to_ne_bytes()));
        let kind = pixels::Kind { palette, associated: is(1), no_alpha: is(0) };
        let picture = pixels::read(&mut self.decoder, &kind, self.limits.memory(), &mut metadata.notes)?;
        let orientation = orientation.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms);
        Ok(Page { picture, metadata, orientation: Some(orientation) })
    }
}

/// Pixels a byte can hold, by how they are packed.
fn most_pixels_a_byte(compression: u64) -> u64 {
    match compression {
        1 => 8,
        // LZW: strings of 4096 bytes in codes of 12 bits.
        5 => 8 * 2731,
        8 | 32_946 => 8 * 1032,
        32_773 => 8 * 64,
        // Fax and the formats of pictures have runs without end.
        _ => u64::MAX,
    }
}

fn metadata(header: &Header, reader: &mut Reader, directory: &Directory) -> Metadata {
    let mut block = |tag| {
        let entry = directory.find(tag)?;
        header.raw(reader, entry, MAX_METADATA).filter(|block| !block.is_empty())
    };
    let (xmp, icc) = (block(XMP), block(ICC));
    let photoshop = block(PHOTOSHOP).and_then(|resources| iptc::from_photoshop(&resources));
    // Some write it as LONG, whose words are not to be turned round.
    let iptc = block(IPTC).and_then(|records| iptc::from_photoshop(&records)).or(photoshop);
    let fields = Fields::of(header, reader, directory);
    let density = fields.density();
    Metadata {
        exif: (!fields.is_empty()).then(|| fields.to_block()),
        xmp,
        iptc,
        icc,
        density,
        ..Metadata::default()
    }
}
