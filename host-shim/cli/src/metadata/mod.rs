//! Metadata of a photograph: EXIF, XMP, IPTC, color profile and resolution.
//!
//! The idea: **everything is preserved, except for what the result makes untrue**. Each block is carried as bytes, and
//! only what rotation and colorization change in it is changed.

mod density;
pub mod exif;
pub mod ifd;
pub mod iptc;
pub mod profile;
pub mod srgb;
pub mod xmp;

use image::metadata::Orientation;

pub use density::Density;

use crate::picture::{Picture, swaps_sides};

/// Bytes of each of EXIF, XMP, IPTC and profile that are read; no photograph needs more.
pub const MAX_METADATA: usize = 16 << 20;

/// How much metadata a format allows, in bytes; 0 is none.
pub struct Holds {
    pub exif: usize,
    pub xmp: usize,
    pub iptc: usize,
    /// Whether it stores the resolution outside of EXIF.
    pub density: bool,
    /// Whether it stores texts under a keyword, as PNG does.
    pub texts: bool,
}

/// The metadata of a photograph.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// A block of EXIF, beginning with its TIFF header.
    pub exif: Option<Vec<u8>>,
    /// A packet of XMP: XML in UTF-8.
    pub xmp: Option<Vec<u8>>,
    /// Records of IPTC-IIM.
    pub iptc: Option<Vec<u8>>,
    /// The profile that the pixels are in.
    pub icc: Option<Vec<u8>>,
    pub density: Option<Density>,
    /// Texts under a keyword, as in PNG.
    pub texts: Vec<(String, String)>,
    /// When the picture was last changed, as PNG stores it.
    pub changed: Option<[u8; 7]>,
    /// Whether the photograph itself came with XMP.
    pub had_xmp: bool,
    /// What could not be preserved, or was read differently than stored: sentences for the user.
    pub notes: Vec<String>,
}

impl Metadata {
    /// The orientation that EXIF states, or else XMP.
    pub fn orientation(&self) -> Option<Orientation> {
        let exif = self.exif.as_deref().and_then(exif::orientation);
        Orientation::from_exif(exif.or_else(|| xmp::orientation(self.xmp.as_deref()?))?)
    }

    /// The texts as properties of XMP, for formats without texts; a note names those for which XMP has none.
    pub fn texts_as_xmp(&mut self) -> Vec<xmp::Property> {
        let (known, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.texts)
            .into_iter()
            .map(|(keyword, text)| (xmp::Property::of_text(&keyword, &text), keyword))
            .partition(|(property, _)| property.is_some());
        let mut others: Vec<String> = others.into_iter().map(|(_, keyword)| keyword).collect();
        others.dedup();
        // Who wrote the file and when it was copied is not about the photograph.
        others.retain(|keyword| keyword != "Software" && !keyword.starts_with("date:"));
        if !others.is_empty() {
            self.notes.push(format!("its text was dropped: {}", others.join(", ")));
        }
        let mut properties: Vec<_> = known.into_iter().filter_map(|(property, _)| property).collect();
        properties.extend(self.changed.take().and_then(|time| xmp::Property::of_change(&time)));
        self.had_xmp |= !properties.is_empty();
        properties
    }

    /// Makes the metadata true of `picture`, which was rotated by `orientation` and is in sRGB.
    pub fn settle(&mut self, picture: &Picture, orientation: Orientation) {
        for (block, what) in [(&mut self.exif, "EXIF"), (&mut self.xmp, "XMP"), (&mut self.iptc, "IPTC")] {
            if block.as_ref().is_some_and(|block| block.len() > MAX_METADATA) {
                *block = None;
                self.notes.push(format!("its {what} was dropped: it is larger than 16 MiB"));
            }
        }
        if self.density.is_none() {
            self.density = self.exif.as_deref().and_then(exif::density);
        }
        if let Some(block) = self.exif.take() {
            self.exif = exif::mended(block, picture.width, picture.height, swaps_sides(orientation));
            if self.exif.is_none() {
                self.notes.push("its EXIF was dropped: it is damaged".into());
            }
        }
        if swaps_sides(orientation) {
            self.density = self.density.map(Density::turned);
        }
        self.icc = None;
        self.had_xmp = self.xmp.is_some();
    }

    /// Drops what a format does not allow, and says so.
    pub fn fit(&mut self, holds: &Holds, name: &str) {
        if let (None, Some(density), false) = (&self.exif, self.density, holds.density) {
            // Where only EXIF can store it.
            let mut fields = exif::Fields::default();
            fields.set_density(density);
            self.exif = (holds.exif > 0).then(|| fields.to_block());
        }
        let blocks = [
            (&mut self.exif, holds.exif, "EXIF"),
            (&mut self.xmp, holds.xmp, "XMP"),
            (&mut self.iptc, holds.iptc, "IPTC"),
        ];
        for (block, most, what) in blocks {
            let Some(length) = block.as_ref().map(Vec::len).filter(|length| *length > most) else { continue };
            *block = None;
            // A format without any room for XMP is not blamed for what was never in the photograph.
            if what == "XMP" && !self.had_xmp {
                continue;
            }
            self.notes.push(match most {
                0 => format!("its {what} was dropped: {name} does not support it"),
                most => format!("its {what} was dropped: it is {length} bytes, and {name} allows {most}"),
            });
        }
    }
}
