//! Rates: how many times per second something can be done.
//!
//! The idea: **the clock stops when the device is done**, not when the work was handed to it: every call ends with a
//! synchronization. What the first calls do once (plans, buffers) is not timed.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use tch::{Cuda, Device, Kind, Tensor};

use super::subject::Subject;
use crate::data::{self, Batches, Screen};
use crate::run::Learner;
use crate::run::config::RunConfig;
use crate::run::precision::Precision;

/// For how long a rate is measured.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Seconds; at least one call is timed.
    pub seconds: f64,
}

/// Calls before the timed ones on a GPU, whose libraries choose among their kernels in the first.
const WARM_UP: usize = 3;

impl Clock {
    /// Calls a second of `step`, whose last work is on `device`.
    fn rate(self, device: Device, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
        for _ in 0..if device.is_cuda() { WARM_UP } else { 1 } {
            step()?;
        }
        synchronize(device);
        let start = Instant::now();
        let mut calls = 0_u32;
        while calls == 0 || start.elapsed().as_secs_f64() < self.seconds {
            step()?;
            synchronize(device);
            calls += 1;
        }
        Ok(f64::from(calls) / start.elapsed().as_secs_f64().max(1e-9))
    }
}

/// Waits until the device has done what it was given.
pub fn synchronize(device: Device) {
    if let Device::Cuda(number) = device {
        Cuda::synchronize(i64::try_from(number).unwrap_or(0));
    }
}

/// GFLOP/s of a product of two square matrices that keeps the device busy.
///
/// # Errors
/// Whatever libtorch reports.
pub fn peak(device: Device, kind: Kind, clock: Clock) -> Result<f64> {
    let side = if device.is_cuda() { 8192_i32 } else { 2048 };
    let random = || Tensor::f_randn([i64::from(side); 2], (kind, device));
    let (a, b) = (random()?, random()?);
    let rate = clock.rate(device, || Ok(a.f_matmul(&b).map(drop)?))?;
    Ok(rate * 2.0 * f64::from(side).powi(3) / 1e9)
}

/// Pictures a second from L on the device to ab on the device.
///
/// # Errors
/// The network cannot be made ready, or whatever libtorch reports.
pub fn inference(subject: &Subject, device: Device, kind: Kind, batch: i64, clock: Clock) -> Result<f64> {
    let _no_grad = tch::no_grad_guard();
    let network = subject.ready(device, kind)?;
    let l = Tensor::f_rand([batch, 1, subject.side, subject.side], (Kind::Float, device))?;
    let l = l.f_mul_scalar(100.0)?.f_to_kind(kind)?;
    let rate = clock.rate(device, || {
        let output = network.forward(&l)?.f_to_kind(Kind::Float)?;
        Ok(subject.codec.decode(&output, None).map(drop)?)
    })?;
    Ok(rate * f64::from(i32::try_from(batch)?))
}

/// Samples a second that the loader alone makes.
///
/// # Errors
/// The data sets cannot be opened, or hold too few photographs of use.
pub fn loader(config: &RunConfig, root: &Path, clock: Clock) -> Result<f64> {
    let batches = open(config, root, config.batch)?;
    let mut step = 0;
    let rate = clock.rate(Device::Cpu, || {
        step += 1;
        batches.batch(step).map(drop)
    })?;
    Ok(rate * f64::from(u32::try_from(config.batch)?))
}

/// Samples a second of the training step, its batch made beforehand.
///
/// # Errors
/// As [`loader`], or what training reports.
pub fn training(
    config: &RunConfig,
    root: &Path,
    (device, precision, batch): (Device, Precision, usize),
    clock: Clock,
) -> Result<f64> {
    let batches = open(config, root, batch)?;
    let config = RunConfig { batch, precision, ..config.clone() };
    let mut run = Learner::start(config, Vec::new(), root, device)?;
    let samples = batches.batch(0)?;
    let rate = clock.rate(device, || run.train_step(&samples).map(drop))?;
    Ok(rate * f64::from(u32::try_from(batch)?))
}

/// The batches of a configuration, `batch` samples each.
///
/// # Errors
/// The data sets cannot be opened.
pub fn open(config: &RunConfig, root: &Path, batch: usize) -> Result<Batches> {
    let set = data::open(&config.data.paths(root), &config.data.selection())?.screened(Screen::TRAINING);
    Ok(Batches::new(Arc::new(set), config.data.augment.clone(), batch, config.seed))
}
