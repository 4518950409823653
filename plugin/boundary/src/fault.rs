//! Deliberate faults: `AUTOCHROME_TEST_PANIC` names the table function that is to panic.
//!
//! The idea: **only the library that ships can show that a panic stops at its boundary**, so the library that ships
//! can be asked to panic. The variable is read once, on the first call; see docs/abi.md. `predict` panics in the
//! middle of `colorize`, with the session locked and the model loaded.

use std::sync::OnceLock;

/// Panics if `AUTOCHROME_TEST_PANIC` names this point.
///
/// # Panics
/// If asked to.
pub fn inject(point: &str) {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| std::env::var("AUTOCHROME_TEST_PANIC").ok());
    assert!(chosen.as_deref() != Some(point), "AUTOCHROME_TEST_PANIC names {point}");
}
