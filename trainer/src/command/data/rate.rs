//! `autochrome-trainer data rate`: how fast the loader alone makes batches. Where it is slower than training on the
//! device, the device waits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;

use crate::data::{self, Batches, Screen};
use crate::files::grouped;
use crate::run::config::RunConfig;

/// Measures the data loader alone: samples per second for a configuration.
#[derive(Debug, clap::Args)]
pub struct RateArgs {
    /// The configuration.
    pub config: PathBuf,
    /// Folder that relative paths in the configuration start from.
    #[arg(long, default_value = ".")]
    pub data: PathBuf,
    /// Batches to time, after one to warm up.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub batches: u32,
}

pub(super) fn run(args: &RateArgs) -> Result<()> {
    let config = RunConfig::read(&args.config)?;
    let paths = config.data.paths(&args.data);
    let set = Arc::new(data::open(&paths, &config.data.selection())?.screened(Screen::TRAINING));
    let size = config.data.augment.size;
    let batches = Batches::new(Arc::clone(&set), config.data.augment, config.batch, config.seed);
    batches.batch(0)?;
    let start = Instant::now();
    for step in 1..=args.batches {
        batches.batch(u64::from(step))?;
    }
    let seconds = start.elapsed().as_secs_f64().max(1e-9);
    let samples = f64::from(args.batches) * f64::from(u32::try_from(config.batch)?);
    println!(
        "{:.1} images/s (threads: {}): {} batches of {} at {size} x {size} in {seconds:.2} s, {} photographs skipped",
        samples / seconds,
        rayon::current_num_threads(),
        args.batches,
        config.batch,
        grouped(set.corrupt().len()),
    );
    println!("training cannot be faster than this; compare with images_per_s in a run's log.csv");
    Ok(())
}
