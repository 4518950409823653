//! Why a call failed: a status by fault, and one line of text.
//!
//! The idea: **a call fails with one of these or not at all**: whoever creates one decides who is at fault; for the
//! pipeline's errors that is decided here.

use std::any::Any;
use std::ffi::CString;

use autochrome_abi::{
    AUTOCHROME_BAD_IMAGE, AUTOCHROME_BAD_PARAMETER, AUTOCHROME_CANCELLED, AUTOCHROME_INTERNAL_ERROR,
    AUTOCHROME_INTERNAL_PANIC, AUTOCHROME_OUT_OF_MEMORY, AutochromeStatus,
};
use autochrome_pixels::pipeline::PipelineError;

/// A status other than OK, and why.
#[derive(Debug)]
pub struct Failure {
    /// One of the `AUTOCHROME_` numbers.
    pub status: AutochromeStatus,
    /// What was expected, what was given, what to do.
    pub text: String,
}

impl Failure {
    /// A failure with this status and text.
    #[must_use]
    pub fn new(status: AutochromeStatus, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// A panic caught in the function `name`.
    pub(crate) fn panicked(name: &str, payload: Box<dyn Any + Send>) -> Self {
        let said = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("no message")
            .to_owned();
        // A payload of another type could panic when dropped, and nothing would catch that.
        std::mem::forget(payload);
        Self::new(
            AUTOCHROME_INTERNAL_PANIC,
            format!("{name} panicked: {said}; this is a bug in the library, please report it"),
        )
    }
}

/// Text for C: one line, without NUL.
#[must_use]
pub fn c_text(text: &str) -> CString {
    let line: String =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    CString::new(line.replace('\0', "?")).unwrap_or_default()
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        let text = error.to_string();
        let status = match error {
            PipelineError::Image(_) | PipelineError::Hints(_) => AUTOCHROME_BAD_IMAGE,
            PipelineError::Parameter { .. } | PipelineError::NoConfidence => AUTOCHROME_BAD_PARAMETER,
            PipelineError::Cancelled => AUTOCHROME_CANCELLED,
            PipelineError::Predict(_) if names_memory(&text) => AUTOCHROME_OUT_OF_MEMORY,
            PipelineError::Predict(_) => AUTOCHROME_INTERNAL_ERROR,
        };
        Self::new(status, text)
    }
}

/// libtorch has no error type for running out of memory; its CPU and CUDA allocators use these words.
fn names_memory(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("out of memory") || text.contains("can't allocate memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_c_is_one_line_without_nul() {
        assert_eq!(c_text("a\n  b\n\nc\0d").to_str(), Ok("a; b; c?d"));
    }

    #[test]
    fn a_panic_says_where_and_what() {
        let failure = Failure::panicked("colorize", Box::new("index out of bounds"));
        assert_eq!(failure.status, AUTOCHROME_INTERNAL_PANIC);
        assert!(failure.text.starts_with("colorize panicked: index out of bounds;"), "{}", failure.text);
    }

    #[test]
    fn allocators_are_understood() {
        assert!(names_memory("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"));
        assert!(names_memory("CUDA out of memory. Tried to allocate 2.00 GiB"));
        assert!(!names_memory("shape mismatch"));
    }
}
