//! Limits of the parameters.
//!
//! The idea: **each range is defined here and nowhere else**; error messages print it with [`words`].

use std::fmt::Display;
use std::ops::RangeInclusive;

/// Working sizes of the network: the image's longer side as the network sees it, in pixels.
pub const WORKING_SIZES: RangeInclusive<u32> = 32..=2048;

/// Chroma strength: 0 is gray, 1 as predicted.
pub const STRENGTHS: RangeInclusive<f32> = 0.0..=1.5;

/// Temperatures of the annealed mean: 0 is the most likely color, 1 the mean of all.
pub const TEMPERATURES: RangeInclusive<f32> = 0.0..=1.0;

/// Maximum number of threads per call; a runtime that cannot start its threads may abort the process.
pub const MAX_THREADS: u32 = 1024;

/// Maximum number of pixels of an image passed through the C ABI: more than any camera or scanner produces, and few
/// enough that sizes in bytes cannot overflow.
pub const MAX_PIXELS: u64 = 1 << 32;

/// A range as printed in messages: `32 to 2048`.
#[must_use]
pub fn words<T: Display>(range: &RangeInclusive<T>) -> String {
    format!("{} to {}", range.start(), range.end())
}
