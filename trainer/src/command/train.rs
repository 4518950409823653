//! `autochrome-trainer train`: a configuration becomes a run folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use autochrome_models::device::{self, DeviceRequest};

use crate::run::config::RunConfig;
use crate::run::minutes::{self, Clock};
use crate::run::{Place, Run};

pub use crate::run::Ended;

/// Trains a network from a configuration into a run folder (checkpoint, log, curves).
#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// The configuration.
    pub config: PathBuf,
    /// Run folder; default: runs/NAME, after the configuration.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Folder that relative paths in the configuration start from.
    #[arg(long, default_value = ".")]
    pub data: PathBuf,
    /// Trains on these classes only, separated by commas; overrides the configuration.
    #[arg(long, value_delimiter = ',', value_name = "CLASS")]
    pub classes: Vec<String>,
    /// Resumes from the checkpoint in the run folder.
    #[arg(long)]
    pub resume: bool,
    /// Device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceRequest,
    /// CPU threads; 0: all cores.
    #[arg(long, default_value_t = 0)]
    pub threads: i32,
    /// Stops after this step, as if interrupted.
    #[arg(long)]
    pub stop_after: Option<u64>,
    /// Time limit: over the last 15% of it the learning rate decays to 0, however many steps are left.
    #[arg(long, value_name = "N", value_parser = minutes::parse)]
    pub minutes: Option<Duration>,
}

/// Runs the command.
///
/// # Errors
/// What the configuration, the data, the device or the disk refuse.
pub fn run(args: &TrainArgs) -> Result<Ended> {
    let begun = Instant::now();
    let mut config = RunConfig::read(&args.config)?;
    if !args.classes.is_empty() {
        config.data.classes.clone_from(&args.classes);
    }
    let device = device::resolve(&args.device)?;
    if let Some(reason) = &device.fallback {
        eprintln!("{reason}");
    }
    if args.threads > 0 {
        tch::set_num_threads(args.threads);
    }
    let by_name = || Path::new("runs").join(args.config.file_stem().unwrap_or_default());
    let folder = args.out.clone().unwrap_or_else(by_name);
    let place = Place { folder: &folder, data_root: &args.data, device: device.device };
    let mut run = if args.resume { Run::resume(config, place)? } else { Run::start(config, place)? };
    let clock = args.minutes.map(|total| Clock::new(begun, total, run.step()));
    run.train(args.stop_after.unwrap_or(u64::MAX), clock, &interrupted())
}

/// Becomes true when the user interrupts.
fn interrupted() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // A second handler cannot be set; the library user who calls this twice keeps the first.
    let _ = ctrlc::set_handler(move || seen.store(true, Ordering::SeqCst));
    stop
}
