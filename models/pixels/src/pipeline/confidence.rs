//! The map of how sure the model is, at the picture's size.
//!
//! The idea: **the same way as chroma's, with one plane in place of two**, so that the map has the picture's edges.

use std::ops::ControlFlow;

use super::{Params, PipelineError, bring, stages, told};
use crate::{Confidence, Engine, ImageError, ImageView, ImageViewMut};

/// The margins of a guided field are made for values up to this.
const PERCENT: f32 = 100.0;

/// Writes how sure `engine` is of each pixel's color: 0 (black) to 1 (white), linearly, into `output`: same size, in a
/// format without color. `strength` is checked and has no part in it. What the network said of this picture when it was
/// colorized is not asked for again.
///
/// # Errors
/// As [`colorize`](super::colorize), [`ImageError::Color`] for an output with color, and
/// [`PipelineError::NoConfidence`] for a model that predicts one color a pixel.
pub fn confidence(
    engine: &dyn Engine,
    input: &ImageView<'_>,
    output: &mut ImageViewMut<'_>,
    params: &Params,
    progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
) -> Result<(), PipelineError> {
    if output.format().has_color() {
        return Err(ImageError::Color(output.format()).into());
    }
    let mut report = |fraction| told(progress(fraction));
    let brought = bring(engine, input, output, params, &mut report)?;
    let said = engine.confidence(brought.shown(), brought.settings)?;
    let Confidence(plane) = said.ok_or(PipelineError::NoConfidence)?;
    let (workers, field) =
        brought.field("confidence", plane.size(), [plane.values()], input.layout.width, PERCENT)?;
    report(0.5)?;
    stages::write_percent(input, output, &field, &workers, &mut |part| report(0.5 + 0.5 * part))
}
