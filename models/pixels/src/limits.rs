//! What may be asked for.
//!
//! The idea: **each range stands here and nowhere else**; whoever refuses a value writes the range into the message with
//! [`words`].

use std::fmt::Display;
use std::ops::RangeInclusive;

/// Sizes the network may work at: the picture's longer side on its plane, in pixels.
pub const WORKING_SIZES: RangeInclusive<u32> = 32..=2048;

/// Factors on chroma: 0 is gray, 1 as predicted.
pub const STRENGTHS: RangeInclusive<f32> = 0.0..=1.5;

/// Temperatures of the annealed mean: 0 is the likeliest color, 1 the mean of all.
pub const TEMPERATURES: RangeInclusive<f32> = 0.0..=1.0;

/// Most threads of one call; a runtime that cannot start its threads may end the process.
pub const MAX_THREADS: u32 = 1024;

/// Most pixels of a picture that crosses the C ABI: more than any camera or scanner has, and sizes in bytes cannot
/// overflow.
pub const MAX_PIXELS: u64 = 1 << 32;

/// A range as messages name it: `32 to 2048`.
#[must_use]
pub fn words<T: Display>(range: &RangeInclusive<T>) -> String {
    format!("{} to {}", range.start(), range.end())
}
