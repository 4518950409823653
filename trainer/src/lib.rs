//! Trains, measures and exports the models that the plugin loads.
//!
//! The idea: **everything random is a function of the seed and the step, and everything learnt is in one file**, so
//! a run can be killed, resumed, repeated and turned into a package at any moment.

pub mod checkpoint;
pub mod config;
pub mod data;
pub mod eval;
pub mod export;
pub mod figure;
pub mod log;
pub mod loss;
pub mod metric;
pub mod optim;
pub mod plot;
pub mod precision;
pub mod prior;
pub mod run;
pub mod train;
