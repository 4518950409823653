//! The C types: every struct begins with `struct_size`, grows only at its end, and has C layout.
//!
//! Strings are NUL-terminated UTF-8. Ownership and lifetimes are documented at each function of the table in
//! `table.rs`.

use abi_stable::StableAbi;
use std::os::raw::{c_char, c_void};

/// How the pixels of an image are stored. Color is sRGB-encoded, alpha is straight (not premultiplied), and
/// multi-byte samples are in native byte order.
pub type AutochromeFormat = u32;
/// Red, green, blue, alpha; 8 bits each.
pub const AUTOCHROME_FORMAT_RGBA8: AutochromeFormat = 1;
/// Red, green, blue; 8 bits each.
pub const AUTOCHROME_FORMAT_RGB8: AutochromeFormat = 2;
/// Gray, 8 bits. Input of `colorize`, or output of `confidence`.
pub const AUTOCHROME_FORMAT_GRAY8: AutochromeFormat = 3;
/// Red, green, blue, alpha; 16 bits each.
pub const AUTOCHROME_FORMAT_RGBA16: AutochromeFormat = 4;
/// Red, green, blue; 16 bits each.
pub const AUTOCHROME_FORMAT_RGB16: AutochromeFormat = 5;
/// Gray, 16 bits. Input of `colorize`, or output of `confidence`.
pub const AUTOCHROME_FORMAT_GRAY16: AutochromeFormat = 6;
/// Red, green, blue, alpha; 32-bit floats, 0..1 (values outside are clamped; NaN reads as 0).
pub const AUTOCHROME_FORMAT_RGBA_F32: AutochromeFormat = 7;
/// Gray, 32-bit float, 0..1. Input of `colorize`, or output of `confidence`.
pub const AUTOCHROME_FORMAT_GRAY_F32: AutochromeFormat = 8;

/// An image in the caller's memory. The caller owns the pixels before, during and after every call; no byte between
/// or beyond the rows is read or written. At most 2^32 pixels.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Copy)]
pub struct AutochromeImage {
    /// `sizeof(AutochromeImage)` as the host was compiled.
    pub struct_size: u32,
    /// One of the `AUTOCHROME_FORMAT_` values.
    pub format: AutochromeFormat,
    /// Pixels per row, at least 1.
    pub width: u32,
    /// Number of rows, at least 1.
    pub height: u32,
    /// Bytes from the start of a row to the start of the row below it. Negative if rows run bottom-up; its absolute
    /// value is at least the bytes of a row. Rows need no alignment.
    pub stride: isize,
    /// The first byte of the top row.
    pub data: *mut c_void,
}

/// Parameters of `colorize`. Fill them with `params_init`, then change what you need.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Copy)]
pub struct AutochromeParams {
    /// `sizeof(AutochromeParams)` as the host was compiled.
    pub struct_size: u32,
    /// Working size of the network: the image's longer side as the network sees it, in pixels. 0 for the model's
    /// own; otherwise 32 to 2048.
    pub working_size: u32,
    /// Chroma strength: 0 is gray, 1 as predicted, at most 1.5.
    pub strength: f32,
    /// Temperature of the annealed mean: 0 is the most likely color (vivid), 1 the mean of all (muted). Negative
    /// for the model's own. Models that predict a single color ignore it.
    pub temperature: f32,
    /// Number of threads, 0 for all cores, at most 1024.
    pub threads: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Name of the model; NULL or empty for the default one.
    pub model: *const c_char,
    /// `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`; NULL or empty for `"auto"`.
    pub device: *const c_char,
    /// Since 1.2. Colors that a person knows, or NULL: a picture of the input's size in a format with alpha,
    /// transparent where there is no hint, on at most half of the picture. A hinted pixel gets the hint's a and b (as
    /// far as sRGB has them at its lightness; partial alpha mixes), what is alike around it follows, and the rest stays
    /// as predicted. `strength` does not change a hint; `confidence` ignores hints. The pixels may be the very image that
    /// is the input or output, but must not overlap the output otherwise. The wrong size, a format without alpha, or
    /// hints on more than half of the picture give AUTOCHROME_BAD_IMAGE.
    pub hints: *const AutochromeImage,
}

/// Where a session looks for models.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Copy)]
pub struct AutochromeConfig {
    /// `sizeof(AutochromeConfig)` as the host was compiled.
    pub struct_size: u32,
    /// Number of folders in `models_dirs`, at most 1024.
    pub models_dir_count: u32,
    /// Folders searched before the usual ones (see docs/models.md); may be NULL when the count is 0.
    pub models_dirs: *const *const c_char,
}

/// What the plugin knows about a model folder. The strings belong to the list and are valid until it is freed.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Copy)]
pub struct AutochromeModelInfo {
    /// `sizeof(AutochromeModelInfo)` as the host was compiled; the plugin fills no more than that.
    pub struct_size: u32,
    /// 1 if the model can be used, 0 if not (then `problem` says why).
    pub usable: u32,
    /// Its name, as `AutochromeParams::model` takes it. For an unreadable package, the name of its folder.
    pub name: *const c_char,
    /// One-line description; empty if not usable.
    pub description: *const c_char,
    /// The folder it is in.
    pub folder: *const c_char,
    /// License of the weights; empty if not usable.
    pub license: *const c_char,
    /// Why it cannot be used; empty if it can.
    pub problem: *const c_char,
    /// Its own working size, in pixels; 0 if not usable.
    pub working_size: u32,
    /// Its own temperature; 0 if it has none or is not usable.
    pub temperature: f32,
}

/// What the session's last successful `colorize` used. The strings belong to the session and are valid until its
/// next call or until it is freed.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Copy)]
pub struct AutochromeSessionInfo {
    /// `sizeof(AutochromeSessionInfo)` as the host was compiled; the plugin fills no more than that.
    pub struct_size: u32,
    /// Always 0.
    pub reserved: u32,
    /// Name of the model; empty before the first success.
    pub model: *const c_char,
    /// `"cpu"` or `"cuda:N"`; empty before the first success.
    pub device: *const c_char,
    /// Why `"auto"` did not use a GPU; empty if it did, or if a device was named.
    pub fallback: *const c_char,
}
