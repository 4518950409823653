//! What a file says of its photograph: EXIF, XMP, IPTC, color profile and resolution.
//!
//! The idea: **everything goes along, but for what the result makes untrue**. Each block is carried as bytes; what is
//! changed in it is the little that turning and coloring change.

pub mod exif;
pub mod ifd;
pub mod iptc;
pub mod profile;
pub mod srgb;
pub mod xmp;

use image::metadata::Orientation;

use crate::codec::{Holds, MAX_METADATA};
use crate::picture::{Picture, swaps_sides};

/// What a file says of its photograph.
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
    /// Whether the photograph itself came with XMP.
    pub had_xmp: bool,
    /// What could not be kept, or was taken otherwise than it stands there: sentences for the user.
    pub notes: Vec<String>,
}

/// Dots an inch, along the rows and along the columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Density {
    x: f64,
    y: f64,
}

impl Density {
    /// Of `x` and `y` dots an inch; `None` when that is none.
    pub fn per_inch(x: f64, y: f64) -> Option<Self> {
        // Dots a meter are rounded, and no scanner has 299.9994 dots an inch.
        let [x, y] = [x, y].map(|dots| if (dots - dots.round()).abs() < 0.02 { dots.round() } else { dots });
        let right = |dots: f64| (0.01..1e6).contains(&dots);
        (right(x) && right(y)).then_some(Self { x, y })
    }

    /// Dots for each of so many inches, rounded.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range first"
    )]
    pub fn per(self, inches: f64) -> Option<(u32, u32)> {
        let whole = [self.x, self.y].map(|dots| (dots * inches).round());
        let right = whole.iter().all(|dots| (1.0..f64::from(i32::MAX)).contains(dots));
        right.then_some((whole[0] as u32, whole[1] as u32))
    }

    /// Dots an inch in whole numbers of 16 bits.
    pub fn whole(self) -> Option<(u16, u16)> {
        let (x, y) = self.per(1.0)?;
        Some((u16::try_from(x).ok()?, u16::try_from(y).ok()?))
    }

    /// Dots an inch as fractions, as TIFF and EXIF hold them: numerator, denominator, in the machine's order.
    pub fn fractions(self) -> [Vec<u8>; 2] {
        let (scale, (x, y)) = match (self.whole(), self.per(1000.0)) {
            (Some((x, y)), _) if f64::from(x) == self.x && f64::from(y) == self.y => {
                (1, (x.into(), y.into()))
            }
            (_, Some(thousands)) => (1000, thousands),
            _ => (1, self.per(1.0).unwrap_or((1, 1))),
        };
        [x, y].map(|dots: u32| [dots.to_ne_bytes(), u32::to_ne_bytes(scale)].concat())
    }
}

impl Metadata {
    /// How the photograph is to be turned, as EXIF says.
    pub fn orientation(&self) -> Option<Orientation> {
        Orientation::from_exif(exif::orientation(self.exif.as_ref()?)?)
    }

    /// Makes it say what is true of `picture`, which was turned by `orientation` and is in sRGB.
    pub fn settle(&mut self, picture: &Picture, orientation: Orientation) {
        for (block, what) in [(&mut self.exif, "EXIF"), (&mut self.xmp, "XMP"), (&mut self.iptc, "IPTC")] {
            if block.as_ref().is_some_and(|block| block.len() > MAX_METADATA) {
                *block = None;
                self.notes.push(format!("its {what} was left out: it is more than 16 MiB"));
            }
        }
        if self.density.is_none() {
            self.density = self.exif.as_deref().and_then(exif::density);
        }
        if let Some(block) = self.exif.take() {
            self.exif = exif::mended(block, picture.width, picture.height, swaps_sides(orientation));
            if self.exif.is_none() {
                self.notes.push("its EXIF was left out: it is damaged".into());
            }
        }
        if swaps_sides(orientation) {
            self.density = self.density.map(|density| Density { x: density.y, y: density.x });
        }
        self.icc = None;
        self.had_xmp = self.xmp.is_some();
    }

    /// Leaves out what a format does not hold, and says so.
    pub fn fit(&mut self, holds: &Holds, name: &str) {
        if let (None, Some(density), false) = (&self.exif, self.density, holds.density) {
            // Where only EXIF holds it.
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
                0 => format!("its {what} was left out: {name} does not hold any"),
                most => format!("its {what} was left out: it is {length} bytes, {name} holds {most}"),
            });
        }
    }
}
