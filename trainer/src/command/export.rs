//! `autochrome-trainer export`: a run becomes a model package.
//!
//! The idea: **a package records its origin**: configuration, seed, steps and the hash of every data set go from the
//! checkpoint into its `model.toml` and its card, so that it can be reproduced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use autochrome_models::codec::CodecConfig;
use autochrome_models::codec::point::Point;
use autochrome_models::package::{
    Confidence, Input, InputValues, Manifest, Package, Precision, SCHEMA, Training, TrainingData, Weights,
};
use autochrome_models::smoothing::Smoothing;
use tch::Tensor;

use crate::run::checkpoint::{self, State};
use crate::run::checkpoint_path;
use crate::run::inherited::{CodecSettings, Inherited};

/// Exports a run as a model package.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Run folder.
    pub run: PathBuf,
    /// Folder of the package; an existing package is replaced.
    pub package: PathBuf,
    /// Name of the model; default: the folder's name.
    #[arg(long)]
    pub name: Option<String>,
    /// One-line description.
    #[arg(long)]
    pub description: String,
    /// License of the weights (SPDX).
    #[arg(long, default_value = "MIT OR Apache-2.0")]
    pub license: String,
    /// Makes it the default model.
    #[arg(long)]
    pub default: bool,
    /// Working size: longer side of the picture, in pixels, as the network sees it [default: 256].
    #[arg(long, help_heading = PREDICTION)]
    pub working_size: Option<u32>,
    /// How many times training enlarged its photographs, 1 to 8; pictures are softened to match [default: 1].
    #[arg(long, alias = "enlarged", value_name = "TIMES", help_heading = PREDICTION)]
    pub training_upscale: Option<f64>,
    /// Stretches L of faded pictures to the full range before the network sees them.
    #[arg(long, alias = "levels", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = PREDICTION)]
    pub auto_levels: Option<bool>,
    /// Averages with the prediction for the mirror image: more stable colors for twice the work.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", help_heading = PREDICTION)]
    pub mirror: Option<bool>,
    /// Point estimate of the distribution: mean or median (bins2d).
    #[arg(long, value_parser = point, help_heading = PREDICTION)]
    pub point: Option<Point>,
    /// Temperature of the annealed mean (bins1d, bins2d).
    #[arg(long, help_heading = PREDICTION)]
    pub temperature: Option<f64>,
    /// Rebalancing added at prediction (bins1d, bins2d).
    #[arg(long, allow_negative_numbers = true, help_heading = PREDICTION)]
    pub tilt: Option<f64>,
    /// Contrast of colors against their picture, 0.5 to 3 (bins2d).
    #[arg(long, help_heading = PREDICTION)]
    pub contrast: Option<f64>,
    /// Smooths colors where the picture is smooth: REACH,LIGHTNESS,COLOR,PASSES, such as 2,8,12,1.
    #[arg(long, value_parser = smoothing, value_name = "R,L,C,N", help_heading = PREDICTION)]
    pub smoothing: Option<Smoothing>,
    /// Temperature of the distribution that confidence is computed from, 0.25 to 4; `figures confidence` plots the
    /// result against the true error [default: 1].
    #[arg(long, value_name = "T", help_heading = PREDICTION)]
    pub confidence_temperature: Option<f64>,
    /// Stores float32 weights; twice the size of float16.
    #[arg(long)]
    pub float32: bool,
    /// Exports the last weights instead of their moving average.
    #[arg(long)]
    pub raw: bool,
    /// Averages the weights with those of this run, a model soup (Wortsman et al. 2022); repeatable. All runs must have
    /// started from the same weights.
    #[arg(long, value_name = "RUN")]
    pub soup: Vec<PathBuf>,
    /// Output of `eval --json`, whose metrics go into the package; repeatable.
    #[arg(long)]
    pub metrics: Vec<PathBuf>,
    /// File whose text goes into the card under "Notes".
    #[arg(long)]
    pub notes: Option<PathBuf>,
    /// Allows a trainer built from uncommitted changes; the package records it.
    #[arg(long)]
    pub dirty: bool,
}

/// Heading of the prediction settings in `--help`.
const PREDICTION: &str =
    "Prediction (defaults: the configuration's, else those of the package that the run started from)";

/// Runs the command.
///
/// # Errors
/// No checkpoint, a parameter out of bounds, or a package that cannot be written.
pub fn run(args: &ExportArgs) -> Result<()> {
    let prefix = if args.raw { "model." } else { "average." };
    let (mut state, mut weights) = weights(&args.run, prefix)?;
    state.commit = stated_commit(&state.commit, crate::COMMIT, args.dirty)?;
    soup(&mut weights, args, prefix)?;
    let measured = args
        .metrics
        .iter()
        .map(|path| read_metrics(path).with_context(|| format!("metrics {}", path.display())));
    let measured: BTreeMap<_, _> = measured.collect::<Result<_>>()?;
    tell_inherited(&state);
    let manifest = manifest(args, &state, &measured)?;
    let notes = args.notes.as_ref().map(std::fs::read_to_string).transpose().context("notes")?;
    let card = card(&manifest, &state, (&args.soup, &measured), notes.as_deref());
    let precision = if args.float32 { Precision::F32 } else { Precision::F16 };
    let package = Package::write(&args.package, &manifest, &weights, &card, precision)?;
    println!("{}: {} after {} steps", package.folder().display(), manifest.name, state.step);
    Ok(())
}

fn smoothing(text: &str) -> Result<Smoothing, String> {
    let expected = || format!("expected four numbers such as 2,8,12,1, got {text}");
    let parts: Vec<&str> = text.split(',').collect();
    let number = |index: usize| parts[index].trim().parse::<f32>().map_err(|_| expected());
    if parts.len() != 4 {
        return Err(expected());
    }
    let passes = parts[3].trim().parse().map_err(|_| expected())?;
    Ok(Smoothing { reach: number(0)?, lightness: number(1)?, color: number(2)?, passes })
}

fn point(text: &str) -> Result<Point, String> {
    match text {
        "mean" => Ok(Point::Mean),
        "median" => Ok(Point::Median),
        _ => Err("expected mean or median".to_owned()),
    }
}

/// The state of a run and its weights, by name.
fn weights(run: &Path, prefix: &str) -> Result<(State, Vec<(String, Tensor)>)> {
    let (state, tensors) = checkpoint::read(&checkpoint_path(run))?;
    let mut weights: Vec<(String, Tensor)> = tensors
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor)))
        .collect();
    weights.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((state, weights))
}

/// Averages `own` with the weights of the runs of `--soup`.
fn soup(own: &mut [(String, Tensor)], args: &ExportArgs, prefix: &str) -> Result<()> {
    let parts = f64::from(u32::try_from(args.soup.len() + 1)?);
    for run in &args.soup {
        let (_, others) = weights(run, prefix)?;
        let differs = |a: &(String, Tensor), b: &(String, Tensor)| a.0 != b.0 || a.1.size() != b.1.size();
        if own.len() != others.len() || own.iter().zip(&others).any(|(a, b)| differs(a, b)) {
            bail!("soup {}: expected a run of the same network, got other tensors", run.display());
        }
        for ((_, sum), (_, other)) in own.iter_mut().zip(&others) {
            *sum = sum.f_add(other)?;
        }
    }
    if !args.soup.is_empty() {
        for (_, sum) in own {
            *sum = sum.f_div_scalar(parts)?;
        }
    }
    Ok(())
}

fn manifest(args: &ExportArgs, state: &State, measured: &BTreeMap<String, Measured>) -> Result<Manifest> {
    let folder_name = || args.package.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = args.name.clone().or_else(folder_name).context("name: expected --name, got none")?;
    let data = state.data.iter().map(|stamp| {
        let count = u64::try_from(stamp.count)?;
        Ok(TrainingData { name: stamp.name.clone(), sha256: Some(stamp.sha256.clone()), count })
    });
    let values =
        |metrics: &Measured| metrics.iter().map(|(name, &(value, _))| (name.clone(), value)).collect();
    let metrics = measured.iter().map(|(set, metrics)| (set.clone(), values(metrics))).collect();
    Ok(Manifest {
        schema: SCHEMA,
        name,
        description: args.description.clone(),
        license: args.license.clone(),
        default: args.default,
        network: state.config.network.clone(),
        input: input(args, state.inherited.as_ref()),
        codec: tuned_codec(args, state)?,
        smoothing: args.smoothing.or(state.inherited.as_ref().and_then(|package| package.smoothing)),
        confidence: confidence(args, state.inherited.as_ref()),
        weights: Weights::default(),
        training: Some(Training {
            commit: Some(state.commit.clone()).filter(|commit| !commit.is_empty()),
            steps: Some(state.step),
            seed: Some(state.config.seed),
            config: toml::Table::try_from(&state.config)?,
            data: data.collect::<Result<_>>()?,
        }),
        metrics,
    })
}

/// How a picture is brought to the network: as the options say, else as in the package that the run started from.
fn input(args: &ExportArgs, inherited: Option<&Inherited>) -> Input {
    let plain = Input {
        working_size: 256,
        training_upscale: 1.0,
        auto_levels: false,
        values: InputValues::L,
        mirror: false,
    };
    let Input { working_size, training_upscale, auto_levels, values, mirror } =
        inherited.map_or(plain, |inherited| inherited.input.clone());
    Input {
        working_size: args.working_size.unwrap_or(working_size),
        training_upscale: args.training_upscale.unwrap_or(training_upscale),
        auto_levels: args.auto_levels.unwrap_or(auto_levels),
        values,
        mirror: args.mirror.unwrap_or(mirror),
    }
}

fn confidence(args: &ExportArgs, inherited: Option<&Inherited>) -> Confidence {
    let said = args.confidence_temperature.map(|temperature| Confidence { temperature });
    said.or(inherited.map(|inherited| inherited.confidence)).unwrap_or_default()
}

/// The codec of the configuration, with the settings of the package that the run started from, overridden by the options.
fn tuned_codec(args: &ExportArgs, state: &State) -> Result<CodecConfig> {
    let mut codec = state.config.codec.clone();
    if let Some(settings) = state.inherited.as_ref().and_then(|inherited| inherited.codec.as_ref()) {
        settings.put(&mut codec)?;
    }
    let ExportArgs { temperature, tilt, point, contrast, .. } = *args;
    CodecSettings { temperature, tilt, point, contrast }.put(&mut codec)?;
    Ok(codec)
}

/// Says where prediction settings come from that no option sets.
fn tell_inherited(state: &State) {
    match (&state.inherited, &state.config.init.package) {
        (Some(Inherited { from, codec: Some(_), .. }), _) => {
            eprintln!(
                "prediction settings that neither an option nor the configuration sets come from {from}"
            );
        }
        (Some(Inherited { from, codec: None, .. }), _) => eprintln!(
            "the codec of {from} was trained differently: its temperature, tilt, point and contrast are not used; its other \
             prediction settings are, unless an option sets them"
        ),
        (None, Some(package)) => eprintln!(
            "the run was started by an older trainer, which did not record the prediction settings of {}: what no option \
             sets is the default",
            package.display()
        ),
        (None, None) => {}
    }
}

/// Suffix of a trainer's commit built from uncommitted changes.
const CHANGED: &str = "-changed";

/// The commit that the package records: that of the trainer that took the last step, marked as changed if it or this trainer
/// was built from uncommitted changes.
fn stated_commit(trained: &str, exporting: &str, dirty: bool) -> Result<String> {
    let Some(whose) = [("took the last step", trained), ("exports", exporting)]
        .into_iter()
        .find_map(|(whose, commit)| commit.ends_with(CHANGED).then_some(whose))
    else {
        return Ok(trained.to_owned());
    };
    if !dirty {
        bail!(
            "the trainer that {whose}: expected one built from a commit, got uncommitted changes, which nobody else could \
             reproduce; commit and rebuild, or add --dirty"
        );
    }
    let commit = trained.trim_end_matches(CHANGED);
    Ok(if commit.is_empty() { String::new() } else { format!("{commit}{CHANGED}") })
}

/// Metrics by name: the value and its 95% interval.
type Measured = BTreeMap<String, (f64, Option<[f64; 2]>)>;

/// Name of the set and its metrics, from the JSON that `eval --json` prints.
fn read_metrics(path: &Path) -> Result<(String, Measured)> {
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let set = json["data"].as_str().context("expected a string \"data\"; is this from `eval --json`?")?;
    let set =
        Path::new(set).file_stem().map_or_else(|| set.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let metrics = json["metrics"].as_object().context("expected an object \"metrics\"")?;
    let value = |value: &serde_json::Value| value.as_f64().or_else(|| value["value"].as_f64());
    let interval =
        |entry: &serde_json::Value| Some([entry["interval"][0].as_f64()?, entry["interval"][1].as_f64()?]);
    let read = |(name, entry): (&String, _)| Some((name.clone(), (value(entry)?, interval(entry))));
    Ok((set, metrics.iter().filter_map(read).collect()))
}

fn card(
    manifest: &Manifest,
    state: &State,
    (soup, measured): (&[PathBuf], &BTreeMap<String, Measured>),
    notes: Option<&str>,
) -> String {
    use std::fmt::Write;
    let mut card = format!("# {}\n\n{}\n\n", manifest.name, manifest.description);
    // Writing to a string cannot fail.
    let _ = writeln!(card, "- License of the weights: {}", manifest.license);
    let _ = writeln!(card, "- Network: {}; codec: {}", manifest.network.name(), manifest.codec.name());
    let config = &state.config;
    let _ =
        writeln!(card, "- Training: {} steps of {} samples, seed {}", state.step, config.batch, config.seed);
    if !state.commit.is_empty() {
        let _ = writeln!(card, "- Trainer: commit {}", state.commit);
    }
    match (&config.init.package, &config.init.encoder) {
        (Some(package), _) => {
            let _ = writeln!(card, "- Started from: {}", package.display());
        }
        (None, Some(encoder)) => {
            let _ = writeln!(card, "- Encoder initialized from: {}", encoder.display());
        }
        (None, None) => {}
    }
    for run in soup {
        let _ = writeln!(card, "- Averaged with: {}", run.display());
    }
    let _ = writeln!(card, "\n## Training data\n\n| set | photographs | sha256 |\n|---|---|---|");
    for stamp in &state.data {
        let _ = writeln!(card, "| {} | {} | {} |", stamp.name, stamp.count, stamp.sha256);
    }
    for (set, metrics) in measured {
        let _ = writeln!(card, "\n## Results on {set}\n\n| metric | value | 95% interval |\n|---|---|---|");
        for (name, (value, interval)) in metrics {
            let interval = interval.map(|[low, high]| format!("{low:.4} to {high:.4}")).unwrap_or_default();
            let _ = writeln!(card, "| {name} | {value:.4} | {interval} |");
        }
    }
    if let Some(notes) = notes {
        let _ = write!(card, "\n## Notes\n\n{}\n", notes.trim_end());
    }
    card
}

#[cfg(test)]
mod tests;
