//! What the plugin takes and gives: plain values, and their strings as C wants them.

use std::ffi::CString;
use std::path::PathBuf;

use autochrome_abi::AUTOCHROME_BAD_STRING;

use crate::{Error, Status};

/// Where a session looks for models.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Folders searched before the usual ones.
    pub models_dirs: Vec<PathBuf>,
}

impl Config {
    /// The folders as C wants them.
    pub(crate) fn folders(&self) -> Result<Vec<CString>, Error> {
        self.models_dirs
            .iter()
            .map(|folder| match folder.to_str() {
                Some(name) => c_string("models folder", name),
                None => {
                    Err(bad_string(format!("models folder {} is not UTF-8; rename it", folder.display())))
                }
            })
            .collect()
    }
}

fn c_string(what: &str, text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| bad_string(format!("{what} {text:?} contains a NUL character; remove it")))
}

fn bad_string(message: String) -> Error {
    Error::Call { status: Status::new(AUTOCHROME_BAD_STRING), message }
}

/// How to colorize; the default is what suits most photographs.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Size the network works at: the picture's longer side there, in pixels, 32..=2048; 0 for the model's own.
    pub working_size: u32,
    /// Factor on chroma: 0 gray, 1 as predicted, up to 1.5.
    pub strength: f32,
    /// Temperature of the annealed mean, 0 vivid to 1 muted; `None` for the model's own.
    pub temperature: Option<f32>,
    /// Threads to work on, 0 for all that the machine has.
    pub threads: u32,
    /// Name of a model; `None` for the default one.
    pub model: Option<String>,
    /// `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`; `None` for `"auto"`.
    pub device: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self { working_size: 0, strength: 1.0, temperature: None, threads: 0, model: None, device: None }
    }
}

/// What the plugin knows about a model folder.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Its name, as [`Params::model`] takes it; for an unreadable package, its folder's name.
    pub name: String,
    /// One line for people; empty when not usable.
    pub description: String,
    /// The folder it is in.
    pub folder: PathBuf,
    /// License of the weights; empty when not usable.
    pub license: String,
    /// Why it cannot be used; `None` when it can.
    pub problem: Option<String>,
    /// Working size it was made for, in pixels; 0 when not usable.
    pub working_size: u32,
    /// Its own temperature; 0 when it has none or is not usable.
    pub temperature: f32,
}

/// What the session's last successful `colorize` used; empty before the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionInfo {
    /// Name of the model.
    pub model: String,
    /// `"cpu"` or `"cuda:N"`.
    pub device: String,
    /// Why `"auto"` did not take a GPU; `None` when it did, or when a device was named.
    pub fallback: Option<String>,
}

/// The strings of [`Params`] as C wants them.
pub(crate) struct CStrings {
    pub model: CString,
    pub device: CString,
}

impl CStrings {
    pub fn of(params: &Params) -> Result<Self, Error> {
        Ok(Self {
            model: c_string("model name", params.model.as_deref().unwrap_or_default())?,
            device: c_string("device", params.device.as_deref().unwrap_or_default())?,
        })
    }
}
