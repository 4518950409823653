//! Safe Rust over the C ABI of the Autochrome plugin.
//!
//! The idea: **a host in Rust needs no unsafe code and no libtorch**. The plugin is found by one rule
//! ([`Plugin::find`]), checked as a file before it is loaded, loaded once and never unloaded; every later call is
//! a method that cannot be called wrongly. All unsafe code of the crate is in `raw`.
//!
//! ```
//! use autochrome_loader::{Config, Image, ImageMut, Params, PixelFormat, Plugin};
//! use std::ops::ControlFlow;
//!
//! # fn main() -> Result<(), autochrome_loader::Error> {
//! # let target = std::env::var_os("CARGO_TARGET_DIR").map_or(
//! #     std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), Into::into);
//! # let path = target.join("release/libautochrome.so");
//! let plugin = Plugin::open(&path)?; // or Plugin::find() in an installation
//! let mut session = plugin.session(&Config::default())?;
//! let gray = vec![128; 640 * 480];
//! let mut color = vec![0; 640 * 480 * 3];
//! let input = Image::tight(PixelFormat::Gray8, 640, 480, &gray)?;
//! let mut output = ImageMut::tight(PixelFormat::Rgb8, 640, 480, &mut color)?;
//! session.colorize(&Params::default(), &input, &mut output, &mut |_| ControlFlow::Continue(()))?;
//! println!("colored by {}", session.info()?.model);
//! # Ok(())
//! # }
//! ```

mod elf;
mod error;
mod find;
mod image;
mod plugin;
mod raw;
mod values;

pub use autochrome_pixels::{PixelFormat, limits};
pub use error::{Blame, Error, Status};
pub use image::{Image, ImageMut};
pub use plugin::{Plugin, Session};
pub use values::{Config, ModelInfo, Params, SessionInfo};

/// Receives the progress, 0 to 1, on the thread that called `colorize`; `Break` cancels.
pub type Progress<'a> = dyn FnMut(f32) -> std::ops::ControlFlow<()> + 'a;
