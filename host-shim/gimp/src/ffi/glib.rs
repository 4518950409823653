//! The few functions of GLib, the same in both generations.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_ulong, c_void};

use super::library::{Lib, functions};
use crate::error::Error;

/// Called when a timeout has passed; 0 ends it.
pub type Timeout = unsafe extern "C" fn(*mut c_void) -> c_int;

functions! {
    /// Functions of libglib and libgobject.
    Table {
        strdup = "g_strdup": fn(text: &CStr) -> *mut c_char,
        source_remove = "g_source_remove": fn(source: c_uint) -> bool,
    } unsafe {
        free = "g_free": fn(*mut c_void),
        unref = "g_object_unref": fn(*mut c_void),
        connect = "g_signal_connect_data": fn(
            *mut c_void, *const c_char, *const c_void, *mut c_void, *const c_void, c_int
        ) -> c_ulong,
        timeout_add = "g_timeout_add": fn(c_uint, Timeout, *mut c_void) -> c_uint,
    }
}

/// See the module.
pub struct Glib(Table);

impl Glib {
    /// Finds them through a library that needs GLib.
    pub fn load(lib: &Lib) -> Result<Self, Error> {
        Ok(Self(Table::load(lib, 0)?))
    }

    /// Frees what GIMP gave to keep.
    ///
    /// # Safety
    /// The caller owns the block, and does not use it again.
    pub unsafe fn free(&self, block: *mut c_void) {
        // SAFETY: as the caller vouches.
        unsafe { (self.0.free)(block) }
    }

    /// Gives up a reference to an object.
    ///
    /// # Safety
    /// The caller owns the reference, and does not use it again.
    pub unsafe fn unref(&self, object: *mut c_void) {
        // SAFETY: as the caller vouches.
        unsafe { (self.0.unref)(object) }
    }

    /// A copy of `text` that GIMP frees.
    pub fn duplicate(&self, text: &str) -> *mut c_char {
        self.0.strdup(&c_string(text))
    }

    /// Has `handler` called with `data` at each signal of that name.
    ///
    /// # Safety
    /// The handler has the signal's type, and `data` lives as long as the object.
    pub unsafe fn connect(
        &self,
        object: *mut c_void,
        signal: &CStr,
        handler: *const c_void,
        data: *mut c_void,
    ) {
        // SAFETY: as the caller vouches.
        unsafe { (self.0.connect)(object, signal.as_ptr(), handler, data, std::ptr::null(), 0) };
    }

    /// Has `timeout` called with `data` every so many milliseconds.
    ///
    /// # Safety
    /// `data` lives until the timeout returns 0 or is removed.
    pub unsafe fn every(&self, milliseconds: c_uint, timeout: Timeout, data: *mut c_void) -> c_uint {
        // SAFETY: as the caller vouches.
        unsafe { (self.0.timeout_add)(milliseconds, timeout, data) }
    }

    /// Ends a timeout that has not ended itself.
    pub fn stop(&self, timeout: c_uint) {
        self.0.source_remove(timeout);
    }
}

/// `text` for C; what follows a NUL character is cut.
pub fn c_string(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}
