//! Trains, measures and exports the models that the plugin loads.
//!
//! The idea: **everything random is a function of the seed and the step, and everything learned is in one file**, so
//! a run can be killed, resumed, repeated or turned into a package at any moment.
//!
//! Each module imports only those listed after it: `command`; `run`, `page`; `draw`, `loss`; `metric`, `model`,
//! `levin`; `data`; `files`.

pub mod command;
pub mod data;
pub mod draw;
pub mod files;
pub mod levin;
pub mod loss;
pub mod memory;
pub mod metric;
pub mod model;
pub mod page;
pub mod random;
pub mod run;

/// Commit of the sources this trainer was built from, `-changed` where they differed from it; empty outside a git
/// checkout.
pub const COMMIT: &str = env!("AUTOCHROME_COMMIT");
