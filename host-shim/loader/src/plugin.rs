//! The plugin, its sessions and its models as safe values.
//!
//! A [`Plugin`] stays loaded until the program ends, so nothing here borrows from it.

use std::path::{Path, PathBuf};

use crate::values::CStrings;
use crate::{Config, Error, Image, ImageMut, ModelInfo, Params, Progress, SessionInfo, find, raw};

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

    /// Loads the library at `path`.
    ///
    /// This runs its code, so whoever chooses the path must trust the file as much as this program. What is checked:
    /// that it is a whole shared library for this machine that exports the plugin's function, that it speaks this
    /// version of the interface, and, where it has the `abi_stable` root module of this very version, that its types
    /// are laid out as here. What is trusted: that its functions do what `autochrome.h` says.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is missing, cut short, for another machine, or not a plugin;
    /// [`Error::Load`] when the system cannot load it; [`Error::Interface`] when it speaks another version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // A name without a slash would be searched for in the system's library folders.
        let path = std::path::absolute(path)
            .map_err(|error| Error::File { path: path.into(), problem: format!("no such path: {error}") })?;
        Ok(Self { api: raw::Api::open(&path)?, path })
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
    /// [`Error::Call`] when a folder's name is not UTF-8, or the plugin fails.
    pub fn models(&self, config: &Config) -> Result<Vec<ModelInfo>, Error> {
        self.api.models(&config.folders()?)
    }

    /// Makes a session. No model is loaded yet: the first `colorize` does that.
    ///
    /// # Errors
    /// [`Error::Call`] when a folder's name is not UTF-8, or the plugin fails.
    pub fn session(&self, config: &Config) -> Result<Session, Error> {
        Ok(Session { raw: raw::Session::new(self.api, &config.folders()?)? })
    }
}

/// Models in memory and a device. It may move between threads but is used by one at a time; make one for each worker
/// thread.
#[derive(Debug)]
pub struct Session {
    raw: raw::Session,
}

impl Session {
    /// Colorizes `input` into `output`, which has the same width and height and a format with color. Lightness
    /// and alpha stay the input's. `progress` is called on this thread; when it panics, the call is cancelled and
    /// the panic continues from here.
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

    /// As [`Session::colorize`], with colors that a person knows; without `input`, `output` is colorized in place. The hints
    /// are a picture of the same size in a format with alpha, transparent where there is no hint. A hinted pixel gets its
    /// hint's a and b, and what is alike around it follows.
    ///
    /// # Errors
    /// As [`Session::colorize`]; also when the plugin is older than version 1.2 of the interface, or the hints are of
    /// another size, without alpha, or on more than half of the picture.
    pub fn colorize_hinted(
        &mut self,
        params: &Params,
        hints: &Image<'_>,
        input: Option<&Image<'_>>,
        output: &mut ImageMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        self.raw.colorize_hinted(params, &CStrings::of(params)?, hints, input, output, progress)
    }

    /// Writes to `output`, of the same size in a format without color, the model's confidence in the colors that
    /// [`Session::colorize`] gives `input`: 0 (black) to 1 (white), linearly. After that with the same picture and
    /// params the network does not run again.
    ///
    /// # Errors
    /// [`Error::Call`], also when the plugin is older than version 1.1 of the interface or its model has no confidence.
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
