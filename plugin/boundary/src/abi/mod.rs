//! The exported functions, one file per C type.
//!
//! The idea: **check, borrow, safe call, write outputs, and nothing else.** Hosts reach them only through the
//! table. Those that take pointers are unsafe: their contract is what the header demands of a host, and each passes it on
//! to the fence by making a [`Caller`]. No pointer is dereferenced here.

#![allow(unsafe_code, reason = "the functions a host calls have its promises as their contract")]

mod library;
mod models;
mod params;
mod session;
mod table;

pub use table::table;

use autochrome_abi::{AUTOCHROME_BAD_PARAMETER, AutochromeConfig};
use std::path::PathBuf;

use crate::failure::Failure;
use crate::fence::Caller;

/// Maximum number of folders in a config; a larger count is uninitialized memory.
const MAX_FOLDERS: u32 = 1024;

/// The folders that a host names in its config.
fn folders(caller: &Caller, config: *const AutochromeConfig) -> Result<Vec<PathBuf>, Failure> {
    if config.is_null() {
        return Ok(Vec::new());
    }
    let config = caller.read(config, "config")?;
    let count = config.models_dir_count;
    if count > MAX_FOLDERS {
        let text = format!("config->models_dir_count is {count}; expected at most {MAX_FOLDERS}");
        return Err(Failure::new(AUTOCHROME_BAD_PARAMETER, text));
    }
    let own = caller.texts(config.models_dirs, count as usize, "config->models_dirs")?;
    Ok(own.into_iter().map(PathBuf::from).collect())
}
