//! WebP: lossy and lossless read, lossless written. Of an animation, the first frame is read.

use std::io::ErrorKind;

use autochrome_loader::PixelFormat;
use image_webp::{ColorType, DecodingError, WebPDecoder, WebPEncoder};

use super::kind::{Encode, Format, Options, Output, Writer, flush};
use super::limits::Limits;
use super::problem::{ANIMATED, cut_short, damaged, plain, unsupported};
use super::source::{Page, Pages, Source};
use crate::metadata::{Holds, MAX_METADATA, Metadata, srgb};
use crate::picture::{Depth, Picture};

pub static FORMAT: Format = Format {
    name: "WebP",
    kinds: "lossy, lossless",
    extensions: &["webp"],
    recognizes: |start| start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP"),
    read,
    write: Some(Writer {
        max_side: 16_383,
        depth: Depth::Eight,
        alpha: true,
        holds: Holds { exif: MAX_METADATA, xmp: MAX_METADATA, iptc: 0, density: false, texts: false },
        encode: Encode::One(write),
    }),
};

/// Pixels a byte can hold. A picture of one color needs no data, so only the format's own limit of 16,383 pixels
/// per side remains.
const MOST: u64 = 1 << 24;

fn read(source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let length = source.length;
    let mut decoder = WebPDecoder::new(source.reader).map_err(explain)?;
    let (width, height) = decoder.dimensions();
    limits.size(width, height)?;
    Limits::holds(FORMAT.name, width, height, length, MOST)?;
    decoder.set_memory_limit(MAX_METADATA);
    // Damaged or endless metadata is no reason to refuse the pixels.
    let notes = if decoder.is_animated() { vec![ANIMATED.into()] } else { Vec::new() };
    let metadata = Metadata {
        notes,
        exif: decoder.exif_metadata().ok().flatten(),
        xmp: decoder.xmp_metadata().ok().flatten(),
        icc: decoder.icc_profile().ok().flatten(),
        ..Metadata::default()
    };
    decoder.set_memory_limit(limits.memory());
    let format = if decoder.has_alpha() { PixelFormat::Rgba8 } else { PixelFormat::Rgb8 };
    let size =
        decoder.output_buffer_size().ok_or_else(|| anyhow::anyhow!("the WebP does not fit in memory"))?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(explain)?;
    Ok(Pages::one(Page::new(Picture::new(format, width, height, pixels), metadata)))
}

fn explain(error: DecodingError) -> anyhow::Error {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => cut_short(FORMAT.name),
        DecodingError::IoError(error) => error.into(),
        DecodingError::UnsupportedFeature(what) => unsupported(FORMAT.name, &plain(&what)),
        error => damaged(FORMAT.name, &plain(&error.to_string())),
    }
}

fn write(picture: &Picture, metadata: &Metadata, _: &Options, mut output: Output) -> anyhow::Result<()> {
    let mut encoder = WebPEncoder::new(&mut output);
    encoder.set_icc_profile(srgb::profile());
    if let Some(exif) = &metadata.exif {
        encoder.set_exif_metadata(exif.clone());
    }
    if let Some(xmp) = &metadata.xmp {
        encoder.set_xmp_metadata(xmp.clone());
    }
    let kind = if picture.alpha { ColorType::Rgba8 } else { ColorType::Rgb8 };
    encoder.encode(&picture.pixels, picture.width, picture.height, kind)?;
    flush(output)
}
