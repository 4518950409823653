//! Panics on purpose: `AUTOCHROME_TEST_PANIC` names the function of the table that panics as it is entered.
//!
//! The idea: **the stub stands behind the boundary that ships**, so what stops a panic here stops it in the plugin, and the
//! plugin itself has no such switch. `predict` panics in the middle of `colorize`, with the session locked. The variable
//! is read once, when the first function is called.

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
