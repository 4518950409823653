//! Colour science, ab codecs, networks, the model package and the pipeline that colorizes a picture.
//!
//! The idea: **L goes in, ab comes out, and everything around that is done once, here, for every host.**
//! This crate knows no host. `color` and `pipeline` know no tch; no module but `device` holds unsafe code.

pub mod codec;
pub mod color;
pub mod colorizer;
pub mod device;
mod last_output;
pub mod net;
pub mod package;
pub mod pipeline;
pub mod smoothing;
pub mod torch_error;
