//! Why nothing was colorized, as one sentence for the user of GIMP.

/// See the module. The image was left unchanged.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    /// An error with this sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl From<autochrome_loader::Error> for Error {
    fn from(error: autochrome_loader::Error) -> Self {
        Self(error.to_string())
    }
}
