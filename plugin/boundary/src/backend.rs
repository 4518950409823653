//! What is behind the interface.
//!
//! The idea: **the boundary knows pixels, but neither models nor libtorch.** It hands checked views and a checked
//! request to a [`Session`] and turns the result into a status. The plugin brings models; a fake engine tests the
//! same fence.

use std::ffi::{CStr, CString};
use std::ops::ControlFlow;
use std::path::PathBuf;

use autochrome_pixels::pipeline::{Hints, Params, PipelineError, colorize_hinted, confidence};
use autochrome_pixels::{Engine, ImageView, ImageViewMut};

use crate::failure::Failure;

/// A library behind the interface: creates sessions and lists models.
pub trait Backend {
    /// Its version, as returned by the table's `version`.
    const VERSION: &'static CStr;

    /// Its session type.
    type Session: Session + 'static;

    /// A session for a host that names these model folders. Loads no model yet.
    ///
    /// # Errors
    /// Whatever prevents its creation.
    fn session(folders: Vec<PathBuf>) -> Result<Self::Session, Failure>;

    /// Every model that such a session would find, the default one first, unusable ones last.
    fn models(folders: Vec<PathBuf>) -> Vec<ModelEntry>;

    /// Called as each function of the table is entered, with its name, where panics are caught. Does nothing; the stub
    /// panics here when a test asks it to.
    fn enter(_function: &str) {}
}

/// Models that a host has used, ready for the next image. Used by one thread at a time.
pub trait Session: Send {
    /// Writes the `map` of what is `given` to `output`. `progress` gets fractions that rise from 0 to 1, and breaks to
    /// cancel.
    ///
    /// # Errors
    /// What failed; the output is then undefined.
    fn paint(
        &mut self,
        map: Map,
        request: &Request,
        given: &Given<'_>,
        output: &mut ImageViewMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Failure>;

    /// What the last successful call used.
    fn used(&self) -> &Used;

    /// Forgets everything but its folders: a call panicked and may have left anything half done.
    fn reset(&mut self);
}

/// The images that a call reads.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The image to color.
    pub input: ImageView<'a>,
    /// Colors that a person knows.
    pub hints: Option<Hints<'a>>,
}

/// Gets the progress; breaks to cancel.
pub type Progress<'a> = dyn FnMut(f32) -> ControlFlow<()> + 'a;

/// What is computed from an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// The image in color.
    Colors,
    /// The engine's confidence in the colors, as a gray image.
    Confidence,
}

impl Map {
    /// Computes it with this engine.
    ///
    /// # Errors
    /// As for [`colorize_hinted`] and [`confidence`].
    pub fn run(
        self,
        engine: &dyn Engine,
        given: &Given<'_>,
        output: &mut ImageViewMut<'_>,
        params: &Params,
        progress: &mut Progress<'_>,
    ) -> Result<(), PipelineError> {
        let Given { input, hints } = given;
        match self {
            Self::Colors => colorize_hinted(engine, input, output, params, *hints, progress),
            Self::Confidence => confidence(engine, input, output, params, progress),
        }
    }
}

/// What a call asks for, with every number within its range.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The model's name; `None` for the default one.
    pub model: Option<String>,
    /// The device as the host wrote it; `None` for `auto`.
    pub device: Option<String>,
    /// The image's longer side as the network sees it, in pixels; `None` for the model's own.
    pub working_size: Option<u32>,
    /// Chroma strength.
    pub strength: f32,
    /// Temperature; `None` for the model's own.
    pub temperature: Option<f32>,
    /// Number of threads, 0 for all cores.
    pub threads: usize,
}

impl Request {
    /// The pipeline's parameters, with the model's `own` working size if the host named none.
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

/// What the last successful call used, as C strings for the host.
#[derive(Debug, Default)]
pub struct Used {
    /// The model's name.
    pub model: CString,
    /// The device: `cpu` or `cuda:N`.
    pub device: CString,
    /// Why `auto` fell back to the CPU.
    pub fallback: CString,
}

/// One model; the fields are those of `AutochromeModelInfo`.
#[derive(Debug, Default)]
pub struct ModelEntry {
    /// Its name, or its folder's if it cannot be used.
    pub name: CString,
    /// One-line description.
    pub description: CString,
    /// The folder it is in.
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
