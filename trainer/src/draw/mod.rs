//! Pictures that are drawn: plots, contact sheets, and the figures made of them.
//!
//! | module | draws |
//! |---|---|
//! | [`figure`] | one figure per file, from a run, a package or photographs |
//! | [`plot`] | curves, distributions and reliability, from numbers |
//! | [`sheet`] | pictures side by side |

pub mod figure;
pub mod plot;
pub mod sheet;

pub use sheet::{CELL, Sheet, fitted, reduced, save_png};
