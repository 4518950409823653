//! JPEG XL, read only: no encoder in Rust is maintained well enough yet.
//!
//! The file's boxes are separated here, so that packed metadata is unpacked under a limit and the decoder sees
//! nothing but the picture. The decoder itself turns the picture upright. Of an animation, the first frame is read.

use std::io::Read;

use anyhow::anyhow;
use autochrome_loader::PixelFormat;
use image::metadata::Orientation;
use jxl_oxide::{
    AllocTracker, EnumColourEncoding, JxlImage, PixelFormat as Channels, Render, RenderingIntent,
};

use super::kind::Format;
use super::limits::Limits;
use super::problem::{ANIMATED, cut_short, damaged, plain, unsupported};
use super::source::{Page, Pages, Source};
use crate::metadata::{MAX_METADATA, Metadata};
use crate::picture::{Picture, gray_alpha_to_rgba};

pub static FORMAT: Format = Format {
    name: "JPEG XL",
    kinds: "all but CMYK",
    extensions: &["jxl"],
    recognizes: |start| start.starts_with(b"\xFF\x0A") || start.starts_with(SIGNATURE),
    read,
    write: None,
};

const SIGNATURE: &[u8] = b"\0\0\0\x0CJXL \r\n\x87\n";

/// The parts of a file.
#[derive(Default)]
struct Parts {
    codestream: Vec<u8>,
    exif: Option<Vec<u8>>,
    xmp: Option<Vec<u8>>,
}

fn read(source: Source, limits: &Limits) -> anyhow::Result<Pages> {
    let parts = Parts::of(source.bytes(limits)?)?;
    // What the decoder works with: three channels of floats, several times over.
    let memory = limits.memory().saturating_mul(3);
    let mut uninitialized =
        JxlImage::builder().alloc_tracker(AllocTracker::with_limit(memory)).build_uninit();
    uninitialized.feed_bytes(&parts.codestream).map_err(|error| explain(&*error))?;
    let jxl_oxide::InitializeResult::Initialized(mut image) =
        uninitialized.try_init().map_err(|error| explain(&*error))?
    else {
        return Err(cut_short(FORMAT.name));
    };
    limits.size(image.width(), image.height())?;
    if image.num_loaded_keyframes() == 0 {
        return Err(cut_short(FORMAT.name));
    }
    let icc = encoding(&mut image);
    let associated =
        image.image_header().metadata.ec_info.iter().any(|extra| extra.alpha_associated() == Some(true));
    let render = image.render_frame(0).map_err(|error| explain(&*error))?;
    let mut picture = picture(&image, &render)?;
    let mut metadata = Metadata { exif: parts.exif, xmp: parts.xmp, icc, ..Metadata::default() };
    if image.image_header().metadata.animation.is_some() {
        metadata.notes.push(ANIMATED.into());
    }
    if associated && picture.alpha {
        picture = picture.unassociated();
        metadata.notes.push("its colors were premultiplied by alpha and were divided by it".into());
    }
    let page = Page { picture, metadata, orientation: Some(Orientation::NoTransforms) };
    Ok(Pages::one(page))
}

/// The profile of the pixels that will come out; none if they come out in sRGB.
fn encoding(image: &mut JxlImage) -> Option<Vec<u8>> {
    // From XYB they come out in whatever is asked for, and not in the profile that the original had; otherwise a profile
    // says what the numbers mean.
    let xyb = image.image_header().metadata.xyb_encoded;
    if let (false, Some(icc)) = (xyb, image.original_icc()) {
        return Some(icc.to_vec());
    }
    let srgb = if image.pixel_format().is_grayscale() {
        EnumColourEncoding::gray_srgb(RenderingIntent::Relative)
    } else {
        EnumColourEncoding::srgb(RenderingIntent::Relative)
    };
    image.request_color_encoding(srgb);
    None
}

fn explain(error: &(dyn std::error::Error + 'static)) -> anyhow::Error {
    damaged(FORMAT.name, &plain(&error.to_string()))
}

fn picture(image: &JxlImage, render: &Render) -> anyhow::Result<Picture> {
    let kind = image.pixel_format();
    let deep = image.image_header().metadata.bit_depth.bits_per_sample() > 8;
    let channels = match kind {
        Channels::Gray => 1,
        Channels::Graya => 2,
        Channels::Rgb => 3,
        Channels::Rgba => 4,
        Channels::Cmyk | Channels::Cmyka => {
            return Err(unsupported(FORMAT.name, &"it is CMYK"));
        }
    };
    let mut stream = if kind.has_alpha() { render.stream() } else { render.stream_no_alpha() };
    let (width, height) = (stream.width(), stream.height());
    if stream.channels() != channels {
        return Err(unsupported(FORMAT.name, &"it has extra channels"));
    }
    let samples = usize::try_from(u64::from(width) * u64::from(height) * u64::from(channels))
        .map_err(|_| anyhow!("the JPEG XL does not fit in memory"))?;
    let pixels = if deep {
        let mut buffer = vec![0_u16; samples];
        stream.write_to_buffer(&mut buffer);
        buffer.into_iter().flat_map(u16::to_ne_bytes).collect()
    } else {
        let mut buffer = vec![0_u8; samples];
        stream.write_to_buffer(&mut buffer);
        buffer
    };
    let (format, pixels) = match (channels, deep) {
        (1, false) => (PixelFormat::Gray8, pixels),
        (1, true) => (PixelFormat::Gray16, pixels),
        (2, false) => (PixelFormat::Rgba8, gray_alpha_to_rgba::<1>(&pixels)),
        (2, true) => (PixelFormat::Rgba16, gray_alpha_to_rgba::<2>(&pixels)),
        (3, false) => (PixelFormat::Rgb8, pixels),
        (3, true) => (PixelFormat::Rgb16, pixels),
        (_, false) => (PixelFormat::Rgba8, pixels),
        (_, true) => (PixelFormat::Rgba16, pixels),
    };
    Ok(Picture::new(format, width, height, pixels))
}

impl Parts {
    /// Splits a file: bare, or in boxes (ISO/IEC 18181-2).
    fn of(bytes: Vec<u8>) -> anyhow::Result<Self> {
        if !bytes.starts_with(SIGNATURE) {
            return Ok(Self { codestream: bytes, ..Self::default() });
        }
        let mut parts = Self::default();
        let mut rest = bytes.as_slice();
        while let Some((kind, content, after)) = next_box(rest) {
            match kind {
                b"jxlc" => parts.codestream.extend_from_slice(content),
                b"jxlp" => parts.codestream.extend_from_slice(content.get(4..).unwrap_or_default()),
                b"brob" => {
                    let (kind, packed) = content.split_at_checked(4).unwrap_or_default();
                    if matches!(kind, b"Exif" | b"xml ") {
                        parts.note(kind, unpacked(packed));
                    }
                }
                kind => parts.note(kind, Some(content.to_vec())),
            }
            rest = after;
        }
        if parts.codestream.is_empty() { Err(cut_short(FORMAT.name)) } else { Ok(parts) }
    }

    fn note(&mut self, kind: &[u8], content: Option<Vec<u8>>) {
        match kind {
            // Four bytes say where in the box the block begins.
            b"Exif" => self.exif = content.and_then(|content| exif(&content)),
            b"xml " => self.xmp = content,
            _ => {}
        }
    }
}

fn exif(content: &[u8]) -> Option<Vec<u8>> {
    let (offset, block) = content.split_first_chunk()?;
    Some(block.get(usize::try_from(u32::from_be_bytes(*offset)).ok()?..)?.to_vec())
}

/// The next box: its kind, its content, and what comes after it.
fn next_box(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, mut rest) = rest.split_at_checked(4)?;
    let length = match u32::from_be_bytes(*size) {
        0 => rest.len(),
        1 => {
            let (size, after) = rest.split_first_chunk::<8>()?;
            rest = after;
            usize::try_from(u64::from_be_bytes(*size)).ok()?.checked_sub(16)?
        }
        size => usize::try_from(size).ok()?.checked_sub(8)?,
    };
    // A box that is cut short has as much as there is; the decoder says whether that is enough.
    let (content, after) = rest.split_at(length.min(rest.len()));
    Some((kind, content, after))
}

/// Metadata that was packed with Brotli, unless there is too much of it.
fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let most = u64::try_from(MAX_METADATA).ok()?;
    brotli_decompressor::Decompressor::new(packed, 4096).take(most + 1).read_to_end(&mut content).ok()?;
    (content.len() <= MAX_METADATA).then_some(content)
}
