//! PNG: every kind is read; RGB and RGBA of 8 and 16 bits are written, row by row.
//!
//! Of an animation, the default image is read. EXIF and XMP have chunks of their own; IPTC is in a text chunk, where
//! ImageMagick and ExifTool put it.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use autochrome_loader::PixelFormat;
use png::{
    BitDepth, ColorType, Compression, Decoder, DecodingError, Encoder, Info, PixelDimensions, Reader,
    SrgbRenderingIntent, Transformations, Unit,
};

use super::kind::{Encode, Format, Options, Output, Writer, flush};
use super::limits::Limits;
use super::problem::{ANIMATED, cut_short, damaged, plain};
use super::source::{Page, Pages, Source};
use crate::metadata::{Density, Holds, MAX_METADATA, Metadata, iptc};
use crate::picture::{Depth, Picture, gray_alpha_to_rgba};

pub static FORMAT: Format = Format {
    name: "PNG",
    kinds: "all",
    extensions: &["png", "apng"],
    recognizes: |start| start.starts_with(b"\x89PNG\r\n\x1a\n"),
    read,
    write: Some(Writer {
        max_side: 0x7FFF_FFFF,
        depth: Depth::Sixteen,
        alpha: true,
        holds: Holds {
            exif: MAX_METADATA,
            xmp: MAX_METADATA,
            iptc: MAX_METADATA,
            density: true,
            texts: true,
        },
        encode: Encode::One(write),
    }),
};

/// Pixels a byte can hold: eight of one bit, deflated by 1032 at most.
const MOST: u64 = 8 * 1032;
/// Memory for rows, profile and text together.
const MEMORY: usize = 64 << 20;
const XMP: &str = "XML:com.adobe.xmp";
const NO_PROFILE: &str =
    "its color profile is damaged, or larger than 64 MiB, and was ignored; its values were read as sRGB";
const METERS_AN_INCH: f64 = 0.0254;

fn read(mut source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let length = source.length;
    let dropped = Dropped::find(&mut source.reader);
    source.reader.seek(SeekFrom::Start(0))?;
    let mut decoder = Decoder::new_with_limits(source.reader, png::Limits { bytes: MEMORY });
    decoder.set_transformations(Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(|error| explain(&error))?;
    let (width, height) = (header.width, header.height);
    limits.size(width, height)?;
    Limits::holds(FORMAT.name, width, height, length, MOST)?;
    let mut reader = decoder.read_info().map_err(|error| explain(&error))?;
    let size =
        reader.output_buffer_size().ok_or_else(|| anyhow::anyhow!("the PNG does not fit in memory"))?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(|error| explain(&error))?;
    // What comes after the pixels may have metadata; that it is damaged is no reason to refuse them.
    let _ = reader.finish();
    let mut metadata = metadata(reader.info());
    metadata.changed = dropped.changed;
    if reader.info().animation_control.is_some_and(|animation| animation.num_frames > 1) {
        metadata.notes.push(ANIMATED.into());
    }
    if dropped.profile && metadata.icc.is_none() {
        metadata.notes.push(NO_PROFILE.into());
    }
    let (format, pixels) = in_our_order(&reader, pixels);
    Ok(Pages::one(Page::new(Picture::new(format, width, height, pixels), metadata)))
}

/// What the decoder drops silently.
#[derive(Default)]
struct Dropped {
    /// Whether there is a profile: a bad one is dropped.
    profile: bool,
    /// When the picture was last changed.
    changed: Option<[u8; 7]>,
}

impl Dropped {
    /// Looks at every chunk; what is wrong with them is reported by the decoder.
    fn find(reader: &mut (impl Read + Seek)) -> Self {
        let mut found = Self::default();
        let _ = found.walk(reader);
        found
    }

    fn walk(&mut self, reader: &mut (impl Read + Seek)) -> io::Result<()> {
        reader.seek(SeekFrom::Start(8))?;
        loop {
            let mut start = [0; 8];
            reader.read_exact(&mut start)?;
            let [a, b, c, d, kind @ ..] = start;
            let mut length = i64::from(u32::from_be_bytes([a, b, c, d]));
            match &kind {
                b"iCCP" => self.profile = true,
                b"tIME" if length == 7 => {
                    let mut time = [0; 7];
                    reader.read_exact(&mut time)?;
                    self.changed = Some(time);
                    length = 0;
                }
                b"IEND" => return Ok(()),
                _ => {}
            }
            // The rest of the content, and its checksum.
            reader.seek_relative(length + 4)?;
        }
    }
}

fn explain(error: &DecodingError) -> anyhow::Error {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => cut_short(FORMAT.name),
        DecodingError::LimitsExceeded => {
            anyhow::anyhow!("the PNG needs more memory than any photograph should")
        }
        error => damaged(FORMAT.name, &plain(&error.to_string())),
    }
}

/// The decoded samples, which are big-endian, in native byte order; gray with alpha as RGBA.
fn in_our_order<R: std::io::BufRead + std::io::Seek>(
    reader: &Reader<R>,
    mut pixels: Vec<u8>,
) -> (PixelFormat, Vec<u8>) {
    let (color, depth) = reader.output_color_type();
    let deep = depth == BitDepth::Sixteen;
    if deep {
        for sample in pixels.as_chunks_mut::<2>().0 {
            *sample = u16::from_be_bytes(*sample).to_ne_bytes();
        }
    }
    match (color, deep) {
        (ColorType::Grayscale, false) => (PixelFormat::Gray8, pixels),
        (ColorType::Grayscale, true) => (PixelFormat::Gray16, pixels),
        (ColorType::GrayscaleAlpha, false) => (PixelFormat::Rgba8, gray_alpha_to_rgba::<1>(&pixels)),
        (ColorType::GrayscaleAlpha, true) => (PixelFormat::Rgba16, gray_alpha_to_rgba::<2>(&pixels)),
        (ColorType::Rgba, false) => (PixelFormat::Rgba8, pixels),
        (ColorType::Rgba, true) => (PixelFormat::Rgba16, pixels),
        (_, false) => (PixelFormat::Rgb8, pixels),
        (_, true) => (PixelFormat::Rgb16, pixels),
    }
}

fn metadata(info: &Info<'_>) -> Metadata {
    let xmp = info.utf8_text.iter().find(|text| text.keyword == XMP).and_then(|text| {
        let mut text = text.clone();
        text.decompress_text_with_limit(MAX_METADATA).ok()?;
        text.get_text().ok().map(String::into_bytes)
    });
    Metadata {
        exif: info.exif_metadata.as_deref().map(<[u8]>::to_vec).or_else(|| {
            let block = raw_profile(info, "exif").or_else(|| raw_profile(info, "APP1"))?;
            Some(block.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec).unwrap_or(block))
        }),
        xmp: xmp.or_else(|| raw_profile(info, "xmp")),
        iptc: raw_profile(info, "iptc").and_then(|profile| iptc::from_photoshop(&profile)),
        icc: info.icc_profile.as_deref().map(<[u8]>::to_vec),
        density: info.pixel_dims.filter(|dims| dims.unit == Unit::Meter).and_then(|dims| {
            Density::per_inch(f64::from(dims.xppu) * METERS_AN_INCH, f64::from(dims.yppu) * METERS_AN_INCH)
        }),
        texts: texts(info),
        ..Metadata::default()
    }
}

/// Bytes of all texts together, and how many there may be; no photograph needs more.
const MAX_TEXT: usize = 1 << 20;
const MAX_TEXTS: usize = 100;

/// The texts that are not metadata of another kind.
fn texts(info: &Info<'_>) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    texts.extend(
        info.uncompressed_latin1_text.iter().map(|text| (text.keyword.clone(), Some(text.text.clone()))),
    );
    texts.extend(info.compressed_latin1_text.iter().filter(|text| is_text(&text.keyword)).map(|text| {
        let mut text = text.clone();
        let unpacked = text.decompress_text_with_limit(MAX_TEXT).ok().and_then(|()| text.get_text().ok());
        (text.keyword.clone(), unpacked)
    }));
    texts.extend(info.utf8_text.iter().filter(|text| is_text(&text.keyword)).map(|text| {
        let mut text = text.clone();
        let unpacked = text.decompress_text_with_limit(MAX_TEXT).ok().and_then(|()| text.get_text().ok());
        (text.keyword.clone(), unpacked)
    }));
    let texts = texts.into_iter().filter_map(|(keyword, text)| Some((keyword, text?)));
    let mut room = MAX_TEXT;
    let fits = |(_, text): &(String, String)| {
        let rest = room.checked_sub(text.len());
        room = rest.unwrap_or(room);
        rest.is_some()
    };
    texts.filter(|(keyword, _)| is_text(keyword)).filter(fits).take(MAX_TEXTS).collect()
}

/// Whether a keyword is that of words, rather than of a block that is preserved in its own way.
fn is_text(keyword: &str) -> bool {
    keyword != XMP && !keyword.starts_with("Raw profile type")
}

/// A block as ImageMagick puts it into text: its name, its length, and its bytes in hexadecimal.
fn raw_profile(info: &Info<'_>, kind: &str) -> Option<Vec<u8>> {
    let wanted = format!("Raw profile type {kind}");
    let packed = info.compressed_latin1_text.iter().find(|text| text.keyword == wanted).and_then(|text| {
        let mut text = text.clone();
        text.decompress_text_with_limit(2 * MAX_METADATA).ok()?;
        text.get_text().ok()
    });
    let plain = || info.uncompressed_latin1_text.iter().find(|text| text.keyword == wanted);
    let text = packed.or_else(|| plain().map(|text| text.text.clone()))?;
    let digits: Vec<u8> = text.split_whitespace().skip(2).flat_map(str::bytes).collect();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.as_chunks::<2>().0.iter().map(byte).collect()
}

fn to_raw_profile(kind: &str, block: &[u8]) -> String {
    let mut text = format!("\n{kind}\n{:8}\n", block.len());
    for line in block.chunks(36) {
        text.extend(line.iter().map(|byte| format!("{byte:02x}")));
        text.push('\n');
    }
    text
}

fn write(picture: &Picture, metadata: &Metadata, _: &Options, mut output: Output) -> anyhow::Result<()> {
    let mut info = Info::with_size(picture.width, picture.height);
    info.color_type = match picture.format {
        PixelFormat::Gray8 | PixelFormat::Gray16 => ColorType::Grayscale,
        _ if picture.alpha => ColorType::Rgba,
        _ => ColorType::Rgb,
    };
    info.bit_depth = if picture.depth() == Depth::Eight { BitDepth::Eight } else { BitDepth::Sixteen };
    info.exif_metadata = metadata.exif.as_deref().map(Into::into);
    let mut encoder = Encoder::with_info(&mut output, info)?;
    encoder.set_compression(Compression::Fast);
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    encoder.set_pixel_dims(metadata.density.and_then(|density| {
        let (xppu, yppu) = density.per(1.0 / METERS_AN_INCH)?;
        Some(PixelDimensions { xppu, yppu, unit: Unit::Meter })
    }));
    if let Some(xmp) = metadata.xmp.as_deref().and_then(|xmp| std::str::from_utf8(xmp).ok()) {
        encoder.add_itxt_chunk(XMP.into(), xmp.into())?;
    }
    if let Some(iptc) = &metadata.iptc {
        let text = to_raw_profile("iptc", &iptc::resource(iptc));
        encoder.add_ztxt_chunk("Raw profile type iptc".into(), text)?;
    }
    for (keyword, text) in &metadata.texts {
        encoder.add_itxt_chunk(keyword.clone(), text.clone())?;
    }
    let mut writer = encoder.write_header()?;
    if let Some(time) = &metadata.changed {
        writer.write_chunk(png::chunk::tIME, time)?;
    }
    let mut stream = writer.stream_writer_with_size(1 << 16)?;
    let bytes = picture.format.bytes_per_pixel() * usize::try_from(picture.width)?;
    let mut row = Vec::new();
    for samples in picture.pixels.chunks_exact(bytes) {
        if picture.depth() == Depth::Eight {
            stream.write_all(samples)?;
            continue;
        }
        row.clear();
        let swapped =
            samples.as_chunks::<2>().0.iter().map(|sample| u16::from_ne_bytes(*sample).to_be_bytes());
        row.extend(swapped.flatten());
        stream.write_all(&row)?;
    }
    stream.finish()?;
    writer.finish()?;
    flush(output)
}
