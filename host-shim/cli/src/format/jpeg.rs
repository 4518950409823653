//! JPEG: gray, YCbCr, RGB, and CMYK and YCCK, which are converted to RGB without their profile.
//!
//! The decoder recovers what it can of damaged data and says so, which becomes a note. A file whose end is missing is
//! refused: nobody can say how much of the picture there is.

use std::io::Read;

use anyhow::anyhow;
use autochrome_jpeg::{Color, Error, Outcome};
use autochrome_loader::PixelFormat;
use jpeg_encoder::{ColorType, Encoder, EncodingError, PixelDensity, PixelDensityUnit, SamplingFactor};

use super::kind::{Encode, Format, Options, Output, Writer, flush};
use super::limits::Limits;
use super::problem::{self, cut_short, damaged, unsupported};
use super::source::{Page, Pages, Source};
use crate::metadata::{Density, Holds, Metadata, iptc, srgb};
use crate::picture::{Depth, Picture};

/// Bytes of a segment, without the two of its length.
const SEGMENT: usize = 65_533;
const EXIF: usize = b"Exif\0\0".len();
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

pub static FORMAT: Format = Format {
    name: "JPEG",
    kinds: "gray, color, CMYK, YCCK",
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
            texts: false,
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
    let header = autochrome_jpeg::header(&bytes).map_err(explain)?;
    let (width, height) = (header.width, header.height);
    limits.size(width, height)?;
    Limits::holds(FORMAT.name, width, height, u64::try_from(bytes.len())?, MOST)?;
    let mut metadata = metadata(&bytes);
    if header.color == Color::Cmyk && metadata.icc.take().is_some() {
        metadata.notes.push("its CMYK profile was ignored: CMYK was converted to RGB by formula".into());
    }
    let size = u64::from(width) * u64::from(height) * u64::try_from(header.color.channels())?;
    let mut pixels = vec![0; usize::try_from(size)?];
    let outcome = autochrome_jpeg::decode(&bytes, &mut pixels, limits.memory()).map_err(explain)?;
    if outcome == Outcome::Recovered {
        metadata.notes.push("damaged: part of the picture may be wrong".into());
    }
    let (format, pixels) = match header.color {
        Color::Gray => (PixelFormat::Gray8, pixels),
        Color::Rgb => (PixelFormat::Rgb8, pixels),
        Color::Cmyk => (PixelFormat::Rgb8, without_inks(&pixels)),
    };
    Ok(Pages::one(Page::new(Picture::new(format, width, height, pixels), metadata)))
}

fn explain(error: Error) -> anyhow::Error {
    match error {
        Error::Truncated => cut_short(FORMAT.name),
        Error::Unsupported(what) => unsupported(FORMAT.name, &plain(&what)),
        Error::Memory => anyhow!("the JPEG needs more memory than --max-pixels allows"),
        error => damaged(FORMAT.name, &plain(&error.to_string())),
    }
}

/// The library's sentence, the two usual kinds in words of ours.
fn plain(message: &str) -> String {
    if message.contains("precision") {
        return "its samples have more than 8 bits".into();
    }
    if message.contains("SOF type") {
        return "it is lossless or hierarchical JPEG".into();
    }
    problem::plain(message.trim_start_matches("Corrupt JPEG data: "))
}

/// CMYK by formula: the light that one ink and black let through. Adobe, like everyone since, stores the light.
fn without_inks(pixels: &[u8]) -> Vec<u8> {
    let light =
        |ink: u8, black: u8| u8::try_from((u32::from(ink) * u32::from(black) + 127) / 255).unwrap_or(u8::MAX);
    let rgb = |inks: &[u8; 4]| [0, 1, 2].map(|at| light(inks[at], inks[3]));
    pixels.as_chunks::<4>().0.iter().flat_map(rgb).collect()
}

/// What the segments before the picture's data say; the first of each kind counts.
fn metadata(jpeg: &[u8]) -> Metadata {
    let find = |wanted: u8, name: &[u8]| {
        let mut found = segments(jpeg).filter(|(marker, _)| *marker == wanted);
        found.find_map(|(_, content)| content.strip_prefix(name))
    };
    let photoshop = find(0xED, iptc::PHOTOSHOP);
    Metadata {
        exif: find(0xE1, b"Exif\0\0").or_else(|| find(0xE1, b"Exif\0\xFF")).map(<[u8]>::to_vec),
        xmp: find(0xE1, XMP).map(<[u8]>::to_vec),
        iptc: photoshop.and_then(iptc::from_photoshop),
        icc: profile(jpeg),
        density: density(jpeg),
        ..Metadata::default()
    }
}

/// The color profile, which is numbered and divided among segments.
fn profile(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<(u8, &[u8])> = segments(jpeg)
        .filter(|(marker, _)| *marker == 0xE2)
        .filter_map(|(_, content)| match content.strip_prefix(b"ICC_PROFILE\0")? {
            [number, _, data @ ..] => Some((*number, data)),
            _ => None,
        })
        .collect();
    parts.sort_by_key(|(number, _)| *number);
    parts.dedup_by_key(|(number, _)| *number);
    let profile: Vec<u8> = parts.into_iter().flat_map(|(_, data)| data).copied().collect();
    (!profile.is_empty()).then_some(profile)
}

/// The segments before the picture's data: marker and content.
fn segments(jpeg: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        // Between segments there may be fill bytes, and in damaged files anything.
        let at = rest.windows(2).position(|two| two[0] == 0xFF && !matches!(two[1], 0 | 0xFF))?;
        rest = &rest[at..];
        let [_, marker, high, low, ..] = *rest else { return None };
        // The data begins, or this is no row of segments at all.
        if matches!(marker, 0xD8..=0xDA) {
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
