//! The functions of the plugin's table, and those that need no session.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::PathBuf;
use std::ptr::{self, NonNull};

use autochrome_abi::*;

use crate::{Error, ModelInfo, Status};

/// The table's functions, each of which may be called as the header says: only [`Api::open`] makes one. Functions of
/// later versions are `Option`s here, `None` where `struct_size` ends before them.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    pub(super) minor: u32,
    pub(super) version: unsafe extern "C" fn() -> *const c_char,
    pub(super) last_error: unsafe extern "C" fn(*const AutochromeSession) -> *const c_char,
    pub(super) params_init: unsafe extern "C" fn(*mut AutochromeParams) -> AutochromeStatus,
    pub(super) session_new:
        unsafe extern "C" fn(*const AutochromeConfig, *mut *mut AutochromeSession) -> AutochromeStatus,
    pub(super) session_free: unsafe extern "C" fn(*mut AutochromeSession),
    pub(super) colorize: Map,
    pub(super) session_info:
        unsafe extern "C" fn(*const AutochromeSession, *mut AutochromeSessionInfo) -> AutochromeStatus,
    pub(super) model_list_new:
        unsafe extern "C" fn(*const AutochromeConfig, *mut *mut AutochromeModelList) -> AutochromeStatus,
    pub(super) model_list_len: unsafe extern "C" fn(*const AutochromeModelList) -> usize,
    pub(super) model_list_get:
        unsafe extern "C" fn(*const AutochromeModelList, usize, *mut AutochromeModelInfo) -> AutochromeStatus,
    pub(super) model_list_free: unsafe extern "C" fn(*mut AutochromeModelList),
    /// Since 1.1.
    pub(super) confidence: Option<Map>,
}

/// A call that makes one picture from another.
pub(super) type Map = unsafe extern "C" fn(
    *mut AutochromeSession,
    *const AutochromeParams,
    *const AutochromeImage,
    *const AutochromeImage,
    AutochromeProgress,
    *mut c_void,
) -> AutochromeStatus;

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({AUTOCHROME_ABI_MAJOR}.{})", self.minor)
    }
}

impl Api {
    pub(crate) fn version(&self) -> String {
        // SAFETY: returns a static string.
        unsafe { text((self.version)()) }
    }

    pub(crate) fn interface(&self) -> (u32, u32) {
        (AUTOCHROME_ABI_MAJOR, self.minor)
    }

    /// The error of a call that returned `status`.
    ///
    /// # Safety
    /// `session` is NULL or a live session of this plugin that no other thread uses.
    pub(super) unsafe fn failure(
        &self,
        session: *const AutochromeSession,
        status: AutochromeStatus,
    ) -> Error {
        // SAFETY: by this function's contract; the string is copied at once.
        let message = unsafe { text((self.last_error)(session)) };
        let status = Status::new(status);
        let message = if message.is_empty() { format!("the plugin failed with {status}") } else { message };
        Error::Call { status, message }
    }

    pub(super) fn session(&self, folders: &[CString]) -> Result<NonNull<AutochromeSession>, Error> {
        let pointers: Vec<*const c_char> = folders.iter().map(|folder| folder.as_ptr()).collect();
        let mut session = ptr::null_mut();
        // SAFETY: config and strings live through the call, which keeps none of them.
        let status = unsafe { (self.session_new)(&config(&pointers), &raw mut session) };
        match NonNull::new(session) {
            Some(pointer) if status == AUTOCHROME_OK => Ok(pointer),
            // SAFETY: NULL stands for this thread's last error.
            _ => Err(unsafe { self.failure(ptr::null(), status) }),
        }
    }

    pub(crate) fn models(&self, folders: &[CString]) -> Result<Vec<ModelInfo>, Error> {
        let pointers: Vec<*const c_char> = folders.iter().map(|folder| folder.as_ptr()).collect();
        let mut list = ptr::null_mut();
        // SAFETY: config and strings live through the call, which keeps none of them.
        let status = unsafe { (self.model_list_new)(&config(&pointers), &raw mut list) };
        if status != AUTOCHROME_OK {
            // SAFETY: NULL stands for this thread's last error.
            return Err(unsafe { self.failure(ptr::null(), status) });
        }
        // SAFETY: the list was just made, and is read by this thread alone.
        let count = unsafe { (self.model_list_len)(list) };
        // SAFETY: the list lives until it is freed below.
        let models = (0..count).map(|index| unsafe { self.model(list, index) }).collect();
        // SAFETY: freed once, and every string of it was copied.
        unsafe { (self.model_list_free)(list) };
        models
    }

    /// One model of a list.
    ///
    /// # Safety
    /// `list` is a live list of this plugin.
    unsafe fn model(&self, list: *const AutochromeModelList, index: usize) -> Result<ModelInfo, Error> {
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
        // SAFETY: by this function's contract; the info says its own size.
        let status = unsafe { (self.model_list_get)(list, index, &raw mut info) };
        if status != AUTOCHROME_OK {
            // SAFETY: NULL stands for this thread's last error.
            return Err(unsafe { self.failure(ptr::null(), status) });
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

fn config(folders: &[*const c_char]) -> AutochromeConfig {
    AutochromeConfig {
        struct_size: struct_size::<AutochromeConfig>(),
        models_dir_count: u32::try_from(folders.len()).unwrap_or(u32::MAX),
        models_dirs: folders.as_ptr(),
    }
}

pub(super) fn struct_size<T>() -> u32 {
    u32::try_from(size_of::<T>()).expect("structs of the interface are small")
}

/// Copies a string of the plugin; NULL is the empty one.
///
/// # Safety
/// `string` is NULL or NUL-terminated.
pub(super) unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
