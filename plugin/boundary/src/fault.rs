//! Faults on purpose: `AUTOCHROME_TEST_PANIC` names the function of the table that is to panic.
//!
//! The idea: **that a panic stops at the boundary can only be shown in the library that ships**, so the library
//! that ships can be asked to panic. The variable is read once, when the first function is called; see
//! docs/abi.md. `predict` panics in the middle of `colorize`, with the session locked and the model loaded.

use std::sync::OnceLock;

/// Panics if `AUTOCHROME_TEST_PANIC` names this point.
///
/// # Panics
/// When it is asked to.
pub fn inject(point: &str) {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| std::env::var("AUTOCHROME_TEST_PANIC").ok());
    assert!(chosen.as_deref() != Some(point), "AUTOCHROME_TEST_PANIC names {point}");
}
