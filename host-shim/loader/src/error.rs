//! What can go wrong between a host and the plugin: one enum, each message a sentence for people.

use std::fmt;
use std::path::PathBuf;

use autochrome_abi::{AUTOCHROME_CANCELLED, STATUS_NAMES};

/// Why the plugin could not be found, could not be loaded, or could not do its work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No plugin in any of the places searched.
    #[error(
        "the plugin libautochrome.so was not found; searched {}; install it there, or name it in AUTOCHROME_PLUGIN",
        list(searched)
    )]
    NotFound {
        /// The places, in the order they were searched.
        searched: Vec<PathBuf>,
    },
    /// `AUTOCHROME_PLUGIN` names something that is not there.
    #[error("AUTOCHROME_PLUGIN names {}, which {problem}; fix it, or unset it to use the installed plugin", path.display())]
    Named {
        /// What it names.
        path: PathBuf,
        /// As in "does not exist".
        problem: String,
    },
    /// The file was refused before it was loaded, so that no code of it ran.
    #[error("{} is not a usable plugin: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The system's loader refused the library, most often because a library it needs is missing.
    #[error("{} could not be loaded: {problem}", path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// What the system's loader said.
        problem: String,
    },
    /// The library was loaded, and what it exports is not the interface this program speaks.
    #[error("{} is not compatible with this program: {problem}", path.display())]
    Interface {
        /// The library.
        path: PathBuf,
        /// What was expected, what was found, what to do.
        problem: String,
    },
    /// A call failed, in the plugin or in the checks before it.
    #[error("{message}")]
    Call {
        /// The status, which says who is at fault.
        status: Status,
        /// One line: what was expected, what was found, what to do.
        message: String,
    },
}

impl Error {
    /// The status of a failed call; `None` when there was no plugin to call.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Call { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the progress callback asked for this.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.status().is_some_and(|status| status.code() == AUTOCHROME_CANCELLED)
    }
}

fn list(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "nowhere: could not determine this program's own path".into();
    }
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A status code of the interface; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(i32);

impl Status {
    pub(crate) fn new(code: i32) -> Self {
        Self(code)
    }

    /// The number, as in `autochrome.h`.
    #[must_use]
    pub fn code(self) -> i32 {
        self.0
    }

    /// Who is at fault: known for every number, including those of a newer plugin.
    #[must_use]
    pub fn blame(self) -> Blame {
        match self.0 {
            1..=99 => Blame::Caller,
            100..=199 => Blame::Model,
            200..=299 => Blame::Device,
            _ => Blame::Plugin,
        }
    }

    /// The name in `autochrome.h`, `"unknown"` for a number this program does not know.
    #[must_use]
    pub fn name(self) -> &'static str {
        STATUS_NAMES.iter().find(|(code, _)| *code == self.0).map_or("unknown", |(_, name)| name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

/// Who is at fault for a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The program that called, or what its user asked for (1..=99).
    Caller,
    /// A model that is missing or was refused (100..=199).
    Model,
    /// A device or its memory (200..=299).
    Device,
    /// The plugin itself (300 and up, and numbers out of every range).
    Plugin,
}
