//! Color science: sRGB, CIELAB, the sRGB gamut and CIEDE2000, in plain f32.
//!
//! The idea: **one set of constants, scikit-image's, for every conversion in the project**, so targets,
//! predictions, metrics and pixels mean the same Lab. White is D65 of the 2 degree observer, (0.95047, 1, 1.08883);
//! L runs from 0 to 100, encoded sRGB from 0 to 1.
//!
//! Everything here is pure and thread-safe. Tables are built on first use, once per process.

mod ciede2000;
pub(crate) mod fast;
pub mod gamut;
mod lab;
mod srgb;

pub use ciede2000::ciede2000;
pub(crate) use lab::LUMINANCE;
pub use lab::{
    gray8_to_lightness, lab_to_srgb, lightness_to_luminance, luminance_to_lightness, srgb_to_lab,
    srgb_to_luminance, srgb8_to_lab,
};
pub use srgb::{linear_to_srgb, srgb_to_linear, srgb8_to_linear, srgb16_to_linear, unit_to_u8, unit_to_u16};
