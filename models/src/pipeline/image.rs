//! Pictures in memory that belongs to someone else.
//!
//! The idea: **a view is checked once, when it is made, and every row of it is then an ordinary slice**, whatever
//! the sign of the stride and the alignment of the memory.

use std::ops::Range;

/// How the pixels of a picture are stored: sRGB-encoded, straight alpha, samples in the machine's byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Red, green, blue, alpha; 8 bits each.
    Rgba8,
    /// Red, green, blue; 8 bits each.
    Rgb8,
    /// Gray, 8 bits.
    Gray8,
    /// Red, green, blue, alpha; 16 bits each.
    Rgba16,
    /// Red, green, blue; 16 bits each.
    Rgb16,
    /// Gray, 16 bits.
    Gray16,
    /// Red, green, blue, alpha; 32-bit floats, 0..1. Values beyond are clamped, NaN reads as 0.
    RgbaF32,
    /// Gray, 32-bit float, 0..1. Values beyond are clamped, NaN reads as 0.
    GrayF32,
}

impl PixelFormat {
    /// Bytes of one pixel.
    #[must_use]
    pub const fn bytes_per_pixel(self) -> usize {
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

    /// Whether it holds red, green and blue.
    #[must_use]
    pub const fn has_colour(self) -> bool {
        !matches!(self, Self::Gray8 | Self::Gray16 | Self::GrayF32)
    }

    /// Whether it holds alpha.
    #[must_use]
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::Rgba8 | Self::Rgba16 | Self::RgbaF32)
    }
}

/// Why a picture cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// No pixels.
    #[error("image is {width} x {height} pixels; expected at least 1 x 1")]
    Empty {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Rows overlap.
    #[error("stride is {stride} bytes; expected at least {row_bytes} either way, the bytes of a row")]
    Stride {
        /// The stride that came.
        stride: isize,
        /// Bytes of a row.
        row_bytes: usize,
    },
    /// The memory is smaller than the picture.
    #[error("image memory is {got} bytes; expected at least {expected} for {width} x {height} pixels")]
    TooShort {
        /// Bytes the picture takes.
        expected: usize,
        /// Bytes that came.
        got: usize,
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The picture is larger than addresses go.
    #[error("image of {width} x {height} pixels exceeds the address space; colorize it in parts")]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The result would have nowhere to put its colour.
    #[error("output format is {0:?}; expected one with colour, such as Rgb8")]
    NoColour(PixelFormat),
    /// The result has no colour to put there.
    #[error("output format is {0:?}; expected one without colour, such as Gray8")]
    Colour(PixelFormat),
    /// Input and output differ in size.
    #[error("output is {} x {} pixels; expected the input's {} x {}", got.0, got.1, expected.0, expected.1)]
    SizeMismatch {
        /// Width and height of the input.
        expected: (u32, u32),
        /// Width and height of the output.
        got: (u32, u32),
    },
}

/// Where the rows of a checked picture lie in its memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) format: PixelFormat,
    pub(super) size: (u32, u32),
    pub(super) width: usize,
    pub(super) height: usize,
    /// Bytes from one row in memory to the next.
    pub(super) pitch: usize,
    pub(super) row_bytes: usize,
    /// Whether the top row comes last in memory.
    pub(super) bottom_up: bool,
}

impl Layout {
    fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        stride: isize,
        len: usize,
    ) -> Result<Self, ImageError> {
        let too_large = ImageError::TooLarge { width, height };
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        let (Ok(columns), Ok(rows)) = (usize::try_from(width), usize::try_from(height)) else {
            return Err(too_large);
        };
        let Some(row_bytes) = columns.checked_mul(format.bytes_per_pixel()) else { return Err(too_large) };
        let pitch = stride.unsigned_abs();
        if pitch < row_bytes {
            return Err(ImageError::Stride { stride, row_bytes });
        }
        let Some(expected) = pitch.checked_mul(rows - 1).and_then(|above| above.checked_add(row_bytes))
        else {
            return Err(too_large);
        };
        if len < expected {
            return Err(ImageError::TooShort { expected, got: len, width, height });
        }
        let size = (width, height);
        Ok(Self { format, size, width: columns, height: rows, pitch, row_bytes, bottom_up: stride < 0 })
    }

    /// Place in memory, counted in rows, of row `y` from the top; and the other way round.
    pub(super) fn place(&self, y: usize) -> usize {
        if self.bottom_up { self.height - 1 - y } else { y }
    }

    /// Bytes from the first to the last of `places`, without the padding behind the last one.
    pub(super) fn bytes_of(&self, places: &Range<usize>) -> Range<usize> {
        places.start * self.pitch..(places.end - 1) * self.pitch + self.row_bytes
    }
}

/// A picture to read. Borrows the caller's memory and keeps nothing.
#[derive(Debug, Clone, Copy)]
pub struct ImageView<'a> {
    pub(super) layout: Layout,
    data: &'a [u8],
}

impl<'a> ImageView<'a> {
    /// A view of `width` x `height` pixels in `data`, the whole block of memory.
    ///
    /// `stride` is the number of bytes from the start of a row to the start of the row below it. With a negative
    /// stride rows run bottom-up: `data` still begins at the lowest address, where the bottom row lies, and the top
    /// row lies `(height - 1) * |stride|` bytes further. Rows need no alignment. Padding between rows and bytes
    /// behind the last row are never read.
    ///
    /// # Errors
    /// A size of 0, `|stride|` below the bytes of a row, or less memory than the picture takes.
    pub fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        stride: isize,
        data: &'a [u8],
    ) -> Result<Self, ImageError> {
        Ok(Self { layout: Layout::new(format, width, height, stride, data.len())?, data })
    }

    /// The pixels' format.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.layout.format
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.layout.size
    }

    /// Row `y` from the top, without padding.
    pub(super) fn row(&self, y: usize) -> &'a [u8] {
        let place = self.layout.place(y);
        &self.data[self.layout.bytes_of(&(place..place + 1))]
    }
}

/// A picture to write. Borrows the caller's memory; padding is never written.
#[derive(Debug)]
pub struct ImageViewMut<'a> {
    pub(super) layout: Layout,
    pub(super) data: &'a mut [u8],
}

impl<'a> ImageViewMut<'a> {
    /// A view to write to; as [`ImageView::new`].
    ///
    /// # Errors
    /// As [`ImageView::new`].
    pub fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        stride: isize,
        data: &'a mut [u8],
    ) -> Result<Self, ImageError> {
        Ok(Self { layout: Layout::new(format, width, height, stride, data.len())?, data })
    }

    /// The pixels' format.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.layout.format
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.layout.size
    }
}
