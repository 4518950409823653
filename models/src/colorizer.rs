//! A loaded model: L in, ab out.
//!
//! The idea: **this is the only place where pixels meet libtorch.** Planes of numbers go in and come out; every
//! operation reports its failure, so neither a wrong shape nor a full GPU ends the host's process.

mod confidence;

use std::sync::OnceLock;

use autochrome_pixels::{Ab, Confidence, Engine, InputSpec, Plane, PredictError, Settings, limits};
use tch::{Device, Kind, TchError, Tensor};

use crate::codec::{Bins, Codec};
use crate::device::Resolved;
use crate::last_output::LastOutput;
use crate::net::Network;
use crate::package::{Package, PackageError, Problem};
use crate::smoothing::Smoothing;
use crate::torch_error::sentence;

/// A model on its device, ready to predict. May move between threads; one thread uses it at a time.
///
/// It remembers the network's last output (at most 16 MiB, including L): when called again with the very same L, it
/// gives ab at another temperature, or the [`Distribution`], without running the network.
pub struct Colorizer {
    network: Box<dyn Network>,
    codec: Box<dyn Codec>,
    mirror: bool,
    input: InputSpec,
    smoothing: Option<Smoothing>,
    /// Temperature of the distribution that confidence is read from.
    confidence_temperature: f64,
    device: Device,
    kind: Kind,
    last: LastOutput,
}

/// A model's distribution for each pixel of its output, before it becomes one color.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Columns of the output.
    pub width: usize,
    /// Rows of the output.
    pub height: usize,
    /// Centers of the bins.
    pub bins: Bins,
    /// Probabilities at temperature 1: for each distribution of a pixel ([`Bins::Plane`] has one, [`Bins::Line`] has
    /// a's and then b's), for each bin, a plane of `width` x `height`, row by row.
    pub probabilities: Vec<f32>,
}

impl Distribution {
    /// Distributions per pixel.
    #[must_use]
    pub fn groups(&self) -> usize {
        match self.bins {
            Bins::Plane(_) => 1,
            Bins::Line(_) => 2,
        }
    }

    /// Probabilities of the bins at (`x`, `y`) in the distribution `group`; empty when there is no such place.
    #[must_use]
    pub fn at(&self, group: usize, x: usize, y: usize) -> Vec<f32> {
        if group >= self.groups() || x >= self.width || y >= self.height {
            return Vec::new();
        }
        let (area, bins) = (self.width * self.height, self.bins.len());
        let planes = self.probabilities.chunks_exact(area).skip(group * bins).take(bins);
        planes.map(|plane| plane[y * self.width + x]).collect()
    }
}

impl Colorizer {
    /// Loads the package's network onto the device.
    ///
    /// # Errors
    /// As [`Package::load`].
    pub fn load(package: &Package, resolved: &Resolved) -> Result<Self, PackageError> {
        let at = |problem| PackageError { folder: package.folder().to_owned(), problem };
        let codec = package.manifest().codec.build().map_err(|error| at(Problem::Codec(error)))?;
        // Before anyone changes it, what this process would use by itself.
        default_threads();
        let network = package.load(resolved.device, resolved.kind)?;
        let input = &package.manifest().input;
        Ok(Colorizer {
            network,
            codec,
            mirror: input.mirror,
            input: InputSpec { training_upscale: input.training_upscale, auto_levels: input.auto_levels },
            smoothing: package.manifest().smoothing,
            confidence_temperature: package.manifest().confidence.temperature,
            device: resolved.device,
            kind: resolved.kind,
            last: LastOutput::default(),
        })
    }

    /// The model's distribution at each pixel of its output, for `l` as [`predict`](Engine::predict) takes it, on as
    /// many threads as libtorch used last; `None` for a model without distributions (regression). With `tilted`, the
    /// bins have the weights of the package's tilt, as for a prediction; without, those that the network gave.
    ///
    /// # Errors
    /// L does not fit, or whatever libtorch reports.
    pub fn distribution(&self, l: &Plane, tilted: bool) -> Result<Option<Distribution>, PredictError> {
        let Some(bins) = self.codec.bins() else { return Ok(None) };
        let size = input_size(l, self.network.stride_in()).map_err(PredictError::new)?;
        let _no_grad = tch::no_grad_guard();
        let shares =
            self.output(l.values(), size).and_then(|output| self.codec.distribution(&output, tilted));
        let shares = shares.and_then(|shares| shares.map(|shares| one_on_cpu(&shares)).transpose());
        let shares = shares.map_err(|error| PredictError::new(sentence(&error)))?;
        shares.map(|shares| distribution(&shares, bins).map_err(PredictError::new)).transpose()
    }

    /// The network's output, float32, for L `[1, 1, H, W]`; shared with later calls.
    fn output(&self, l: &[f32], size: [i64; 2]) -> Result<Tensor, TchError> {
        self.last.get(l, size, || {
            let l = Tensor::f_from_slice(l)?.f_view([1, 1, size[0], size[1]])?;
            let l = l.f_to_device(self.device)?.f_to_kind(self.kind)?;
            self.seen(&l)
        })
    }

    /// The network's output, float32; of a package with `mirror` averaged with that for the mirror image, mirrored
    /// back.
    fn seen(&self, l: &Tensor) -> Result<Tensor, TchError> {
        let output = self.network.forward(l)?.f_to_kind(Kind::Float)?;
        if !self.mirror {
            return Ok(output);
        }
        // One after the other: a batch of two would take twice the memory.
        let other = self.network.forward(&l.f_flip([3_i64].as_slice())?)?.f_to_kind(Kind::Float)?;
        output.f_add(&other.f_flip([3_i64].as_slice())?)?.f_mul_scalar(0.5)
    }

    /// The probability of a color near the one shown, `[h, w]`, float32 on the CPU.
    fn near_probability(
        &self,
        l: &[f32],
        size: [i64; 2],
        t: Option<f32>,
        bins: &Bins,
    ) -> Result<Option<Tensor>, TchError> {
        let _no_grad = tch::no_grad_guard();
        let output = self.output(l, size)?;
        // Without the tilt, which is there for the colors and makes the probabilities less accurate
        // (docs/research/pixels.md).
        let Some(shares) = self.codec.distribution(&output, false)? else { return Ok(None) };
        let shares = confidence::tempered(shares, self.confidence_temperature)?;
        let ab = self.run(l, size, t)?.f_to_device(shares.device())?;
        let near = confidence::near_share(&shares.f_squeeze_dim(0)?, &ab, bins)?;
        near.f_to_device(Device::Cpu)?.f_contiguous().map(Some)
    }

    /// ab `[2, h, w]`, float32 on the CPU, for L `[1, 1, H, W]`.
    fn run(&self, l: &[f32], size: [i64; 2], temperature: Option<f32>) -> Result<Tensor, TchError> {
        let _no_grad = tch::no_grad_guard();
        let output = self.output(l, size)?;
        let ab = one_on_cpu(&self.codec.decode(&output, temperature.map(f64::from))?)?;
        match self.smoothing {
            Some(smoothing) => smoothed(&ab, l, size, smoothing),
            None => Ok(ab),
        }
    }
}

/// ab `[2, h, w]`, smoothed where L `[H, W]` is smooth.
fn smoothed(ab: &Tensor, l: &[f32], [height, width]: [i64; 2], how: Smoothing) -> Result<Tensor, TchError> {
    let (_, rows, columns) = ab.size3()?;
    let cells =
        Tensor::f_from_slice(l)?.f_view([1, 1, height, width])?.f_adaptive_avg_pool2d([rows, columns])?;
    let numbers = |tensor: &Tensor| {
        let mut numbers = vec![0.0_f32; tensor.numel()];
        tensor.f_copy_data(&mut numbers, tensor.numel()).map(|()| numbers)
    };
    let (cells, mut a) = (numbers(&cells)?, numbers(ab)?);
    let mut b = a.split_off(a.len() / 2);
    how.smooth(
        &mut a,
        &mut b,
        &cells,
        usize::try_from(columns).map_err(|error| TchError::Shape(error.to_string()))?,
    );
    Tensor::f_from_slice(&[a, b].concat())?.f_view(ab.size().as_slice())
}

/// The one entry of a batch, float32 on the CPU.
fn one_on_cpu(batch: &Tensor) -> Result<Tensor, TchError> {
    batch.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_squeeze_dim(0)?.f_contiguous()
}

impl Engine for Colorizer {
    fn input(&self) -> InputSpec {
        self.input
    }

    fn predict(&self, l: &Plane, settings: Settings) -> Result<Ab, PredictError> {
        let size = input_size(l, self.network.stride_in()).map_err(PredictError::new)?;
        set_threads(settings.threads).map_err(PredictError::new)?;
        let ab = self.run(l.values(), size, settings.temperature);
        planes(&ab.map_err(|error| PredictError::new(sentence(&error)))?).map_err(PredictError::new)
    }

    fn confidence(&self, l: &Plane, settings: Settings) -> Result<Option<Confidence>, PredictError> {
        let size = input_size(l, self.network.stride_in()).map_err(PredictError::new)?;
        let Some(bins) = self.codec.bins() else { return Ok(None) };
        set_threads(settings.threads).map_err(PredictError::new)?;
        let near = self.near_probability(l.values(), size, settings.temperature, &bins);
        let near = near.map_err(|error| PredictError::new(sentence(&error)))?;
        near.map(|near| plane(&near).map(Confidence).map_err(PredictError::new)).transpose()
    }
}

/// The plane of `[h, w]`.
fn plane(tensor: &Tensor) -> Result<Plane, String> {
    let side = |n: i64| usize::try_from(n).ok();
    let (width, height) = match tensor.size()[..] {
        [h, w] => side(w).zip(side(h)),
        _ => None,
    }
    .ok_or_else(|| format!("the model gave confidence of shape {:?}", tensor.size()))?;
    let mut values = vec![0.0_f32; width * height];
    tensor.f_copy_data(&mut values, width * height).map_err(|error| sentence(&error))?;
    Plane::new(width, height, values).map_err(|error| error.to_string())
}

/// Height and width as libtorch wants them, once they fit the network.
fn input_size(l: &Plane, stride: i64) -> Result<[i64; 2], String> {
    let (width, height) = l.size();
    let side = |n: usize| i64::try_from(n).ok().filter(|n| *n > 0 && n % stride == 0);
    match (side(height), side(width)) {
        (Some(h), Some(w)) => Ok([h, w]),
        _ => Err(format!("L of {width} x {height}: expected sides that are multiples of {stride}")),
    }
}

/// The two planes of `[2, h, w]`.
fn planes(ab: &Tensor) -> Result<Ab, String> {
    let side = |n: i64| usize::try_from(n).ok();
    let (width, height) = match ab.size()[..] {
        [2, h, w] => side(w).zip(side(h)),
        _ => None,
    }
    .ok_or_else(|| format!("the model gave ab of shape {:?}, expected [2, height, width]", ab.size()))?;
    let mut a = vec![0.0_f32; 2 * width * height];
    ab.f_copy_data(&mut a, 2 * width * height).map_err(|error| sentence(&error))?;
    if !a.iter().all(|value| value.is_finite()) {
        return Err("the model gave color that is not finite; half precision may be too small for it, try \
                    the device `cpu`"
            .to_owned());
    }
    let b = a.split_off(width * height);
    Ok(Ab { width, height, a, b })
}

/// The planes of `[groups, bins, h, w]`.
fn distribution(shares: &Tensor, bins: Bins) -> Result<Distribution, String> {
    let side = |n: i64| usize::try_from(n).ok();
    let (width, height) = match shares.size()[..] {
        [_, _, h, w] => side(w).zip(side(h)),
        _ => None,
    }
    .ok_or_else(|| format!("the model gave probabilities of shape {:?}", shares.size()))?;
    let mut probabilities = vec![0.0_f32; shares.numel()];
    shares.f_copy_data(&mut probabilities, shares.numel()).map_err(|error| sentence(&error))?;
    Ok(Distribution { width, height, bins, probabilities })
}

/// Sets how many threads libtorch may use from this thread; 0 is what it would use by itself.
fn set_threads(threads: usize) -> Result<(), String> {
    let most = limits::MAX_THREADS;
    let wanted = u32::try_from(threads).ok().filter(|threads| *threads <= most);
    let threads = match wanted.and_then(|threads| i32::try_from(threads).ok()) {
        Some(0) => default_threads(),
        Some(n) => n,
        None => return Err(format!("threads: expected 0 to {most}, got {threads}")),
    };
    // The setting is per calling thread, and not free.
    if tch::get_num_threads() != threads {
        tch::set_num_threads(threads);
    }
    Ok(())
}

/// The thread count libtorch chose by itself, asked before it is first changed.
fn default_threads() -> i32 {
    static THREADS: OnceLock<i32> = OnceLock::new();
    *THREADS.get_or_init(tch::get_num_threads)
}

#[cfg(test)]
mod tests;
