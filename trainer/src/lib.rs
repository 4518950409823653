//! Trains, measures and exports the models that the plugin loads.
//!
//! The idea: **everything random is a function of the seed and the step, and everything learned is in one file**, so
//! a run can be killed, resumed, repeated and turned into a package at any moment.

pub mod bench;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod eval;
pub mod export;
pub mod figure;
pub mod figures;
pub mod inherited;
pub mod init;
pub mod inspect;
pub mod lock;
pub mod log;
pub mod loss;
pub mod memory;
pub mod metric;
pub mod minutes;
pub mod optim;
pub mod page;
pub mod plot;
pub mod precision;
pub mod prior;
pub mod run;
pub mod train;
pub mod turing;

/// Commit of the sources this trainer was built from, `-changed` where they differed from it; empty outside a git
/// checkout.
pub const COMMIT: &str = env!("AUTOCHROME_COMMIT");
