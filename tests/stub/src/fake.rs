//! The stub's engine: one warm hue whose chroma grows from left to right.

use autochrome_pixels::color::{lightness_to_luminance, linear_to_srgb};
use autochrome_pixels::{Ab, Confidence, Engine, InputSpec, Plane, PredictError, Settings};

/// Chroma at the right edge, in Lab units; the left edge has half of it.
const TINT: [f32; 2] = [4.0, 16.0];

/// Working-size pixels per predicted one, in both directions.
const FACTOR: usize = 8;

/// Predicts by a fixed rule; its confidence is the image's lightness.
pub struct Fake;

impl Engine for Fake {
    fn input(&self) -> InputSpec {
        InputSpec { training_upscale: 1.0, auto_levels: false }
    }

    fn predict(&self, l: &Plane, _: Settings) -> Result<Ab, PredictError> {
        let (width, height) = (l.size().0 / FACTOR, l.size().1 / FACTOR);
        let plane = |most: f32| {
            let row = (0..width).map(|x| most * (0.5 + 0.5 * x as f32 / width as f32)).collect::<Vec<f32>>();
            row.repeat(height)
        };
        Ok(Ab { width, height, a: plane(TINT[0]), b: plane(TINT[1]) })
    }

    fn confidence(&self, l: &Plane, _: Settings) -> Result<Option<Confidence>, PredictError> {
        let gray = |l: &f32| linear_to_srgb(lightness_to_luminance(*l)).clamp(0.0, 1.0);
        let (width, height) = l.size();
        let plane = Plane::new(width, height, l.values().iter().map(gray).collect());
        plane.map(|plane| Some(Confidence(plane))).map_err(|error| PredictError::new(error.to_string()))
    }
}
