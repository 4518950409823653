//! The function table and the handles and callbacks its functions take: the whole of what a host can call.
//!
//! Every entry states on which threads it may be called and who owns what it gives; the header carries these
//! words over.

use abi_stable::StableAbi;
use std::os::raw::{c_char, c_void};

use crate::{
    AutochromeConfig, AutochromeImage, AutochromeModelInfo, AutochromeParams, AutochromeSessionInfo,
    AutochromeStatus,
};

/// A session: models in memory, a device, the last error. A handle: compare it with NULL, never look through
/// it. One thread at a time; sessions in parallel. A handle that was freed, or that never was one, is
/// answered with AUTOCHROME_BAD_HANDLE.
// cbindgen does not see through cfg_attr, so the header knows the type by its name alone, as it should.
#[cfg_attr(true, repr(C))]
#[derive(StableAbi)]
pub struct AutochromeSession {
    _opaque: [u8; 0],
}

/// A list of models. A handle, as AutochromeSession is. It never changes and may be read from any thread.
#[cfg_attr(true, repr(C))]
#[derive(StableAbi)]
pub struct AutochromeModelList {
    _opaque: [u8; 0],
}

/// Told how far the work is: `fraction` rises from 0 to 1. Called only on the thread that called `colorize`,
/// at least ten times a call. It must not throw, must not leave by longjmp, and must not call into the
/// session (that is answered with AUTOCHROME_SESSION_BUSY). Return 0 to go on, anything else to cancel.
pub type AutochromeProgress = Option<unsafe extern "C" fn(fraction: f32, user_data: *mut c_void) -> i32>;

/// The function table. A function exists if and only if `struct_size` covers it; functions are only appended.
///
/// No function keeps a pointer it was given after it returns, and none lets a panic or an exception out.
/// Pointers may not be NULL unless the function says so; one that is gets AUTOCHROME_NULL_ARGUMENT. No pointer
/// needs an alignment.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct AutochromeApi {
    /// Bytes of this table as the plugin was compiled.
    pub struct_size: u32,
    /// `AUTOCHROME_ABI_MAJOR` of the plugin.
    pub abi_major: u32,
    /// `AUTOCHROME_ABI_MINOR` of the plugin.
    pub abi_minor: u32,
    /// 0.
    pub reserved: u32,
    /// Version of the plugin, as `"0.1.0"`.
    ///
    /// Threads: any, at any time. Memory: static, never freed.
    pub version: unsafe extern "C" fn() -> *const c_char,
    /// Name of a status as in the header, as `"AUTOCHROME_OK"`; `"unknown"` for other numbers.
    ///
    /// Threads: any, at any time. Memory: static, never freed.
    pub status_name: unsafe extern "C" fn(status: AutochromeStatus) -> *const c_char,
    /// What the last call that failed had to say: one line, what was expected, what came, what to do.
    /// With a session, its last error; with NULL, the last error on this thread of the calls that had no
    /// session to keep it: `params_init`, `session_new`, the list functions, and any call whose session was
    /// NULL, freed or busy. A later success does not clear it. Empty when there was none, never NULL.
    ///
    /// Threads: with NULL any; a session's from the thread that uses it. Memory: the library's; lives until the
    /// next call with that session, or for NULL until the next call on this thread.
    pub last_error: unsafe extern "C" fn(session: *const AutochromeSession) -> *const c_char,
    /// Fills `params` (whose `struct_size` is set) with the defaults: strength 1, the model's own
    /// temperature and working size, every thread, default model, device `"auto"`.
    ///
    /// Threads: any. Memory: `params` is the caller's; what it points to afterward is NULL.
    pub params_init: unsafe extern "C" fn(params: *mut AutochromeParams) -> AutochromeStatus,
    /// Makes a session. `config` may be NULL. On failure `*session` is NULL and `last_error(NULL)` says why.
    /// Loads no model yet: the first `colorize` does.
    ///
    /// Threads: any. Memory: the caller frees the session with `session_free`; `config` is copied.
    pub session_new: unsafe extern "C" fn(
        config: *const AutochromeConfig,
        session: *mut *mut AutochromeSession,
    ) -> AutochromeStatus,
    /// Frees a session with its models; NULL is allowed, and a handle freed before is ignored.
    ///
    /// Threads: any; where a call still uses the session, its memory goes when that call returns. Memory: the
    /// handle and every string the session gave are invalid from here on.
    pub session_free: unsafe extern "C" fn(session: *mut AutochromeSession),
    /// Colorizes `input` into `output`: same width and height, `output` in a format with color. Lightness
    /// and alpha are the input's; color in the input is read through its lightness. `output` may be the
    /// very same picture as `input` (same data, stride and format), but may not overlap it otherwise.
    /// `params` and `progress` may be NULL. After a status other than OK the output is undefined.
    ///
    /// Threads: one at a time for each session; it blocks until the work is done, and works on
    /// `params->threads` threads of its own. Memory: pixels, `params` and its strings stay the caller's and
    /// must not change during the call; the session keeps the model for the next call, and at most 16 MiB of what
    /// the network said of this picture: the same picture again with another strength or temperature (same working
    /// size, model and device) does not run the network again, so a preview can follow a slider.
    // abi_stable describes no callback inside a function pointer: this one is checked by its size alone.
    #[sabi(unsafe_opaque_field)]
    pub colorize: unsafe extern "C" fn(
        session: *mut AutochromeSession,
        params: *const AutochromeParams,
        input: *const AutochromeImage,
        output: *const AutochromeImage,
        progress: AutochromeProgress,
        user_data: *mut c_void,
    ) -> AutochromeStatus,
    /// What the last successful `colorize` used. `info->struct_size` is set by the caller.
    ///
    /// Threads: the one that uses the session. Memory: `info` is the caller's, its strings the session's; they
    /// live until the next call with that session.
    pub session_info: unsafe extern "C" fn(
        session: *const AutochromeSession,
        info: *mut AutochromeSessionInfo,
    ) -> AutochromeStatus,
    /// Lists the models that a session with this `config` (may be NULL) would find, the default one first,
    /// unusable ones last, with their reason. An empty list is a success. On failure `*list` is NULL and
    /// `last_error(NULL)` says why.
    ///
    /// Threads: any. Memory: the caller frees the list with `model_list_free`; `config` is copied.
    pub model_list_new: unsafe extern "C" fn(
        config: *const AutochromeConfig,
        list: *mut *mut AutochromeModelList,
    ) -> AutochromeStatus,
    /// How many models the list holds; 0 for NULL.
    ///
    /// Threads: any, also at once. Memory: none.
    pub model_list_len: unsafe extern "C" fn(list: *const AutochromeModelList) -> usize,
    /// Fills `info` (whose `struct_size` is set) with the model at `index`, from 0.
    ///
    /// Threads: any, also at once. Memory: `info` is the caller's, its strings the list's; they live until the
    /// list is freed.
    pub model_list_get: unsafe extern "C" fn(
        list: *const AutochromeModelList,
        index: usize,
        info: *mut AutochromeModelInfo,
    ) -> AutochromeStatus,
    /// Frees a list and its strings; NULL is allowed, and a handle freed before is ignored.
    ///
    /// Threads: any. Memory: the handle and every string the list gave are invalid from here on.
    pub model_list_free: unsafe extern "C" fn(list: *mut AutochromeModelList),
    /// Since 1.1. Writes to `output` how sure the model is of the colors that `colorize` gives `input` with the
    /// same `params`: 0 (black) to 1 (white), linearly, the probability that the true color is within 25 units of
    /// ab of the one shown. Same width and height, `output` in a format without color, and everything else as in
    /// `colorize`; `strength` has no part in it. After `colorize` with the same picture it does not run the network
    /// again. A model that predicts one color a pixel cannot say: AUTOCHROME_BAD_PARAMETER.
    ///
    /// Threads: as `colorize`. Memory: as `colorize`.
    #[sabi(unsafe_opaque_field)]
    pub confidence: unsafe extern "C" fn(
        session: *mut AutochromeSession,
        params: *const AutochromeParams,
        input: *const AutochromeImage,
        output: *const AutochromeImage,
        progress: AutochromeProgress,
        user_data: *mut c_void,
    ) -> AutochromeStatus,
}

/// Type of the one exported function, `autochrome_api`, for use with dlsym.
pub type AutochromeApiFn = unsafe extern "C" fn(abi_major: u32) -> *const AutochromeApi;

/// Name of the one exported C function.
pub const AUTOCHROME_API_SYMBOL: &str = "autochrome_api";
