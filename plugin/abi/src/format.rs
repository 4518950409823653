//! Maps the ABI's format numbers to pixel formats and back.

use autochrome_pixels::PixelFormat;

use crate::types::*;

/// The format with this number; `None` if no version defines it.
#[must_use]
pub fn pixel_format(format: AutochromeFormat) -> Option<PixelFormat> {
    PixelFormat::ALL.into_iter().find(|known| format_number(*known) == format)
}

/// The number of a format.
#[must_use]
pub fn format_number(format: PixelFormat) -> AutochromeFormat {
    match format {
        PixelFormat::Rgba8 => AUTOCHROME_FORMAT_RGBA8,
        PixelFormat::Rgb8 => AUTOCHROME_FORMAT_RGB8,
        PixelFormat::Gray8 => AUTOCHROME_FORMAT_GRAY8,
        PixelFormat::Rgba16 => AUTOCHROME_FORMAT_RGBA16,
        PixelFormat::Rgb16 => AUTOCHROME_FORMAT_RGB16,
        PixelFormat::Gray16 => AUTOCHROME_FORMAT_GRAY16,
        PixelFormat::RgbaF32 => AUTOCHROME_FORMAT_RGBA_F32,
        PixelFormat::GrayF32 => AUTOCHROME_FORMAT_GRAY_F32,
    }
}
