//! How the rows of an image are laid out in memory.
//!
//! The idea: **sizes and strides are multiplied once, here, with every overflow caught**; with a [`Layout`],
//! addresses can be computed without further checks. A [`Place`] is a layout at an address; it tells whether two
//! images overlap.

use std::ops::Range;

use crate::PixelFormat;

/// Why an image cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The image has no pixels.
    #[error("image is {width} x {height} pixels; expected at least 1 x 1")]
    Empty {
        /// Pixels per row.
        width: u32,
        /// Number of rows.
        height: u32,
    },
    /// Rows overlap.
    #[error("stride is {stride} bytes; expected at least {row_bytes} either way, the bytes of a row")]
    Stride {
        /// The stride given.
        stride: isize,
        /// Bytes per row.
        row_bytes: usize,
    },
    /// The memory is too small for the image.
    #[error("image memory is {got} bytes; expected at least {expected} for {width} x {height} pixels")]
    TooShort {
        /// Bytes the image needs.
        expected: usize,
        /// Bytes given.
        got: usize,
        /// Pixels per row.
        width: u32,
        /// Number of rows.
        height: u32,
    },
    /// The image exceeds the address space.
    #[error("image of {width} x {height} pixels exceeds the address space; colorize it in parts")]
    TooLarge {
        /// Pixels per row.
        width: u32,
        /// Number of rows.
        height: u32,
    },
    /// The output format has no color.
    #[error("output format is {0:?}; expected one with color, such as Rgb8")]
    NoColor(PixelFormat),
    /// The output format has color, but the result is gray.
    #[error("output format is {0:?}; expected one without color, such as Gray8")]
    Color(PixelFormat),
    /// Input and output differ in size.
    #[error("output is {} x {} pixels; expected the input's {} x {}", got.0, got.1, expected.0, expected.1)]
    SizeMismatch {
        /// Width and height of the input.
        expected: (u32, u32),
        /// Width and height of the output.
        got: (u32, u32),
    },
}

/// How the rows of an image are laid out, in bytes from the one with the lowest address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub(crate) format: PixelFormat,
    pub(crate) size: (u32, u32),
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Distance in bytes between neighboring rows, without sign.
    pub(crate) pitch: usize,
    pub(crate) row_bytes: usize,
    /// Bytes from the lowest address of the image to its end.
    span: usize,
    stride: isize,
}

impl Layout {
    /// The layout of `width` x `height` pixels in rows `stride` bytes apart; with a negative stride the top row
    /// comes last in memory.
    ///
    /// # Errors
    /// A size of 0, `|stride|` less than the bytes of a row, or an image that exceeds the address space.
    pub fn new(format: PixelFormat, width: u32, height: u32, stride: isize) -> Result<Self, ImageError> {
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
        let span = pitch.checked_mul(rows - 1).and_then(|above| above.checked_add(row_bytes));
        let Some(span) = span.filter(|span| isize::try_from(*span).is_ok()) else { return Err(too_large) };
        Ok(Self {
            format,
            size: (width, height),
            width: columns,
            height: rows,
            pitch,
            row_bytes,
            span,
            stride,
        })
    }

    /// The layout of contiguous rows, top row first.
    ///
    /// # Errors
    /// A size of 0, or an image that exceeds the address space.
    pub fn tight(format: PixelFormat, width: u32, height: u32) -> Result<Self, ImageError> {
        let row_bytes =
            usize::try_from(width).ok().and_then(|width| width.checked_mul(format.bytes_per_pixel()));
        let stride = row_bytes.and_then(|bytes| isize::try_from(bytes).ok());
        Self::new(format, width, height, stride.ok_or(ImageError::TooLarge { width, height })?)
    }

    /// This layout, if it fits into `memory` bytes.
    pub(crate) fn within(self, memory: usize) -> Result<Self, ImageError> {
        let (width, height) = self.size;
        if memory < self.span {
            return Err(ImageError::TooShort { expected: self.span, got: memory, width, height });
        }
        Ok(self)
    }

    /// The pixel format.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Bytes from the start of a row to the start of the row below it.
    #[must_use]
    pub fn stride(&self) -> isize {
        self.stride
    }

    /// Bytes per row, without padding.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.height
    }

    /// Bytes from the lowest address of the image to its end, padding between rows included.
    #[must_use]
    pub fn span(&self) -> usize {
        self.span
    }

    /// Whether there is padding between rows.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.height > 1 && self.pitch != self.row_bytes
    }

    /// Offset of row `y` from the top, in bytes.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row_begin(&self, y: usize) -> usize {
        assert!(y < self.height, "row {y} of {}", self.height);
        self.place(y) * self.pitch
    }

    /// Position in memory of row `y` from the top, in rows; the mapping is its own inverse.
    pub(crate) fn place(&self, y: usize) -> usize {
        if self.stride < 0 { self.height - 1 - y } else { y }
    }

    /// The byte range of rows `places`, without the padding after the last one.
    pub(crate) fn bytes_of(&self, places: &Range<usize>) -> Range<usize> {
        places.start * self.pitch..(places.end - 1) * self.pitch + self.row_bytes
    }
}

/// A layout at an address; the address is never dereferenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    layout: Layout,
    lowest: usize,
}

impl Place {
    /// An image whose top row begins at address `top`; `None` if its memory would wrap around.
    #[must_use]
    pub fn new(layout: Layout, top: usize) -> Option<Self> {
        let lowest = top.checked_sub(layout.row_begin(0)).filter(|lowest| *lowest > 0)?;
        lowest.checked_add(layout.span)?;
        Some(Self { layout, lowest })
    }

    /// Whether both are the very same image or share no pixel, so that one may be written while the other is read.
    #[must_use]
    pub fn is_same_or_apart(&self, other: &Self) -> bool {
        let (a, b) = (self.lowest, other.lowest);
        a + self.layout.span <= b || b + other.layout.span <= a || self == other || self.is_beside(other)
    }

    /// Whether both have the same stride and lie in separate columns of a larger image.
    fn is_beside(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.layout, &other.layout);
        let stride = ours.pitch;
        // Adding one stride keeps the difference positive.
        let shift = (self.lowest % stride + stride - other.lowest % stride) % stride;
        stride == theirs.pitch && shift >= theirs.row_bytes && shift + ours.row_bytes <= stride
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: usize = 0x10_0000;

    /// A gray image at an address.
    fn gray(offset: usize, width: u32, height: u32, stride: isize) -> Option<Place> {
        Place::new(Layout::new(PixelFormat::Gray8, width, height, stride).ok()?, ADDRESS + offset)
    }

    fn may_be_used(input: Option<Place>, output: Option<Place>) -> bool {
        input.expect("sound").is_same_or_apart(&output.expect("sound"))
    }

    #[test]
    fn the_same_picture_separate_memory_and_separate_columns_may_be_used() {
        assert!(may_be_used(gray(0, 8, 8, 8), gray(0, 8, 8, 8)));
        assert!(may_be_used(gray(0, 8, 8, 8), gray(64, 8, 8, 8)));
        assert!(may_be_used(gray(0, 8, 8, 16), gray(8, 8, 8, 16)));
        assert!(may_be_used(gray(8, 8, 8, 16), gray(0, 8, 8, 16)));
        // The output's rows are upside down in the right half.
        assert!(may_be_used(gray(0, 8, 8, 16), gray(8 + 7 * 16, 8, 8, -16)));
    }

    #[test]
    fn pictures_that_share_some_pixels_may_not() {
        assert!(!may_be_used(gray(0, 8, 8, 8), gray(63, 8, 8, 8)));
        assert!(!may_be_used(gray(0, 8, 8, 8), gray(7 * 8, 8, 8, -8)));
        assert!(!may_be_used(gray(0, 8, 8, 16), gray(7, 8, 8, 16)));
        assert!(!may_be_used(gray(0, 8, 8, 16), gray(8, 8, 8, 24)));
        assert!(!may_be_used(gray(0, 8, 8, 16), gray(0, 8, 8, 17)));
    }

    #[test]
    fn a_picture_that_would_wrap_around_is_refused() {
        for stride in [isize::MIN, isize::MAX, 0, 7, -7] {
            assert!(gray(0, 8, 8, stride).is_none(), "{stride}");
        }
        let below = isize::try_from(ADDRESS).expect("small");
        assert!(gray(0, 8, 2, -below).is_none(), "it would begin at address 0");
        assert!(gray(0, 8, 2, 1 - below).is_some());
    }
}
