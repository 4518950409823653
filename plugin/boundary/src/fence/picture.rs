//! Images in the host's memory, borrowed for one call.
//!
//! The idea: **only bytes of pixels are touched.** Contiguous rows are used in place. Rows with gaps go through a
//! contiguous copy, because the bytes between them may belong to something else (another image, another thread),
//! and so does an input that is also the output.

use autochrome_abi::{AUTOCHROME_BAD_IMAGE, AUTOCHROME_OUT_OF_MEMORY, AutochromeImage, pixel_format};
use autochrome_pixels::limits::MAX_PIXELS;
use autochrome_pixels::pipeline::{Hints, PipelineError};
use autochrome_pixels::{ImageError, ImageView, ImageViewMut, Layout, Place};

use super::{Caller, not_null};
use crate::backend::Given;
use crate::failure::Failure;

/// The hints, as errors name them.
const HINTS: &str = "params->hints";

/// An image whose numbers are consistent; its pixels have not been touched.
struct Picture {
    layout: Layout,
    place: Place,
    lowest: *mut u8,
}

/// A picture to read while another is written, copied where it cannot be read in place.
struct Source {
    picture: Picture,
    copied: Option<Vec<u8>>,
}

impl Source {
    /// Checks `image`, which is read while `output` is written.
    ///
    /// # Safety
    /// The image's pixels are there and do not change as long as the result lives, unless they are the output's.
    unsafe fn new(image: &AutochromeImage, what: &str, output: &Picture) -> Result<Self, Failure> {
        let picture = Picture::check(image, what)?;
        refuse_overlap(&picture, what, output)?;
        let copy = picture.lowest == output.lowest || picture.layout.has_gaps();
        // SAFETY: this function's contract; nothing has been written yet.
        let copied = if copy { Some(unsafe { picture.copy_in() }?) } else { None };
        Ok(Self { picture, copied })
    }

    /// The pixels, without gaps.
    ///
    /// # Safety
    /// As for [`Source::new`], as long as the view lives.
    unsafe fn view(&self, what: &str) -> Result<ImageView<'_>, Failure> {
        let layout = if self.copied.is_some() { self.picture.packed()? } else { self.picture.layout };
        // SAFETY: this function's contract; without a copy the rows have no gaps, and lie apart from the output.
        let pixels = self.copied.as_deref().unwrap_or_else(|| unsafe { self.picture.bytes() });
        ImageView::with_layout(layout, pixels).map_err(|error| refused(what, &error))
    }
}

impl Caller {
    /// Borrows the images for `body`; what it writes is in the host's memory when this returns. `hints` may be NULL.
    pub fn with_pictures(
        &self,
        input: *const AutochromeImage,
        hints: *const AutochromeImage,
        output: *const AutochromeImage,
        body: impl FnOnce(&Given<'_>, &mut ImageViewMut<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let input = self.read(input, "input")?;
        let output = Picture::check(&self.read(output, "output")?, "output")?;
        let read_hints = || self.read(hints, HINTS);
        let hints = if hints.is_null() { None } else { Some(read_hints()?) };
        // SAFETY: the host states that what is read is there and does not change during the call.
        let input = unsafe { Source::new(&input, "input", &output) }?;
        // SAFETY: as above.
        let hints = hints.map(|hints| unsafe { Source::new(&hints, HINTS, &output) }).transpose()?;
        // SAFETY: as above.
        let view = unsafe { input.view("input") }?;
        // SAFETY: as above.
        let hints = hints.as_ref().map(|hints| unsafe { hints.view(HINTS) }).transpose()?;
        let hints = hints.map(Hints::new).transpose().map_err(PipelineError::from)?;
        let given = Given { input: view, hints };
        if output.layout.has_gaps() {
            let packed = output.packed()?;
            let mut pixels = zeroed(packed.span())?;
            body(&given, &mut writable(packed, &mut pixels)?)?;
            // SAFETY: the host states that the output is its own to have written.
            unsafe { output.copy_out(&pixels) };
            return Ok(());
        }
        // SAFETY: the host states that the output is its own and that nobody else touches it during the call;
        // the rows have no gaps, so all `span` bytes are pixels. What is read lies elsewhere or was copied.
        let pixels = unsafe { std::slice::from_raw_parts_mut(output.lowest, output.layout.span()) };
        body(&given, &mut writable(output.layout, pixels)?)
    }
}

impl Picture {
    /// Checks the numbers of an image: they ensure that every address computed later lies inside its memory.
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
        let absurd =
            || bad(format!("stride is {stride}; it does not fit {height} rows of {width} {format:?} pixels"));
        let layout = Layout::new(format, width, height, stride).map_err(|_| absurd())?;
        let top = image.data.cast::<u8>();
        let place = Place::new(layout, top.addr()).ok_or_else(absurd)?;
        Ok(Self { layout, place, lowest: top.wrapping_sub(layout.row_begin(0)) })
    }

    /// The layout of a copy: top row first, contiguous.
    fn packed(&self) -> Result<Layout, Failure> {
        let (width, height) = self.layout.size();
        Layout::tight(self.layout.format(), width, height).map_err(|error| refused("a copy", &error))
    }

    /// The pixels where they lie.
    ///
    /// # Safety
    /// The picture is there, its rows have no gaps, and nobody changes it as long as the result lives.
    unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: this function's contract; `check` has shown that the bytes do not wrap around.
        unsafe { std::slice::from_raw_parts(self.lowest, self.layout.span()) }
    }

    fn row(&self, y: usize) -> *mut u8 {
        self.lowest.wrapping_add(self.layout.row_begin(y))
    }

    /// A copy without gaps.
    ///
    /// # Safety
    /// The picture is there, and nobody changes it meanwhile.
    unsafe fn copy_in(&self) -> Result<Vec<u8>, Failure> {
        let mut pixels = zeroed(self.packed()?.span())?;
        for (y, row) in pixels.chunks_exact_mut(self.layout.row_bytes()).enumerate() {
            // SAFETY: row `y` lies inside what `check` has shown to be addressable, and by this function's contract is
            // there; the copy is memory of our own.
            unsafe { std::ptr::copy_nonoverlapping(self.row(y), row.as_mut_ptr(), row.len()) };
        }
        Ok(pixels)
    }

    /// Writes pixels without gaps into its rows.
    ///
    /// # Safety
    /// The picture is there and may be written, and nobody uses it meanwhile.
    unsafe fn copy_out(&self, pixels: &[u8]) {
        for (y, row) in pixels.chunks_exact(self.layout.row_bytes()).enumerate() {
            // SAFETY: as in `copy_in`, and this function's contract.
            unsafe { std::ptr::copy_nonoverlapping(row.as_ptr(), self.row(y), row.len()) };
        }
    }
}

fn writable(layout: Layout, pixels: &mut [u8]) -> Result<ImageViewMut<'_>, Failure> {
    ImageViewMut::with_layout(layout, pixels).map_err(|error| refused("output", &error))
}

/// What is read and the output may be the very same image, or share no pixel.
fn refuse_overlap(read: &Picture, what: &str, output: &Picture) -> Result<(), Failure> {
    if read.place.is_same_or_apart(&output.place) {
        return Ok(());
    }
    let text = format!(
        "{what} and output overlap; expected the very same image (data, stride, format) or separate memory"
    );
    Err(Failure::new(AUTOCHROME_BAD_IMAGE, text))
}

fn zeroed(bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut pixels = Vec::new();
    pixels.try_reserve_exact(bytes).map_err(|_| {
        let text =
            format!("out of memory: cannot copy the image ({bytes} bytes); contiguous rows need no copy");
        Failure::new(AUTOCHROME_OUT_OF_MEMORY, text)
    })?;
    pixels.resize(bytes, 0);
    Ok(pixels)
}

fn refused(what: &str, error: &ImageError) -> Failure {
    Failure::new(AUTOCHROME_BAD_IMAGE, format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use autochrome_abi::AUTOCHROME_FORMAT_GRAY8;

    use super::*;

    #[test]
    fn more_pixels_than_any_camera_has_are_refused() {
        let gray = |width: u32, height| AutochromeImage {
            struct_size: 32,
            format: AUTOCHROME_FORMAT_GRAY8,
            width,
            height,
            stride: 1 << 17,
            data: std::ptr::without_provenance_mut(0x10_0000),
        };
        assert!(Picture::check(&gray(1 << 17, 1 << 15), "input").is_ok());
        assert!(Picture::check(&gray(1 << 17, 1 << 16), "input").is_err(), "more than 2^32 pixels");
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
        assert!(picture.layout.has_gaps());
        // SAFETY: `memory` holds every row, and only this thread has it.
        unsafe {
            picture.copy_out(&[1, 2, 3, 4, 5, 6, 7, 8]);
            assert_eq!(picture.copy_in().expect("memory"), [1, 2, 3, 4, 5, 6, 7, 8]);
        }
        assert_eq!(memory, [7, 8, 7, 7, 7, 5, 6, 7, 7, 7, 3, 4, 7, 7, 7, 1, 2, 7, 7, 7]);
    }
}
