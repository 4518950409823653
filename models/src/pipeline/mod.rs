//! The way of a pixel: picture in, L to the network, ab back, picture out.
//!
//! The idea: **only low-resolution planes are ever whole in memory**; the picture itself is read twice, row by row,
//! and written once. First its L is shrunk to the working size, in the picture's own shape, and mirrored to sides that
//! networks take; the predictor turns that into ab; then each row's L is read again and meets its chroma, interpolated
//! along the edges of L, in the output's own format.
//!
//! Memory beyond the two pictures: 12 bytes for each pixel of the working size, 52 for each predicted ab pair, per
//! thread 4 bytes for each column and 20 KiB, and what the predictor takes.
//!
//! Lightness is the input's: colour in it is read through its L, chroma is lowered where sRGB cannot show it, and
//! alpha is copied. Knows no tch: the network comes as an [`AbPredictor`].

mod frame;
mod guided;
mod image;
mod levels;
mod resample;
mod rows;
mod shade;
mod stages;
mod sure;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

pub use frame::Frame;
pub use image::{ImageError, ImageView, ImageViewMut, PixelFormat};
use levels::Levels;
pub use sure::confidence;

/// Predicted chroma: two planes of `width` x `height`, row by row, in Lab units.
#[derive(Debug, Clone, PartialEq)]
pub struct Ab {
    /// Values in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Green to red.
    pub a: Vec<f32>,
    /// Blue to yellow.
    pub b: Vec<f32>,
}

/// One value for each cell: a plane of `width` x `height`, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Values in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The values.
    pub values: Vec<f32>,
}

/// What predicts chroma from lightness: a network on a device, or a fake in a test.
pub trait AbPredictor {
    /// Predicts ab for `l`: `width` x `height` values of L (0..100), row by row; both sides are multiples of 32.
    ///
    /// The result has the same size, or one smaller by the same whole factor both ways, and finite values.
    /// `temperature` is that of the annealed mean, `None` for the model's own. `threads` is at least 1. Called
    /// once a picture, on the thread that called [`colorize`].
    ///
    /// # Errors
    /// Whatever kept it from predicting.
    fn predict_ab(
        &self,
        l: &[f32],
        width: usize,
        height: usize,
        temperature: Option<f32>,
        threads: usize,
    ) -> Result<Ab, PredictError>;

    /// How many times the pictures it learnt from were enlarged, 1 or more: L is given to it as soft as it was then, however
    /// much more the picture shows.
    fn enlarged(&self) -> f64 {
        1.0
    }

    /// Whether it is shown faded pictures as if they were not (`levels`).
    fn levels(&self) -> bool {
        false
    }

    /// How sure it is of what [`predict_ab`](Self::predict_ab) gives for the same arguments: the probability, 0..=1, that the
    /// true colour is near it; `None` for a model that cannot say.
    ///
    /// # Errors
    /// As [`predict_ab`](Self::predict_ab).
    fn predict_confidence(
        &self,
        _l: &[f32],
        _width: usize,
        _height: usize,
        _temperature: Option<f32>,
        _threads: usize,
    ) -> Result<Option<Spread>, PredictError> {
        Ok(None)
    }
}

/// Why a prediction failed, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PredictError(String);

impl PredictError {
    /// An error with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

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
        expected: &'static str,
    },
    /// The progress callback asked to stop.
    #[error("colorizing was cancelled")]
    Cancelled,
    /// The predictor has no distribution to be sure or unsure by.
    #[error("the model predicts one colour a pixel and cannot say how sure it is; choose a model with bins")]
    NoConfidence,
    /// The predictor failed, or gave what cannot be chroma.
    #[error("prediction failed: {0}")]
    Predict(#[from] PredictError),
}

/// Colorizes `input` into `output`: same size, `output` in a format with colour.
///
/// `progress` is told fractions that rise from 0 to 1, at least ten times, always on the calling thread; when it
/// breaks, work stops before the next band of rows. Several calls may run at once.
///
/// # Errors
/// [`PipelineError::Image`] when `output` is gray or of another size, [`PipelineError::Parameter`] for a parameter
/// outside its range or threads that the system will not start, [`PipelineError::Cancelled`], and
/// [`PipelineError::Predict`] when `predictor` fails or breaks its contract. All but the last two are found before
/// any work.
pub fn colorize(
    predictor: &dyn AbPredictor,
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    params: &Params,
    progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<(), PipelineError> {
    if !output.format().has_colour() {
        return Err(ImageError::NoColour(output.format()).into());
    }
    run(input, output, (params, predictor), progress, |Seen { l, size: (width, height), threads }| {
        Ok((predictor.predict_ab(l, width, height, params.temperature, threads)?, params.strength))
    })
}

/// What a predictor is shown: L, its width and height, and the threads it may use.
struct Seen<'a> {
    l: &'a [f32],
    size: (usize, usize),
    threads: usize,
}

/// The way of both maps: L to the working size, as soft and as deep as the predictor wants it, `predict`, what it gave
/// (times a factor) along the edges of L to the output.
fn run(
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    (params, predictor): (&Params, &dyn AbPredictor),
    progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    predict: impl FnOnce(Seen<'_>) -> Result<(Ab, f32), PipelineError>,
) -> Result<(), PipelineError> {
    if input.size() != output.size() {
        let (expected, got) = (input.size(), output.size());
        return Err(ImageError::SizeMismatch { expected, got }.into());
    }
    check_params(params)?;
    let workers = stages::Workers::new(params.threads)?;
    let mut report = |fraction: f32| match progress(fraction) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(PipelineError::Cancelled),
    };
    report(0.0)?;
    let frame = Frame::new(input.size().0, input.size().1, params.working_size);
    let smaller = frame.before_enlarging(predictor.enlarged());
    let mut lightness = stages::shrink_lightness(input, &smaller, &workers, &mut |part| report(0.2 * part))?;
    if smaller != frame {
        lightness = stages::enlarge_lightness(&smaller, &lightness, &frame);
    }
    let levels = predictor.levels().then(|| Levels::of(&lightness));
    let (lightness, working) = (frame.pad(&lightness), frame.padded());
    let shown = levels.map(|levels| levels.shown(&lightness));
    let l = shown.as_deref().unwrap_or(&lightness);
    let (ab, strength) = predict(Seen { l, size: working, threads: workers.threads() })?;
    drop(shown);
    check_prediction(&ab, working)?;
    report(0.5)?;
    let cells = (ab.width, ab.height);
    let guide = guided::shrink(&lightness, working, cells);
    drop(lightness);
    let (planes, columns): ([&[f32]; 2], _) = ([&ab.a, &ab.b], input.layout.width);
    let field = guided::ChromaField::new(guide, planes, cells, frame.lines(cells), columns, strength);
    stages::write_colour(input, output, &field, &workers, &mut |part| report(0.5 + 0.5 * part))
}

fn check_params(params: &Params) -> Result<(), PipelineError> {
    let refuse = |name, got: String, expected| Err(PipelineError::Parameter { name, got, expected });
    if !(32..=2048).contains(&params.working_size) {
        return refuse("working_size", params.working_size.to_string(), "32 to 2048 pixels");
    }
    if !(0.0..=1.5).contains(&params.strength) {
        return refuse("strength", params.strength.to_string(), "0 to 1.5");
    }
    if let Some(temperature) = params.temperature.filter(|value| !(0.0..=1.0).contains(value)) {
        return refuse("temperature", temperature.to_string(), "0 to 1");
    }
    if params.threads > 1024 {
        return refuse("threads", params.threads.to_string(), "0 (all) to 1024");
    }
    Ok(())
}

fn check_prediction(ab: &Ab, working: (usize, usize)) -> Result<(), PredictError> {
    let Ab { width, height, .. } = *ab;
    let whole = width > 0
        && height > 0
        && working.0.is_multiple_of(width)
        && working.1.is_multiple_of(height)
        && working.0 / width == working.1 / height;
    if !whole || ab.a.len() != width * height || ab.b.len() != width * height {
        return Err(PredictError(format!(
            "the model gave ab of {width} x {height} ({} and {} values) for L of {} x {}; expected a whole fraction \
             of that size",
            ab.a.len(),
            ab.b.len(),
            working.0,
            working.1
        )));
    }
    if !ab.a.iter().chain(&ab.b).all(|value| value.is_finite()) {
        return Err(PredictError("the model gave ab that is not finite; its weights are damaged".into()));
    }
    Ok(())
}
