//! One line of a manifest: everything that decides a result, and the hashes that prove it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;
use crate::args::Colorize;
use crate::names::Name;
use crate::report::FileStatus;

/// The number of this form of lines; it grows with every change that an older program would misread.
pub const SCHEMA: u32 = 1;

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// [`SCHEMA`]; the first field, by which a torn line is known.
    pub manifest: u32,
    /// When the line was written, UTC, RFC 3339.
    pub time: String,
    pub status: FileStatus,
    pub message: Option<String>,
    pub source: Entry,
    pub output: Option<Entry>,
    /// The confidence map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<Entry>,
    #[serde(flatten)]
    pub maker: Maker,
    /// Version of this program.
    pub version: String,
    /// Version of the plugin.
    pub plugin_version: String,
    pub device: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    pub ms: Option<u64>,
}

/// A file that a line names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub path: Name,
    #[serde(flatten)]
    pub stamp: Option<Stamp>,
}

impl Entry {
    /// `path` with what its content was.
    pub fn new(path: &Path, stamp: Option<Stamp>) -> Self {
        Self { path: path.into(), stamp }
    }
}

/// What decides a result besides the photograph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Maker {
    pub model: Option<String>,
    /// Of the model's weights; unknown when its folder names none.
    pub weights_sha256: Option<String>,
    pub parameters: Parameters,
}

/// The options that change a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    pub strength: f32,
    /// `null`: the model's own.
    pub temperature: Option<f32>,
    /// `null`: the model's own.
    pub working_size: Option<u32>,
    pub quality: u8,
    pub color_only: bool,
    pub skip_color: bool,
    pub provenance: bool,
}

impl Parameters {
    /// Those of a command line.
    pub fn of(args: &Colorize) -> Self {
        Self {
            strength: args.strength,
            temperature: args.temperature,
            working_size: args.working_size,
            quality: args.quality,
            color_only: args.color_only,
            skip_color: args.skip_color,
            provenance: !args.no_provenance,
        }
    }
}

impl Maker {
    /// What differs from `other`, for people; `None` when nothing does.
    pub fn change(&self, other: &Self) -> Option<String> {
        let (one, two) = (&self.parameters, &other.parameters);
        let differs = [
            ("the model", self.model != other.model),
            ("the model's weights", self.model == other.model && self.weights_sha256 != other.weights_sha256),
            ("--strength", one.strength != two.strength),
            ("--temperature", one.temperature != two.temperature),
            ("--working-size", one.working_size != two.working_size),
            ("--quality", one.quality != two.quality),
            ("--color-only", one.color_only != two.color_only),
            ("--skip-color", one.skip_color != two.skip_color),
            ("--no-provenance", one.provenance != two.provenance),
        ];
        let names: Vec<&str> =
            differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
        (!names.is_empty()).then(|| format!("{} changed", names.join(", ")))
    }
}
