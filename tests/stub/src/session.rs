//! The stub's sessions and models: they do what the stub was asked to do, with the fake engine.

use std::ffi::CStr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use autochrome_abi::{
    AUTOCHROME_CANCELLED, AUTOCHROME_DEVICE_UNAVAILABLE, AUTOCHROME_INTERNAL_ERROR,
    AUTOCHROME_INTERNAL_PANIC, AUTOCHROME_MODEL_NOT_FOUND, AUTOCHROME_OUT_OF_MEMORY,
};
use autochrome_boundary::{
    Backend, Failure, Given, Map, ModelEntry, Progress, Request, Session, Used, c_text,
};
use autochrome_pixels::pipeline::PipelineError;
use autochrome_pixels::{ImageView, ImageViewMut, PixelFormat};

use crate::fake::Fake;
use crate::fault::inject;
use crate::mode::{Mode, slow_time};

/// The stub's one model, and its working size.
const MODEL: (&str, u32) = ("stub", 256);

/// See the crate.
pub struct Stub;

impl Backend for Stub {
    const VERSION: &'static CStr = c"0.0.0-stub";

    type Session = StubSession;

    fn session(_folders: Vec<PathBuf>) -> Result<StubSession, Failure> {
        if Mode::current() == Mode::NoSession {
            let text = "no session: the stub was asked to refuse";
            return Err(Failure::new(AUTOCHROME_INTERNAL_ERROR, text));
        }
        Ok(StubSession::default())
    }

    fn models(folders: Vec<PathBuf>) -> Vec<ModelEntry> {
        let bad = |folder: &str, name: &str, problem: &str| ModelEntry {
            name: c_text(name),
            folder: c_text(folder),
            problem: c_text(problem),
            ..ModelEntry::default()
        };
        let good = ModelEntry {
            name: c_text(MODEL.0),
            description: c_text("paints by a fixed rule"),
            folder: c_text("/nowhere/stub"),
            license: c_text("MIT"),
            working_size: MODEL.1,
            usable: true,
            ..ModelEntry::default()
        };
        let mut models = vec![good, bad("/nowhere/broken", "broken", "model.toml: missing")];
        models.extend(folders.iter().map(|folder| {
            let folder = folder.to_string_lossy();
            bad(&folder, &folder, "the stub reads no folders")
        }));
        models
    }

    fn enter(function: &str) {
        inject(function);
    }
}

/// A session of the stub.
#[derive(Default)]
pub struct StubSession {
    used: Used,
    pictures: u32,
}

impl Session for StubSession {
    fn paint(
        &mut self,
        map: Map,
        request: &Request,
        given: &Given<'_>,
        output: &mut ImageViewMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Failure> {
        let mode = Mode::current();
        if self.pictures > 0 && mode == Mode::CrashLater {
            std::process::abort();
        }
        refuse(mode, request)?;
        inject("predict");
        let base = if mode == Mode::Slow { idle(progress)? } else { 0.0 };
        let mut watched = |fraction: f32| watch(mode, base + (1.0 - base) * fraction, progress);
        let mut params = request.params(MODEL.1);
        if mode == Mode::Plain {
            params.strength = 0.0;
        }
        if !(mode == Mode::Plain && copy(&given.input, output)) {
            map.run(&Fake, given, output, &params, &mut watched)?;
        }
        self.pictures += 1;
        let fallback = c_text("the stub has no use for a GPU");
        self.used = Used { model: c_text(MODEL.0), device: c_text("cpu"), fallback };
        Ok(())
    }

    fn used(&self) -> &Used {
        &self.used
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// What makes a whole call fail: the mode, the model or the device.
fn refuse(mode: Mode, request: &Request) -> Result<(), Failure> {
    let (status, text) = match mode {
        Mode::Fail => (AUTOCHROME_INTERNAL_ERROR, "the stub was asked to fail"),
        Mode::Memory => (AUTOCHROME_OUT_OF_MEMORY, "the stub was asked to lack memory"),
        Mode::Cancel => (AUTOCHROME_CANCELLED, "the stub gave up of its own accord"),
        Mode::PanicStatus => (AUTOCHROME_INTERNAL_PANIC, "the stub was asked to panic"),
        Mode::UnknownStatus => (250, "the stub was asked for an unknown number"),
        _ => return known(request),
    };
    Err(Failure::new(status, text))
}

fn known(request: &Request) -> Result<(), Failure> {
    if let Some(model) = request.model.as_deref().filter(|model| *model != MODEL.0) {
        let text = format!("no model is called {model:?}; there is: {}", MODEL.0);
        return Err(Failure::new(AUTOCHROME_MODEL_NOT_FOUND, text));
    }
    if let Some(device) = request.device.as_deref().filter(|device| device.starts_with("cuda")) {
        let text = format!("device {device:?} is not there: the stub knows the cpu only");
        return Err(Failure::new(AUTOCHROME_DEVICE_UNAVAILABLE, text));
    }
    Ok(())
}

/// Takes its time, and returns the fraction of the call that took.
fn idle(progress: &mut Progress<'_>) -> Result<f32, Failure> {
    const STEPS: u16 = 20;
    const SHARE: f32 = 0.9;
    let started = Instant::now();
    for step in 0..STEPS {
        if progress(SHARE * f32::from(step) / f32::from(STEPS)).is_break() {
            return Err(PipelineError::Cancelled.into());
        }
        let due = slow_time() * u32::from(step + 1) / u32::from(STEPS);
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    Ok(SHARE)
}

/// Reports progress to the host, and does what it was asked to do halfway.
fn watch(mode: Mode, fraction: f32, progress: &mut Progress<'_>) -> ControlFlow<()> {
    let answer = progress(fraction);
    match mode {
        Mode::CancelProbe if answer.is_break() => {
            // The answer to this must not matter.
            let _ = progress(0.5);
        }
        Mode::Crash if fraction >= 0.5 => std::process::abort(),
        _ => {}
    }
    answer
}

/// Copies equal formats, and 8-bit gray to every color format, as fast as memory allows; false for others.
fn copy(input: &ImageView<'_>, output: &mut ImageViewMut<'_>) -> bool {
    let (from, to) = (input.format(), output.format());
    let spread = (from, to) == (PixelFormat::Gray8, PixelFormat::Rgb8);
    if from != to && !spread || input.size() != output.size() {
        return false;
    }
    for y in 0..input.layout().rows() {
        let (source, target) = (input.row(y), output.row_mut(y));
        if spread {
            let pixels = source.iter().zip(target.as_chunks_mut::<3>().0);
            pixels.for_each(|(gray, pixel)| *pixel = [*gray; 3]);
        } else {
            target.copy_from_slice(source);
        }
    }
    true
}
