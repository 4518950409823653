//! The list of models as hosts see it.
//!
//! The idea: **a bad package is an entry with the reason**; it is neither left out nor fatal to the list.

use std::ffi::CString;
use std::path::PathBuf;

use autochrome_boundary::{ModelEntry, c_text};
use autochrome_models::package::{Found, find_models};

use crate::session::folder_name;

/// Every model in these folders, the default one first, unusable ones last.
pub fn search(folders: &[PathBuf]) -> Vec<ModelEntry> {
    find_models(folders).iter().map(entry).collect()
}

fn entry(found: &Found) -> ModelEntry {
    let folder = c_text(&found.folder.to_string_lossy());
    match &found.package {
        Ok(package) => {
            let manifest = package.manifest();
            let temperature = manifest.codec.build().ok().and_then(|codec| codec.temperature());
            ModelEntry {
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
        Err(error) => ModelEntry {
            name: c_text(&folder_name(&found.folder)),
            folder,
            problem: c_text(&error.problem.to_string()),
            ..ModelEntry::default()
        },
    }
}

#[expect(clippy::cast_possible_truncation, reason = "f32 is enough for a temperature of 0..1")]
fn narrow(temperature: f64) -> f32 {
    temperature as f32
}
