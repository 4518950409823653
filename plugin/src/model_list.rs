//! The list of models as hosts see it: strings that stay where they are until the list is freed.
//!
//! The idea: **a bad package is an entry with its reason**, never a gap and never the end of the list.

use std::ffi::CString;
use std::path::PathBuf;

use autochrome_models::package::{Found, find_models};

use crate::failure::c_text;
use crate::handles::Handles;
use crate::session::folder_name;

/// Every live list.
pub static LISTS: Handles<ModelList> = Handles::new("list");

/// Every model of some folders, the default one first, unusable ones last.
pub struct ModelList {
    /// The entries.
    pub models: Vec<ModelEntry>,
}

/// One model; the fields are those of `AutochromeModelInfo`.
#[derive(Debug, Default)]
pub struct ModelEntry {
    /// Its name, or its folder's if it cannot be used.
    pub name: CString,
    /// One line for people.
    pub description: CString,
    /// Where it lies.
    pub folder: CString,
    /// Licence of the weights.
    pub license: CString,
    /// Why it cannot be used; empty if it can.
    pub problem: CString,
    /// Its own working size, or 0.
    pub working_size: u32,
    /// Its own temperature, or 0.
    pub temperature: f32,
    /// Whether it can be used.
    pub usable: bool,
}

impl ModelList {
    /// Looks into the folders.
    pub fn search(folders: &[PathBuf]) -> Self {
        Self { models: find_models(folders).iter().map(ModelEntry::new).collect() }
    }
}

impl ModelEntry {
    fn new(found: &Found) -> Self {
        let folder = c_text(&found.folder.to_string_lossy());
        match &found.package {
            Ok(package) => {
                let manifest = package.manifest();
                let temperature = manifest.codec.build().ok().and_then(|codec| codec.temperature());
                Self {
                    name: c_text(&manifest.name),
                    description: c_text(&manifest.description),
                    folder,
                    license: c_text(&manifest.license),
                    problem: CString::default(),
                    working_size: manifest.input.working_size,
                    temperature: narrow(temperature.unwrap_or(0.0)),
                    usable: true,
                }
            }
            Err(error) => Self {
                name: c_text(&folder_name(&found.folder)),
                folder,
                problem: c_text(&error.problem.to_string()),
                ..Self::default()
            },
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a temperature of 0..1 loses digits nobody sees")]
fn narrow(temperature: f64) -> f32 {
    temperature as f32
}
