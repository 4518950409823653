//! Ab codecs, networks, the model package, and the engine made of them.
//!
//! The idea: **L goes in, ab comes out**; what is around that (color science, the pixels' way) is `autochrome-pixels`, which
//! knows no tch. This crate knows no host. No module but `device` holds unsafe code.

pub mod codec;
pub mod colorizer;
pub mod device;
mod last_output;
pub mod net;
pub mod package;
pub mod smoothing;
pub mod torch_error;

pub use autochrome_pixels::{color, pipeline};
