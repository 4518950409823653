//! Prediction of chroma from lightness.
//!
//! The idea: **the pipeline asks, an engine answers, and both exchange planes of numbers**. An engine is a network
//! on a device, or a few lines in a test. It must state everything the pipeline needs: there are no defaults that a
//! wrapper could forget to forward.

/// A network on a device, or a fake in a test.
pub trait Engine {
    /// How the engine wants its input prepared.
    fn input(&self) -> InputSpec;

    /// Predicts ab for `l`: L values (0..=100), with both sides multiples of 32.
    ///
    /// The result has the same size, or is smaller by one whole factor in both directions, and holds finite values.
    /// Called once per image, on the thread that called [`colorize`](crate::pipeline::colorize).
    ///
    /// # Errors
    /// Whatever prevented the prediction.
    fn predict(&self, l: &Plane, settings: Settings) -> Result<Ab, PredictError>;

    /// Confidence in what [`predict`](Self::predict) gives for the same arguments; `None` for a model that has
    /// none. Sizes as for [`predict`](Self::predict).
    ///
    /// # Errors
    /// As for [`predict`](Self::predict).
    fn confidence(&self, l: &Plane, settings: Settings) -> Result<Option<Confidence>, PredictError>;
}

/// How an engine wants its input prepared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputSpec {
    /// How many times its training images were upscaled, 1 or more. L is blurred to match, however much detail the
    /// image has.
    pub training_upscale: f64,
    /// Whether the contrast of faded images is stretched: a small range of L is spread.
    pub auto_levels: bool,
}

/// Settings of a prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Temperature of the annealed mean, 0..=1; `None` for the model's own.
    pub temperature: Option<f32>,
    /// Number of threads, at least 1.
    pub threads: usize,
}

/// One value per cell: `width` x `height`, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Plane {
    /// A plane of these values, row by row.
    ///
    /// # Errors
    /// If there is not exactly one value per cell.
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Result<Self, PlaneError> {
        if width.checked_mul(height) == Some(values.len()) {
            Ok(Self { width, height, values })
        } else {
            Err(PlaneError { width, height, got: values.len() })
        }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// The number of values does not match the size of the plane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plane of {width} x {height} with {got} values; expected one value per cell")]
pub struct PlaneError {
    /// Cells per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Values given.
    pub got: usize,
}

/// Predicted chroma: two planes of `width` x `height`, row by row, in Lab units.
#[derive(Debug, Clone, PartialEq)]
pub struct Ab {
    /// Cells per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Green to red.
    pub a: Vec<f32>,
    /// Blue to yellow.
    pub b: Vec<f32>,
}

/// The probability in each cell, 0..=1, that the true color is near the predicted one.
#[derive(Debug, Clone, PartialEq)]
pub struct Confidence(pub Plane);

/// Why a prediction failed, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PredictError(String);

impl PredictError {
    /// An error with this message.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
