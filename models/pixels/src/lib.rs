//! The core: color science, pixel formats and layouts, and the pipeline around an engine.
//!
//! The idea: **everything about pixels is decided once, in safe code without libtorch**, so the plugin, its hosts
//! and the trainer share formats, strides, ranges and Lab, and all of it can be tested on a machine that has only
//! Rust. Colors are predicted by an [`Engine`].
//!
//! A gray image of 2 x 2 pixels, and an engine that paints everything blue:
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use autochrome_pixels::pipeline::{Params, PipelineError, colorize};
//! use autochrome_pixels::{
//!     Ab, Confidence, Engine, ImageView, ImageViewMut, InputSpec, PixelFormat, Plane, PredictError, Settings,
//! };
//!
//! struct Blue;
//!
//! impl Engine for Blue {
//!     fn input(&self) -> InputSpec {
//!         InputSpec { training_upscale: 1.0, auto_levels: false }
//!     }
//!
//!     fn predict(&self, l: &Plane, _: Settings) -> Result<Ab, PredictError> {
//!         let (width, height) = l.size();
//!         Ok(Ab { width, height, a: vec![0.0; width * height], b: vec![-40.0; width * height] })
//!     }
//!
//!     fn confidence(&self, _: &Plane, _: Settings) -> Result<Option<Confidence>, PredictError> {
//!         Ok(None)
//!     }
//! }
//!
//! # fn main() -> Result<(), PipelineError> {
//! let gray = [90, 110, 130, 150];
//! let mut colors = [0; 12];
//! let input = ImageView::tight(PixelFormat::Gray8, 2, 2, &gray)?;
//! let mut output = ImageViewMut::tight(PixelFormat::Rgb8, 2, 2, &mut colors)?;
//! let params = Params { working_size: 32, strength: 1.0, temperature: None, threads: 1 };
//! colorize(&Blue, &input, &mut output, &params, &mut |_| ControlFlow::Continue(()))?;
//! for [red, _, blue] in colors.as_chunks::<3>().0 {
//!     assert!(blue > red);
//! }
//! # Ok(())
//! # }
//! ```

pub mod color;
mod engine;
mod format;
mod image;
mod layout;
pub mod limits;
pub mod pipeline;

pub use engine::{Ab, Confidence, Engine, InputSpec, Plane, PlaneError, PredictError, Settings};
pub use format::PixelFormat;
pub use image::{ImageView, ImageViewMut};
pub use layout::{ImageError, Layout, Place};
