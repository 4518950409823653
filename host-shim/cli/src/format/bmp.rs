//! BMP: 1 to 32 bits per pixel are read, 24 and 32 are written. It holds no metadata that other programs look for.

use std::io::{Seek, SeekFrom};

use image::codecs::bmp::{BmpDecoder, BmpEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::kind::{Encode, Format, Options, Output, Writer, flush};
use super::limits::Limits;
use super::source::{Pages, Source};
use super::with_image;
use crate::metadata::{Holds, Metadata};
use crate::picture::{Depth, Picture};

pub static FORMAT: Format = Format {
    name: "BMP",
    kinds: "1 to 32 bits",
    extensions: &["bmp", "dib"],
    recognizes: |start| start.starts_with(b"BM"),
    read,
    write: Some(Writer {
        max_side: 65_535,
        depth: Depth::Eight,
        alpha: true,
        holds: Holds { exif: 0, xmp: 0, iptc: 0, density: false, texts: false },
        encode: Encode::One(write),
    }),
};

/// Pixels a byte can hold: a run of 255, and skips of 255 rows.
const MOST: u64 = 1 << 16;

fn read(mut source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let length = source.length;
    source.reader.seek(SeekFrom::Start(0))?;
    let decoder = BmpDecoder::new(source.reader).map_err(|error| with_image::explain(&error, FORMAT.name))?;
    with_image::read(decoder, FORMAT.name, length, MOST, limits)
}

fn write(picture: &Picture, _: &Metadata, _: &Options, mut output: Output) -> anyhow::Result<()> {
    let kind = if picture.alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
    BmpEncoder::new(&mut output).write_image(&picture.pixels, picture.width, picture.height, kind)?;
    flush(output)
}
