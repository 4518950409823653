//! The C side of the stub: the same table as the plugin's, with the least behind it.
//!
//! It trusts its host where the plugin checks: hosts are what is tested with it.
#![allow(unsafe_code, reason = "the C ABI: raw pointers in, raw pointers out")]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::time::Instant;

use abi_stable::export_root_module;
use abi_stable::prefix_type::PrefixTypeTrait;
use autochrome_abi::*;

use crate::mode::{Mode, slow_time};
use crate::paint::{Layout, copy_row, paint_row};

/// Behind `AutochromeSession`.
struct Session {
    error: CString,
    used: bool,
}

/// Behind `AutochromeModelList`: name, description, folder, licence, problem.
type List = Vec<[CString; 5]>;

/// What fails, and why.
type Failure = (AutochromeStatus, String);

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

static API: AutochromeApi = AutochromeApi {
    struct_size: TABLE_SIZE,
    abi_major: AUTOCHROME_ABI_MAJOR,
    abi_minor: AUTOCHROME_ABI_MINOR,
    reserved: 0,
    version,
    status_name,
    last_error,
    params_init,
    session_new,
    session_free,
    colorize,
    session_info,
    model_list_new,
    model_list_len,
    model_list_get,
    model_list_free,
    // The same rule, to a gray output.
    confidence: colorize,
};
static OTHER_MAJOR: AutochromeApi = AutochromeApi { abi_major: 99, ..API };
static SHORT: AutochromeApi = AutochromeApi { struct_size: TABLE_SIZE / 2, ..API };
/// A table whose header is right and whose functions are all NULL.
static HOLLOW: [u64; size_of::<AutochromeApi>() / 8] = {
    let mut words = [0; size_of::<AutochromeApi>() / 8];
    words[0] = if cfg!(target_endian = "little") {
        (AUTOCHROME_ABI_MAJOR as u64) << 32 | TABLE_SIZE as u64
    } else {
        (TABLE_SIZE as u64) << 32 | AUTOCHROME_ABI_MAJOR as u64
    };
    words
};

#[expect(clippy::cast_possible_truncation, reason = "a table of a few hundred bytes")]
const TABLE_SIZE: u32 = size_of::<AutochromeApi>() as u32;

/// The one exported function; see `autochrome.h`.
#[unsafe(no_mangle)]
pub extern "C" fn autochrome_api(abi_major: u32) -> *const AutochromeApi {
    match Mode::current() {
        Mode::OldAbi => ptr::null(),
        Mode::OtherMajor => &raw const OTHER_MAJOR,
        Mode::ShortTable => &raw const SHORT,
        Mode::HollowTable => (&raw const HOLLOW).cast(),
        _ if abi_major == AUTOCHROME_ABI_MAJOR => &raw const API,
        _ => ptr::null(),
    }
}

extern "C" fn root_api() -> *const AutochromeApi {
    autochrome_api(AUTOCHROME_ABI_MAJOR)
}

/// The same table for Rust hosts.
#[export_root_module]
pub fn root_module() -> AutochromeRoot_Ref {
    AutochromeRoot { api: root_api }.leak_into_prefix()
}

unsafe extern "C" fn version() -> *const c_char {
    c"0.0.0-stub".as_ptr()
}

unsafe extern "C" fn status_name(status: AutochromeStatus) -> *const c_char {
    match status {
        AUTOCHROME_OK => c"AUTOCHROME_OK".as_ptr(),
        AUTOCHROME_INTERNAL_ERROR => c"AUTOCHROME_INTERNAL_ERROR".as_ptr(),
        _ => c"unknown".as_ptr(),
    }
}

unsafe extern "C" fn last_error(session: *const AutochromeSession) -> *const c_char {
    // SAFETY: a session of this library or NULL, by the contract of the header.
    match unsafe { session.cast::<Session>().as_ref() } {
        Some(session) => session.error.as_ptr(),
        None => LAST_ERROR.with_borrow(|error| error.as_ptr()),
    }
}

unsafe extern "C" fn params_init(params: *mut AutochromeParams) -> AutochromeStatus {
    // SAFETY: the caller's params, whose struct_size is set.
    let params = unsafe { &mut *params };
    *params = AutochromeParams {
        struct_size: params.struct_size,
        working_size: 0,
        strength: 1.0,
        temperature: -1.0,
        threads: 0,
        reserved: 0,
        model: ptr::null(),
        device: ptr::null(),
    };
    AUTOCHROME_OK
}

unsafe extern "C" fn session_new(
    _config: *const AutochromeConfig,
    session: *mut *mut AutochromeSession,
) -> AutochromeStatus {
    if Mode::current() == Mode::NoSession {
        LAST_ERROR.set(c_string("no session: the stub was asked to refuse"));
        // SAFETY: the caller's variable.
        unsafe { *session = ptr::null_mut() };
        return AUTOCHROME_INTERNAL_ERROR;
    }
    let new = Box::new(Session { error: CString::default(), used: false });
    // SAFETY: the caller's variable.
    unsafe { *session = Box::into_raw(new).cast() };
    AUTOCHROME_OK
}

unsafe extern "C" fn session_free(session: *mut AutochromeSession) {
    if !session.is_null() {
        // SAFETY: made by `session_new`, freed once.
        drop(unsafe { Box::from_raw(session.cast::<Session>()) });
    }
}

unsafe extern "C" fn colorize(
    session: *mut AutochromeSession,
    params: *const AutochromeParams,
    input: *const AutochromeImage,
    output: *const AutochromeImage,
    progress: AutochromeProgress,
    user_data: *mut c_void,
) -> AutochromeStatus {
    // SAFETY: a session of this library and images of the caller, used by no one else during the call.
    let (session, input, output) = unsafe { (&mut *session.cast::<Session>(), &*input, &*output) };
    if session.used && Mode::current() == Mode::CrashLater {
        std::process::abort();
    }
    // SAFETY: the caller's progress function with its own user data.
    let mut tell = |fraction: f32| progress.is_some_and(|call| unsafe { call(fraction, user_data) } != 0);
    // SAFETY: params are the caller's or NULL, their strings NUL-terminated.
    let result = unsafe { check(params) }.and_then(|strength| {
        // SAFETY: the caller vouches for the images' memory.
        unsafe { paint(input, output, strength, &mut tell) }
    });
    match result {
        Ok(()) => {
            session.used = true;
            AUTOCHROME_OK
        }
        Err((status, message)) => {
            session.error = c_string(&message);
            status
        }
    }
}

/// The strength asked for, unless mode, model or device stand against the whole call.
///
/// # Safety
/// `params` is NULL or points to params whose strings are NULL or NUL-terminated.
unsafe fn check(params: *const AutochromeParams) -> Result<f32, Failure> {
    match Mode::current() {
        Mode::Fail => return Err((AUTOCHROME_INTERNAL_ERROR, "the stub was asked to fail".into())),
        Mode::Memory => return Err((AUTOCHROME_OUT_OF_MEMORY, "the stub was asked to lack memory".into())),
        Mode::Cancel => return Err((AUTOCHROME_CANCELLED, "the stub gave up of its own accord".into())),
        Mode::PanicStatus => return Err((AUTOCHROME_INTERNAL_PANIC, "the stub was asked to panic".into())),
        Mode::UnknownStatus => return Err((250, "the stub was asked for an unknown number".into())),
        _ => {}
    }
    // SAFETY: NULL or the caller's params.
    let Some(params) = (unsafe { params.as_ref() }) else { return Ok(1.0) };
    // SAFETY: NULL or NUL-terminated.
    let (model, device) = unsafe { (text(params.model), text(params.device)) };
    if !matches!(model.as_str(), "" | "stub") {
        let message = format!("no model is called {model:?}; there is: stub");
        return Err((AUTOCHROME_MODEL_NOT_FOUND, message));
    }
    if device.starts_with("cuda") {
        let message = format!("device {device:?} is not there: the stub knows the cpu only");
        return Err((AUTOCHROME_DEVICE_UNAVAILABLE, message));
    }
    Ok(params.strength)
}

/// # Safety
/// `string` is NULL or NUL-terminated.
unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: NUL-terminated by this function's contract.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// # Safety
/// Both images describe memory of the caller; they are the same or do not overlap.
unsafe fn paint(
    input: &AutochromeImage,
    output: &AutochromeImage,
    strength: f32,
    tell: &mut dyn FnMut(f32) -> bool,
) -> Result<(), Failure> {
    let bad = || (AUTOCHROME_BAD_IMAGE, "the stub does not know that format".to_string());
    let (from, to) = (Layout::of(input.format).ok_or_else(bad)?, Layout::of(output.format).ok_or_else(bad)?);
    let mode = Mode::current();
    let started = Instant::now();
    const STEPS: u16 = 20;
    let due = |step: u16| slow_time() * u32::from(step) / u32::from(STEPS);
    for step in 0..STEPS {
        if tell(f32::from(step) / f32::from(STEPS)) {
            if mode == Mode::CancelProbe {
                tell(0.5);
            }
            return Err((AUTOCHROME_CANCELLED, "cancelled by the caller".into()));
        }
        match mode {
            Mode::Slow => std::thread::sleep(due(step + 1).saturating_sub(started.elapsed())),
            Mode::Crash if step == STEPS / 2 => std::process::abort(),
            _ => {}
        }
    }
    let width = input.width as usize;
    let in_place = input.data == output.data;
    for y in 0..input.height {
        if mode == Mode::Plain {
            if in_place {
                break;
            }
            // SAFETY: row y of the caller's pictures, which do not overlap unless they are the same.
            let (source, target) =
                unsafe { (row(input, y, width * from.bytes()), row(output, y, width * to.bytes())) };
            copy_row(source, from, target, to);
            continue;
        }
        // SAFETY: row y of the caller's picture; copied out first, as output may be the same picture.
        let source = unsafe { row(input, y, width * from.bytes()) }.to_vec();
        // SAFETY: row y of the caller's output.
        let target = unsafe { row(output, y, width * to.bytes()) };
        paint_row(&source, from, target, to, strength);
    }
    tell(1.0);
    Ok(())
}

/// # Safety
/// `image` has a row `y` of `bytes` bytes that no one else uses while the slice lives.
unsafe fn row<'a>(image: &AutochromeImage, y: u32, bytes: usize) -> &'a mut [u8] {
    let offset = isize::try_from(y).expect("64-bit machines only") * image.stride;
    // SAFETY: within the picture by this function's contract.
    unsafe { std::slice::from_raw_parts_mut(image.data.cast::<u8>().offset(offset), bytes) }
}

unsafe extern "C" fn session_info(
    session: *const AutochromeSession,
    info: *mut AutochromeSessionInfo,
) -> AutochromeStatus {
    // SAFETY: a session of this library and the caller's struct.
    let (session, info) = unsafe { (&*session.cast::<Session>(), &mut *info) };
    let [model, device, fallback] =
        if session.used { [MODEL, c"cpu", c"the stub has no use for a GPU"] } else { [c""; 3] };
    info.model = model.as_ptr();
    info.device = device.as_ptr();
    info.fallback = fallback.as_ptr();
    AUTOCHROME_OK
}

/// The stub's one model.
const MODEL: &CStr = c"stub";

unsafe extern "C" fn model_list_new(
    config: *const AutochromeConfig,
    list: *mut *mut AutochromeModelList,
) -> AutochromeStatus {
    let mut entries = vec![
        ["stub", "paints by a fixed rule", "/nowhere/stub", "MIT", ""].map(c_string),
        ["broken", "", "/nowhere/broken", "", "model.toml: missing"].map(c_string),
    ];
    // SAFETY: NULL or the caller's config.
    if let Some(config) = unsafe { config.as_ref() } {
        for index in 0..config.models_dir_count as usize {
            // SAFETY: the config names that many NUL-terminated folders.
            let folder = unsafe { text(*config.models_dirs.add(index)) };
            entries
                .push([folder.as_str(), "", folder.as_str(), "", "the stub reads no folders"].map(c_string));
        }
    }
    // SAFETY: the caller's variable.
    unsafe { *list = Box::into_raw(Box::<List>::new(entries)).cast() };
    AUTOCHROME_OK
}

unsafe extern "C" fn model_list_len(list: *const AutochromeModelList) -> usize {
    // SAFETY: a list of this library or NULL.
    unsafe { list.cast::<List>().as_ref() }.map_or(0, Vec::len)
}

unsafe extern "C" fn model_list_get(
    list: *const AutochromeModelList,
    index: usize,
    info: *mut AutochromeModelInfo,
) -> AutochromeStatus {
    // SAFETY: a list of this library and the caller's struct.
    let (list, info) = unsafe { (&*list.cast::<List>(), &mut *info) };
    let Some([name, description, folder, license, problem]) = list.get(index) else {
        return AUTOCHROME_BAD_PARAMETER;
    };
    let usable = problem.is_empty();
    *info = AutochromeModelInfo {
        struct_size: info.struct_size,
        usable: u32::from(usable),
        name: name.as_ptr(),
        description: description.as_ptr(),
        folder: folder.as_ptr(),
        license: license.as_ptr(),
        problem: problem.as_ptr(),
        working_size: if usable { 256 } else { 0 },
        temperature: 0.0,
    };
    AUTOCHROME_OK
}

unsafe extern "C" fn model_list_free(list: *mut AutochromeModelList) {
    if !list.is_null() {
        // SAFETY: made by `model_list_new`, freed once.
        drop(unsafe { Box::from_raw(list.cast::<List>()) });
    }
}
