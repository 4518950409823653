//! The decoder's errors, in the words used for every format.

use std::io::ErrorKind;

use tiff::{TiffError, TiffFormatError};

use crate::format::problem::{cut_short, damaged, unsupported};

/// What people call the format.
pub const NAME: &str = "TIFF";

/// The decoder's error in words for the user.
pub fn explain(error: &TiffError) -> anyhow::Error {
    match error {
        // The decoder says so of whole files too, whose tiles are narrower than their rows (image-tiff issue 395).
        TiffError::IoError(error) if error.to_string().contains("no lzw end code") => unsupported(
            NAME,
            &"its LZW data end too early for the decoder, which happens with tiles, or the file is cut short",
        ),
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => cut_short(NAME),
        TiffError::UnsupportedError(what) => unsupported(NAME, what),
        TiffError::LimitsExceeded => anyhow::anyhow!("the TIFF needs more memory than --max-pixels allows"),
        TiffError::FormatError(TiffFormatError::CycleInOffsets) => damaged(NAME, &"its pages form a cycle"),
        error => damaged(NAME, error),
    }
}
