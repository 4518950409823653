//! `autochrome-trainer turing`: which of the two is the photograph?
//!
//! The idea: **a colorization is good when it is taken for the photograph**, and only people can say that (the seed
//! report, section 4; Zhang et al. 2016, section 3.1). The command makes a page that asks: pairs of a photograph
//! and its colorization, with sides chosen by the seed, the first few for practice. The page keeps the answers and
//! computes the share of pairs in which the colorization passed for the photograph; 50% is what guessing gives.
//!
//! A page that anyone may open cannot hide its answer from those who look for it. It only has to make sure that nobody
//! comes across the answer by accident; `page/turing/` says how.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::model::Model;
use crate::page::turing::{self as page, IN_COLOR, draw};

/// Makes a page that asks people which of two pictures is the photograph and which was colorized.
#[derive(Debug, clap::Args)]
pub struct TuringArgs {
    /// Folder of the model package.
    #[arg(value_name = "PACKAGE")]
    pub package: PathBuf,
    /// Tar archive or folder of photographs; those without color are skipped.
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Which of them are shown.
    #[command(flatten)]
    pub selection: crate::data::Selection,
    /// The page, one HTML file.
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Pairs that count.
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub count: u16,
    /// Practice pairs shown first; they reveal the answer and do not count.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub practice: u16,
    /// Seed for the photographs, their order and their sides.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Seconds each pair is shown; 0: until it is answered.
    #[arg(long, default_value_t = 0.0, value_name = "S")]
    pub seconds: f64,
    /// Temperature of the annealed mean, overriding the package's.
    #[arg(long, value_name = "T")]
    pub temperature: Option<f32>,
    /// Where the network runs: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: autochrome_models::device::DeviceRequest,
    /// CPU threads; default: all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// Runs the command.
///
/// # Errors
/// The package, the data or the device cannot be used, no photograph has color, or the page cannot be written.
pub fn run(args: &TuringArgs) -> Result<()> {
    if !(0.0..=3600.0).contains(&args.seconds) {
        bail!("--seconds: expected 0 (no limit) to 3600, got {}", args.seconds);
    }
    let data = crate::data::open(std::slice::from_ref(&args.data), &args.selection)?.screened(IN_COLOR);
    let resolved = autochrome_models::device::resolve(&args.device)?;
    if let Some(reason) = &resolved.fallback {
        eprintln!("device: {reason}");
    }
    let mut model = Model::load(&args.package, &resolved, None, args.threads)?;
    model.set_temperature(args.temperature);
    let wanted = usize::from(args.count) + usize::from(args.practice);
    let pairs = draw(&data, wanted, args.seed, |gray| model.colorize(gray))?;
    data.corrupt().iter().for_each(|(name, why)| eprintln!("skipped {name}: {why}"));
    let practice = practice(pairs.len(), args)?;
    let settings = page::Settings { model: model.name(), practice, seconds: args.seconds, seed: args.seed };
    page::save(&args.out, &settings, &pairs)?;
    let counted = pairs.len() - practice;
    println!("{}: {practice} pairs for practice, {counted} that count", args.out.display());
    Ok(())
}

/// How many of `found` pairs are for practice: where there are too few, those that count come first.
fn practice(found: usize, args: &TuringArgs) -> Result<usize> {
    let (count, practice) = (usize::from(args.count), usize::from(args.practice));
    if found == 0 {
        bail!(
            "{}: expected photographs in color, found none; give photographs that have colors",
            args.data.display()
        );
    }
    if found < count + practice {
        eprintln!(
            "expected {count} photographs in color and {practice} for practice, found {found}: the test is shorter"
        );
    }
    Ok(practice.min(found.saturating_sub(count)))
}
