//! The pictures of a paper, from runs, packages and photographs.
//!
//! The idea: **a figure is a command**, so that every picture of a document can be made again by whoever reads it.
//! A file here knows where the numbers come from; lines and axes are `plot`'s.
//!
//! To add a figure: one file here and one row in `Figure`.

mod confidence;
mod curves;
mod decompose;
mod distribution;
mod look;
mod reliability;
mod sheet;

use std::path::Path;

use anyhow::{Context, Result};
use autochrome_models::device::{DeviceRequest, Resolved};
use image::{ImageReader, RgbImage};

/// The figures.
#[derive(Debug, clap::Subcommand)]
#[expect(missing_docs, reason = "the text of a variant is its arguments'")]
pub enum Figure {
    Curves(curves::CurvesArgs),
    Decompose(decompose::DecomposeArgs),
    Sheet(sheet::SheetArgs),
    Distribution(distribution::DistributionArgs),
    /// Draws a model's reliability diagram (Guo et al. 2017).
    Reliability(reliability::ReliabilityArgs),
    /// Draws a model's confidence map against the error of its colors.
    Confidence(reliability::ReliabilityArgs),
}

/// Where networks run.
#[derive(Debug, clap::Args)]
struct Machine {
    /// Where the networks run: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    device: DeviceRequest,
    /// CPU threads; 0: all cores.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

impl Machine {
    fn resolve(&self) -> Result<Resolved> {
        let resolved = autochrome_models::device::resolve(&self.device)?;
        if let Some(reason) = &resolved.fallback {
            eprintln!("device: {reason}");
        }
        Ok(resolved)
    }
}

impl Figure {
    /// Makes the picture.
    ///
    /// # Errors
    /// What the figure is made of cannot be used, or the picture not be written.
    pub fn draw(&self) -> Result<()> {
        match self {
            Figure::Curves(args) => curves::run(args),
            Figure::Decompose(args) => decompose::run(args),
            Figure::Sheet(args) => sheet::run(args),
            Figure::Distribution(args) => distribution::run(args),
            Figure::Reliability(args) => reliability::run(args),
            Figure::Confidence(args) => confidence::run(args),
        }
    }
}

/// A photograph in 8-bit sRGB.
fn photograph(path: &Path) -> Result<RgbImage> {
    let read = || anyhow::Ok(ImageReader::open(path)?.with_guessed_format()?.decode()?.into_rgb8());
    let expected = "expected a JPEG, PNG, TIFF or WebP that decodes; name another";
    read().context(expected).with_context(|| format!("photograph {}", path.display()))
}
