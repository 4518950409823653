//! Pictures in the host's memory, borrowed for one call.
//!
//! The idea: **only bytes that belong to a pixel are touched.** Rows that follow one another without a gap are
//! used where they lie. Rows with gaps go through a copy without gaps, because the bytes between them may be
//! someone else's (another picture, another thread's), and so does an input that is also the output.

use autochrome_abi::{
    AUTOCHROME_BAD_IMAGE, AUTOCHROME_FORMAT_GRAY_F32, AUTOCHROME_FORMAT_GRAY8, AUTOCHROME_FORMAT_GRAY16,
    AUTOCHROME_FORMAT_RGB8, AUTOCHROME_FORMAT_RGB16, AUTOCHROME_FORMAT_RGBA_F32, AUTOCHROME_FORMAT_RGBA8,
    AUTOCHROME_FORMAT_RGBA16, AUTOCHROME_OUT_OF_MEMORY, AutochromeFormat, AutochromeImage,
};
use autochrome_models::pipeline::{ImageError, ImageView, ImageViewMut, PixelFormat};

use super::{Caller, not_null};
use crate::failure::Failure;

/// Most pixels a picture may have; more than any camera's or scanner's, and sizes in bytes cannot overflow.
const MAX_PIXELS: u64 = 1 << 32;

/// A picture whose numbers fit together; its pixels have not been touched.
struct Picture {
    format: PixelFormat,
    width: u32,
    height: u32,
    rows: usize,
    stride: isize,
    row_bytes: usize,
    /// From the lowest to the highest byte of a pixel.
    span: usize,
    lowest: *mut u8,
    top: *mut u8,
}

impl Caller {
    /// Borrows both pictures for `body`; what it writes is in the host's memory when this returns.
    pub fn with_pictures(
        &self,
        input: *const AutochromeImage,
        output: *const AutochromeImage,
        body: impl FnOnce(&ImageView<'_>, &mut ImageViewMut<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let input = Picture::check(&self.read(input, "input")?, "input")?;
        let output = Picture::check(&self.read(output, "output")?, "output")?;
        refuse_overlap(&input, &output)?;
        let same = input.lowest == output.lowest;
        let copied = if same || input.has_gaps() { Some(input.copy_in()?) } else { None };
        let source = copied.as_deref().unwrap_or_else(|| input.bytes());
        let stride = if copied.is_some() { input.row_stride()? } else { input.stride };
        let view = ImageView::new(input.format, input.width, input.height, stride, source)
            .map_err(|error| refused("input", &error))?;
        if output.has_gaps() {
            let mut pixels = zeroed(output.row_bytes * output.rows)?;
            output.view(output.row_stride()?, &mut pixels).and_then(|mut target| body(&view, &mut target))?;
            output.copy_out(&pixels);
            return Ok(());
        }
        // SAFETY: the host states that the output is its own and that nobody else touches it during the call;
        // the rows have no gaps, so all `span` bytes are pixels. The input lies elsewhere or was copied.
        let pixels = unsafe { std::slice::from_raw_parts_mut(output.lowest, output.span) };
        output.view(output.stride, pixels).and_then(|mut target| body(&view, &mut target))
    }
}

impl Picture {
    /// Checks the numbers of a picture: what holds here makes every later address lie inside its memory.
    fn check(image: &AutochromeImage, what: &str) -> Result<Self, Failure> {
        let bad = |text: String| Failure::new(AUTOCHROME_BAD_IMAGE, format!("{what}->{text}"));
        not_null(image.data, &format!("{what}->data"))?;
        let format = pixel_format(image.format).ok_or_else(|| {
            bad(format!("format is {}; expected an AUTOCHROME_FORMAT_, 1 to 8", image.format))
        })?;
        let (width, height) = (image.width, image.height);
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > MAX_PIXELS {
            return Err(bad(format!("width x height is {width} x {height}; expected 1 to 2^32 pixels")));
        }
        let stride = image.stride;
        let absurd = || {
            bad(format!(
                "stride is {stride}; a row of {width} {format:?} pixels and {height} rows do not fit it"
            ))
        };
        let rows = usize::try_from(height).map_err(|_| absurd())?;
        let row_bytes =
            usize::try_from(width).ok().and_then(|width| width.checked_mul(format.bytes_per_pixel()));
        let row_bytes = row_bytes.filter(|bytes| *bytes <= stride.unsigned_abs()).ok_or_else(absurd)?;
        let rise = stride.unsigned_abs().checked_mul(rows - 1).ok_or_else(absurd)?;
        let span =
            rise.checked_add(row_bytes).filter(|span| isize::try_from(*span).is_ok()).ok_or_else(absurd)?;
        let top = image.data.cast::<u8>();
        let below = if stride < 0 { rise } else { 0 };
        let lowest = top.wrapping_sub(below);
        if top.addr() <= below || lowest.addr().checked_add(span).is_none() {
            return Err(absurd());
        }
        Ok(Self { format, width, height, rows, stride, row_bytes, span, lowest, top })
    }

    fn has_gaps(&self) -> bool {
        self.rows > 1 && self.stride.unsigned_abs() != self.row_bytes
    }

    /// The stride of a copy: top row first, no gaps.
    fn row_stride(&self) -> Result<isize, Failure> {
        isize::try_from(self.row_bytes)
            .map_err(|_| Failure::new(AUTOCHROME_BAD_IMAGE, "a row exceeds memory"))
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the host states that the picture is there and does not change during the call; `check` has
        // shown that its bytes do not wrap around, and it is called only for rows without gaps.
        unsafe { std::slice::from_raw_parts(self.lowest, self.span) }
    }

    fn row(&self, y: usize) -> *mut u8 {
        // No overflow: `check` has multiplied the last row's.
        let offset = self.stride.unsigned_abs() * y;
        if self.stride < 0 { self.top.wrapping_sub(offset) } else { self.top.wrapping_add(offset) }
    }

    fn copy_in(&self) -> Result<Vec<u8>, Failure> {
        let mut pixels = zeroed(self.row_bytes * self.rows)?;
        for (y, row) in pixels.chunks_exact_mut(self.row_bytes).enumerate() {
            // SAFETY: row `y` of the host's picture lies inside what `check` has shown to be addressable; the
            // copy is memory of our own.
            unsafe { std::ptr::copy_nonoverlapping(self.row(y), row.as_mut_ptr(), row.len()) };
        }
        Ok(pixels)
    }

    fn copy_out(&self, pixels: &[u8]) {
        for (y, row) in pixels.chunks_exact(self.row_bytes).enumerate() {
            // SAFETY: as in `copy_in`; the host states that the output's pixels are its own to have written.
            unsafe { std::ptr::copy_nonoverlapping(row.as_ptr(), self.row(y), row.len()) };
        }
    }

    fn view<'a>(&self, stride: isize, pixels: &'a mut [u8]) -> Result<ImageViewMut<'a>, Failure> {
        ImageViewMut::new(self.format, self.width, self.height, stride, pixels)
            .map_err(|error| refused("output", &error))
    }
}

/// Input and output may be one and the same picture, or share no pixel.
fn refuse_overlap(input: &Picture, output: &Picture) -> Result<(), Failure> {
    let (a, b) = (input.lowest.addr(), output.lowest.addr());
    if a + input.span <= b || b + output.span <= a {
        return Ok(());
    }
    let one = input.top == output.top
        && input.stride == output.stride
        && input.format == output.format
        && (input.width, input.height) == (output.width, output.height);
    if one || side_by_side(input, output) {
        return Ok(());
    }
    let text =
        "input and output overlap; expected the very same picture (data, stride, format) or separate memory";
    Err(Failure::new(AUTOCHROME_BAD_IMAGE, text))
}

/// Whether two pictures of one stride lie in separate columns of a larger one.
fn side_by_side(input: &Picture, output: &Picture) -> bool {
    let stride = input.stride.unsigned_abs();
    // As many strides are added as keep the difference positive.
    let shift = (input.lowest.addr() % stride + stride - output.lowest.addr() % stride) % stride;
    input.stride.unsigned_abs() == output.stride.unsigned_abs()
        && shift >= output.row_bytes
        && shift + input.row_bytes <= stride
}

fn zeroed(bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut pixels = Vec::new();
    pixels.try_reserve_exact(bytes).map_err(|_| {
        let text = format!("no memory for a copy of the picture of {bytes} bytes; use rows without gaps");
        Failure::new(AUTOCHROME_OUT_OF_MEMORY, text)
    })?;
    pixels.resize(bytes, 0);
    Ok(pixels)
}

fn refused(what: &str, error: &ImageError) -> Failure {
    Failure::new(AUTOCHROME_BAD_IMAGE, format!("{what}: {error}"))
}

fn pixel_format(format: AutochromeFormat) -> Option<PixelFormat> {
    Some(match format {
        AUTOCHROME_FORMAT_RGBA8 => PixelFormat::Rgba8,
        AUTOCHROME_FORMAT_RGB8 => PixelFormat::Rgb8,
        AUTOCHROME_FORMAT_GRAY8 => PixelFormat::Gray8,
        AUTOCHROME_FORMAT_RGBA16 => PixelFormat::Rgba16,
        AUTOCHROME_FORMAT_RGB16 => PixelFormat::Rgb16,
        AUTOCHROME_FORMAT_GRAY16 => PixelFormat::Gray16,
        AUTOCHROME_FORMAT_RGBA_F32 => PixelFormat::RgbaF32,
        AUTOCHROME_FORMAT_GRAY_F32 => PixelFormat::GrayF32,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: usize = 0x10_0000;

    /// A picture of gray pixels at an address that nobody follows.
    fn gray(offset: usize, width: u32, height: u32, stride: isize) -> Result<Picture, Failure> {
        let image = AutochromeImage {
            struct_size: 32,
            format: AUTOCHROME_FORMAT_GRAY8,
            width,
            height,
            stride,
            data: std::ptr::without_provenance_mut(ADDRESS + offset),
        };
        Picture::check(&image, "input")
    }

    fn may_be_used(input: Result<Picture, Failure>, output: Result<Picture, Failure>) -> bool {
        refuse_overlap(&input.expect("sound"), &output.expect("sound")).is_ok()
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
            assert!(gray(0, 8, 8, stride).is_err(), "{stride}");
        }
        let below = isize::try_from(ADDRESS).expect("small");
        assert!(gray(0, 8, 2, -below).is_err(), "it would begin at address 0");
        assert!(gray(0, 8, 2, 1 - below).is_ok());
        assert!(gray(0, 1 << 17, 1 << 16, 1 << 17).is_err(), "more than 2^32 pixels");
    }

    #[test]
    fn bytes_between_rows_are_left_alone() {
        let mut memory = [7_u8; 5 * 4];
        let image = AutochromeImage {
            struct_size: 32,
            format: AUTOCHROME_FORMAT_GRAY8,
            width: 2,
            height: 4,
            stride: -5,
            data: memory.as_mut_ptr().wrapping_add(15).cast(),
        };
        let picture = Picture::check(&image, "output").expect("sound");
        assert!(picture.has_gaps());
        picture.copy_out(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(picture.copy_in().expect("memory"), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(memory, [7, 8, 7, 7, 7, 5, 6, 7, 7, 7, 3, 4, 7, 7, 7, 1, 2, 7, 7, 7]);
    }
}
