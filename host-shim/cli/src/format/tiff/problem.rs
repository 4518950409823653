//! What is wrong with a file, in the words used for every format.

use std::io::{self, ErrorKind};

use crate::format::problem::cut_short;

/// What people call the format.
pub const NAME: &str = "TIFF";

/// An error of the file system; the end of the file means that it is truncated.
pub fn from_reading(error: &io::Error) -> anyhow::Error {
    if error.kind() == ErrorKind::UnexpectedEof {
        return cut_short(NAME);
    }
    anyhow::anyhow!("the file cannot be read: {error}")
}
