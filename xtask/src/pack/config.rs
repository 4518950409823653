//! Makes a configuration stand alone: every file that it names is beside its photographs.
//!
//! The idea: **what is named is packed**. In a fully expanded configuration, each string that ends in
//! `.safetensors` is a file, and `init.package` is a folder; both are resolved as the trainer resolves them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

/// What to pack for a configuration.
#[derive(Debug, Default, PartialEq)]
pub struct Wanted {
    /// The data sets, as the configuration names them.
    pub train: Vec<PathBuf>,
    /// The trainer's `--split` and `--classes`, which select photographs while slicing.
    pub selection: Vec<String>,
    /// The side that its crops need, in pixels.
    pub side: i64,
    /// Photographs held out.
    pub held_out: i64,
    /// Files and folders it names: the path of each, and its name in the pack.
    pub files: Vec<(PathBuf, String)>,
    /// The classifier of its losses, by its name in the pack.
    pub classifier: Option<String>,
}

/// Collects what `config` names, and replaces each with its name in the pack. Relative paths are below `data`, or
/// else below the current folder.
pub fn detach(config: &mut Table, data: &Path) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    let set = config.get_mut("data").and_then(Value::as_table_mut).context("data: expected a table")?;
    for path in set.get("train").and_then(Value::as_array).into_iter().flatten() {
        wanted.train.push(path.as_str().context("data.train: expected paths")?.into());
    }
    if let Some(split) = set.remove("split") {
        wanted.selection.extend(["--split".to_owned(), split.as_str().unwrap_or_default().to_owned()]);
    }
    if let Some(classes) = set.remove("classes") {
        let classes = classes.as_array().into_iter().flatten().filter_map(Value::as_str);
        wanted.selection.extend(["--classes".to_owned(), classes.collect::<Vec<_>>().join(",")]);
    }
    wanted.held_out = set.get("held_out").and_then(Value::as_integer).unwrap_or(0);
    let augment = set.get("augment").and_then(Value::as_table).context("data.augment: expected a table")?;
    let side = |key: &str| augment.get(key).and_then(Value::as_integer);
    wanted.side =
        side("crop_max").or_else(|| side("size")).context("data.augment.size: expected a number")?;
    if let Some(init) = config.get_mut("init").and_then(Value::as_table_mut)
        && let Some(package) = init.get_mut("package")
    {
        name_in_pack(package, data, &mut wanted.files).context("init.package")?;
        // The package contains the encoder's weights.
        init.retain(|key, _| !key.starts_with("encoder"));
    }
    let named = &mut |value: &mut Value| name_in_pack(value, data, &mut wanted.files);
    each_weights_file(config, named)?;
    let classifier = config.get("loss").and_then(|loss| loss.get("features")?.get("classifier")?.as_str());
    wanted.classifier = classifier.map(str::to_owned);
    Ok(wanted)
}

/// Calls `act` with every string below `table` that names a file of weights.
fn each_weights_file(table: &mut Table, act: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<()> {
    for (key, value) in table {
        match value {
            Value::Table(table) => each_weights_file(table, act).with_context(|| key.clone())?,
            Value::String(text) if text.ends_with(".safetensors") => {
                act(value).with_context(|| key.clone())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Resolves `value` and replaces it with its name in the pack.
fn name_in_pack(value: &mut Value, data: &Path, files: &mut Vec<(PathBuf, String)>) -> Result<()> {
    let named = Path::new(value.as_str().context("expected a path")?).to_owned();
    let places = [data.join(&named), named.clone()];
    let Some(found) = places.iter().find(|place| place.exists()) else {
        bail!("{} is neither below {} nor below the current folder", named.display(), data.display());
    };
    let found = found.canonicalize()?;
    let name = found.file_name().and_then(|name| name.to_str()).context("expected a name")?.to_owned();
    if files.iter().any(|(other, taken)| *taken == name && *other != found) {
        bail!("{}: another packed file has the same name; rename one", found.display());
    }
    if !files.contains(&(found.clone(), name.clone())) {
        files.push((found, name.clone()));
    }
    *value = Value::String(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
seed = 1
[init]
encoder = "gone.safetensors"
package = "packages/begin"
[loss.features]
classifier = "eye.safetensors"
weight = 1.0
[data]
train = ["a.tar", "b-{0..3}.tar"]
split = "train"
classes = ["n1", "n2"]
held_out = 8
[data.augment]
size = 64
crop_max = 96
"#;

    #[test]
    fn what_a_configuration_names_is_found_and_renamed() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("packages/begin")).unwrap();
        std::fs::write(root.path().join("eye.safetensors"), "").unwrap();
        let mut config: Table = CONFIG.parse().unwrap();
        let wanted = detach(&mut config, root.path()).unwrap();
        assert_eq!(wanted.train, [PathBuf::from("a.tar"), PathBuf::from("b-{0..3}.tar")]);
        assert_eq!(wanted.selection, ["--split", "train", "--classes", "n1,n2"]);
        assert_eq!((wanted.side, wanted.held_out), (96, 8));
        assert_eq!(wanted.classifier.as_deref(), Some("eye.safetensors"));
        let names: Vec<&str> = wanted.files.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["begin", "eye.safetensors"]);
        let text = toml::to_string(&config).unwrap();
        assert!(text.contains("package = \"begin\"") && !text.contains("encoder") && !text.contains("split"));
    }

    #[test]
    fn what_is_not_there_is_named_by_its_key() {
        let root = tempfile::tempdir().unwrap();
        let said = format!("{:#}", detach(&mut CONFIG.parse().unwrap(), root.path()).unwrap_err());
        assert!(said.starts_with("init.package: packages/begin is neither below"), "{said}");
    }
}
