//! Pictures in the caller's memory, with errors as the loader has them.
//!
//! An [`Image`] or [`ImageMut`] can only be made from memory that holds every pixel it claims; the calls across
//! the C ABI rely on that. The checks are the core's.

use autochrome_abi::AUTOCHROME_BAD_IMAGE;
use autochrome_pixels::{ImageError, ImageView, ImageViewMut, PixelFormat};

use crate::{Error, Status};

fn bad(error: ImageError) -> Error {
    let message = match error {
        ImageError::Empty { width, height } => {
            format!("picture is {width} x {height}, expected at least 1 x 1")
        }
        ImageError::Stride { stride, row_bytes } => {
            format!("stride is {stride} bytes, expected at least the {row_bytes} of a row")
        }
        ImageError::TooShort { expected, got, .. } => {
            format!("picture's memory is {got} bytes, expected at least {expected}")
        }
        ImageError::TooLarge { width, height } => {
            format!("a picture of {width} x {height} does not fit in memory")
        }
        other => other.to_string(),
    };
    Error::Call { status: Status::new(AUTOCHROME_BAD_IMAGE), message }
}

/// A picture to read.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a>(pub(crate) ImageView<'a>);

impl<'a> Image<'a> {
    /// A picture in `data`, the whole block of memory. `stride` is the bytes from a row to the row below it; with a
    /// negative one the top row is the last in the block. Rows need no alignment.
    ///
    /// # Errors
    /// `AUTOCHROME_BAD_IMAGE` when a side is 0, the stride is shorter than a row, or the memory too small.
    pub fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        stride: isize,
        data: &'a [u8],
    ) -> Result<Self, Error> {
        ImageView::new(format, width, height, stride, data).map(Self).map_err(bad)
    }

    /// A picture whose rows follow each other without a gap, top row first.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn tight(format: PixelFormat, width: u32, height: u32, data: &'a [u8]) -> Result<Self, Error> {
        ImageView::tight(format, width, height, data).map(Self).map_err(bad)
    }
}

/// A picture to write, or to colorize in place.
#[derive(Debug)]
pub struct ImageMut<'a>(pub(crate) ImageViewMut<'a>);

impl<'a> ImageMut<'a> {
    /// As [`Image::new`].
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        stride: isize,
        data: &'a mut [u8],
    ) -> Result<Self, Error> {
        ImageViewMut::new(format, width, height, stride, data).map(Self).map_err(bad)
    }

    /// As [`Image::tight`].
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn tight(format: PixelFormat, width: u32, height: u32, data: &'a mut [u8]) -> Result<Self, Error> {
        ImageViewMut::tight(format, width, height, data).map(Self).map_err(bad)
    }
}
