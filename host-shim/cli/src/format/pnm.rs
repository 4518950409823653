//! PNM: PBM, PGM, PPM and PAM of 8 and 16 bits. Written as PPM, or as PAM where there is transparency.

use image::codecs::pnm::{PnmDecoder, PnmEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::kind::{Encode, Format, Options, Output, Writer, flush};
use super::limits::Limits;
use super::source::{Pages, Source};
use super::with_image;
use crate::metadata::{Holds, Metadata};
use crate::picture::{Depth, Picture};

pub static FORMAT: Format = Format {
    name: "PNM",
    extensions: &["ppm", "pnm", "pgm", "pbm", "pam"],
    recognizes: |start| matches!(start, [b'P', b'1'..=b'7', space, ..] if space.is_ascii_whitespace()),
    read,
    write: Some(Writer {
        max_side: u32::MAX,
        depth: Depth::Sixteen,
        alpha: true,
        holds: Holds { exif: 0, xmp: 0, iptc: 0, density: false },
        encode: Encode::One(write),
    }),
};

/// Pixels a byte can hold: eight of one bit.
const MOST: u64 = 8;

fn read(source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let length = source.length;
    let decoder = PnmDecoder::new(source.reader).map_err(|error| with_image::explain(&error, FORMAT.name))?;
    with_image::read(decoder, FORMAT.name, length, MOST, limits)
}

fn write(picture: &Picture, _: &Metadata, _: &Options, mut output: Output) -> anyhow::Result<()> {
    let kind = match (picture.depth(), picture.alpha) {
        (Depth::Eight, false) => ExtendedColorType::Rgb8,
        (Depth::Eight, true) => ExtendedColorType::Rgba8,
        (_, false) => ExtendedColorType::Rgb16,
        (_, true) => ExtendedColorType::Rgba16,
    };
    PnmEncoder::new(&mut output).write_image(&picture.pixels, picture.width, picture.height, kind)?;
    flush(output)
}
