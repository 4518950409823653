//! `autochrome-trainer bench`: how a machine copes with a model, measured in about a minute.
//!
//! The idea: **a number is given beside its ceiling**: speeds beside those of a large matrix product on the same
//! device, CUDA's colors beside the CPU's. Whatever fails is a sentence in the report, and the rest is still
//! measured: on a machine that is lent for minutes, nobody comes back for the second half.

mod measure;
mod parity;
mod report;
mod subject;
mod work;

use std::path::PathBuf;

use anyhow::{Result, bail};
use autochrome_models::device::{self, DeviceRequest};
use tch::{Device, Kind};

use crate::run::precision::Precision;
use measure::Clock;
use subject::Subject;

pub use parity::{Bound, Parity};
pub use report::{Loader, Peak, Report, Speed};

/// Measures speed and, on CUDA, agreement with the CPU: of a model package, or of a run's configuration with its loader and training step.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// The folder of a model package, or a configuration.
    #[arg(value_name = "PACKAGE|CONFIG")]
    pub subject: PathBuf,
    /// Folder that relative paths in the configuration start from.
    #[arg(long, default_value = ".")]
    pub data: PathBuf,
    /// Device: auto, cpu, cuda or cuda:N. The CPU is always measured.
    #[arg(long, default_value = "auto")]
    pub device: DeviceRequest,
    /// CPU threads; 0: all cores.
    #[arg(long, default_value_t = 0)]
    pub threads: i32,
    /// Data set; CUDA and the CPU are also compared on its first four photographs.
    #[arg(long, value_name = "PATH")]
    pub photos: Option<PathBuf>,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    pub seconds: f64,
    /// Writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=600.0).contains(number));
    number.ok_or_else(|| "expected 0 to 600".to_owned())
}

/// Pictures in a batch whose prediction is timed.
const BATCHES: [i64; 3] = [1, 8, 32];
/// Most samples of a training step on the CPU: a batch made for a GPU may not fit its memory.
const MOST_ON_CPU: usize = 8;

/// Runs the command.
///
/// # Errors
/// The subject, its data or the device cannot be used; a part of the measurement failed; or CUDA's colors are not the
/// CPU's.
pub fn run(args: &BenchArgs) -> Result<()> {
    if args.threads > 0 {
        tch::set_num_threads(args.threads);
    }
    let subject = Subject::open(&args.subject, &args.data)?;
    let resolved = device::resolve(&args.device)?;
    let mut report = Report::new(&subject, &resolved)?;
    let clock = Clock { seconds: args.seconds };
    let cuda = Some(resolved.device).filter(|device| device.is_cuda());
    if let Some(device) = cuda {
        report.check(parity::compare(&subject, device, args.photos.as_deref()));
    }
    for device in std::iter::once(Device::Cpu).chain(cuda) {
        let kinds: &[Kind] =
            if device.is_cuda() { &[Kind::Float, Kind::Half, Kind::BFloat16] } else { &[Kind::Float] };
        for &kind in kinds {
            report.peak(device, kind, measure::peak(device, kind, clock));
        }
        // bfloat16 is what training computes in, half what prediction does.
        for &kind in kinds.iter().filter(|kind| **kind != Kind::BFloat16) {
            for batch in BATCHES {
                let rate = measure::inference(&subject, device, kind, batch, clock);
                report.inference(device, kind, batch, rate);
            }
        }
    }
    if let Some((config, root)) = subject.training() {
        report.loader(measure::loader(config, root, clock));
        let cpu = [(Device::Cpu, Precision::Float32, config.batch.min(MOST_ON_CPU))];
        let cuda =
            cuda.map(|device| [Precision::Float32, Precision::Bf16].map(|p| (device, p, config.batch)));
        for (device, precision, batch) in cpu.into_iter().chain(cuda.into_iter().flatten()) {
            let rate = measure::training(config, root, (device, precision, batch), clock);
            report.training(device, precision.kind(device), batch, rate);
        }
    }
    println!("{report}");
    if let Some(path) = &args.json {
        crate::files::write_whole(path, serde_json::to_string_pretty(&report)?.as_bytes())?;
    }
    match report.problems.as_slice() {
        [] => Ok(()),
        problems => bail!("{}", problems.join("\n")),
    }
}
