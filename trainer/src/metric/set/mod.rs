//! Measures outputs on a whole set of photographs: every metric, with means, intervals and differences.
//!
//! The idea: **measure the product**. A photograph is reduced to the 8-bit gray of its L, colorized by the pipeline
//! that every host uses, written as 8-bit RGB, and compared with the photograph; nothing the network gives is examined
//! before that.

mod against;
mod folders;
mod judges;
mod metrics;
mod report;
mod row;

use anyhow::{Context, Result, bail};
use image::{GrayImage, RgbImage};
use rayon::prelude::*;

use super::bootstrap;
use crate::data::{DataSet, gray_as_rgb, gray_of};

pub use against::Against;
pub use folders::Folder;
pub use judges::{Judges, Verdict};
pub use metrics::Measured;
pub use report::Report;
pub use row::{Row, Ruler};

/// Photographs decoded and measured at once: bounds memory, keeps every core busy between two.
const CHUNK: usize = 16;

/// A photograph as it is measured; the pictures have one size.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its path inside the data set.
    pub name: &'a str,
    /// What the model was given, in three equal channels.
    pub gray: &'a RgbImage,
    /// What the model made of it.
    pub output: &'a RgbImage,
    /// The photograph.
    pub truth: &'a RgbImage,
    /// The verdict of the networks.
    pub verdict: &'a Verdict,
}

/// Is shown every photograph that is measured, in order.
pub trait Viewer {
    /// One photograph.
    ///
    /// # Errors
    /// A picture cannot be kept.
    fn see(&mut self, seen: &Seen<'_>) -> Result<()>;
}

/// Measures outputs of `paint` on the photographs of `data` (the first `limit` of them).
///
/// `paint` gets the 8-bit gray of a photograph and the photograph, to draw hints from, and returns 8-bit sRGB of the same size; it is called in order, from
/// this thread. `judges` look at the pictures, and `viewer` is shown them. Photographs that do not decode are left out
/// and named in the report.
///
/// # Errors
/// No photograph decodes, `paint` fails or changes the size, or a judge or the viewer fails.
pub fn evaluate(
    data: &DataSet,
    limit: Option<usize>,
    judges: &Judges,
    mut viewer: Option<&mut dyn Viewer>,
    mut paint: impl FnMut(&GrayImage, &RgbImage) -> Result<RgbImage>,
) -> Result<Report> {
    let count = data.items.len().min(limit.unwrap_or(usize::MAX));
    let ruler = Ruler::new();
    let mut rows = Vec::with_capacity(count);
    for start in (0..count).step_by(CHUNK) {
        let chunk = start..(start + CHUNK).min(count);
        let truths: Vec<Option<RgbImage>> =
            chunk.clone().into_par_iter().map(|index| data.decode(index)).collect();
        let mut pictures = Vec::with_capacity(truths.len());
        for (truth, index) in truths.into_iter().zip(chunk) {
            let Some(truth) = truth else { continue };
            let name = data.items[index].name.clone();
            let gray = gray_of(&truth);
            let output = paint(&gray, &truth).with_context(|| name.clone())?;
            if output.dimensions() != truth.dimensions() {
                bail!(
                    "{name}: expected an output of {:?}, got {:?}",
                    truth.dimensions(),
                    output.dimensions()
                );
            }
            let gray = gray_as_rgb(&gray);
            let verdict = judges.look(&name, [&truth, &gray, &output])?;
            if let Some(viewer) = viewer.as_deref_mut() {
                viewer.see(&Seen {
                    name: &name,
                    gray: &gray,
                    output: &output,
                    truth: &truth,
                    verdict: &verdict,
                })?;
            }
            pictures.push((name, truth, output, verdict));
        }
        rows.par_extend(
            pictures.into_par_iter().map(|(name, truth, output, verdict)| Row {
                verdict,
                ..ruler.measure(name, &truth, &output)
            }),
        );
    }
    if rows.is_empty() {
        bail!("expected at least one photograph that decodes, got {} that do not", data.corrupt().len());
    }
    Ok(Report::new(rows, data.corrupt(), judges.classifiers(), bootstrap::RESAMPLES))
}

#[cfg(test)]
mod tests;
