//! Ab codecs, networks, the model package, and the engine made of them.
//!
//! The idea: **L goes in, ab comes out**; everything around that (color science, the pixel pipeline) is
//! `autochrome-pixels`, which does not depend on tch. This crate knows no host. Only the module `device` has unsafe
//! code.
//!
//! The model that ships, and the ab it predicts for a gradient of L:
//!
//! ```
//! use autochrome_models::colorizer::Colorizer;
//! use autochrome_models::device::{DeviceRequest, resolve};
//! use autochrome_models::package::Package;
//! use autochrome_pixels::{Engine, Plane, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packages/autochrome");
//! let package = Package::open(&folder)?; // checks everything, allocates nothing
//! let colorizer = Colorizer::load(&package, &resolve(&DeviceRequest::Cpu)?)?;
//! let l = Plane::new(64, 32, (0..64 * 32).map(|i| (i % 64) as f32).collect())?;
//! let ab = colorizer.predict(&l, Settings { temperature: None, threads: 1 })?;
//! assert_eq!((ab.width, ab.height), (64 / 8, 32 / 8)); // one prediction per 8 x 8 pixels
//! # Ok(())
//! # }
//! ```

pub mod codec;
pub mod colorizer;
pub mod device;
mod last_output;
pub mod net;
pub mod package;
pub mod smoothing;
pub mod torch_error;

pub use autochrome_pixels::{color, pipeline};
