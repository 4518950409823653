//! A plugin without libtorch behind the same interface, for testing hosts.
//!
//! The idea: **every way a plugin can behave, good or bad, is one word in the environment**. A host is started
//! with `AUTOCHROME_PLUGIN` naming this library and `AUTOCHROME_STUB` naming a [`mode::Mode`], and shows what it
//! makes of it. The good mode paints by a fixed rule ([`paint`]), so results can be compared to the bit.

pub mod mode;
pub mod paint;

mod exports;
