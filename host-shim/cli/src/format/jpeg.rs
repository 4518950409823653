//! JPEG: gray, YCbCr, RGB, and CMYK and YCCK, which are converted to RGB without their profile.
//!
//! The decoder silently fills what is missing with gray, so the end of the file is checked first.

use std::io::Read;

use anyhow::anyhow;
use autochrome_loader::PixelFormat;
use jpeg_encoder::{ColorType, Encoder, EncodingError, PixelDensity, PixelDensityUnit, SamplingFactor};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::kind::{Encode, Format, Options, Output, Writer, flush};
use super::limits::Limits;
use super::problem::{cut_short, damaged, unsupported};
use super::source::{Page, Pages, Source};
use crate::metadata::{Density, Holds, Metadata, iptc, srgb};
use crate::picture::{Depth, Picture};

/// Bytes of a segment, without the two of its length.
const SEGMENT: usize = 65_533;
const EXIF: usize = b"Exif\0\0".len();
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

pub static FORMAT: Format = Format {
    name: "JPEG",
    extensions: &["jpg", "jpeg", "jpe", "jfif"],
    recognizes: |start| start.starts_with(b"\xFF\xD8\xFF"),
    read,
    write: Some(Writer {
        max_side: 65_535,
        depth: Depth::Eight,
        alpha: false,
        holds: Holds {
            exif: SEGMENT - EXIF,
            xmp: SEGMENT - XMP.len(),
            iptc: SEGMENT - iptc::PHOTOSHOP.len() - iptc::RESOURCE,
            density: true,
        },
        encode: Encode::One(write),
    }),
};

/// Pixels a byte can hold: a bit for each block of 8 x 8, and as much again for chroma left out.
const MOST: u64 = 2048;

fn read(source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let bytes = source.bytes(limits)?;
    if !is_whole(&bytes) {
        return Err(cut_short(FORMAT.name));
    }
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
    decoder.decode_headers().map_err(|error| explain(&error))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (u32::try_from(width)?, u32::try_from(height)?);
    limits.size(width, height)?;
    Limits::holds(FORMAT.name, width, height, u64::try_from(bytes.len())?, MOST)?;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::Unknown);
    let (format, wanted) = match stored {
        ColorSpace::Luma => (PixelFormat::Gray8, ColorSpace::Luma),
        _ => (PixelFormat::Rgb8, ColorSpace::RGB),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let mut metadata = Metadata {
        exif: decoder.exif().cloned(),
        xmp: decoder.xmp().cloned(),
        iptc: decoder.iptc().and_then(|resources| iptc::from_photoshop(resources)),
        icc: decoder.icc_profile(),
        density: density(&bytes),
        ..Metadata::default()
    };
    if matches!(stored, ColorSpace::CMYK | ColorSpace::YCCK) && metadata.icc.take().is_some() {
        metadata.notes.push("its CMYK profile was ignored: CMYK was converted to RGB by formula".into());
    }
    let pixels = decoder.decode().map_err(|error| explain(&error))?;
    let expected = u64::from(width) * u64::from(height) * u64::try_from(format.bytes_per_pixel())?;
    if u64::try_from(pixels.len())? != expected {
        return Err(damaged(FORMAT.name, &"it does not contain the pixels its header claims"));
    }
    Ok(Pages::one(Page::new(Picture::new(format, width, height, pixels), metadata)))
}

fn explain(error: &DecodeErrors) -> anyhow::Error {
    match error {
        DecodeErrors::Unsupported(scheme) => unsupported(FORMAT.name, &format!("{scheme:?}")),
        DecodeErrors::ExhaustedData => cut_short(FORMAT.name),
        error => damaged(FORMAT.name, &format!("{error:?}").replace(['"', '\\'], "")),
    }
}

/// The segments before the picture's data: marker and content.
fn segments(jpeg: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [0xFF, marker, high, low, ..] = *rest else { return None };
        // The data begins, or this is no row of segments at all.
        if marker == 0xDA || !matches!(marker, 0xC0..=0xCF | 0xDB..=0xFE) {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let content = rest.get(4..2 + length)?;
        rest = &rest[2 + length..];
        Some((marker, content))
    })
}

/// Dots per inch, as the JFIF header states them.
fn density(jpeg: &[u8]) -> Option<Density> {
    let (_, header) =
        segments(jpeg).find(|(marker, content)| *marker == 0xE0 && content.starts_with(b"JFIF\0"))?;
    let [unit, x_high, x_low, y_high, y_low] = *header.get(7..12)?.first_chunk()?;
    let x = f64::from(u16::from_be_bytes([x_high, x_low]));
    let y = f64::from(u16::from_be_bytes([y_high, y_low]));
    match unit {
        1 => Density::per_inch(x, y),
        2 => Density::per_inch(x * 2.54, y * 2.54),
        _ => None,
    }
}

/// Whether a JPEG's data reaches its end marker.
fn is_whole(mut rest: &[u8]) -> bool {
    let mut two = [0; 2];
    if rest.read_exact(&mut two).is_err() {
        return false;
    }
    loop {
        // To the next marker: 0xFF and a byte that is neither stuffing, nor a restart, nor fill.
        let Some(at) =
            rest.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF))
        else {
            return false;
        };
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        if marker == 0xD9 {
            return true;
        }
        let Some(length) = rest.first_chunk().map(|bytes| usize::from(u16::from_be_bytes(*bytes))) else {
            return false;
        };
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn write(
    picture: &Picture,
    metadata: &Metadata,
    options: &Options,
    mut output: Output,
) -> anyhow::Result<()> {
    let mut encoder = Encoder::new(&mut output, options.quality);
    // Color is what this is about: it keeps its full resolution at every quality.
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    if let Some((x, y)) = metadata.density.and_then(|density| density.whole()) {
        encoder.set_density(PixelDensity { density: (x, y), unit: PixelDensityUnit::Inches });
    }
    if let Some(exif) = &metadata.exif {
        encoder.add_exif_metadata(exif).map_err(told)?;
    }
    if let Some(xmp) = &metadata.xmp {
        encoder.add_app_segment(1, [XMP, xmp].concat()).map_err(told)?;
    }
    if let Some(iptc) = &metadata.iptc {
        encoder.add_app_segment(13, iptc::to_photoshop(iptc)).map_err(told)?;
    }
    encoder.add_icc_profile(&srgb::profile()).map_err(told)?;
    let (width, height) = (u16::try_from(picture.width)?, u16::try_from(picture.height)?);
    encoder.encode(&picture.pixels, width, height, ColorType::Rgb).map_err(told)?;
    flush(output)
}

fn told(error: EncodingError) -> anyhow::Error {
    match error {
        EncodingError::IoError(error) => error.into(),
        error => anyhow!("{error}"),
    }
}
