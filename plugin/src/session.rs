//! A session: the models a host has used, ready for the next image. Safe code only.
//!
//! The idea: **pay once.** Folders are searched when a session first needs a model, and again only for an unknown
//! name. A model is loaded once per device and kept while the host keeps using it, with its network's last output.

use std::path::{Path, PathBuf};

use autochrome_abi::{
    AUTOCHROME_BAD_PARAMETER, AUTOCHROME_DEVICE_UNAVAILABLE, AUTOCHROME_MODEL_INVALID,
    AUTOCHROME_MODEL_NOT_FOUND,
};
use autochrome_boundary::{Failure, Given, Map, Progress, Request, Used, c_text};
use autochrome_models::colorizer::Colorizer;
use autochrome_models::device::{DeviceError, DeviceRequest, Resolved, resolve};
use autochrome_models::package::{Found, Package, PackageError, find_models};
use autochrome_pixels::ImageViewMut;

/// Number of models kept in memory; enough to compare two.
const KEPT_MODELS: usize = 2;

/// See the module.
pub struct Session {
    folders: Vec<PathBuf>,
    found: Vec<Found>,
    loaded: Vec<Loaded>,
    used: Used,
}

struct Loaded {
    folder: PathBuf,
    device: Resolved,
    colorizer: Colorizer,
}

impl Session {
    /// A session over these model folders. Searches none of them yet.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, found: Vec::new(), loaded: Vec::new(), used: Used::default() }
    }

    /// Index of the package to use.
    fn choose(&mut self, name: Option<&str>) -> Result<usize, Failure> {
        if let Some(index) = pick(&self.found, name) {
            return Ok(index);
        }
        // A package may have been added or repaired since.
        self.found = find_models(&self.folders);
        pick(&self.found, name).ok_or_else(|| self.not_found(name))
    }

    /// Why no package fits: it is invalid, or there is none.
    fn not_found(&self, name: Option<&str>) -> Failure {
        let refused = self.found.iter().find_map(|found| {
            let error = found.package.as_ref().err()?;
            name.is_none_or(|name| folder_name(&found.folder) == name).then_some(error)
        });
        if let Some(error) = refused {
            return invalid(error);
        }
        let usable: Vec<&str> = self.found.iter().filter_map(usable_name).collect();
        let wanted = name.map_or("no model".to_owned(), |name| format!("no model named `{name}`"));
        let instead = match usable.as_slice() {
            [] => "put a model package into one of them".to_owned(),
            names => format!("available: {}", names.join(", ")),
        };
        let looked = list_folders(&self.folders);
        Failure::new(AUTOCHROME_MODEL_NOT_FOUND, format!("{wanted} was found in {looked}; {instead}"))
    }
}

impl autochrome_boundary::Session for Session {
    fn paint(
        &mut self,
        map: Map,
        request: &Request,
        given: &Given<'_>,
        output: &mut ImageViewMut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Failure> {
        let device = request.device.as_deref().map_or(Ok(DeviceRequest::Auto), str::parse);
        let device = device.and_then(|device| resolve(&device)).map_err(|error| unavailable(&error))?;
        let index = self.choose(request.model.as_deref())?;
        let package = self.found[index].package.as_ref().map_err(invalid)?;
        let manifest = package.manifest();
        let used = Used {
            model: c_text(&manifest.name),
            device: c_text(&device.name()),
            fallback: c_text(device.fallback.as_deref().unwrap_or_default()),
        };
        let params = request.params(manifest.input.working_size);
        let colorizer = load(&mut self.loaded, package, device)?;
        map.run(colorizer, given, output, &params, progress)?;
        self.used = used;
        Ok(())
    }

    fn used(&self) -> &Used {
        &self.used
    }

    fn reset(&mut self) {
        *self = Self::new(std::mem::take(&mut self.folders));
    }
}

/// The index of the model of that name; without a name, of the default one, which `find_models` puts first.
fn pick(found: &[Found], name: Option<&str>) -> Option<usize> {
    let fits = |package: &Package| name.is_none_or(|name| package.manifest().name == name);
    found.iter().position(|found| found.package.as_ref().is_ok_and(fits))
}

/// The folder's name, which stands in for the name of an unreadable package.
pub fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}

fn usable_name(found: &Found) -> Option<&str> {
    found.package.as_ref().ok().map(|package| package.manifest().name.as_str())
}

fn unavailable(error: &DeviceError) -> Failure {
    let status = match error {
        DeviceError::Syntax(_) => AUTOCHROME_BAD_PARAMETER,
        DeviceError::Cuda { .. } | DeviceError::Number { .. } => AUTOCHROME_DEVICE_UNAVAILABLE,
    };
    Failure::new(status, error.to_string())
}

fn invalid(error: &PackageError) -> Failure {
    Failure::new(AUTOCHROME_MODEL_INVALID, error.to_string())
}

fn list_folders(folders: &[PathBuf]) -> String {
    let one = |folder: &PathBuf| match folder.is_dir() {
        true => folder.display().to_string(),
        false => format!("{} (missing)", folder.display()),
    };
    folders.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The colorizer of a package on a device; the most recently used is last.
fn load<'a>(
    loaded: &'a mut Vec<Loaded>,
    package: &Package,
    device: Resolved,
) -> Result<&'a Colorizer, Failure> {
    let held = loaded.iter().position(|held| held.folder == package.folder() && held.device == device);
    let entry = match held {
        Some(index) => loaded.remove(index),
        None => {
            // Make room first: this model may need the memory of one no longer used.
            loaded.drain(..loaded.len().saturating_sub(KEPT_MODELS - 1));
            let colorizer = Colorizer::load(package, &device).map_err(|error| invalid(&error))?;
            Loaded { folder: package.folder().to_path_buf(), device, colorizer }
        }
    };
    loaded.push(entry);
    Ok(&loaded[loaded.len() - 1].colorizer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_model_says_where_was_looked() {
        let dir = PathBuf::from("/nowhere/models");
        let mut session = Session::new(vec![dir]);
        let failure = session.choose(Some("blue")).expect_err("there is none");
        assert_eq!(failure.status, AUTOCHROME_MODEL_NOT_FOUND);
        assert_eq!(
            failure.text,
            "no model named `blue` was found in /nowhere/models (missing); put a model package into one of them"
        );
    }
}
