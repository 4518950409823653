//! Pictures in the caller's memory: the one place that checks that a size, a stride and a buffer agree.
//!
//! An [`Image`] or [`ImageMut`] can only be made of memory that holds every pixel it speaks of; the calls across
//! the C ABI rest on that.

use autochrome_abi::{
    AUTOCHROME_BAD_IMAGE, AUTOCHROME_FORMAT_GRAY_F32, AUTOCHROME_FORMAT_GRAY8, AUTOCHROME_FORMAT_GRAY16,
    AUTOCHROME_FORMAT_RGB8, AUTOCHROME_FORMAT_RGB16, AUTOCHROME_FORMAT_RGBA_F32, AUTOCHROME_FORMAT_RGBA8,
    AUTOCHROME_FORMAT_RGBA16, AutochromeFormat,
};

use crate::{Error, Status};

/// How pixels are stored: sRGB-encoded, straight alpha, samples in the machine's byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Red, green, blue, alpha; 8 bits each.
    Rgba8,
    /// Red, green, blue; 8 bits each.
    Rgb8,
    /// Gray, 8 bits; an input, or a map of confidence.
    Gray8,
    /// Red, green, blue, alpha; 16 bits each.
    Rgba16,
    /// Red, green, blue; 16 bits each.
    Rgb16,
    /// Gray, 16 bits; an input, or a map of confidence.
    Gray16,
    /// Red, green, blue, alpha; 32-bit floats, 0..1.
    RgbaF32,
    /// Gray, 32-bit float, 0..1; an input, or a map of confidence.
    GrayF32,
}

impl Format {
    /// Bytes of a pixel.
    #[must_use]
    pub fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Gray8 => 1,
            Self::Gray16 => 2,
            Self::Rgb8 => 3,
            Self::Rgba8 | Self::GrayF32 => 4,
            Self::Rgb16 => 6,
            Self::Rgba16 => 8,
            Self::RgbaF32 => 16,
        }
    }

    /// Whether it can hold colour, as an output of `colorize` must.
    #[must_use]
    pub fn has_colour(self) -> bool {
        !matches!(self, Self::Gray8 | Self::Gray16 | Self::GrayF32)
    }

    pub(crate) fn code(self) -> AutochromeFormat {
        match self {
            Self::Rgba8 => AUTOCHROME_FORMAT_RGBA8,
            Self::Rgb8 => AUTOCHROME_FORMAT_RGB8,
            Self::Gray8 => AUTOCHROME_FORMAT_GRAY8,
            Self::Rgba16 => AUTOCHROME_FORMAT_RGBA16,
            Self::Rgb16 => AUTOCHROME_FORMAT_RGB16,
            Self::Gray16 => AUTOCHROME_FORMAT_GRAY16,
            Self::RgbaF32 => AUTOCHROME_FORMAT_RGBA_F32,
            Self::GrayF32 => AUTOCHROME_FORMAT_GRAY_F32,
        }
    }
}

/// Format, size and place of the top row, checked against the memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub stride: isize,
    /// Bytes from the start of the memory to the top row.
    pub top: usize,
}

impl Geometry {
    fn new(format: Format, width: u32, height: u32, stride: isize, memory: usize) -> Result<Self, Error> {
        let bad = |message| Error::Call { status: Status::new(AUTOCHROME_BAD_IMAGE), message };
        if width == 0 || height == 0 {
            return Err(bad(format!("picture is {width} x {height}, expected at least 1 x 1")));
        }
        let too_large = || bad(format!("a picture of {width} x {height} does not fit in memory"));
        let columns = usize::try_from(width).map_err(|_| too_large())?;
        let rows_below = usize::try_from(height - 1).map_err(|_| too_large())?;
        let row = columns.checked_mul(format.bytes_per_pixel()).ok_or_else(too_large)?;
        let step = stride.unsigned_abs();
        if step < row {
            return Err(bad(format!("stride is {stride} bytes, expected at least the {row} of a row")));
        }
        let below = rows_below.checked_mul(step).ok_or_else(too_large)?;
        let needed = below.checked_add(row).ok_or_else(too_large)?;
        if memory < needed {
            return Err(bad(format!("picture's memory is {memory} bytes, expected at least {needed}")));
        }
        Ok(Self { format, width, height, stride, top: if stride < 0 { below } else { 0 } })
    }

    fn tight(format: Format, width: u32, height: u32, memory: usize) -> Result<Self, Error> {
        let stride = usize::try_from(width)
            .ok()
            .and_then(|width| width.checked_mul(format.bytes_per_pixel()))
            .and_then(|row| isize::try_from(row).ok())
            .unwrap_or(isize::MAX);
        Self::new(format, width, height, stride, memory)
    }
}

/// A picture to read.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    pub(crate) geometry: Geometry,
    pub(crate) data: &'a [u8],
}

impl<'a> Image<'a> {
    /// A picture in `data`, the whole block of memory. `stride` is the bytes from a row to the row below it; with a
    /// negative one the top row is the last in the block. Rows need no alignment.
    ///
    /// # Errors
    /// `AUTOCHROME_BAD_IMAGE` when a side is 0, the stride is shorter than a row, or the memory too small.
    pub fn new(
        format: Format,
        width: u32,
        height: u32,
        stride: isize,
        data: &'a [u8],
    ) -> Result<Self, Error> {
        Ok(Self { geometry: Geometry::new(format, width, height, stride, data.len())?, data })
    }

    /// A picture whose rows follow each other without a gap, top row first.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn tight(format: Format, width: u32, height: u32, data: &'a [u8]) -> Result<Self, Error> {
        Ok(Self { geometry: Geometry::tight(format, width, height, data.len())?, data })
    }
}

/// A picture to write, or to colorize in place.
#[derive(Debug)]
pub struct ImageMut<'a> {
    pub(crate) geometry: Geometry,
    pub(crate) data: &'a mut [u8],
}

impl<'a> ImageMut<'a> {
    /// As [`Image::new`].
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn new(
        format: Format,
        width: u32,
        height: u32,
        stride: isize,
        data: &'a mut [u8],
    ) -> Result<Self, Error> {
        Ok(Self { geometry: Geometry::new(format, width, height, stride, data.len())?, data })
    }

    /// As [`Image::tight`].
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn tight(format: Format, width: u32, height: u32, data: &'a mut [u8]) -> Result<Self, Error> {
        Ok(Self { geometry: Geometry::tight(format, width, height, data.len())?, data })
    }
}
