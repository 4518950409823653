//! The unsafe fence: two calls into C, which neither keep a pointer nor return one.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_long, c_uint};

/// Links the library that the C side calls.
use mozjpeg_sys as _;

/// As `struct autochrome_jpeg` in decode.h.
#[repr(C)]
pub struct About {
    pub width: c_uint,
    pub height: c_uint,
    pub color: c_int,
    pub guesses: c_long,
    pub message: [c_char; 200],
}

impl About {
    fn empty() -> Self {
        Self { width: 0, height: 0, color: 0, guesses: 0, message: [0; 200] }
    }
}

unsafe extern "C" {
    fn autochrome_jpeg_header(bytes: *const u8, length: usize, about: *mut About) -> c_int;
    fn autochrome_jpeg_pixels(
        bytes: *const u8,
        length: usize,
        transform: c_int,
        pixels: *mut u8,
        size: usize,
        memory: usize,
        about: *mut About,
    ) -> c_int;
}

/// What the header says, and a status.
pub fn header(bytes: &[u8]) -> (c_int, About) {
    let mut about = About::empty();
    // SAFETY: `bytes` is readable for its length, `about` is writable, and C keeps neither. Its errors end in its own
    // frames and come back as the status.
    let status = unsafe { autochrome_jpeg_header(bytes.as_ptr(), bytes.len(), &raw mut about) };
    (status, about)
}

/// Fills `pixels`, taking `memory` bytes at most besides.
pub fn pixels(bytes: &[u8], transform: c_int, pixels: &mut [u8], memory: usize) -> (c_int, About) {
    let mut about = About::empty();
    let memory = memory.min(usize::try_from(c_long::MAX).unwrap_or(usize::MAX));
    // SAFETY: as above; C writes to `pixels` only if its length is that of the picture, row by row.
    let status = unsafe {
        autochrome_jpeg_pixels(
            bytes.as_ptr(),
            bytes.len(),
            transform,
            pixels.as_mut_ptr(),
            pixels.len(),
            memory,
            &raw mut about,
        )
    };
    (status, about)
}
