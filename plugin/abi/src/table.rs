//! The function table, and the handles and callbacks its functions take: everything a host can call.
//!
//! Every entry states which threads may call it and who owns what it returns; the header repeats these words.

use abi_stable::StableAbi;
use std::os::raw::{c_char, c_void};

use crate::{
    AutochromeConfig, AutochromeImage, AutochromeModelInfo, AutochromeParams, AutochromeSessionInfo,
    AutochromeStatus,
};

/// A session: loaded models, a device, the last error. A handle: compare it with NULL, never dereference it. One
/// thread at a time; sessions may run in parallel. A handle that was freed or never existed gives
/// AUTOCHROME_BAD_HANDLE.
// cbindgen does not see through cfg_attr, so the header declares the type by name only, as it should.
#[cfg_attr(true, repr(C))]
#[derive(StableAbi)]
pub struct AutochromeSession {
    _opaque: [u8; 0],
}

/// A list of models. A handle, like AutochromeSession. It never changes and may be read from any thread.
#[cfg_attr(true, repr(C))]
#[derive(StableAbi)]
pub struct AutochromeModelList {
    _opaque: [u8; 0],
}

/// Reports progress: `fraction` rises from 0 to 1. Called only on the thread that called `colorize`, at least ten
/// times per call. It must not throw, must not longjmp out, and must not call into the session (that gives
/// AUTOCHROME_SESSION_BUSY). Return 0 to continue, anything else to cancel.
pub type AutochromeProgress = Option<unsafe extern "C" fn(fraction: f32, user_data: *mut c_void) -> i32>;

/// The function table. A function exists if and only if `struct_size` covers it; functions are only appended.
///
/// No function keeps a pointer after it returns, and no panic or exception crosses the interface. Pointers must not
/// be NULL unless the function says so; a NULL one gives AUTOCHROME_NULL_ARGUMENT. Pointers need no alignment.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct AutochromeApi {
    /// Size of this table in bytes, as the plugin was compiled.
    pub struct_size: u32,
    /// `AUTOCHROME_ABI_MAJOR` of the plugin.
    pub abi_major: u32,
    /// `AUTOCHROME_ABI_MINOR` of the plugin.
    pub abi_minor: u32,
    /// Always 0.
    pub reserved: u32,
    /// Version of the plugin, such as `"0.1.0"`.
    ///
    /// Threads: any, at any time. Memory: static, never freed.
    pub version: unsafe extern "C" fn() -> *const c_char,
    /// Name of a status as in the header, such as `"AUTOCHROME_OK"`; `"unknown"` for other numbers.
    ///
    /// Threads: any, at any time. Memory: static, never freed.
    pub status_name: unsafe extern "C" fn(status: AutochromeStatus) -> *const c_char,
    /// Message of the last call that failed: one line with what was expected, what was given, and what to do. With
    /// a session, its last error; with NULL, the last error on this thread of the calls that had no session to keep
    /// it: `params_init`, `session_new`, the list functions, and any call whose session was NULL, freed or busy. A
    /// later success does not clear it. Empty if there was none, never NULL.
    ///
    /// Threads: with NULL any; with a session the one that uses it. Memory: the library's; valid until the next
    /// call with that session, or for NULL until the next call on this thread.
    pub last_error: unsafe extern "C" fn(session: *const AutochromeSession) -> *const c_char,
    /// Fills `params` (whose `struct_size` is set) with the defaults: strength 1, the model's own temperature and
    /// working size, all cores, default model, device `"auto"`.
    ///
    /// Threads: any. Memory: `params` is the caller's; its pointers are set to NULL.
    pub params_init: unsafe extern "C" fn(params: *mut AutochromeParams) -> AutochromeStatus,
    /// Creates a session. `config` may be NULL. On failure `*session` is NULL and `last_error(NULL)` says why. No
    /// model is loaded yet: the first `colorize` does that.
    ///
    /// Threads: any. Memory: the caller frees the session with `session_free`; `config` is copied.
    pub session_new: unsafe extern "C" fn(
        config: *const AutochromeConfig,
        session: *mut *mut AutochromeSession,
    ) -> AutochromeStatus,
    /// Frees a session and its models. NULL is allowed; a handle already freed is ignored.
    ///
    /// Threads: any; if a call still uses the session, its memory is freed when that call returns. Memory: the
    /// handle and every string the session returned are invalid from here on.
    pub session_free: unsafe extern "C" fn(session: *mut AutochromeSession),
    /// Colorizes `input` into `output`: same width and height, `output` in a format with color. Lightness and alpha
    /// are kept from the input; color in it is reduced to its lightness. `output` may be the very same image as
    /// `input` (same data, stride and format), but must not overlap it otherwise. `params` and `progress` may be
    /// NULL. After a status other than OK the output is undefined.
    ///
    /// Threads: one at a time per session; it blocks until the work is done, and uses `params->threads` threads of
    /// its own. Memory: pixels, `params` and its strings stay the caller's and must not change during the call. The
    /// session keeps the model for the next call, and caches at most 16 MiB of the network's output for this image:
    /// colorizing the same image again with another strength or temperature (same working size, model and device)
    /// does not run the network again, so a preview can follow a slider.
    // abi_stable cannot describe a callback inside a function pointer: only the size of this one is checked.
    #[sabi(unsafe_opaque_field)]
    pub colorize: unsafe extern "C" fn(
        session: *mut AutochromeSession,
        params: *const AutochromeParams,
        input: *const AutochromeImage,
        output: *const AutochromeImage,
        progress: AutochromeProgress,
        user_data: *mut c_void,
    ) -> AutochromeStatus,
    /// What the last successful `colorize` used. The caller sets `info->struct_size`.
    ///
    /// Threads: the one that uses the session. Memory: `info` is the caller's, its strings the session's; they are
    /// valid until the next call with that session.
    pub session_info: unsafe extern "C" fn(
        session: *const AutochromeSession,
        info: *mut AutochromeSessionInfo,
    ) -> AutochromeStatus,
    /// Lists the models that a session with this `config` (may be NULL) would find: the default one first, unusable
    /// ones last with the reason. An empty list is a success. On failure `*list` is NULL and `last_error(NULL)`
    /// says why.
    ///
    /// Threads: any. Memory: the caller frees the list with `model_list_free`; `config` is copied.
    pub model_list_new: unsafe extern "C" fn(
        config: *const AutochromeConfig,
        list: *mut *mut AutochromeModelList,
    ) -> AutochromeStatus,
    /// Number of models in the list; 0 for NULL.
    ///
    /// Threads: any, in parallel. Memory: none.
    pub model_list_len: unsafe extern "C" fn(list: *const AutochromeModelList) -> usize,
    /// Fills `info` (whose `struct_size` is set) with the model at `index`, from 0.
    ///
    /// Threads: any, in parallel. Memory: `info` is the caller's, its strings the list's; they are valid until the
    /// list is freed.
    pub model_list_get: unsafe extern "C" fn(
        list: *const AutochromeModelList,
        index: usize,
        info: *mut AutochromeModelInfo,
    ) -> AutochromeStatus,
    /// Frees a list and its strings. NULL is allowed; a handle already freed is ignored.
    ///
    /// Threads: any. Memory: the handle and every string the list returned are invalid from here on.
    pub model_list_free: unsafe extern "C" fn(list: *mut AutochromeModelList),
    /// Since 1.1. Writes to `output` the model's confidence in the colors that `colorize` gives `input` with the
    /// same `params`, from 0 (black) to 1 (white), linearly: the probability that the true color is within 25 units
    /// of ab of the one shown. Same width and height, `output` in a gray format, and everything else as in
    /// `colorize`; `strength` has no effect. After `colorize` with the same image it does not run the network
    /// again. A model that predicts a single color per pixel has no confidence: AUTOCHROME_BAD_PARAMETER.
    ///
    /// Threads: as for `colorize`. Memory: as for `colorize`.
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
