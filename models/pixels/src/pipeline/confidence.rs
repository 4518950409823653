//! The confidence map, at the image's size.
//!
//! The idea: **confidence takes the same path as chroma, with one plane instead of two**, so the map follows the
//! image's edges.

use std::ops::ControlFlow;

use super::{Params, PipelineError, bring, stages, told};
use crate::{Confidence, Engine, ImageError, ImageView, ImageViewMut};

/// The margins of a guided field are made for values up to this.
const PERCENT: f32 = 100.0;

/// Writes the confidence of `engine` in each pixel's color, from 0 (black) to 1 (white), linearly, into `output`:
/// same size, in a gray format. `strength` is checked but has no effect. If the engine caches its network's output,
/// the map of an image just colorized does not run the network again.
///
/// # Errors
/// As for [`colorize`](super::colorize); [`ImageError::Color`] for an output with color, and
/// [`PipelineError::NoConfidence`] for a model that predicts a single color per pixel.
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
