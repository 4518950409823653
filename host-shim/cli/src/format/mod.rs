//! File formats: one file and one row of [`FORMATS`] each.
//!
//! The idea: **a format only translates**. It knows the bytes of its files and nothing of color, orientation or
//! provenance; what all formats need (limits, rotation, profiles, which metadata is preserved) is done once, around it.

mod bmp;
mod gif;
mod jpeg;
mod jxl;
mod kind;
mod limits;
mod png;
mod pnm;
mod problem;
mod source;
mod table;
mod tiff;
mod webp;
mod with_image;

use std::ffi::OsStr;
use std::path::Path;

pub use kind::{Encode, Format, Options, Output, Pager, Writer};
pub use limits::Limits;
pub use source::{Page, Pages, Source};
pub use table::table;

/// Every format, in the order they are listed.
pub static FORMATS: [&Format; 8] = [
    &jpeg::FORMAT,
    &png::FORMAT,
    &tiff::FORMAT,
    &webp::FORMAT,
    &jxl::FORMAT,
    &gif::FORMAT,
    &bmp::FORMAT,
    &pnm::FORMAT,
];

/// The names of all formats, as a list that ends with `last`, such as "and".
pub fn names(last: &str) -> String {
    list(FORMATS.into_iter().map(|format| format.name.to_owned()), last)
}

/// The error for a file of some other kind.
pub fn not_a_picture() -> String {
    format!("it is not a {} picture", names("or"))
}

/// What to do with a file of a kind that is known and not read, by its first bytes.
pub fn known_otherwise(start: &[u8]) -> Option<&'static str> {
    let brand = start.get(8..12).filter(|_| start.get(4..8) == Some(b"ftyp"));
    match (brand, start) {
        (Some(b"avif" | b"avis"), _) => Some("it is AVIF, which is not read; save it as PNG or TIFF first"),
        (Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1"), _) => Some(
            "it is HEIC, which is not read; save it as JPEG, PNG or TIFF first, or let the phone export JPEG",
        ),
        (Some(b"crx "), _) => Some("it is camera raw, which must be developed first"),
        (_, [0, 0, 0, 0x0C, b'j', b'P', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..]) => {
            Some("it is JPEG 2000, which is not read; save it as PNG or TIFF first")
        }
        (_, [b'8', b'B', b'P', b'S', ..]) => Some("it is a Photoshop document; save it as TIFF or PNG first"),
        (_, [b'%', b'P', b'D', b'F', ..]) => Some("it is PDF; extract its pictures first"),
        _ => None,
    }
}

/// The format a file's content says it is.
pub fn by_content(start: &[u8]) -> Option<&'static Format> {
    FORMATS.into_iter().find(|format| (format.recognizes)(start))
}

/// The format a file's name says it is.
pub fn by_extension(path: &Path) -> Option<&'static Format> {
    by_name(path.extension().and_then(OsStr::to_str)?)
}

/// The format of files with this extension.
pub fn by_name(extension: &str) -> Option<&'static Format> {
    let extension = extension.to_ascii_lowercase();
    FORMATS.into_iter().find(|format| format.extensions.contains(&extension.as_str()))
}

/// The format to write for a picture whose own can only be read.
pub fn fallback() -> &'static Format {
    &png::FORMAT
}

/// The extensions that can be written, each with `before` in front.
pub fn written_extensions(before: &str) -> String {
    let written = FORMATS.into_iter().filter(|format| format.write.is_some());
    list(written.map(|format| format!("{before}{}", format.extensions[0])), "or")
}

fn list(items: impl Iterator<Item = String>, last: &str) -> String {
    let items: Vec<String> = items.collect();
    match items.split_last() {
        Some((end, others)) => format!("{} {last} {end}", others.join(", ")),
        None => String::new(),
    }
}
