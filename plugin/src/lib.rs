//! `libautochrome.so`: the Colorize filter behind a stable C ABI.
//!
//! The idea: **the boundary is one crate, the models another, and this one joins them.** `session` keeps models in
//! memory and knows nothing of C; `table` exports the boundary's functions for it.

mod folders;
mod models;
mod session;
mod table;

pub use table::autochrome_api;

use std::ffi::CStr;
use std::path::PathBuf;

use autochrome_boundary::{Backend, Failure, ModelEntry};

use crate::folders::models_folders;
use crate::session::Session;

/// Models from packages, run by libtorch.
struct Libtorch;

impl Backend for Libtorch {
    const VERSION: &'static CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("a version contains no NUL"),
        };

    type Session = Session;

    fn session(folders: Vec<PathBuf>) -> Result<Session, Failure> {
        Ok(Session::new(models_folders(&folders)))
    }

    fn models(folders: Vec<PathBuf>) -> Vec<ModelEntry> {
        models::search(&models_folders(&folders))
    }
}
