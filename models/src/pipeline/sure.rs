//! The map of how sure the model is, at the picture's size.
//!
//! The idea: **the same way as chroma's, with one plane in place of two**, so that the map has the picture's edges.

use std::ops::ControlFlow;

use super::{Ab, AbPredictor, ImageError, ImageView, ImageViewMut, Params, PipelineError, Seen, Spread};

/// Writes how sure `predictor` is of each pixel's colour: 0 (black) to 1 (white), linearly, into `output`: same size, in a
/// format without colour. `strength` is checked and has no part in it. What the network said of this picture when it was
/// colorized is not asked for again.
///
/// # Errors
/// As [`colorize`](super::colorize), [`ImageError::Colour`] for an output with colour, and
/// [`PipelineError::NoConfidence`] for a model that predicts one colour a pixel.
pub fn confidence(
    predictor: &dyn AbPredictor,
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    params: &Params,
    progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<(), PipelineError> {
    if output.format().has_colour() {
        return Err(ImageError::Colour(output.format()).into());
    }
    super::run(input, output, (params, predictor), progress, |Seen { l, size: (width, height), threads }| {
        let said = predictor.predict_confidence(l, width, height, params.temperature, threads)?;
        let Spread { width, height, values } = said.ok_or(PipelineError::NoConfidence)?;
        // The margins of guided chroma are made for values up to 100.
        let a: Vec<f32> = values.iter().map(|value| 100.0 * value).collect();
        let b = vec![0.0; a.len()];
        Ok((Ab { width, height, a, b }, 1.0))
    })
}
