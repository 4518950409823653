//! A run's configuration: one TOML file contains everything that determines the result.
//!
//! A file may start with `extends = "other.toml"` (relative to it) and then gives only the differences, which is what a
//! reader of an experiment wants to know.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use autochrome_models::codec::CodecConfig;
use autochrome_models::net::NetConfig;
use serde::{Deserialize, Serialize};

use super::optim::OptimConfig;
use super::precision::Precision;
use crate::data::{Augment, Selection, Split};
use crate::loss::LossConfig;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// Samples per step.
    pub batch: usize,
    /// Precision of training; absent where a configuration does not set it, so that older ones read and write as
    /// before.
    #[serde(default, skip_serializing_if = "Precision::is_auto")]
    pub precision: Precision,
    /// The network.
    pub network: NetConfig,
    /// Initial weights.
    #[serde(default)]
    pub init: InitConfig,
    /// The codec of its outputs.
    pub codec: CodecConfig,
    /// The loss.
    #[serde(default, skip_serializing_if = "LossConfig::is_default")]
    pub loss: LossConfig,
    /// The data.
    pub data: DataConfig,
    /// The optimizer.
    pub optim: OptimConfig,
    /// Logging and saving.
    #[serde(default)]
    pub log: LogConfig,
    /// The keys that its text sets; meaningless when read from a checkpoint, whose text sets everything.
    #[serde(skip)]
    pub named: Named,
}

/// The keys that the text of a configuration sets, such as `codec.temperature`; the others are defaults. It describes
/// the text, not the run: any two are equal.
#[derive(Debug, Clone, Default)]
pub struct Named(BTreeSet<String>);

impl Named {
    fn of(table: &toml::Table) -> Self {
        let in_section = |(section, value): (&String, &toml::Value)| {
            let keys =
                value.as_table().map(|table| table.keys().map(|key| format!("{section}.{key}")).collect());
            keys.unwrap_or_else(|| vec![section.clone()])
        };
        Named(table.iter().flat_map(in_section).collect())
    }

    /// Whether it names the key of a section.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }
}

impl PartialEq for Named {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Initial weights; what is absent starts at random.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitConfig {
    /// A checkpoint (safetensors) of the network's EfficientNet-Lite for the encoder.
    pub encoder: Option<PathBuf>,
    /// Its SHA-256, checked when given.
    pub encoder_sha256: Option<String>,
    /// The folder of a model package of the same network to start from, whatever `encoder` says: below `--data`, else
    /// below the current folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PathBuf>,
    /// The SHA-256 of its weights, checked when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_sha256: Option<String>,
}

/// Data sets. Relative paths start from the trainer's `--data` folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Tar archives, folder trees, ImageNet's folders, CIFAR-10 (`data` lists the kinds).
    pub train: Vec<PathBuf>,
    /// The split to learn from; absent: `train` where a set has splits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// The classes to learn from; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Photographs taken out of them, evenly, to measure the loss on.
    #[serde(default)]
    pub held_out: usize,
    /// How photographs become samples.
    pub augment: Augment,
}

impl DataConfig {
    /// The part of the data sets that is used.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection { split: self.split, classes: self.classes.clone() }
    }

    /// The data sets' paths, relative ones below `root`.
    #[must_use]
    pub fn paths(&self, root: &Path) -> Vec<PathBuf> {
        self.train.iter().map(|path| root.join(path)).collect()
    }
}

/// Reports and checkpoints, in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// A line of the CSV log every so many steps.
    pub every: u64,
    /// The held-out loss every so many steps.
    pub held_out_every: u64,
    /// A checkpoint every so many steps.
    pub checkpoint_every: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { every: 10, held_out_every: 200, checkpoint_every: 100 }
    }
}

impl RunConfig {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// The file, or one it extends, cannot be read, has an unknown or missing key, or a value out of bounds.
    pub fn read(path: &Path) -> Result<Self> {
        let subject = || format!("configuration {}", path.display());
        let text = std::fs::read_to_string(path).with_context(subject)?;
        let table: toml::Table = text.parse().with_context(subject)?;
        if !table.contains_key("extends") {
            // From the text, so that an error shows its line.
            return Self::parse(&text).with_context(subject);
        }
        let whole = extended(table, path, MOST_EXTENDED).with_context(subject)?;
        let named = Named::of(&whole);
        let config = RunConfig { named, ..whole.try_into().with_context(subject)? };
        Self::check(config).with_context(subject)
    }

    /// Parses and checks a configuration.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self> {
        // Read as itself first, so that an error shows its line.
        let config: Self = toml::from_str(text)?;
        Self::check(RunConfig { named: Named::of(&text.parse()?), ..config })
    }

    fn check(config: Self) -> Result<Self> {
        if !(1..=4096).contains(&config.batch) {
            bail!("batch: expected 1 to 4096, got {}", config.batch);
        }
        if config.data.train.is_empty() {
            bail!("data.train: expected at least one tar archive or folder, got none");
        }
        let log = &config.log;
        for (name, every) in [
            ("every", log.every),
            ("held_out_every", log.held_out_every),
            ("checkpoint_every", log.checkpoint_every),
        ] {
            if every == 0 {
                bail!("log.{name}: expected at least 1, got 0");
            }
        }
        config.data.augment.check().context("data.augment")?;
        config.optim.check().context("optim")?;
        config.loss.check().context("loss")?;
        let channels = config.codec.build().context("codec")?.channels();
        let tensors = config.network.tensor_specs(channels).context("network")?;
        if config.init.encoder.is_some() && !tensors.iter().any(|tensor| tensor.name.starts_with("encoder."))
        {
            bail!("init.encoder: the network {} has no encoder to load into", config.network.name());
        }
        Ok(config)
    }

    /// The configuration as text, as a checkpoint keeps it.
    ///
    /// # Errors
    /// None that a parsed configuration could cause.
    pub fn to_text(&self) -> Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

/// The table of a file, with everything that it extends.
///
/// # Errors
/// A file cannot be read, or is no TOML.
pub fn whole(path: &Path) -> Result<toml::Table> {
    extended(std::fs::read_to_string(path)?.parse()?, path, MOST_EXTENDED)
}

/// Maximum length of a chain of files that extend each other, so that a cycle ends.
const MOST_EXTENDED: usize = 8;

/// A table merged over that of the file it extends; `path` is where it was read from.
fn extended(mut table: toml::Table, path: &Path, depth: usize) -> Result<toml::Table> {
    rename_old_keys(&mut table);
    let Some(base) = table.remove("extends") else { return Ok(table) };
    let base = base.as_str().context("extends: expected the name of a file")?;
    if depth == 0 {
        bail!("extends: expected at most {MOST_EXTENDED} files in a chain; is there a cycle?");
    }
    let path = path.with_file_name(base);
    let read = || extended(std::fs::read_to_string(&path)?.parse()?, &path, depth - 1);
    let mut whole = read().with_context(|| format!("extends {}", path.display()))?;
    overlay(&mut whole, table);
    Ok(whole)
}

/// Gives the keys of older configurations their present names, or a key and its old name could stand side by side.
fn rename_old_keys(config: &mut toml::Table) {
    let Some(loss) = config.get_mut("loss").and_then(toml::Value::as_table_mut) else { return };
    if let Some(value) = loss.remove("steady") {
        loss.insert("consistency".to_owned(), value);
    }
}

/// Merges `over` into `base`, table by table; a table of another `name` (another network, another codec) replaces the
/// old one.
fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new))
                if new.get("name").is_none_or(|name| old.get("name") == Some(name)) =>
            {
                overlay(old, new);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_that_comes_along_reads_and_writes_alike() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path());
        let paths: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
        assert!(paths.len() > 20);
        for path in paths {
            let config = RunConfig::read(&path).unwrap();
            assert_eq!(RunConfig::parse(&config.to_text().unwrap()).unwrap(), config, "{}", path.display());
        }
    }

    #[test]
    fn every_package_that_ships_was_made_from_the_configuration_of_its_recipe() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap().parse::<toml::Table>().unwrap();
        let packages =
            std::fs::read_dir(root.join("models/packages")).unwrap().map(|entry| entry.unwrap().path());
        for package in packages.filter(|path| path.is_dir()) {
            let name = package.file_name().unwrap().to_string_lossy();
            let recipe = read(root.join(format!("trainer/recipes/{name}.toml")));
            let config = RunConfig::read(&root.join(recipe["config"].as_str().unwrap())).unwrap();
            let made_from = read(package.join("model.toml"))["training"]["config"].clone();
            assert_eq!(made_from.try_into::<RunConfig>().unwrap(), config, "{name}");
        }
    }

    #[test]
    fn a_file_that_extends_another_differs_in_what_it_says_and_in_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let base = "seed = 1\nbatch = 2\n[network]\nname = \"seed-report\"\n[codec]\nname = \"regression\"\n\
            scale = 40.0\n[data]\ntrain = [\"a\"]\n[data.augment]\nsize = 32\n[optim]\nlr = 1e-3\nsteps = 9\n";
        write("base.toml", base);
        write("bins.toml", "extends = \"base.toml\"\n[codec]\nname = \"bins1d\"\n[optim]\nlr = 0.5\n");
        write("cycle.toml", "extends = \"cycle.toml\"\n");
        let read = |name: &str| RunConfig::read(&folder.path().join(name));
        let mut expected = read("base.toml").unwrap();
        expected.codec = CodecConfig::Bins1d(autochrome_models::codec::Bins1dConfig::default());
        expected.optim.lr = 0.5;
        assert_eq!(read("bins.toml").unwrap(), expected);
        assert!(format!("{:#}", read("cycle.toml").unwrap_err()).contains("is there a cycle?"));
    }

    #[test]
    fn configurations_with_the_old_name_of_a_loss_are_read_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let text = |loss: &str| {
            format!(
                "seed = 1\nbatch = 2\nnetwork = {{ name = \"seed-report\" }}\ncodec = {{ name = \"bins2d\" }}\n\
                 loss = {{ {loss} }}\ndata = {{ train = [\"a\"], augment = {{ size = 32 }} }}\n\
                 optim = {{ lr = 1e-3, steps = 9 }}\n"
            )
        };
        let new = RunConfig::parse(&text("consistency = { weight = 0.5 }")).unwrap();
        assert_eq!(RunConfig::parse(&text("steady = { weight = 0.5 }")).unwrap(), new);
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        for (base, over) in [("consistency", "steady"), ("steady", "consistency"), ("steady", "steady")] {
            write("base.toml", &text(&format!("{base} = {{ weight = 2.0 }}")));
            write("over.toml", &format!("extends = \"base.toml\"\n[loss]\n{over} = {{ weight = 0.5 }}\n"));
            assert_eq!(RunConfig::read(&folder.path().join("over.toml")).unwrap(), new, "{over} over {base}");
        }
    }
}
