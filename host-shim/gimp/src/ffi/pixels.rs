//! GEGL's buffers: rows of pixels of a layer, converted by babl to sRGB-encoded samples and back.

use std::ffi::{c_char, c_double, c_int, c_void};

use autochrome_loader::PixelFormat;

use super::library::{Lib, functions};
use super::passed::Buffer;
use crate::error::Error;

/// A rectangle, as `GeglRectangle`.
#[repr(C)]
struct Rectangle {
    x: c_int,
    y: c_int,
    width: c_int,
    height: c_int,
}

functions! {
    /// Functions of libgegl and libbabl.
    Table {
    } unsafe {
        init = "gegl_init": fn(*mut c_int, *mut *mut *mut c_char),
        get = "gegl_buffer_get": fn(
            *mut c_void, *const Rectangle, c_double, *const c_void, *mut c_void, c_int, c_int
        ),
        set = "gegl_buffer_set": fn(*mut c_void, *const Rectangle, c_int, *const c_void, *const c_void, c_int),
        flush = "gegl_buffer_flush": fn(*mut c_void),
        format = "babl_format": fn(*const c_char) -> *const c_void,
        unref = "g_object_unref": fn(*mut c_void),
    }
}

/// Samples as babl names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    /// Colors, for the plugin.
    Color(PixelFormat),
    /// One float a pixel, how much a mask lets through.
    Mask,
}

impl Samples {
    fn babl(self) -> &'static std::ffi::CStr {
        match self {
            Self::Color(PixelFormat::Rgb8) => c"R'G'B' u8",
            Self::Color(PixelFormat::Rgba8) => c"R'G'B'A u8",
            Self::Color(PixelFormat::Rgb16) => c"R'G'B' u16",
            Self::Color(PixelFormat::Rgba16) => c"R'G'B'A u16",
            Self::Color(PixelFormat::Gray8) => c"Y' u8",
            Self::Color(PixelFormat::Gray16) => c"Y' u16",
            Self::Color(PixelFormat::GrayF32) => c"Y' float",
            Self::Color(PixelFormat::RgbaF32) => c"R'G'B'A float",
            Self::Mask => c"Y float",
        }
    }

    fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Color(format) => format.bytes_per_pixel(),
            Self::Mask => 4,
        }
    }
}

/// What lies outside a buffer: nothing,
const NOTHING: c_int = 0;
/// or the nearest pixel within.
const CLAMP: c_int = 1;

/// See the module.
pub struct Gegl(Table);

/// Width and height of a picture.
pub type Size = (u32, u32);

impl Gegl {
    /// Finds and starts GEGL through a library that needs it.
    pub fn load(lib: &Lib) -> Result<Self, Error> {
        let table = Table::load(lib, 0)?;
        // SAFETY: NULL stands for no command line.
        unsafe { (table.init)(std::ptr::null_mut(), std::ptr::null_mut()) };
        Ok(Self(table))
    }

    /// The pixels of a buffer that begins at 0, 0; `scale` below 1 gives a smaller picture, whose size is `size`.
    pub fn read(&self, buffer: Buffer, samples: Samples, size: Size, scale: f64) -> Result<Vec<u8>, Error> {
        self.get(buffer, samples, extent(size, samples)?, size, (scale, CLAMP))
    }

    /// The pixels of a buffer from `place` on, RGBA of 8 bits, transparent outside; `scale` as for [`Self::read`], `place`
    /// before scaling.
    pub fn read_from(
        &self,
        buffer: Buffer,
        place: (c_int, c_int),
        size: Size,
        scale: f64,
    ) -> Result<Vec<u8>, Error> {
        let samples = Samples::Color(PixelFormat::Rgba8);
        let (rectangle, bytes) = extent(size, samples)?;
        let scaled = |at: c_int| scaled(at, scale);
        let rectangle = Rectangle { x: scaled(place.0), y: scaled(place.1), ..rectangle };
        self.get(buffer, samples, (rectangle, bytes), size, (scale, NOTHING))
    }

    fn get(
        &self,
        buffer: Buffer,
        samples: Samples,
        (rectangle, bytes): (Rectangle, usize),
        size: Size,
        (scale, outside): (f64, c_int),
    ) -> Result<Vec<u8>, Error> {
        let mut pixels = Vec::new();
        pixels.try_reserve_exact(bytes).map_err(|_| no_memory(size, bytes))?;
        pixels.resize(bytes, 0);
        // SAFETY: `pixels` holds the whole rectangle in that format, its rows without gaps (stride 0); the reference to the
        // buffer is ours, and is given up.
        unsafe {
            let format = (self.0.format)(samples.babl().as_ptr());
            (self.0.get)(
                buffer.0.as_ptr(),
                &raw const rectangle,
                scale,
                format,
                pixels.as_mut_ptr().cast(),
                0,
                outside,
            );
            (self.0.unref)(buffer.0.as_ptr());
        }
        Ok(pixels)
    }

    /// Writes the pixels into a buffer from 0, 0.
    pub fn write(&self, buffer: Buffer, samples: Samples, size: Size, pixels: &[u8]) -> Result<(), Error> {
        let (rectangle, bytes) = extent(size, samples)?;
        assert_eq!(pixels.len(), bytes, "the pixels are those of the rectangle");
        // SAFETY: `pixels` holds the whole rectangle in that format, its rows without gaps (stride 0); the reference to the
        // buffer is ours, and is given up.
        unsafe {
            let format = (self.0.format)(samples.babl().as_ptr());
            (self.0.set)(buffer.0.as_ptr(), &raw const rectangle, 0, format, pixels.as_ptr().cast(), 0);
            (self.0.flush)(buffer.0.as_ptr());
            (self.0.unref)(buffer.0.as_ptr());
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "no further from 0 than `at`, as a scale is at most 1")]
fn scaled(at: c_int, scale: f64) -> c_int {
    (f64::from(at) * scale).round() as c_int
}

/// The rectangle of that size, and its bytes.
fn extent(size: Size, samples: Samples) -> Result<(Rectangle, usize), Error> {
    let side = |n: u32| c_int::try_from(n).ok().zip(usize::try_from(n).ok());
    let bytes = |w: usize, h: usize| w.checked_mul(h)?.checked_mul(samples.bytes_per_pixel());
    side(size.0)
        .zip(side(size.1))
        .and_then(|((width, w), (height, h))| Some((Rectangle { x: 0, y: 0, width, height }, bytes(w, h)?)))
        .ok_or_else(|| Error::new(format!("a layer of {} x {} pixels is too large", size.0, size.1)))
}

fn no_memory(size: Size, bytes: usize) -> Error {
    Error::new(format!(
        "a layer of {} x {} pixels needs {} MB of memory, more than is free; close other programs",
        size.0,
        size.1,
        bytes / 1_000_000
    ))
}
