//! The one place with unsafe code: loading the library and calling through its table.
//!
//! It rests on three facts. The library is never unloaded, so its functions and static strings live as long as the
//! program. A function is read from the table only when `struct_size` covers it. Strings are copied before the
//! call that returned them is followed by another.
#![allow(unsafe_code, reason = "the calling side of the C ABI")]

use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use abi_stable::library::{AbiHeaderRef, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use autochrome_abi::*;
use autochrome_pixels::Layout;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::plugin::CStrings;
use crate::{Error, Image, ImageMut, ModelInfo, Params, Progress, SessionInfo, Status};

/// Size of the function table of version 1.0: the least that is accepted.
const TABLE_1_0: usize = std::mem::offset_of!(AutochromeApi, model_list_free) + size_of::<usize>();

/// The table's functions. Those of later versions become `Option`s here, `None` where `struct_size` ends before.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    minor: u32,
    version: unsafe extern "C" fn() -> *const c_char,
    last_error: unsafe extern "C" fn(*const AutochromeSession) -> *const c_char,
    params_init: unsafe extern "C" fn(*mut AutochromeParams) -> AutochromeStatus,
    session_new:
        unsafe extern "C" fn(*const AutochromeConfig, *mut *mut AutochromeSession) -> AutochromeStatus,
    session_free: unsafe extern "C" fn(*mut AutochromeSession),
    colorize: Map,
    session_info:
        unsafe extern "C" fn(*const AutochromeSession, *mut AutochromeSessionInfo) -> AutochromeStatus,
    model_list_new:
        unsafe extern "C" fn(*const AutochromeConfig, *mut *mut AutochromeModelList) -> AutochromeStatus,
    model_list_len: unsafe extern "C" fn(*const AutochromeModelList) -> usize,
    model_list_get:
        unsafe extern "C" fn(*const AutochromeModelList, usize, *mut AutochromeModelInfo) -> AutochromeStatus,
    model_list_free: unsafe extern "C" fn(*mut AutochromeModelList),
    /// Since 1.1.
    confidence: Option<Map>,
}

/// A call that makes one picture of another.
type Map = unsafe extern "C" fn(
    *mut AutochromeSession,
    *const AutochromeParams,
    *const AutochromeImage,
    *const AutochromeImage,
    AutochromeProgress,
    *mut c_void,
) -> AutochromeStatus;

/// The function at `offset` of a table, where its `struct_size` covers it.
///
/// # Safety
/// `table` is a table of this major version, and a function of type [`Map`] stands at `offset` where there is one.
unsafe fn since(table: *const AutochromeApi, offset: usize) -> Option<Map> {
    // SAFETY: every version of the table begins with its size.
    let size = unsafe { (*table).struct_size };
    if usize::try_from(size).is_ok_and(|size| size < offset + size_of::<Map>()) {
        return None;
    }
    // SAFETY: covered by `struct_size`; NULL is `None`.
    unsafe { table.byte_add(offset).cast::<Option<Map>>().read() }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({AUTOCHROME_ABI_MAJOR}.{})", self.minor)
    }
}

impl Api {
    /// Loads the library at `path`, which [`crate::elf::check`] has passed.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let refused = |problem| Error::Interface { path: path.into(), problem };
        let load_error = |error: libloading::Error| Error::Load { path: path.into(), problem: cause(&error) };
        // SAFETY: this runs the library's constructors; that is what the caller asked for. NOW, so that a missing
        // symbol is an error here and no crash later; LOCAL, so that its libraries do not mix with the host's.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(load_error)?;
        // SAFETY: the symbol of this name has this type in every library with this interface.
        let entry = unsafe { library.get::<AutochromeApiFn>(AUTOCHROME_API_SYMBOL) }.map_err(load_error)?;
        // SAFETY: takes any number.
        let table = unsafe { entry(AUTOCHROME_ABI_MAJOR) };
        let api = Self::read(table).map_err(refused)?;
        if api.minor == AUTOCHROME_ABI_MINOR {
            check_layout(&library).map_err(refused)?;
        }
        // Never unloaded: torch's threads and exit handlers run code of it until the very end.
        std::mem::forget(library);
        Ok(api)
    }

    /// Reads the table, so far as its own `struct_size` says that it exists.
    fn read(table: *const AutochromeApi) -> Result<Self, String> {
        let remedy = "install the plugin and this program from the same release";
        if table.is_null() {
            return Err(format!("it has no version {AUTOCHROME_ABI_MAJOR} of the interface; {remedy}"));
        }
        // SAFETY: every version of the table begins with these three numbers.
        let (size, major, minor) = unsafe { ((*table).struct_size, (*table).abi_major, (*table).abi_minor) };
        if major != AUTOCHROME_ABI_MAJOR {
            return Err(format!(
                "it speaks version {major}.{minor} of the interface, expected {AUTOCHROME_ABI_MAJOR}; {remedy}"
            ));
        }
        if usize::try_from(size).is_ok_and(|size| size < TABLE_1_0) {
            return Err(format!(
                "its function table has {size} bytes, expected at least {TABLE_1_0}; {remedy}"
            ));
        }
        let first = std::mem::offset_of!(AutochromeApi, version) / size_of::<usize>();
        let words = table.cast::<usize>();
        // SAFETY: `struct_size` covers all of version 1.0, whose functions are pointer-sized words.
        if (first..TABLE_1_0 / size_of::<usize>()).any(|index| unsafe { words.add(index).read() } == 0) {
            return Err(format!("its function table has a hole; {remedy}"));
        }
        // SAFETY: the fields are covered by `struct_size`, and none is NULL.
        Ok(unsafe {
            Self {
                minor,
                version: (*table).version,
                last_error: (*table).last_error,
                params_init: (*table).params_init,
                session_new: (*table).session_new,
                session_free: (*table).session_free,
                colorize: (*table).colorize,
                session_info: (*table).session_info,
                model_list_new: (*table).model_list_new,
                model_list_len: (*table).model_list_len,
                model_list_get: (*table).model_list_get,
                model_list_free: (*table).model_list_free,
                confidence: since(table, std::mem::offset_of!(AutochromeApi, confidence)),
            }
        })
    }

    pub(crate) fn version(&self) -> String {
        // SAFETY: returns a static string.
        unsafe { text((self.version)()) }
    }

    pub(crate) fn interface(&self) -> (u32, u32) {
        (AUTOCHROME_ABI_MAJOR, self.minor)
    }

    /// The error of a call that came to `status`; `session` may be NULL.
    fn failure(&self, session: *const AutochromeSession, status: AutochromeStatus) -> Error {
        // SAFETY: NULL or a live session of this plugin; the string is copied at once.
        let message = unsafe { text((self.last_error)(session)) };
        let status = Status::new(status);
        let message = if message.is_empty() { format!("the plugin failed with {status}") } else { message };
        Error::Call { status, message }
    }

    pub(crate) fn session(&self, folders: &[CString]) -> Result<Session, Error> {
        let pointers: Vec<*const c_char> = folders.iter().map(|folder| folder.as_ptr()).collect();
        let mut session = ptr::null_mut();
        // SAFETY: config and strings live through the call, which keeps none of them.
        let status = unsafe { (self.session_new)(&config(&pointers), &raw mut session) };
        match NonNull::new(session) {
            Some(pointer) if status == AUTOCHROME_OK => Ok(Session { api: *self, pointer }),
            _ => Err(self.failure(ptr::null(), status)),
        }
    }

    pub(crate) fn models(&self, folders: &[CString]) -> Result<Vec<ModelInfo>, Error> {
        let pointers: Vec<*const c_char> = folders.iter().map(|folder| folder.as_ptr()).collect();
        let mut list = ptr::null_mut();
        // SAFETY: config and strings live through the call, which keeps none of them.
        let status = unsafe { (self.model_list_new)(&config(&pointers), &raw mut list) };
        if status != AUTOCHROME_OK {
            return Err(self.failure(ptr::null(), status));
        }
        // SAFETY: the list was just made, and is read by this thread alone.
        let count = unsafe { (self.model_list_len)(list) };
        let models = (0..count).map(|index| self.model(list, index)).collect();
        // SAFETY: freed once, and every string of it was copied.
        unsafe { (self.model_list_free)(list) };
        models
    }

    fn model(&self, list: *const AutochromeModelList, index: usize) -> Result<ModelInfo, Error> {
        let mut info = AutochromeModelInfo {
            struct_size: struct_size::<AutochromeModelInfo>(),
            usable: 0,
            name: ptr::null(),
            description: ptr::null(),
            folder: ptr::null(),
            license: ptr::null(),
            problem: ptr::null(),
            working_size: 0,
            temperature: 0.0,
        };
        // SAFETY: a live list; the info says its own size.
        let status = unsafe { (self.model_list_get)(list, index, &raw mut info) };
        if status != AUTOCHROME_OK {
            return Err(self.failure(ptr::null(), status));
        }
        // SAFETY: NULL or strings of the list, which lives until the caller frees it.
        let [name, description, folder, license, problem] = unsafe {
            [info.name, info.description, info.folder, info.license, info.problem].map(|string| text(string))
        };
        Ok(ModelInfo {
            name,
            description,
            folder: PathBuf::from(folder),
            license,
            problem: (info.usable == 0).then_some(problem),
            working_size: info.working_size,
            temperature: info.temperature,
        })
    }
}

/// An owned session of the plugin.
#[derive(Debug)]
pub(crate) struct Session {
    api: Api,
    pointer: NonNull<AutochromeSession>,
}

// SAFETY: the interface allows a session on any thread, one at a time; `&self` methods stay on one thread, as the
// pointer keeps the type from being Sync.
unsafe impl Send for Session {}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: made by `session_new`, freed once, in use by no one.
        unsafe { (self.api.session_free)(self.pointer.as_ptr()) };
    }
}

impl Session {
    /// Colorizes `input` into `output`, or `output` in place.
    pub(crate) fn colorize(
        &mut self,
        params: &Params,
        strings: &CStrings,
        input: Option<&Image<'_>>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        self.map(self.api.colorize, params, strings, input, output, progress)
    }

    /// How sure the model is of `input`'s colors, into `output`.
    pub(crate) fn confidence(
        &mut self,
        params: &Params,
        strings: &CStrings,
        input: &Image<'_>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let minor = self.api.minor;
        let map = self.api.confidence.ok_or_else(|| Error::Call {
            status: Status::new(AUTOCHROME_INTERNAL_ERROR),
            message: format!(
                "the plugin speaks version {AUTOCHROME_ABI_MAJOR}.{minor} of the interface; maps of confidence came \
                 with 1.1: install a newer one"
            ),
        })?;
        self.map(map, params, strings, Some(input), output, progress)
    }

    fn map(
        &mut self,
        call: Map,
        params: &Params,
        strings: &CStrings,
        input: Option<&Image<'_>>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let params = self.params(params, strings)?;
        let layout = *output.0.layout();
        let target = describe(&layout, output.0.data_mut().as_mut_ptr());
        let source =
            input.map_or(target, |Image(view)| describe(view.layout(), view.data().as_ptr().cast_mut()));
        let mut watch = Watch { progress, stopped: false, panic: None };
        let user_data = (&raw mut watch).cast();
        // SAFETY: the session is ours alone (`&mut`); the images' memory was checked to hold every pixel, input is
        // only read, and the two are disjoint or the same; params, strings and watch outlive the call.
        let status = unsafe { call(self.pointer.as_ptr(), &params, &source, &target, Some(tell), user_data) };
        if let Some(panic) = watch.panic {
            resume_unwind(panic);
        }
        if status == AUTOCHROME_OK { Ok(()) } else { Err(self.api.failure(self.pointer.as_ptr(), status)) }
    }

    fn params(&self, params: &Params, strings: &CStrings) -> Result<AutochromeParams, Error> {
        let mut raw = AutochromeParams {
            struct_size: struct_size::<AutochromeParams>(),
            working_size: 0,
            strength: 1.0,
            temperature: -1.0,
            threads: 0,
            reserved: 0,
            model: ptr::null(),
            device: ptr::null(),
        };
        // SAFETY: the struct says its own size.
        let status = unsafe { (self.api.params_init)(&raw mut raw) };
        if status != AUTOCHROME_OK {
            return Err(self.api.failure(ptr::null(), status));
        }
        raw.working_size = params.working_size;
        raw.strength = params.strength;
        raw.temperature = params.temperature.unwrap_or(-1.0);
        raw.threads = params.threads;
        raw.model = strings.model.as_ptr();
        raw.device = strings.device.as_ptr();
        Ok(raw)
    }

    pub(crate) fn info(&self) -> Result<SessionInfo, Error> {
        let mut info = AutochromeSessionInfo {
            struct_size: struct_size::<AutochromeSessionInfo>(),
            reserved: 0,
            model: ptr::null(),
            device: ptr::null(),
            fallback: ptr::null(),
        };
        // SAFETY: a live session that no other thread uses; the info says its own size.
        let status = unsafe { (self.api.session_info)(self.pointer.as_ptr(), &raw mut info) };
        if status != AUTOCHROME_OK {
            return Err(self.api.failure(self.pointer.as_ptr(), status));
        }
        // SAFETY: NULL or strings of the session, copied before its next call.
        let [model, device, fallback] =
            unsafe { [info.model, info.device, info.fallback].map(|string| text(string)) };
        Ok(SessionInfo { model, device, fallback: Some(fallback).filter(|reason| !reason.is_empty()) })
    }
}

/// What the progress callback gets as its user data.
struct Watch<'a, 'b> {
    progress: &'a mut Progress<'b>,
    stopped: bool,
    panic: Option<Box<dyn Any + Send>>,
}

/// Stands between the plugin and the closure: no panic may cross the plugin's frames, and a closure that asked to
/// stop is not asked again.
///
/// # Safety
/// `user_data` is a [`Watch`] that only this call uses.
unsafe extern "C" fn tell(fraction: f32, user_data: *mut c_void) -> i32 {
    // SAFETY: by this function's contract.
    let watch = unsafe { &mut *user_data.cast::<Watch<'_, '_>>() };
    if watch.stopped {
        return 1;
    }
    match catch_unwind(AssertUnwindSafe(|| (watch.progress)(fraction))) {
        Ok(ControlFlow::Continue(())) => return 0,
        Ok(ControlFlow::Break(())) => {}
        Err(panic) => watch.panic = Some(panic),
    }
    watch.stopped = true;
    1
}

fn describe(layout: &Layout, memory: *mut u8) -> AutochromeImage {
    let (width, height) = layout.size();
    AutochromeImage {
        struct_size: struct_size::<AutochromeImage>(),
        format: format_number(layout.format()),
        width,
        height,
        stride: layout.stride(),
        data: memory.wrapping_add(layout.row_begin(0)).cast(),
    }
}

fn config(folders: &[*const c_char]) -> AutochromeConfig {
    AutochromeConfig {
        struct_size: struct_size::<AutochromeConfig>(),
        models_dir_count: u32::try_from(folders.len()).unwrap_or(u32::MAX),
        models_dirs: folders.as_ptr(),
    }
}

fn struct_size<T>() -> u32 {
    u32::try_from(size_of::<T>()).expect("structs of the interface are small")
}

/// Copies a string of the plugin; NULL is the empty one.
///
/// # Safety
/// `string` is NULL or NUL-terminated.
unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// What the system's loader said, without what this crate's error says already.
fn cause(error: &libloading::Error) -> String {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    text.trim().to_string()
}

/// Checks the layout of the library's `abi_stable` root module, where it has one, against this program's: a plugin
/// of the same version of the interface must lay out every type alike.
fn check_layout(library: &Library) -> Result<(), String> {
    // SAFETY: the symbol of this name has this type in every library that abi_stable made.
    let Ok(header) = (unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL) }) else {
        return Ok(());
    };
    let checked = header.upgrade().and_then(|header| header.ensure_layout::<AutochromeRoot_Ref>());
    checked.map_err(|error| {
        format!(
            "its types are laid out otherwise than this program's ({}); install both from the same release",
            tail(&error.to_string())
        )
    })
}

/// The end of an error of abi_stable, which runs to dozens of lines.
fn tail(error: &str) -> String {
    let lines: Vec<&str> = error.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" ")
}
