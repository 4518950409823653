//! From a file to pixels the plugin can take, upright, with every limit checked before memory is taken.
//!
//! The content says what a file is, not its name. Gray stays gray, 16 bits stay 16; gray with alpha becomes RGBA,
//! and floating-point TIFF is read as sRGB-encoded 0..1 and taken at 16 bits. Of several pictures in a file (TIFF
//! pages, animation frames) the first is taken.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use autochrome_loader::Format;
use image::error::ImageError;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::encode;
use crate::stop::{Stop, Stoppable};

/// What is said of a file that holds something else.
pub const NOT_A_PICTURE: &str = "it is not a JPEG, PNG, TIFF or WebP picture";

/// A decoded picture, rows without gaps, top row first.
pub struct Picture {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
    /// The embedded colour profile, when it describes RGB; that of a gray picture would be wrong for the result.
    pub profile: Option<Vec<u8>>,
}

/// Reads the picture in `path`, of at most `max_megapixels` million pixels.
pub fn read(path: &Path, max_megapixels: u32, stop: &Stop) -> anyhow::Result<Picture> {
    let file = open(path)?;
    let reader = BufReader::new(Stoppable { inner: file, stop });
    let mut reader = ImageReader::new(reader).with_guessed_format()?;
    let kind = reader.format().context(NOT_A_PICTURE)?;
    if !encode::FORMATS.contains(&kind) {
        bail!("{NOT_A_PICTURE}, but {}", encode::name(kind));
    }
    if kind == ImageFormat::Jpeg && !jpeg_is_whole(&fs::read(path)?) {
        bail!("the JPEG is cut short");
    }
    reader.limits(limits(max_megapixels));
    let mut decoder = reader.into_decoder().map_err(|error| explain(error, kind, stop))?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, max_megapixels)?;
    // A damaged profile or orientation is no reason to refuse the pixels.
    let profile = decoder.icc_profile().unwrap_or_default().filter(|profile| is_rgb(profile));
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| explain(error, kind, stop))?;
    image.apply_orientation(orientation);
    Ok(picture(image, profile))
}

fn open(path: &Path) -> anyhow::Result<File> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("no such file"),
        Err(error) => bail!("cannot be read: {error}"),
    };
    if !metadata.is_file() {
        bail!("it is not a file");
    }
    if metadata.len() == 0 {
        bail!("the file is empty");
    }
    File::open(path).map_err(|error| anyhow!("cannot be read: {error}"))
}

/// Memory a decoder may take: eight bytes (RGBA at 16 bits) for each pixel allowed, and some for its tables.
fn limits(max_megapixels: u32) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(u64::from(max_megapixels) * 8_000_000 + (64 << 20));
    limits
}

fn check_size(width: u32, height: u32, max_megapixels: u32) -> anyhow::Result<()> {
    if width == 0 || height == 0 {
        bail!("the picture is {width} x {height} pixels, expected at least 1 x 1");
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > u64::from(max_megapixels) * 1_000_000 {
        bail!(
            "the picture claims {width} x {height} pixels, {} megapixels, more than the limit of {max_megapixels}; \
             if that is true, raise it with --max-megapixels",
            pixels.div_ceil(1_000_000)
        );
    }
    Ok(())
}

fn explain(error: ImageError, kind: ImageFormat, stop: &Stop) -> anyhow::Error {
    let kind = encode::name(kind);
    if let Err(stopped) = stop.check() {
        return stopped.into();
    }
    match error {
        ImageError::Limits(_) => anyhow!("the {kind} needs more memory than --max-megapixels allows"),
        ImageError::Unsupported(error) => anyhow!("this kind of {kind} cannot be read: {error}"),
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            anyhow!("the {kind} is cut short")
        }
        error => {
            // The source alone: the error itself says once more what kind of file it is.
            let text =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            anyhow!("the {kind} is damaged: {}", one_line(&text))
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether an ICC profile describes RGB, by the colour space in its header.
fn is_rgb(profile: &[u8]) -> bool {
    profile.get(16..20) == Some(b"RGB ")
}

fn picture(image: DynamicImage, profile: Option<Vec<u8>>) -> Picture {
    let (format, image) = match image {
        DynamicImage::ImageLuma8(_) => (Format::Gray8, image),
        DynamicImage::ImageRgb8(_) => (Format::Rgb8, image),
        DynamicImage::ImageRgba8(_) => (Format::Rgba8, image),
        DynamicImage::ImageLumaA8(_) => (Format::Rgba8, image.into_rgba8().into()),
        DynamicImage::ImageLuma16(_) => (Format::Gray16, image),
        DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgb32F(_) => {
            (Format::Rgb16, image.into_rgb16().into())
        }
        // What the image crate may add one day is taken with the most that there is.
        _ => (Format::Rgba16, image.into_rgba16().into()),
    };
    let (width, height) = (image.width(), image.height());
    Picture { format, width, height, pixels: image.into_bytes(), profile }
}

/// Whether a JPEG's data reach its end marker. The decoder paints what is missing gray and says nothing.
fn jpeg_is_whole(mut rest: &[u8]) -> bool {
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
