//! The way of a pixel: picture in, L to the network, ab back, picture out.
//!
//! The idea: **only low-resolution planes are ever whole in memory**; the picture itself is read twice, row by row,
//! and written once. First its L is shrunk to the working size, in the picture's own shape, and mirrored to sides that
//! networks take; the engine turns that into ab; then each row's L is read again and meets its chroma, interpolated
//! along the edges of L, in the output's own format.
//!
//! Memory beyond the two pictures: 12 bytes for each pixel of the working size, 52 for each predicted ab pair, per
//! thread 4 bytes for each column and 20 KiB, and what the engine takes.
//!
//! Lightness is the input's: color in it is read through its L, chroma is lowered where sRGB cannot show it, and
//! alpha is copied.

mod confidence;
mod frame;
mod guided;
mod levels;
mod resample;
mod rows;
mod shade;
mod stages;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

pub use confidence::confidence;
pub use frame::Frame;
use guided::Field;
use levels::Levels;
use stages::Workers;

use crate::{Engine, ImageError, ImageView, ImageViewMut, InputSpec, Plane, PredictError, Settings, limits};

/// How to colorize.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Size the network works at, 32..=2048: the picture's longer side on its plane; [`Frame::new`] has what of panoramas.
    pub working_size: u32,
    /// Factor on chroma: 0 gray, 1 as predicted, up to 1.5.
    pub strength: f32,
    /// Temperature of the annealed mean, 0..=1; `None` for the model's own.
    pub temperature: Option<f32>,
    /// Threads to work on, 0 for all that the machine has, at most 1024.
    pub threads: usize,
}

/// Why a picture was not colorized. What the output holds is then undefined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PipelineError {
    /// A picture does not fit its purpose.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A parameter is outside its range.
    #[error("{name} is {got}; expected {expected}")]
    Parameter {
        /// The field of [`Params`].
        name: &'static str,
        /// What came.
        got: String,
        /// What would do.
        expected: String,
    },
    /// The progress callback asked to stop.
    #[error("colorizing was cancelled")]
    Cancelled,
    /// The engine has no distribution to be sure or unsure by.
    #[error("the model predicts one color a pixel and cannot say how sure it is; choose a model with bins")]
    NoConfidence,
    /// The engine failed, or gave what cannot be chroma.
    #[error("prediction failed: {0}")]
    Predict(#[from] PredictError),
}

/// Colorizes `input` into `output`: same size, `output` in a format with color.
///
/// `progress` is told fractions that rise from 0 to 1, at least ten times, always on the calling thread; when it
/// breaks, work stops before the next band of rows. Several calls may run at once.
///
/// # Errors
/// [`PipelineError::Image`] when `output` is gray or of another size, [`PipelineError::Parameter`] for a parameter
/// outside its range or threads that the system will not start, [`PipelineError::Cancelled`], and
/// [`PipelineError::Predict`] when `engine` fails or breaks its contract. All but the last two are found before
/// any work.
pub fn colorize(
    engine: &dyn Engine,
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    params: &Params,
    progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<(), PipelineError> {
    if !output.format().has_color() {
        return Err(ImageError::NoColor(output.format()).into());
    }
    let mut report = |fraction| told(progress(fraction));
    let brought = bring(engine, input, output, params, &mut report)?;
    let ab = engine.predict(brought.shown(), brought.settings)?;
    let (workers, field) =
        brought.field("ab", (ab.width, ab.height), [&ab.a, &ab.b], input.layout.width, params.strength)?;
    report(0.5)?;
    stages::write_color(input, output, &field, &workers, &mut |part| report(0.5 + 0.5 * part))
}

/// What the progress callback answered.
fn told(answer: ControlFlow<()>) -> Result<(), PipelineError> {
    match answer {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(PipelineError::Cancelled),
    }
}

/// A picture brought to an engine: what both maps begin with.
struct Brought {
    frame: Frame,
    workers: Workers,
    settings: Settings,
    /// L on the network's plane.
    lightness: Plane,
    /// What the engine is shown in its place, where that differs.
    leveled: Option<Plane>,
}

/// L at the working size, as soft and as deep as the engine wants it.
fn bring(
    engine: &dyn Engine,
    input: &ImageView<'_>,
    output: &ImageViewMut<'_>,
    params: &Params,
    report: &mut dyn FnMut(f32) -> Result<(), PipelineError>,
) -> Result<Brought, PipelineError> {
    if input.size() != output.size() {
        let (expected, got) = (input.size(), output.size());
        return Err(ImageError::SizeMismatch { expected, got }.into());
    }
    check_params(params)?;
    let workers = Workers::new(params.threads)?;
    report(0.0)?;
    let InputSpec { enlarged, levels } = engine.input();
    let frame = Frame::new(input.size().0, input.size().1, params.working_size);
    let smaller = frame.before_enlarging(enlarged);
    let mut lightness = stages::shrink_lightness(input, &smaller, &workers, &mut |part| report(0.2 * part))?;
    if smaller != frame {
        lightness = stages::enlarge_lightness(&smaller, &lightness, &frame);
    }
    let levels = levels.then(|| Levels::of(&lightness));
    let lightness = frame.plane(frame.pad(&lightness));
    let leveled = levels.map(|levels| frame.plane(levels.shown(lightness.values())));
    let settings = Settings { temperature: params.temperature, threads: workers.threads() };
    Ok(Brought { frame, workers, settings, lightness, leveled })
}

impl Brought {
    /// What the engine is shown.
    fn shown(&self) -> &Plane {
        self.leveled.as_ref().unwrap_or(&self.lightness)
    }

    /// What the engine gave, times `factor`, ready to be evaluated at any pixel of a picture of `columns`. `what` names it in
    /// errors.
    fn field<const N: usize>(
        self,
        what: &str,
        cells: (usize, usize),
        planes: [&[f32]; N],
        columns: usize,
        factor: f32,
    ) -> Result<(Workers, Field<N>), PredictError> {
        let working = self.frame.padded();
        check_prediction(what, cells, &planes, working)?;
        let guide = guided::shrink(self.lightness.values(), working, cells);
        let field = Field::new(guide, planes, cells, self.frame.lines(cells), columns, factor);
        Ok((self.workers, field))
    }
}

fn check_params(params: &Params) -> Result<(), PipelineError> {
    let refuse = |name, got: String, expected| Err(PipelineError::Parameter { name, got, expected });
    if !limits::WORKING_SIZES.contains(&params.working_size) {
        let expected = limits::words(&limits::WORKING_SIZES) + " pixels";
        return refuse("working_size", params.working_size.to_string(), expected);
    }
    if !limits::STRENGTHS.contains(&params.strength) {
        return refuse("strength", params.strength.to_string(), limits::words(&limits::STRENGTHS));
    }
    if let Some(temperature) = params.temperature.filter(|value| !limits::TEMPERATURES.contains(value)) {
        return refuse("temperature", temperature.to_string(), limits::words(&limits::TEMPERATURES));
    }
    if u32::try_from(params.threads).is_ok_and(|threads| threads <= limits::MAX_THREADS) {
        Ok(())
    } else {
        refuse("threads", params.threads.to_string(), format!("0 (all) to {}", limits::MAX_THREADS))
    }
}

/// Checks that `planes` are finite, of `cells` values each, and a whole fraction of the working size.
fn check_prediction(
    what: &str,
    (width, height): (usize, usize),
    planes: &[&[f32]],
    working: (usize, usize),
) -> Result<(), PredictError> {
    let whole = width > 0
        && height > 0
        && working.0.is_multiple_of(width)
        && working.1.is_multiple_of(height)
        && working.0 / width == working.1 / height;
    if !whole || planes.iter().any(|plane| Some(plane.len()) != width.checked_mul(height)) {
        let values: Vec<String> = planes.iter().map(|plane| plane.len().to_string()).collect();
        return Err(PredictError::new(format!(
            "the model gave {what} of {width} x {height} ({} values) for L of {} x {}; expected a whole fraction of \
             that size",
            values.join(" and "),
            working.0,
            working.1
        )));
    }
    if !planes.iter().copied().flatten().all(|value| value.is_finite()) {
        return Err(PredictError::new(format!(
            "the model gave {what} that is not finite; its weights are damaged"
        )));
    }
    Ok(())
}
