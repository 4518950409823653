//! The plugin in this process: found, loaded, with a session that keeps its model for the next picture.

use autochrome_loader::{Config, Image, ImageMut, ModelInfo, PixelFormat, Plugin, Progress, Session};

use crate::error::Error;
use crate::ffi::pixels::Size;
use crate::settings::Settings;
use std::ops::ControlFlow;

/// See the module.
pub struct Engine {
    plugin: Plugin,
    session: Session,
}

impl Engine {
    /// Finds and loads the plugin. No model is loaded yet.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn open() -> Result<Self, Error> {
        let plugin = Plugin::find()?;
        let session = plugin.session(&Config::default())?;
        Ok(Self { plugin, session })
    }

    /// The plugin's library, for people.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} ({})", self.plugin.path().display(), self.plugin.version())
    }

    /// All models found, the default one first; unusable ones with their reason.
    ///
    /// # Errors
    /// The plugin fails.
    pub fn models(&self) -> Result<Vec<ModelInfo>, Error> {
        Ok(self.plugin.models(&Config::default())?)
    }

    /// Colorizes a picture in place, with `hints` (RGBA of 8 bits and the same size) where there are some. `progress` is
    /// given a fraction.
    ///
    /// # Errors
    /// Whatever the plugin reports; the pixels are then undefined.
    pub fn colorize(
        &mut self,
        settings: &Settings,
        format: PixelFormat,
        (width, height): Size,
        pixels: &mut [u8],
        hints: Option<&[u8]>,
        progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut image = ImageMut::tight(format, width, height, pixels)?;
        let progress: &mut Progress<'_> = &mut |fraction| progress(f64::from(fraction));
        let params = settings.params();
        match hints {
            Some(hints) => {
                let hints = Image::tight(PixelFormat::Rgba8, width, height, hints)?;
                self.session.colorize_hinted(&params, &hints, None, &mut image, progress)?;
            }
            None => self.session.colorize_in_place(&params, &mut image, progress)?,
        }
        Ok(())
    }
}
