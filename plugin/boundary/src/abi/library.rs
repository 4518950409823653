//! Functions about the library itself.

use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use autochrome_abi::{AutochromeSession, AutochromeStatus, STATUS_NAMES};

use crate::failure::c_text;
use crate::{Backend, call};

pub extern "C" fn version<B: Backend>() -> *const c_char {
    call::value::<B, _>("version", c"".as_ptr(), || B::VERSION.as_ptr())
}

pub extern "C" fn status_name<B: Backend>(status: AutochromeStatus) -> *const c_char {
    call::value::<B, _>("status_name", c"unknown".as_ptr(), || name_of(status).as_ptr())
}

/// # Safety
/// As the header says of `last_error`: the host reads the text before the next call that may write another.
pub unsafe extern "C" fn last_error<B: Backend>(session: *const AutochromeSession) -> *const c_char {
    call::last_error::<B>(session)
}

/// The name, NUL-terminated for C; built once.
fn name_of(status: AutochromeStatus) -> &'static CStr {
    static NAMES: OnceLock<Vec<(AutochromeStatus, CString)>> = OnceLock::new();
    let names =
        NAMES.get_or_init(|| STATUS_NAMES.iter().map(|(status, name)| (*status, c_text(name))).collect());
    names.iter().find(|(number, _)| *number == status).map_or(c"unknown", |(_, name)| name)
}
