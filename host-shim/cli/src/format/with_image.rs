//! What the formats read by the image crate have in common: from its decoders to pages.

use std::io::ErrorKind;

use autochrome_loader::PixelFormat;
use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, Limits as ImageLimits};

use super::limits::Limits;
use super::problem::{cut_short, damaged, plain, unsupported};
use super::source::{Page, Pages};
use crate::metadata::Metadata;
use crate::picture::Picture;

/// Reads the picture of `decoder`, a `name`. `most` is how many pixels a byte of its `length` can hold.
pub fn read<D: ImageDecoder>(
    mut decoder: D,
    name: &str,
    length: u64,
    most: u64,
    limits: &Limits,
) -> anyhow::Result<Pages> {
    let (width, height) = decoder.dimensions();
    limits.size(width, height)?;
    Limits::holds(name, width, height, length, most)?;
    let mut memory = ImageLimits::default();
    memory.max_alloc = u64::try_from(limits.memory()).ok();
    decoder.set_limits(memory).map_err(|error| explain(&error, name))?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| explain(&error, name))?;
    Ok(Pages::one(Page::new(picture(image), Metadata::default())))
}

/// The image crate's error in words for the user.
pub fn explain(error: &ImageError, name: &str) -> anyhow::Error {
    match error {
        ImageError::Limits(_) => anyhow::anyhow!("the {name} needs more memory than --max-pixels allows"),
        ImageError::Unsupported(error) => unsupported(name, &plain(&error.to_string())),
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => cut_short(name),
        // The source alone: the error itself says once more what kind of file it is.
        error => match std::error::Error::source(error) {
            Some(source) => damaged(name, &plain(&source.to_string())),
            None => damaged(name, &plain(&error.to_string())),
        },
    }
}

/// A picture of the image crate's; gray with alpha becomes RGBA.
fn picture(image: DynamicImage) -> Picture {
    let (format, image) = match image {
        DynamicImage::ImageLuma8(_) => (PixelFormat::Gray8, image),
        DynamicImage::ImageRgb8(_) => (PixelFormat::Rgb8, image),
        DynamicImage::ImageRgba8(_) => (PixelFormat::Rgba8, image),
        DynamicImage::ImageLumaA8(_) => (PixelFormat::Rgba8, image.into_rgba8().into()),
        DynamicImage::ImageLuma16(_) => (PixelFormat::Gray16, image),
        DynamicImage::ImageRgb16(_) => (PixelFormat::Rgb16, image),
        // Whatever the image crate may add is read at 16 bits.
        _ => (PixelFormat::Rgba16, image.into_rgba16().into()),
    };
    let (width, height) = (image.width(), image.height());
    Picture::new(format, width, height, image.into_bytes())
}
