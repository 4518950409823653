//! Loading the library and reading its table: after this every function of an [`Api`] may be called.

use std::path::Path;

use abi_stable::library::{AbiHeaderRef, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use autochrome_abi::{
    AUTOCHROME_ABI_MAJOR, AUTOCHROME_ABI_MINOR, AUTOCHROME_API_SYMBOL, AutochromeApi, AutochromeApiFn,
    AutochromeRoot_Ref,
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::api::{Api, Map};
use crate::{Error, elf};

/// Size of the function table of version 1.0: the least that is accepted.
const TABLE_1_0: usize = std::mem::offset_of!(AutochromeApi, model_list_free) + size_of::<usize>();

impl Api {
    /// Checks the file at `path`, an absolute one, and loads it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        elf::check(path).map_err(|problem| Error::File { path: path.into(), problem })?;
        // SAFETY: it is a whole library that says it is a plugin; that its code may run here and keeps to the interface
        // is what the documentation of `Plugin::open` asks of whoever named it.
        unsafe { Self::load(path) }
    }

    /// Loads the library at `path`.
    ///
    /// # Safety
    /// The library's code may run in this process, and its `autochrome_api` and `abi_stable` root module are what the
    /// interface says.
    unsafe fn load(path: &Path) -> Result<Self, Error> {
        let refused = |problem| Error::Interface { path: path.into(), problem };
        let load_error = |error: libloading::Error| Error::Load { path: path.into(), problem: cause(&error) };
        // SAFETY: this runs the library's constructors, as the caller allows. NOW, so that a missing symbol is an error
        // here and not a crash later; LOCAL, so that its libraries do not mix with the host's.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(load_error)?;
        // SAFETY: by this function's contract, the symbol of this name has this type.
        let entry = unsafe { library.get::<AutochromeApiFn>(AUTOCHROME_API_SYMBOL) }.map_err(load_error)?;
        // SAFETY: takes any number, and answers with NULL or a static table.
        let api = unsafe { Self::read(entry(AUTOCHROME_ABI_MAJOR)) }.map_err(refused)?;
        if api.minor == AUTOCHROME_ABI_MINOR {
            // SAFETY: by this function's contract.
            unsafe { check_layout(&library) }.map_err(refused)?;
        }
        // Never unloaded: torch's threads and exit handlers run code of it until the very end.
        std::mem::forget(library);
        Ok(api)
    }

    /// Reads the table as far as its own `struct_size` says that it extends.
    ///
    /// # Safety
    /// `table` is NULL or a table of some version of the interface that lives as long as the program.
    unsafe fn read(table: *const AutochromeApi) -> Result<Self, String> {
        let remedy = "install the plugin and this program from the same release";
        if table.is_null() {
            return Err(format!(
                "it does not provide version {AUTOCHROME_ABI_MAJOR} of the interface; {remedy}"
            ));
        }
        // SAFETY: every version of the table begins with these three numbers.
        let (size, major, minor) = unsafe { ((*table).struct_size, (*table).abi_major, (*table).abi_minor) };
        if major != AUTOCHROME_ABI_MAJOR {
            return Err(format!(
                "it provides version {major}.{minor} of the interface, expected {AUTOCHROME_ABI_MAJOR}; {remedy}"
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
            return Err(format!("its function table is incomplete; {remedy}"));
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
}

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

/// The system loader's message, without what this crate's error already says.
fn cause(error: &libloading::Error) -> String {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    text.trim().to_string()
}

/// Checks the layout of the library's `abi_stable` root module, where it has one, against this program's: a plugin
/// of the same version of the interface must lay out every type alike.
///
/// # Safety
/// A root module that the library exports is one that abi_stable made.
unsafe fn check_layout(library: &Library) -> Result<(), String> {
    // SAFETY: by this function's contract, the symbol of this name has this type.
    let Ok(header) = (unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL) }) else {
        return Ok(());
    };
    let checked = header.upgrade().and_then(|header| header.ensure_layout::<AutochromeRoot_Ref>());
    checked.map_err(|error| {
        format!(
            "its types are laid out differently from this program's ({}); install both from the same release",
            tail(&error.to_string())
        )
    })
}

/// The end of an abi_stable error, which runs to dozens of lines.
fn tail(error: &str) -> String {
    let lines: Vec<&str> = error.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" ")
}
