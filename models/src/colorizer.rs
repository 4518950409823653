//! A loaded model: L in, ab out.
//!
//! The idea: **this is the only place where pixels meet libtorch.** Planes of numbers come in and go out; every
//! operation is one that reports its failure, so neither a wrong shape nor a full GPU ends the host's process.

use std::sync::OnceLock;

use tch::{Device, Kind, TchError, Tensor};

use crate::codec::Codec;
use crate::device::Resolved;
use crate::net::Network;
use crate::package::{Package, PackageError, Problem};
use crate::pipeline::{Ab, AbPredictor, PredictError};

/// A model on its device, ready to predict. May move between threads; one thread uses it at a time.
pub struct Colorizer {
    network: Box<dyn Network>,
    codec: Box<dyn Codec>,
    device: Device,
    kind: Kind,
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
        Ok(Colorizer { network, codec, device: resolved.device, kind: resolved.kind })
    }

    /// ab `[2, h, w]`, float32 on the CPU, for L `[1, 1, H, W]`.
    fn run(&self, l: &[f32], size: [i64; 2], temperature: Option<f32>) -> Result<Tensor, TchError> {
        let _no_grad = tch::no_grad_guard();
        let l = Tensor::f_from_slice(l)?.f_view([1, 1, size[0], size[1]])?;
        let l = l.f_to_device(self.device)?.f_to_kind(self.kind)?;
        let output = self.network.forward(&l)?.f_to_kind(Kind::Float)?;
        let ab = self.codec.decode(&output, temperature.map(f64::from))?;
        ab.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_squeeze_dim(0)?.f_contiguous()
    }
}

impl AbPredictor for Colorizer {
    fn predict_ab(
        &self,
        l: &[f32],
        width: usize,
        height: usize,
        temperature: Option<f32>,
        threads: usize,
    ) -> Result<Ab, PredictError> {
        let size = input_size(l.len(), width, height, self.network.stride_in()).map_err(PredictError::new)?;
        set_threads(threads).map_err(PredictError::new)?;
        let ab = self.run(l, size, temperature).map_err(|error| PredictError::new(first_line(&error)))?;
        planes(&ab).map_err(PredictError::new)
    }
}

/// Height and width as libtorch wants them, once they fit the data and the network.
fn input_size(count: usize, width: usize, height: usize, stride: i64) -> Result<[i64; 2], String> {
    let side = |n: usize| i64::try_from(n).ok().filter(|n| *n > 0 && n % stride == 0);
    match (side(height), side(width)) {
        (Some(h), Some(w)) if width.checked_mul(height) == Some(count) => Ok([h, w]),
        _ => Err(format!(
            "L of {width} x {height} with {count} values: expected sides that are multiples of {stride} and one \
             value a pixel"
        )),
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
    ab.f_copy_data(&mut a, 2 * width * height).map_err(|error| first_line(&error))?;
    if !a.iter().all(|value| value.is_finite()) {
        return Err("the model gave colour that is not finite; half precision may be too small for it, try \
                    the device `cpu`"
            .to_owned());
    }
    let b = a.split_off(width * height);
    Ok(Ab { width, height, a, b })
}

/// Most threads libtorch is told to use; a runtime that cannot start its threads ends the process.
const MAX_THREADS: usize = 1024;

/// Sets how many threads libtorch may use from this thread; 0 is what it would use by itself.
fn set_threads(threads: usize) -> Result<(), String> {
    let threads = match i32::try_from(threads) {
        Ok(0) => default_threads(),
        Ok(n) if threads <= MAX_THREADS => n,
        _ => return Err(format!("threads: expected 0 to {MAX_THREADS}, got {threads}")),
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

/// libtorch's messages end in a C++ stack trace; the first line is the message.
fn first_line(error: &TchError) -> String {
    let text = error.to_string();
    format!("libtorch: {}", text.lines().next().unwrap_or("no message"))
}
