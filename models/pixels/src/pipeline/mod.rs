//! The pipeline: image in, L to the network, ab back, image out.
//!
//! The idea: **only low-resolution planes are ever held whole**; the image itself is read twice, row by row, and
//! written once. First its L is shrunk to the working size, keeping the aspect ratio, and mirrored out to sides
//! that networks accept. The engine turns that into ab. Then each row's L is read again, gets chroma interpolated
//! along the edges of L, and is written in the output's format.
//!
//! Memory beyond the two images: 12 bytes per pixel of the working size, 52 per predicted ab pair, 4 bytes per
//! column and 20 KiB per thread, and whatever the engine needs. Hints add their own picture, and some 140 bytes per cell
//! of 4 x 4 working pixels.
//!
//! Lightness is kept from the input: color in it is reduced to its L, chroma is lowered where it is out of the sRGB
//! gamut, and alpha is copied.

mod confidence;
mod frame;
mod guided;
mod hints;
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
pub use hints::{HintError, Hints};
use levels::Levels;
use stages::Workers;

use crate::{
    Ab, Engine, ImageError, ImageView, ImageViewMut, InputSpec, Plane, PredictError, Settings, limits,
};

/// Parameters of [`colorize`].
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Working size of the network, 32..=2048: the image's longer side as the network sees it. See [`Frame::new`]
    /// for panoramas.
    pub working_size: u32,
    /// Chroma strength: 0 is gray, 1 as predicted, at most 1.5.
    pub strength: f32,
    /// Temperature of the annealed mean, 0..=1; `None` for the model's own.
    pub temperature: Option<f32>,
    /// Number of threads, 0 for all cores, at most 1024.
    pub threads: usize,
}

/// Why an image was not colorized. The output's contents are then undefined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PipelineError {
    /// An image does not fit its purpose.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A parameter is outside its range.
    #[error("{name} is {got}; expected {expected}")]
    Parameter {
        /// The field of [`Params`].
        name: &'static str,
        /// The value given.
        got: String,
        /// The values allowed.
        expected: String,
    },
    /// The progress callback asked to stop.
    #[error("colorizing was cancelled")]
    Cancelled,
    /// The hints do not fit their purpose.
    #[error(transparent)]
    Hints(#[from] HintError),
    /// The engine predicts no distribution, so it has no confidence.
    #[error("the model predicts a single color per pixel and has no confidence; choose a model with bins")]
    NoConfidence,
    /// The engine failed, or gave invalid chroma.
    #[error("prediction failed: {0}")]
    Predict(#[from] PredictError),
}

/// Colorizes `input` into `output`: same size, `output` in a format with color.
///
/// `progress` gets fractions that rise from 0 to 1, at least ten times, always on the calling thread; if it breaks,
/// work stops before the next band of rows. Calls may run in parallel.
///
/// # Errors
/// [`PipelineError::Image`] if `output` is gray or of another size, [`PipelineError::Parameter`] for a parameter
/// outside its range or if the system cannot start the threads, [`PipelineError::Cancelled`], and
/// [`PipelineError::Predict`] if `engine` fails or breaks its contract. All but the last two are detected before
/// any work.
pub fn colorize(
    engine: &dyn Engine,
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    params: &Params,
    progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<(), PipelineError> {
    colorize_hinted(engine, input, output, params, None, progress)
}

/// As [`colorize`], with colors that a person knows. A hinted pixel gets its hint's a and b (as far as sRGB has them at
/// its L), pixels that are alike follow, and what is unlike every hint stays as predicted. `params.strength` does not
/// change a hint.
///
/// # Errors
/// As for [`colorize`]; [`PipelineError::Hints`] for hints of another size, or that cover more than half of the image.
pub fn colorize_hinted(
    engine: &dyn Engine,
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    params: &Params,
    hints: Option<Hints<'_>>,
    progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<(), PipelineError> {
    if !output.format().has_color() {
        return Err(ImageError::NoColor(output.format()).into());
    }
    hints.map_or(Ok(()), |hints| hints.check(input.size()))?;
    let mut report = |fraction| told(progress(fraction));
    let brought = bring(engine, input, output, params, &mut report)?;
    let ab = engine.predict(brought.shown(), brought.settings)?;
    let columns = input.layout.width;
    let mut spread = |part: f32| report(0.2 + 0.3 * part);
    let hinted = hints.map(|hints| brought.hinted(hints, columns, (&ab, params.strength), &mut spread));
    let hinted = hinted.transpose()?;
    let (workers, field) =
        brought.field("ab", (ab.width, ab.height), [&ab.a, &ab.b], columns, params.strength)?;
    report(0.5)?;
    let fields = stages::Colors { predicted: &field, hinted: hinted.as_ref() };
    stages::write_color(input, output, &fields, &workers, &mut |part| report(0.5 + 0.5 * part))
}

/// Turns the progress callback's answer into a result.
fn told(answer: ControlFlow<()>) -> Result<(), PipelineError> {
    match answer {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(PipelineError::Cancelled),
    }
}

/// An image prepared for an engine: the common start of both maps.
struct Brought {
    frame: Frame,
    workers: Workers,
    settings: Settings,
    /// L on the network's input plane.
    lightness: Plane,
    /// What the engine sees instead, if that differs.
    leveled: Option<Plane>,
}

/// L at the working size, blurred and leveled as the engine wants it.
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
    let InputSpec { training_upscale, auto_levels } = engine.input();
    let frame = Frame::new(input.size().0, input.size().1, params.working_size);
    let smaller = frame.before_enlarging(training_upscale);
    let mut lightness = stages::shrink_lightness(input, &smaller, &workers, &mut |part| report(0.2 * part))?;
    if smaller != frame {
        lightness = stages::enlarge_lightness(&smaller, &lightness, &frame);
    }
    let levels = auto_levels.then(|| Levels::of(&lightness));
    let lightness = frame.plane(frame.pad(&lightness));
    let leveled = levels.map(|levels| frame.plane(levels.shown(lightness.values())));
    let settings = Settings { temperature: params.temperature, threads: workers.threads() };
    Ok(Brought { frame, workers, settings, lightness, leveled })
}

impl Brought {
    /// What the engine sees.
    fn shown(&self) -> &Plane {
        self.leveled.as_ref().unwrap_or(&self.lightness)
    }

    /// What `hints` add to the prediction `ab` times `strength`.
    fn hinted<'h>(
        &self,
        hints: Hints<'h>,
        columns: usize,
        (ab, strength): (&Ab, f32),
        report: &mut dyn FnMut(f32) -> Result<(), PipelineError>,
    ) -> Result<stages::Hinted<'h>, PipelineError> {
        let (from, cells) = ((ab.width, ab.height), hints::grid(&self.frame));
        check_prediction("ab", from, &[&ab.a, &ab.b], self.frame.padded())?;
        let scaled = |plane: &[f32]| plane.iter().map(|value| value * strength).collect::<Vec<f32>>();
        let [a, b] = [&ab.a, &ab.b].map(|plane| guided::resize(&scaled(plane), from, cells));
        let lightness = guided::resize(self.lightness.values(), self.frame.padded(), cells);
        let [a, b] = hints::difference(&hints, &self.frame, [&lightness, &a, &b], report)?;
        let lines = self.frame.lines(cells);
        let field = Field::new(lightness, [&a, &b], cells, lines, columns, 1.0);
        Ok(stages::Hinted { hints, field })
    }

    /// The engine's output times `factor`, ready to be evaluated at any pixel of an image `columns` wide. `what`
    /// names it in errors.
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
        let guide = guided::resize(self.lightness.values(), working, cells);
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

/// Checks that `planes` are finite, hold `cells` values each, and divide the working size evenly.
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
            "the model gave {what} of {width} x {height} ({} values) for L of {} x {}; expected that size \
             divided by a whole number",
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
