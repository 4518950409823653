//! Moments and counts for tests that kill programs.
//!
//! The idea: **one seed, so that a find can be made again.** `AUTOCHROME_FAULTS` sets how many times a program is killed;
//! without it a few times, for every run of the suite.

use std::time::Duration;

/// Kills of each test.
#[must_use]
pub fn count(usual: u32) -> u32 {
    std::env::var("AUTOCHROME_FAULTS").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

/// Random moments (Steele and Vigna's splitmix64).
#[derive(Debug)]
pub struct Moments(pub u64);

impl Moments {
    /// A time below `most`.
    pub fn below(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let part = u32::try_from((mixed ^ mixed >> 27) >> 48).unwrap_or(0);
        most * part / (1 << 16)
    }
}
