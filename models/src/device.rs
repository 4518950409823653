//! Where the network runs: what the caller asks for, and what this machine has.
//!
//! The idea: **CUDA is loaded on request, never linked.** One build serves machines with and without a
//! GPU: `libtorch_cuda.so` beside the `libtorch_cpu.so` in use is opened before libtorch is first asked about
//! CUDA (after that question it stays off for the process). Whatever is missing becomes a sentence: an error
//! when CUDA was asked for, a stated reason when the choice was left to us.

use std::fmt;
use std::str::FromStr;

/// What the caller asks for: `auto`, `cpu`, `cuda` or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceRequest {
    /// The first CUDA device if there is one, else the CPU with the reason.
    #[default]
    Auto,
    /// The CPU; CUDA is not even looked for.
    Cpu,
    /// The CUDA device of this number, counted from 0; `None` is device 0. Without it resolving is an error.
    Cuda(Option<usize>),
}

/// Where the network runs, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The device.
    pub device: tch::Device,
    /// The kind of number the network computes with: `Float` on the CPU, `Half` on CUDA.
    pub kind: tch::Kind,
    /// Why `auto` fell back to the CPU; `None` when the device is the best that was asked for.
    pub fallback: Option<String>,
}

impl Resolved {
    /// The device as users write it: `cpu` or `cuda:N`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.device {
            tch::Device::Cuda(n) => format!("cuda:{n}"),
            // `resolve` gives nothing but these two.
            _ => "cpu".to_owned(),
        }
    }
}

/// Why there is no such device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The text names no device.
    #[error("device `{0}` is unknown: expected auto, cpu, cuda or cuda:N with N counted from 0")]
    Syntax(String),
    /// CUDA was asked for and cannot be used.
    #[error("device `{request}` cannot be used: {reason}; use `auto` or `cpu` to work without it")]
    Cuda {
        /// What was asked for.
        request: DeviceRequest,
        /// What is missing.
        reason: String,
    },
    /// CUDA works, and has fewer devices than the number asked for.
    #[error(
        "device `cuda:{asked}` does not exist: this machine has {count} CUDA device(s), counted from cuda:0"
    )]
    Number {
        /// The number asked for.
        asked: usize,
        /// How many devices there are.
        count: usize,
    },
}

impl FromStr for DeviceRequest {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Syntax(text.chars().take(40).collect());
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(None)),
            _ => match text.strip_prefix("cuda:") {
                // `parse` alone would also take "+1".
                Some(n) if n.bytes().all(|b| b.is_ascii_digit()) => {
                    Ok(Self::Cuda(Some(n.parse().map_err(|_| unknown())?)))
                }
                _ => Err(unknown()),
            },
        }
    }
}

impl fmt::Display for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(None) => f.write_str("cuda"),
            Self::Cuda(Some(n)) => write!(f, "cuda:{n}"),
        }
    }
}

/// Turns a request into a device of this machine. Any thread may call it; the first call that asks for CUDA
/// loads it (about 0.2 s where there is a driver, microseconds where there is none).
///
/// # Errors
/// [`DeviceError::Cuda`] or [`DeviceError::Number`] when CUDA was asked for by name and is not there; `auto`
/// and `cpu` never fail.
pub fn resolve(request: &DeviceRequest) -> Result<Resolved, DeviceError> {
    match request {
        DeviceRequest::Cpu => Ok(on_cpu(None)),
        DeviceRequest::Auto | DeviceRequest::Cuda(_) => choose(request, cuda::device_count()),
    }
}

/// The choice itself, given how many CUDA devices there are or why there are none.
fn choose(request: &DeviceRequest, count: Result<usize, &str>) -> Result<Resolved, DeviceError> {
    let count = count.and_then(|count| if count == 0 { Err("cuda has no device") } else { Ok(count) });
    match (request, count) {
        (DeviceRequest::Cpu, _) => Ok(on_cpu(None)),
        (DeviceRequest::Auto, Ok(_)) => Ok(on_cuda(0)),
        (DeviceRequest::Auto, Err(reason)) => Ok(on_cpu(Some(format!("{reason}, working on the cpu")))),
        (DeviceRequest::Cuda(n), Ok(count)) => match n.unwrap_or(0) {
            asked if asked < count => Ok(on_cuda(asked)),
            asked => Err(DeviceError::Number { asked, count }),
        },
        (DeviceRequest::Cuda(_), Err(reason)) => {
            Err(DeviceError::Cuda { request: *request, reason: reason.to_owned() })
        }
    }
}

/// float32: bfloat16 is twice and float16 seventy times slower on common CPUs.
fn on_cpu(fallback: Option<String>) -> Resolved {
    Resolved { device: tch::Device::Cpu, kind: tch::Kind::Float, fallback }
}

fn on_cuda(n: usize) -> Resolved {
    Resolved { device: tch::Device::Cuda(n), kind: tch::Kind::Half, fallback: None }
}

/// Loading CUDA: the one place of this crate with `unsafe` code.
mod cuda {
    #![allow(unsafe_code, reason = "opening a shared library runs its initializers")]

    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

    const LIBRARY: &str = "libtorch_cuda.so";
    const DRIVER: &str = "libcuda.so.1";

    /// How many CUDA devices libtorch sees, or why it sees none; looked up once per process.
    pub(super) fn device_count() -> Result<usize, &'static str> {
        static COUNT: OnceLock<Result<usize, String>> = OnceLock::new();
        COUNT.get_or_init(load_and_count).as_ref().copied().map_err(String::as_str)
    }

    fn load_and_count() -> Result<usize, String> {
        // Without a driver the 0.2 s and hundreds of megabytes of opening CUDA would be for nothing.
        open(Path::new(DRIVER))
            .map_err(|error| format!("no NVIDIA driver was found ({})", short(&error, Path::new(DRIVER))))?;
        let library = beside_libtorch();
        open(&library).map_err(|error| format!("{LIBRARY} was not found ({})", short(&error, &library)))?;
        usize::try_from(tch::Cuda::device_count())
            .map_err(|_| "cuda reports a negative device count".to_owned())
    }

    /// `libtorch_cuda.so` in the folder of the `libtorch_cpu.so` this process uses, so that the two are of one
    /// build; by name alone (the loader's search) where that folder cannot be told.
    fn beside_libtorch() -> PathBuf {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        folder_of_libtorch(&maps).map_or_else(|| PathBuf::from(LIBRARY), |folder| folder.join(LIBRARY))
    }

    /// The folder of `libtorch_cpu.so` in the text of `/proc/self/maps` (the path is the sixth field).
    pub(super) fn folder_of_libtorch(maps: &str) -> Option<PathBuf> {
        let path = maps.lines().find_map(|line| {
            let path = &line[line.find('/')?..];
            path.ends_with("/libtorch_cpu.so").then_some(path)
        })?;
        Path::new(path).parent().map(Path::to_path_buf)
    }

    /// Opens a library for good, with its symbols visible to libtorch.
    fn open(path: &Path) -> Result<(), libloading::Error> {
        // SAFETY: the initializers that run are those of libtorch's own CUDA library, which registers its kernels
        // with the libtorch_cpu beside it, or of the NVIDIA driver; both may be loaded from any thread.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }?;
        // Registered kernels point into it: it must never be unloaded.
        std::mem::forget(library);
        Ok(())
    }

    /// The loader's own words, without the path they begin with when it is the one we named.
    fn short(error: &libloading::Error, path: &Path) -> String {
        let text = match error {
            libloading::Error::DlOpen { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        let prefix = format!("{}: ", path.display());
        text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_written_alike() {
        for text in ["auto", "cpu", "cuda", "cuda:0", "cuda:12"] {
            assert_eq!(text.parse::<DeviceRequest>().map(|request| request.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "gpu", "CPU", "cuda:", "cuda:+1", "cuda:-1", "cuda:x", "cuda:99999999999999999999", "cpu "]
        {
            assert_eq!(text.parse::<DeviceRequest>(), Err(DeviceError::Syntax(text.to_owned())));
        }
    }

    #[test]
    fn auto_takes_cuda_or_says_why_not() {
        assert_eq!(choose(&DeviceRequest::Auto, Ok(1)), Ok(on_cuda(0)));
        let none = choose(&DeviceRequest::Auto, Ok(0)).unwrap();
        assert_eq!(none.fallback.as_deref(), Some("cuda has no device, working on the cpu"));
        let missing = choose(&DeviceRequest::Auto, Err("no NVIDIA driver was found (x)")).unwrap();
        assert_eq!((missing.device, missing.kind), (tch::Device::Cpu, tch::Kind::Float));
        assert_eq!(missing.fallback.as_deref(), Some("no NVIDIA driver was found (x), working on the cpu"));
    }

    #[test]
    fn cuda_by_name_is_there_or_an_error() {
        assert_eq!(choose(&DeviceRequest::Cuda(Some(1)), Ok(2)), Ok(on_cuda(1)));
        assert_eq!(choose(&DeviceRequest::Cuda(None), Ok(2)).unwrap().kind, tch::Kind::Half);
        let sentence = |n, count| choose(&DeviceRequest::Cuda(n), count).unwrap_err().to_string();
        insta::assert_snapshot!(sentence(Some(7), Ok(1)), @"device `cuda:7` does not exist: this machine has 1 CUDA device(s), counted from cuda:0");
        insta::assert_snapshot!(sentence(None, Err("libtorch_cuda.so was not found (x)")), @"device `cuda` cannot be used: libtorch_cuda.so was not found (x); use `auto` or `cpu` to work without it");
    }

    #[test]
    fn the_cpu_needs_no_reason() {
        assert_eq!(resolve(&DeviceRequest::Cpu), Ok(on_cpu(None)));
    }

    #[test]
    fn auto_always_resolves() {
        let resolved = resolve(&DeviceRequest::Auto).unwrap();
        assert_eq!(resolved.fallback.is_some(), resolved.device == tch::Device::Cpu);
    }

    #[test]
    fn libtorch_is_found_in_the_map_of_the_process() {
        let maps = "7f00-7f01 r--p 0 fe:01 12 /usr/lib/libc.so.6\n7f02-7f03 r-xp 0 fe:01 9    /opt/my torch/lib/libtorch_cpu.so\n";
        assert_eq!(cuda::folder_of_libtorch(maps), Some("/opt/my torch/lib".into()));
        assert_eq!(cuda::folder_of_libtorch("7f00-7f01 rw-p 0 00:00 0\n"), None);
    }
}
