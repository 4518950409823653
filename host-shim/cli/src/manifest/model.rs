//! The weights behind a model's name: the plugin names the package's folder and has checked the sha256 in its
//! `model.toml`, so that number is read there and the weights are not read once more.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use autochrome_loader::{Config, Plugin};
use serde::Deserialize;

/// Largest `model.toml` that is read, as the plugin has it.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Deserialize)]
struct Package {
    weights: Weights,
}

#[derive(Deserialize)]
struct Weights {
    sha256: String,
}

/// Name and sha256 of the weights of the model that `wanted` names, or of the default one. What is missing is `None`:
/// colorizing says why.
pub fn chosen(plugin: &Plugin, config: &Config, wanted: Option<&str>) -> (Option<String>, Option<String>) {
    let models = plugin.models(config).unwrap_or_default();
    let mut usable = models.iter().filter(|model| model.problem.is_none());
    match usable.find(|model| wanted.is_none_or(|wanted| model.name == wanted)) {
        Some(model) => (Some(model.name.clone()), weights(&model.folder)),
        None => (wanted.map(str::to_owned), None),
    }
}

fn weights(folder: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(folder.join("model.toml")).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(toml::from_str::<Package>(&text).ok()?.weights.sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_known_where_a_package_names_them() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(weights(folder.path()), None);
        let sha256 = "07".repeat(32);
        let text = format!("schema = 1\nname = \"a\"\n[weights]\nfile = \"w\"\nsha256 = \"{sha256}\"\n");
        std::fs::write(folder.path().join("model.toml"), text).unwrap();
        assert_eq!(weights(folder.path()), Some(sha256));
    }
}
