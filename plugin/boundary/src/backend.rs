//! What stands behind the interface.
//!
//! The idea: **the boundary knows pixels, and neither models nor libtorch.** It hands checked views and a checked request to a
//! [`Session`] and turns what comes back into a status. The plugin brings models; a fake engine tests the same fence.

use std::ffi::{CStr, CString};
use std::ops::ControlFlow;
use std::path::PathBuf;

use autochrome_pixels::pipeline::{Params, PipelineError, colorize, confidence};
use autochrome_pixels::{Engine, ImageView, ImageViewMut};

use crate::failure::Failure;

/// A library behind the interface: makes sessions and lists models.
pub trait Backend {
    /// Its version, as `version` of the table answers it.
    const VERSION: &'static CStr;

    /// Its sessions.
    type Session: Session + 'static;

    /// A session for a host that names these models folders. Loads no model yet.
    ///
    /// # Errors
    /// Whatever keeps it from being made.
    fn session(folders: Vec<PathBuf>) -> Result<Self::Session, Failure>;

    /// Every model that such a session would find, the default one first, unusable ones last.
    fn models(folders: Vec<PathBuf>) -> Vec<ModelEntry>;
}

/// Models that a host has used, ready for the next picture. One thread uses it at a time.
pub trait Session: Send {
    /// Makes `map` of `input` into `output`. `progress` is told fractions that rise from 0 to 1, and breaks to cancel.
    ///
    /// # Errors
    /// What failed; the output is then undefined.
    fn paint(
        &mut self,
        map: Map,
        request: &Request,
        input: &ImageView<'_>,
        output: &mut ImageViewMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Failure>;

    /// What the last success used.
    fn used(&self) -> &Used;

    /// Forgets everything but its folders: a call panicked and may have left anything half done.
    fn reset(&mut self);
}

/// Told how far the work is; breaks to cancel.
pub type Progress<'a> = dyn FnMut(f32) -> ControlFlow<()> + 'a;

/// What is made of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// The picture in colors.
    Colors,
    /// How sure the engine is of them, as a gray picture.
    Confidence,
}

impl Map {
    /// Makes it with this engine.
    ///
    /// # Errors
    /// As [`colorize`] and [`confidence`].
    pub fn run(
        self,
        engine: &dyn Engine,
        input: &ImageView<'_>,
        output: &mut ImageViewMut<'_>,
        params: &Params,
        progress: &mut Progress<'_>,
    ) -> Result<(), PipelineError> {
        match self {
            Self::Colors => colorize(engine, input, output, params, progress),
            Self::Confidence => confidence(engine, input, output, params, progress),
        }
    }
}

/// What a call asks for; numbers are within their ranges.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The model's name; `None` for the default one.
    pub model: Option<String>,
    /// The device as the host wrote it; `None` for `auto`.
    pub device: Option<String>,
    /// The picture's longer side as the network sees it, in pixels; `None` for the model's own.
    pub working_size: Option<u32>,
    /// Factor on chroma.
    pub strength: f32,
    /// Temperature; `None` for the model's own.
    pub temperature: Option<f32>,
    /// Threads to work on, 0 for all that the machine has.
    pub threads: usize,
}

impl Request {
    /// As the pipeline takes it, with a model's `own` working size where the host left it open.
    #[must_use]
    pub fn params(&self, own: u32) -> Params {
        Params {
            working_size: self.working_size.unwrap_or(own),
            strength: self.strength,
            temperature: self.temperature,
            threads: self.threads,
        }
    }
}

/// What the last success used, as C strings for the host.
#[derive(Debug, Default)]
pub struct Used {
    /// The model's name.
    pub model: CString,
    /// The device, as `cpu` or `cuda:N`.
    pub device: CString,
    /// Why `auto` came down to the CPU.
    pub fallback: CString,
}

/// One model; the fields are those of `AutochromeModelInfo`.
#[derive(Debug, Default)]
pub struct ModelEntry {
    /// Its name, or its folder's if it cannot be used.
    pub name: CString,
    /// One line for people.
    pub description: CString,
    /// Where it lies.
    pub folder: CString,
    /// License of the weights.
    pub license: CString,
    /// Why it cannot be used; empty if it can.
    pub problem: CString,
    /// Its own working size, or 0.
    pub working_size: u32,
    /// Its own temperature, or 0.
    pub temperature: f32,
    /// Whether it can be used.
    pub usable: bool,
}
