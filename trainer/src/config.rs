//! A run's configuration: one TOML file says everything that decides the result.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use autochrome_models::codec::CodecConfig;
use autochrome_models::net::NetConfig;
use serde::{Deserialize, Serialize};

use crate::data::Augment;
use crate::optim::OptimConfig;
use crate::precision::Precision;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// Samples a step.
    pub batch: usize,
    /// What it computes in; left out where a configuration says nothing, so that older ones read and write as before.
    #[serde(default, skip_serializing_if = "Precision::is_auto")]
    pub precision: Precision,
    /// The network.
    pub network: NetConfig,
    /// Where its weights begin.
    #[serde(default)]
    pub init: InitConfig,
    /// What its outputs mean.
    pub codec: CodecConfig,
    /// What it learns from.
    pub data: DataConfig,
    /// How it learns.
    pub optim: OptimConfig,
    /// When it reports and saves.
    #[serde(default)]
    pub log: LogConfig,
}

/// Where weights begin; what is absent begins at random.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitConfig {
    /// An EfficientNet-Lite0 checkpoint (safetensors) for the encoder.
    pub encoder: Option<PathBuf>,
    /// Its SHA-256, checked when given.
    pub encoder_sha256: Option<String>,
}

/// Data sets. Relative paths lie under the trainer's `--data` folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Tar archives or folder trees.
    pub train: Vec<PathBuf>,
    /// Photographs taken out of them, evenly, to measure the loss on.
    #[serde(default)]
    pub held_out: usize,
    /// How photographs become samples.
    pub augment: Augment,
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
    /// The file cannot be read, has an unknown or missing key, or a value out of bounds.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("configuration {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("configuration {}", path.display()))
    }

    /// Parses and checks a configuration.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self> {
        let config: RunConfig = toml::from_str(text)?;
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
        config.codec.build().context("codec")?;
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
