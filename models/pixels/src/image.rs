//! Images in memory that someone else owns.
//!
//! The idea: **a view is checked once, when it is made; after that every row is an ordinary slice**, whatever the
//! sign of the stride and the alignment of the memory.

use crate::{ImageError, Layout, PixelFormat};

/// An image to read. Borrows the caller's memory.
#[derive(Debug, Clone, Copy)]
pub struct ImageView<'a> {
    pub(crate) layout: Layout,
    data: &'a [u8],
}

impl<'a> ImageView<'a> {
    /// A view of `width` x `height` pixels in `data`, the whole block of memory.
    ///
    /// `stride` is the number of bytes from the start of a row to the start of the row below it. With a negative
    /// stride rows run bottom-up: `data` still begins at the lowest address, where the bottom row is, and the top
    /// row is `(height - 1) * |stride|` bytes further on. Rows need no alignment. Padding between rows and bytes
    /// after the last row are never read.
    ///
    /// # Errors
    /// A size of 0, `|stride|` less than the bytes of a row, or `data` too short for the image.
    pub fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        stride: isize,
        data: &'a [u8],
    ) -> Result<Self, ImageError> {
        Self::with_layout(Layout::new(format, width, height, stride)?, data)
    }

    /// A view of contiguous rows, top row first.
    ///
    /// # Errors
    /// A size of 0, or `data` too short for the image.
    pub fn tight(format: PixelFormat, width: u32, height: u32, data: &'a [u8]) -> Result<Self, ImageError> {
        Self::with_layout(Layout::tight(format, width, height)?, data)
    }

    /// A view with this layout; `data` begins at the row with the lowest address.
    ///
    /// # Errors
    /// `data` is too short for the image.
    pub fn with_layout(layout: Layout, data: &'a [u8]) -> Result<Self, ImageError> {
        Ok(Self { layout: layout.within(data.len())?, data })
    }

    /// How the rows are laid out in memory.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The whole block of memory.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The pixel format.
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
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, y: usize) -> &'a [u8] {
        let place = self.layout.place(y);
        &self.data[self.layout.bytes_of(&(place..place + 1))]
    }
}

/// An image to write. Borrows the caller's memory; padding is never written.
#[derive(Debug)]
pub struct ImageViewMut<'a> {
    pub(crate) layout: Layout,
    pub(crate) data: &'a mut [u8],
}

impl<'a> ImageViewMut<'a> {
    /// A writable view, like [`ImageView::new`].
    ///
    /// # Errors
    /// As for [`ImageView::new`].
    pub fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        stride: isize,
        data: &'a mut [u8],
    ) -> Result<Self, ImageError> {
        Self::with_layout(Layout::new(format, width, height, stride)?, data)
    }

    /// A view of contiguous rows, top row first.
    ///
    /// # Errors
    /// A size of 0, or `data` too short for the image.
    pub fn tight(
        format: PixelFormat,
        width: u32,
        height: u32,
        data: &'a mut [u8],
    ) -> Result<Self, ImageError> {
        Self::with_layout(Layout::tight(format, width, height)?, data)
    }

    /// A view with this layout; `data` begins at the row with the lowest address.
    ///
    /// # Errors
    /// `data` is too short for the image.
    pub fn with_layout(layout: Layout, data: &'a mut [u8]) -> Result<Self, ImageError> {
        Ok(Self { layout: layout.within(data.len())?, data })
    }

    /// How the rows are laid out in memory.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The whole block of memory.
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.data
    }

    /// The pixel format.
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
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let place = self.layout.place(y);
        &mut self.data[self.layout.bytes_of(&(place..place + 1))]
    }
}
