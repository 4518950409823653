//! What predicts chroma from lightness.
//!
//! The idea: **the pipeline asks, an engine answers, and both speak in planes of numbers**: a network on a device, or a
//! few lines in a test. An engine has to say everything the pipeline needs to know; nothing has a default that a wrapper
//! could forget to pass on.

/// A network on a device, or a fake in its place.
pub trait Engine {
    /// How it wants a picture to be brought to it.
    fn input(&self) -> InputSpec;

    /// Predicts ab for `l`: values of L (0..=100); both sides are multiples of 32.
    ///
    /// The result has the same size, or one smaller by the same whole factor both ways, and finite values. Called once
    /// a picture, on the thread that called [`colorize`](crate::pipeline::colorize).
    ///
    /// # Errors
    /// Whatever kept it from predicting.
    fn predict(&self, l: &Plane, settings: Settings) -> Result<Ab, PredictError>;

    /// How sure it is of what [`predict`](Self::predict) gives for the same arguments; `None` for a model that cannot
    /// say. Sizes as of [`predict`](Self::predict).
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    fn confidence(&self, l: &Plane, settings: Settings) -> Result<Option<Confidence>, PredictError>;
}

/// How an engine wants a picture to be brought to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputSpec {
    /// How many times the pictures it learned from were enlarged, 1 or more: L is given to it as soft as it was then,
    /// however much more the picture shows.
    pub enlarged: f64,
    /// Whether it is shown faded pictures as if they were not: a small range of L is spread.
    pub levels: bool,
}

/// How to predict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Temperature of the annealed mean, 0..=1; `None` for the model's own.
    pub temperature: Option<f32>,
    /// Threads to work on, at least 1.
    pub threads: usize,
}

/// One value for each place: `width` x `height`, row by row.
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
    /// There is not one value for each place.
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

/// Values that do not fill a plane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plane of {width} x {height} with {got} values; expected one value for each place")]
pub struct PlaneError {
    /// Values in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Values that came.
    pub got: usize,
}

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

/// The probability, 0..=1 at each place, that the true color is near the predicted one.
#[derive(Debug, Clone, PartialEq)]
pub struct Confidence(pub Plane);

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
