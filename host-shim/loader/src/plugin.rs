//! The plugin, its sessions and its models as safe values.
//!
//! A [`Plugin`] stays loaded until the program ends, so nothing here borrows from it.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use autochrome_abi::AUTOCHROME_BAD_STRING;

use crate::{Error, Image, ImageMut, Progress, Status, elf, find, raw};

/// The loaded plugin. Cheap to clone; may be used from any thread.
#[derive(Debug, Clone)]
pub struct Plugin {
    api: raw::Api,
    path: PathBuf,
}

impl Plugin {
    /// Finds and loads the plugin: where `AUTOCHROME_PLUGIN` says, when it is set; otherwise beside the program,
    /// then in `../lib/autochrome/` seen from it.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Named`], and those of [`Plugin::open`].
    pub fn find() -> Result<Self, Error> {
        Self::open(&find::find()?)
    }

    /// Loads the library at `path`. This runs its code: name no file that you would not run.
    ///
    /// The file is checked first; the interface is used through the C table, and when the library has the
    /// `abi_stable` root module of this very version, its layout is checked as well.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is missing, cut short, for another machine, or not a plugin;
    /// [`Error::Load`] when the system cannot load it; [`Error::Interface`] when it speaks another version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // A name without a slash would be searched for in the system's library folders.
        let path = std::path::absolute(path)
            .map_err(|error| Error::File { path: path.into(), problem: format!("no such path: {error}") })?;
        elf::check(&path).map_err(|problem| Error::File { path: path.clone(), problem })?;
        Ok(Self { api: raw::Api::load(&path)?, path })
    }

    /// Version of the plugin, as `"0.1.0"`.
    #[must_use]
    pub fn version(&self) -> String {
        self.api.version()
    }

    /// Version of the interface the plugin has, major and minor.
    #[must_use]
    pub fn interface(&self) -> (u32, u32) {
        self.api.interface()
    }

    /// The library that was loaded.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The models a session with this `config` would find, the default one first; unusable ones with their reason.
    ///
    /// # Errors
    /// [`Error::Call`] when a folder's name is no UTF-8, or the plugin fails.
    pub fn models(&self, config: &Config) -> Result<Vec<ModelInfo>, Error> {
        self.api.models(&folders(config)?)
    }

    /// Makes a session. No model is loaded yet: the first `colorize` does.
    ///
    /// # Errors
    /// [`Error::Call`] when a folder's name is no UTF-8, or the plugin fails.
    pub fn session(&self, config: &Config) -> Result<Session, Error> {
        Ok(Session { raw: self.api.session(&folders(config)?)? })
    }
}

/// Where a session looks for models.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Folders searched before the usual ones.
    pub models_dirs: Vec<PathBuf>,
}

fn folders(config: &Config) -> Result<Vec<CString>, Error> {
    config
        .models_dirs
        .iter()
        .map(|folder| match folder.to_str() {
            Some(name) => c_string("models folder", name),
            None => Err(bad_string(format!("models folder {} is no UTF-8; rename it", folder.display()))),
        })
        .collect()
}

fn c_string(what: &str, text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| bad_string(format!("{what} {text:?} holds a NUL character; remove it")))
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

/// What the plugin knows of a model folder.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Its name, as [`Params::model`] takes it; for an unreadable package, its folder's name.
    pub name: String,
    /// One line for people; empty when not usable.
    pub description: String,
    /// The folder it lies in.
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

/// Models in memory and a device. May move to another thread, is used by one at a time; make one for each thread
/// that works.
#[derive(Debug)]
pub struct Session {
    raw: raw::Session,
}

impl Session {
    /// Colorizes `input` into `output`, which has the same width and height and a format with color. Lightness
    /// and alpha stay the input's. `progress` is called on this thread; when it panics, the call is cancelled and
    /// the panic goes on from here.
    ///
    /// # Errors
    /// [`Error::Call`]; the output's pixels are then undefined.
    pub fn colorize(
        &mut self,
        params: &Params,
        input: &Image<'_>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        self.raw.colorize(params, &CStrings::of(params)?, Some(input), output, progress)
    }

    /// As [`Session::colorize`], with the result in the place of the input.
    ///
    /// # Errors
    /// As [`Session::colorize`].
    pub fn colorize_in_place(
        &mut self,
        params: &Params,
        image: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        self.raw.colorize(params, &CStrings::of(params)?, None, image, progress)
    }

    /// Writes to `output`, of the same size in a format without color, how sure the model is of the colors that
    /// [`Session::colorize`] gives `input`: 0 (black) to 1 (white), linearly. After that with the same picture and
    /// params the network does not run again.
    ///
    /// # Errors
    /// [`Error::Call`], also when the plugin is older than version 1.1 of the interface or its model cannot say.
    pub fn confidence(
        &mut self,
        params: &Params,
        input: &Image<'_>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        self.raw.confidence(params, &CStrings::of(params)?, input, output, progress)
    }

    /// What the last successful `colorize` used.
    ///
    /// # Errors
    /// [`Error::Call`] when the plugin fails.
    pub fn info(&self) -> Result<SessionInfo, Error> {
        self.raw.info()
    }
}

/// The strings of [`Params`] as C wants them.
pub(crate) struct CStrings {
    pub model: CString,
    pub device: CString,
}

impl CStrings {
    fn of(params: &Params) -> Result<Self, Error> {
        Ok(Self {
            model: c_string("model name", params.model.as_deref().unwrap_or_default())?,
            device: c_string("device", params.device.as_deref().unwrap_or_default())?,
        })
    }
}
