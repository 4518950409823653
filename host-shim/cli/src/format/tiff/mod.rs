//! TIFF and BigTIFF: strips and tiles, one bit to 64-bit floats, every page.
//!
//! The directories, which EXIF shares, are read here; so are strips and tiles, since the crate `tiff` knows neither bits in
//! reverse, nor tiles in planes, nor 12 bits, nor half of the compressions that archives have. Each compression is a
//! crate's. The pages are listed before any of them is decoded.

mod layout;
mod pixels;
mod problem;
mod samples;
mod tags;
mod unpack;
mod write;

use std::collections::HashSet;
use std::io::{BufReader, ErrorKind};
use std::ops::RangeInclusive;

use anyhow::bail;
use image::metadata::Orientation;

use self::layout::{Layout, Photometric};
use self::problem::NAME;
use self::tags::{DNG_VERSION, ICC, IPTC, NEW_SUBFILE_TYPE, ORIENTATION, PHOTOSHOP, XMP};
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
    kinds: "1 to 16 and 32 bits, floats; strips, tiles, planes; palette, CMYK, YCbCr, CIELAB; LZW, deflate, PackBits, fax G3 and \
            G4, JPEG, ZSTD, LZMA, WebP",
    extensions: &["tif", "tiff"],
    recognizes: |start| {
        [&b"II*\0"[..], b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|signature| start.starts_with(signature))
    },
    read,
    write: Some(Writer {
        max_side: u32::MAX,
        depth: Depth::Float,
        alpha: true,
        holds: Holds {
            exif: MAX_METADATA,
            xmp: MAX_METADATA,
            iptc: MAX_METADATA,
            density: true,
            texts: false,
        },
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

type Reader = BufReader<crate::stop::Stoppable<std::fs::File>>;

/// A page as its directory describes it.
struct Listed {
    directory: u64,
    /// A smaller version of another page, or a mask.
    minor: bool,
}

fn read(source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let length = source.length;
    let mut reader = source.reader;
    let header = Header::read(&mut reader).map_err(|error| damaged(NAME, &error))?;
    let mut listed = list(&header, &mut reader, length)?;
    if listed.iter().any(|page| !page.minor) {
        listed.retain(|page| !page.minor);
    }
    let count = listed.len();
    let mut file = File { header, reader, limits: *limits, length };
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
        listed.push(Listed { directory: next, minor });
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
    reader: Reader,
    limits: Limits,
    length: u64,
}

impl File {
    fn page(&mut self, listed: &Listed) -> anyhow::Result<Page> {
        let (header, reader) = (self.header, &mut self.reader);
        let directory = header.directory(reader, listed.directory).map_err(|_| cut_short(NAME))?;
        Layout::check_size(&header, reader, &directory, &self.limits, self.length)?;
        let layout = Layout::of(&header, reader, &directory, self.length)?;
        let orientation = directory.find(ORIENTATION).and_then(|entry| header.unsigned(reader, entry));
        let mut metadata = metadata(&header, reader, &directory);
        let memory = self.limits.memory();
        let mut notes = Vec::new();
        match layout.photometric {
            Photometric::Cmyk if metadata.icc.take().is_some() => {
                notes.push("its CMYK profile was ignored: CMYK was converted to RGB by formula".into());
            }
            // CIELAB needs no profile.
            Photometric::CieLab | Photometric::IccLab => metadata.icc = None,
            _ => {}
        }
        let picture = pixels::read(&layout, reader, header.big_endian, memory, &mut notes)?;
        notes.dedup();
        metadata.notes.extend(notes);
        let orientation = orientation.and_then(|value| Orientation::from_exif(u8::try_from(value).ok()?));
        Ok(Page { picture, metadata, orientation })
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
