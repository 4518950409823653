//! Why a model package cannot be used.
//!
//! The idea: **one sentence per cause, made of text that is safe to print.** Packages come from strangers: whatever
//! is quoted from one is cut to a length and stripped of control characters first.

use std::io;
use std::path::PathBuf;

use crate::codec::CodecError;
use crate::net::NetError;

/// A package that cannot be used (or written), and why.
#[derive(Debug, thiserror::Error)]
#[error("model package {}: {problem}", folder.display())]
pub struct PackageError {
    /// The package's folder.
    pub folder: PathBuf,
    /// What is wrong with it; a sentence by itself, without the folder.
    pub problem: Problem,
}

/// What is wrong with a package.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A file or folder cannot be read or written.
    #[error("{what} cannot be {action}: {source}")]
    Io {
        /// The file or folder.
        what: String,
        /// What was tried: "read", "written", ...
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file that must be there is not.
    #[error("{0} is missing; a model package is a folder with model.toml and the weights it names")]
    Missing(String),
    /// Something other than a file under a file's name.
    #[error("{0} is not a regular file")]
    NotAFile(String),
    /// A file above the limit.
    #[error("{what} has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// The file.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// `model.toml` is not TOML, or lacks a key, or has one too many.
    #[error("model.toml: {0}")]
    Syntax(String),
    /// A schema of another version.
    #[error("model.toml: schema {0} is unknown: this version reads schema 1; update Autochrome")]
    Schema(String),
    /// A section that names something unknown, or gives it hyperparameters it does not have.
    #[error("model.toml: [{name}] {reason}")]
    Section {
        /// The section.
        name: &'static str,
        /// What is wrong in it.
        reason: String,
    },
    /// A value out of bounds.
    #[error("model.toml: `{key}` must be {expected}, got {got}")]
    Value {
        /// The key, with its section.
        key: String,
        /// What it may be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// The network's hyperparameters are out of bounds, or it cannot be made.
    #[error("[network] {0}")]
    Network(#[from] NetError),
    /// The codec's parameters are out of bounds.
    #[error("[codec] {0}")]
    Codec(#[from] CodecError),
    /// A weights file in a format that is never opened.
    #[error(
        "weights file {0} is refused: expected .safetensors, because other formats can contain code that runs on loading"
    )]
    Format(String),
    /// A weights file outside the package.
    #[error("weights file {0} leaves the package's folder; expected a relative path inside it")]
    Outside(String),
    /// The weights file is not what its header says, or has no sound header.
    #[error("{file} is not a valid safetensors file: {reason}")]
    Header {
        /// The weights file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The weights are those of another network.
    #[error("the weights do not fit the network: {0}")]
    Tensors(String),
    /// A tensor with a value that is infinite or not a number.
    #[error("tensor {0} has a value that is not finite")]
    NonFinite(String),
    /// A tensor that float16 cannot hold.
    #[error("tensor {0} has a value beyond 65504, the largest of F16; write it in F32")]
    Overflow(String),
    /// The weights are not the ones the manifest was written for.
    #[error(
        "{file} has sha256 {got}, model.toml says {expected}; it was changed or truncated; download it again"
    )]
    Sha256 {
        /// The weights file.
        file: String,
        /// As in `model.toml`.
        expected: String,
        /// Of the file.
        got: String,
    },
    /// The target of a write is something other than a package.
    #[error("the folder exists and is not a model package; it is left as it is")]
    Occupied,
    /// An earlier folder has a model of this name.
    #[error("shadowed by the model of the same name in {}", .0.display())]
    Shadowed(PathBuf),
    /// libtorch refused.
    #[error("{}", crate::torch_error::sentence(.0))]
    Torch(#[from] tch::TchError),
}

impl Problem {
    pub(super) fn io(what: &str, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::Missing(what),
            _ => Self::Io { what, action, source },
        }
    }

    pub(super) fn value(key: &str, expected: &str, got: &str) -> Self {
        Self::Value { key: one_line(key), expected: expected.to_owned(), got: quoted(got) }
    }
}

/// Text from a package, fit to stand in a sentence: one line, no control characters, at most 200 characters.
pub(super) fn one_line(text: &str) -> String {
    const MOST: usize = 200;
    let mut line: String =
        text.trim().chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}

/// [`one_line`] in backquotes.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", one_line(text))
}
