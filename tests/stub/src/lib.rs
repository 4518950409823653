//! A plugin without libtorch: the plugin's own boundary over a fake engine, for testing hosts.
//!
//! The idea: **every way a plugin can behave, good or bad, is one word in the environment**. A host is started with
//! `AUTOCHROME_PLUGIN` naming this library and `AUTOCHROME_STUB` naming a [`mode::Mode`], and the test sees how it
//! copes. Boundary and pipeline are the plugin's own; only the engine is a fake with a fixed rule ([`fake`]), so
//! results can be compared bit for bit.

pub mod fake;
pub mod fault;
pub mod mode;

mod session;
mod table;

pub use table::autochrome_api;
