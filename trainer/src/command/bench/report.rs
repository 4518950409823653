//! What was measured, as a table and as JSON.

use std::fmt;

use anyhow::Result;
use autochrome_models::device::Resolved;
use serde::Serialize;
use tch::{Device, Kind};

use super::parity::Parity;
use super::subject::Subject;
use super::work::multiply_adds;

/// The speed of a large matrix product.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Peak {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Kind of number.
    pub kind: &'static str,
    /// GFLOP/s; a multiply-add counts two.
    pub gflops: f64,
}

/// The speed of prediction or training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Speed {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Kind of number.
    pub kind: &'static str,
    /// Pictures at once.
    pub batch: u64,
    /// Pictures a second.
    pub images_per_s: f64,
    /// GFLOP/s of the network's convolutions; none where they are not counted. A training step counts as three
    /// predictions, a frozen encoder, second looks and classifiers not considered.
    pub gflops: Option<f64>,
    /// The same over the matrix product's on this device in this kind.
    pub share_of_peak: Option<f64>,
}

/// The speed of the loader alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loader {
    /// Threads.
    pub threads: usize,
    /// Samples a second.
    pub images_per_s: f64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The package or the configuration.
    pub subject: String,
    /// Side of a picture in pixels.
    pub side: i64,
    /// Multiply-adds of a picture, in thousand millions; none where they are not counted.
    pub giga_multiply_adds: Option<f64>,
    /// The device asked for.
    pub device: String,
    /// Why there is no CUDA.
    pub no_cuda: Option<String>,
    /// Threads libtorch computes on.
    pub threads: i32,
    /// Agreement with the CPU.
    pub parity: Vec<Parity>,
    /// Matrix products.
    pub peaks: Vec<Peak>,
    /// Prediction.
    pub inference: Vec<Speed>,
    /// Training steps.
    pub training: Vec<Speed>,
    /// The loader.
    pub loader: Option<Loader>,
    /// What failed, in words.
    pub problems: Vec<String>,
}

/// Predictions that a training step counts as: the gradients of activations and of weights cost one each.
const STEP: f64 = 3.0;

impl Report {
    /// A report with nothing measured yet.
    ///
    /// # Errors
    /// None for a subject that was opened.
    pub(super) fn new(subject: &Subject, resolved: &Resolved) -> Result<Self> {
        let work = multiply_adds(&subject.network, subject.codec.channels(), subject.side);
        let work = work.map(|work| Ok::<_, anyhow::Error>(f64::from(u32::try_from(work / 1_000)?) / 1e6));
        let not_asked = || (!resolved.device.is_cuda()).then(|| "--device cpu was given".to_owned());
        Ok(Report {
            subject: subject.name.clone(),
            side: subject.side,
            giga_multiply_adds: work.transpose()?,
            device: resolved.name(),
            no_cuda: resolved.fallback.clone().or_else(not_asked),
            threads: tch::get_num_threads(),
            parity: Vec::new(),
            peaks: Vec::new(),
            inference: Vec::new(),
            training: Vec::new(),
            loader: None,
            problems: Vec::new(),
        })
    }

    /// Takes in how far CUDA is from the CPU.
    pub(super) fn check(&mut self, compared: Result<Vec<Parity>>) {
        self.parity = self.kept("parity", compared).unwrap_or_default();
        let faults: Vec<String> = self.parity.iter().filter_map(Parity::fault).collect();
        self.problems.extend(faults);
    }

    /// Takes in the speed of a matrix product, in GFLOP/s.
    pub(super) fn peak(&mut self, device: Device, kind: Kind, gflops: Result<f64>) {
        let what = format!("matrix product, {} {}", name(device), word(kind));
        if let Some(gflops) = self.kept(&what, gflops) {
            self.peaks.push(Peak { device: name(device), kind: word(kind), gflops });
        }
    }

    /// Takes in a speed of prediction, in pictures a second.
    pub(super) fn inference(&mut self, device: Device, kind: Kind, batch: i64, rate: Result<f64>) {
        let what = format!("prediction, {} {}, batch {batch}", name(device), word(kind));
        if let Some(rate) = self.kept(&what, rate) {
            let speed = self.speed(device, kind, u64::try_from(batch).unwrap_or(0), (rate, 1.0));
            self.inference.push(speed);
        }
    }

    /// Takes in a speed of training, in samples a second.
    pub(super) fn training(&mut self, device: Device, kind: Kind, batch: usize, rate: Result<f64>) {
        let what = format!("training, {} {}, batch {batch}", name(device), word(kind));
        if let Some(rate) = self.kept(&what, rate) {
            let speed = self.speed(device, kind, u64::try_from(batch).unwrap_or(0), (rate, STEP));
            self.training.push(speed);
        }
    }

    /// Takes in the speed of the loader, in samples a second.
    pub(super) fn loader(&mut self, rate: Result<f64>) {
        let threads = rayon::current_num_threads();
        self.loader = self.kept("loader", rate).map(|images_per_s| Loader { threads, images_per_s });
    }

    /// The value; of an error the sentence is kept.
    fn kept<T>(&mut self, what: &str, value: Result<T>) -> Option<T> {
        value
            .map_err(|error| {
                // libtorch's messages end in a C++ stack trace; the first line is the message.
                let text = format!("{error:#}");
                self.problems.push(format!("{what}: {}", text.lines().next().unwrap_or_default()));
            })
            .ok()
    }

    fn speed(&self, device: Device, kind: Kind, batch: u64, (rate, predictions): (f64, f64)) -> Speed {
        let (device, kind) = (name(device), word(kind));
        let gflops = self.giga_multiply_adds.map(|work| rate * predictions * 2.0 * work);
        let peak = self.peaks.iter().find(|peak| peak.device == device && peak.kind == kind);
        let share_of_peak = gflops.zip(peak).map(|(gflops, peak)| gflops / peak.gflops);
        Speed { device, kind, batch, images_per_s: rate, gflops, share_of_peak }
    }
}

fn name(device: Device) -> String {
    match device {
        Device::Cuda(number) => format!("cuda:{number}"),
        _ => "cpu".to_owned(),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Half => "half",
        Kind::BFloat16 => "bf16",
        _ => "float32",
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { subject, side, device, threads, .. } = self;
        write!(f, "{subject}: {side} x {side}")?;
        if let Some(work) = self.giga_multiply_adds {
            write!(f, ", {work:.3} G multiply-adds a picture")?;
        }
        writeln!(f, "; {device}, {threads} CPU threads")?;
        if let Some(reason) = &self.no_cuda {
            writeln!(f, "no CUDA: {reason}; nothing was measured on a GPU")?;
        }
        for Parity { name, pictures, most, mean, bound } in &self.parity {
            let number =
                |value: &Option<f64>| value.map_or("not finite".to_owned(), |value| format!("{value:.3}"));
            let (most, mean) = (number(most), number(mean));
            writeln!(
                f,
                "parity, {name}: ab within {most} of the cpu (mean {mean}; bound {bound}) on {pictures} pictures"
            )?;
        }
        writeln!(f, "{:34}{:>12}{:>12}{:>10}", "", "images/s", "GFLOP/s", "of peak")?;
        for Peak { device, kind, gflops } in &self.peaks {
            writeln!(f, "{:34}{:>12}{gflops:>12.0}", format!("matrix product, {device} {kind}"), "")?;
        }
        for (what, speeds) in [("prediction", &self.inference), ("training", &self.training)] {
            for Speed { device, kind, batch, images_per_s, gflops, share_of_peak } in speeds {
                let what = format!("{what}, {device} {kind}, batch {batch}");
                let gflops = gflops.map(|gflops| format!("{gflops:.0}")).unwrap_or_default();
                let share = share_of_peak.map(|share| format!("{:.1}%", 100.0 * share)).unwrap_or_default();
                writeln!(f, "{what:34}{images_per_s:>12.1}{gflops:>12}{share:>10}")?;
            }
        }
        if let Some(Loader { threads, images_per_s }) = &self.loader {
            writeln!(f, "{:34}{images_per_s:>12.1}", format!("loader, {threads} threads"))?;
        }
        Ok(())
    }
}
