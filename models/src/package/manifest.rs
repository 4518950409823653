//! `model.toml`: what a model package says about itself.
//!
//! The idea: **the text is small, and is trusted only after it was checked.** The schema number is read before
//! anything else, so that a package of a later version gets one sentence about its version rather than a
//! puzzle about its keys; unknown keys are errors, so that a misspelled one never goes unnoticed.

use std::collections::BTreeMap;

use autochrome_pixels::limits::{WORKING_SIZES, words};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::{Problem, one_line};
use crate::codec::CodecConfig;
use crate::net::NetConfig;
use crate::smoothing::Smoothing;

/// The schema this version reads and writes.
pub const SCHEMA: i64 = 1;

/// The working sizes a package may ask for are the [`WORKING_SIZES`] that are multiples of this.
pub const WORKING_STEP: u32 = 32;

/// The contents of `model.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: [`SCHEMA`].
    pub schema: i64,
    /// What users call the model: 1 to 64 of a-z, 0-9 and `-`.
    pub name: String,
    /// One-line description.
    pub description: String,
    /// License of the weights, as an SPDX expression where there is one.
    pub license: String,
    /// Taken when no model is named; the first such model of the first folder wins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// The network and its hyperparameters.
    pub network: NetConfig,
    /// How a picture is brought to the network.
    pub input: Input,
    /// What the network's output means.
    pub codec: CodecConfig,
    /// How colors are smoothed where the picture is smooth; absent: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoothing: Option<Smoothing>,
    /// How the map of confidence is read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub confidence: Confidence,
    /// Where the weights are.
    #[serde(default)]
    pub weights: Weights,
    /// How the weights came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// Results: name of the evaluation set, then name of the metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, BTreeMap<String, f64>>,
}

/// How a picture is brought to the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Size the network works at unless the caller says otherwise, the picture's longer side in pixels: 32 to 2048, a
    /// multiple of 32.
    pub working_size: u32,
    /// How many times training enlarged its photographs, 1 to 8: a picture is reduced to the working size divided by
    /// this and enlarged from there, since a network does worse on sharper pictures than it was trained on
    /// (docs/research/lab-book.md). Older packages call it `enlarged`.
    #[serde(default = "once", skip_serializing_if = "is_once", alias = "enlarged")]
    pub training_upscale: f64,
    /// Whether L of a faded picture is stretched to the full range before the network sees it
    /// (docs/research/pixels.md). Older packages call it `levels`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", alias = "levels")]
    pub auto_levels: bool,
    /// What the network is fed.
    #[serde(default)]
    pub values: InputValues,
    /// Whether predictions for the picture and its mirror image are averaged: more stable colors for twice the work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mirror: bool,
}

/// How the map of confidence is read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    /// Temperature of the distribution that it is read from, 0.25 to 4: below 1 makes the map more confident. It
    /// changes no color.
    pub temperature: f64,
}

impl Default for Confidence {
    fn default() -> Self {
        Confidence { temperature: 1.0 }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn once() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_once(times: &f64) -> bool {
    *times == 1.0
}

/// What the network is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum InputValues {
    /// One plane: CIELAB L of the picture (D65, 2 degrees), 0 to 100.
    #[default]
    L,
}

/// Where the weights are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Path inside the package's folder; ends in `.safetensors`.
    pub file: String,
    /// SHA-256 of the whole file, 64 lower-case hexadecimal digits; empty until the package is written.
    pub sha256: String,
}

impl Default for Weights {
    fn default() -> Self {
        Weights { file: "weights.safetensors".to_owned(), sha256: String::new() }
    }
}

/// How the weights came about; every key is for people and none changes the result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Commit of the trainer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Optimizer steps taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Seed of the batches and of the first weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The trainer's configuration, as it was.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub config: toml::Table,
    /// What it was trained on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<TrainingData>,
}

/// One source of training photographs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingData {
    /// File name or title.
    pub name: String,
    /// SHA-256 of the archive, where it is one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How many photographs.
    pub count: u64,
}

impl Manifest {
    /// Reads and checks the text of a `model.toml`.
    ///
    /// # Errors
    /// The first thing that is wrong: syntax, schema, network or codec, unknown or missing keys, values.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let table: toml::Table = text.parse().map_err(|error| toml_problem(text, &error))?;
        check_schema(table.get("schema"))?;
        // These two first and by themselves, so that the sentence names the section.
        section::<NetConfig>(&table, "network")?;
        section::<CodecConfig>(&table, "codec")?;
        let manifest: Self = toml::from_str(text).map_err(|error| toml_problem(text, &error))?;
        manifest.check()?;
        manifest.weights.check_sha256()?;
        Ok(manifest)
    }

    /// The text of this manifest; the same manifest gives the same bytes.
    ///
    /// # Errors
    /// A number that TOML cannot hold (above 2^63).
    pub fn to_toml(&self) -> Result<String, Problem> {
        toml::to_string(self).map_err(|error| Problem::Syntax(one_line(&error.to_string())))
    }

    /// Checks every value but the sha256.
    pub(super) fn check(&self) -> Result<(), Problem> {
        check_name(&self.name)?;
        for (key, text) in [("description", &self.description), ("license", &self.license)] {
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                return Err(Problem::value(key, "one line of text", text));
            }
        }
        let size = self.input.working_size;
        if !WORKING_SIZES.contains(&size) || !size.is_multiple_of(WORKING_STEP) {
            let expected = format!("a multiple of {WORKING_STEP} from {}", words(&WORKING_SIZES));
            return Err(Problem::value("input.working_size", &expected, &size.to_string()));
        }
        let upscale = self.input.training_upscale;
        if !(1.0..=8.0).contains(&upscale) {
            return Err(Problem::value("input.training_upscale", "1 to 8", &upscale.to_string()));
        }
        let temperature = self.confidence.temperature;
        if !(0.25..=4.0).contains(&temperature) {
            return Err(Problem::value("confidence.temperature", "0.25 to 4", &temperature.to_string()));
        }
        if let Some((key, expected, got)) = self.smoothing.and_then(|smoothing| smoothing.out_of_bounds()) {
            return Err(Problem::value(&format!("smoothing.{key}"), expected, &got));
        }
        let numbers =
            self.metrics.iter().flat_map(|(set, metrics)| metrics.iter().map(move |entry| (set, entry)));
        for (set, (metric, number)) in numbers {
            if !number.is_finite() {
                return Err(Problem::value(
                    &format!("metrics.{set}.{metric}"),
                    "a finite number",
                    &number.to_string(),
                ));
            }
        }
        Ok(())
    }
}

impl Weights {
    fn check_sha256(&self) -> Result<(), Problem> {
        let digits = self.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if self.sha256.len() == 64 && digits {
            return Ok(());
        }
        Err(Problem::value("weights.sha256", "64 lower-case hexadecimal digits", &self.sha256))
    }
}

fn check_name(name: &str) -> Result<(), Problem> {
    let allowed = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if (1..=64).contains(&name.len()) && allowed {
        return Ok(());
    }
    Err(Problem::value("name", "1 to 64 characters of a-z, 0-9 and -", name))
}

fn check_schema(schema: Option<&toml::Value>) -> Result<(), Problem> {
    match schema {
        Some(toml::Value::Integer(SCHEMA)) => Ok(()),
        Some(other) => Err(Problem::Schema(one_line(&other.to_string()))),
        None => Err(Problem::Syntax("`schema` is missing: expected `schema = 1`".to_owned())),
    }
}

/// Reads one section by itself; a missing one is left to the reading of the whole.
fn section<T: DeserializeOwned>(table: &toml::Table, name: &'static str) -> Result<(), Problem> {
    let Some(value) = table.get(name) else { return Ok(()) };
    let read: Result<T, toml::de::Error> = value.clone().try_into();
    read.map(drop).map_err(|error| Problem::Section { name, reason: one_line(error.message()) })
}

/// What is wrong with the text, with its line.
fn toml_problem(text: &str, error: &toml::de::Error) -> Problem {
    let message = one_line(error.message());
    // What is missing from the whole is missing at no line.
    match error.span().and_then(|span| text.get(..span.start)).filter(|before| !before.is_empty()) {
        Some(before) => Problem::Syntax(format!("line {}: {message}", before.matches('\n').count() + 1)),
        None => Problem::Syntax(message),
    }
}
