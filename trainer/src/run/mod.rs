//! The training run: what it is told, what it learns with, what it keeps.
//!
//! The idea: **a run is a function of its configuration and its data**, and stopping, resuming and repeating one change
//! nothing about it.

pub mod checkpoint;
pub mod config;
pub mod inherited;
pub mod init;
pub mod learner;
pub mod lock;
pub mod log;
pub mod minutes;
pub mod optim;
pub mod precision;

pub use learner::{Run, checkpoint_path};
