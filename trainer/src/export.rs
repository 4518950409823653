//! `autochrome-trainer export`: a run becomes a model package.
//!
//! The idea: **a package says where it came from**: configuration, seed, steps and the hash of every data set go from
//! the checkpoint into its `model.toml` and its card, so that it can be made again.

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

use crate::checkpoint::{self, State};
use crate::run::checkpoint_path;

/// Makes a model package of a run.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Run folder.
    pub run: PathBuf,
    /// The package's folder; a package that is there is replaced.
    pub package: PathBuf,
    /// Name that users will call it by; default: the folder's name.
    #[arg(long)]
    pub name: Option<String>,
    /// One line for people.
    #[arg(long)]
    pub description: String,
    /// Licence of the weights (SPDX).
    #[arg(long, default_value = "MIT OR Apache-2.0")]
    pub license: String,
    /// Makes it the model taken when none is named.
    #[arg(long)]
    pub default: bool,
    /// Working size: the picture's longer side, in pixels, as the network sees it.
    #[arg(long, default_value_t = 256)]
    pub working_size: u32,
    /// How many times training enlarged its photographs, 1 to 8: pictures are made as soft as those were.
    #[arg(long, default_value_t = 1.0, value_name = "TIMES")]
    pub enlarged: f64,
    /// Shows faded pictures to the network as if they were not: a small range of L is spread.
    #[arg(long)]
    pub levels: bool,
    /// Looks at the mirror image too and averages: steadier colours for twice the work.
    #[arg(long)]
    pub mirror: bool,
    /// The point of the distribution: mean or median (bins2d).
    #[arg(long, value_parser = point)]
    pub point: Option<Point>,
    /// Temperature of the annealed mean, instead of the configuration's.
    #[arg(long)]
    pub temperature: Option<f64>,
    /// Rebalancing added at prediction, instead of the configuration's (bins1d, bins2d).
    #[arg(long, allow_negative_numbers = true)]
    pub tilt: Option<f64>,
    /// How far colours are set off against the picture they are in, 0.5 to 3, instead of the configuration's (bins2d).
    #[arg(long)]
    pub contrast: Option<f64>,
    /// Makes colors even where the picture is: REACH,LIGHTNESS,COLOR,PASSES, such as 2,8,12,1.
    #[arg(long, value_parser = smoothing, value_name = "R,L,C,N")]
    pub smoothing: Option<Smoothing>,
    /// Temperature of the distribution that confidence is read from, 0.25 to 4: `figures confidence` shows what it says
    /// against what is true.
    #[arg(long, default_value_t = 1.0, value_name = "T")]
    pub confidence_temperature: f64,
    /// Stores float32 weights; twice the size of float16.
    #[arg(long)]
    pub float32: bool,
    /// Takes the last weights and not their average.
    #[arg(long)]
    pub raw: bool,
    /// Takes the mean of these runs' weights and its own, a soup (Wortsman et al. 2022); repeatable. They must have begun at
    /// the same weights.
    #[arg(long, value_name = "RUN")]
    pub soup: Vec<PathBuf>,
    /// JSON of `eval --json`, repeatable: its metrics go into the package.
    #[arg(long)]
    pub metrics: Vec<PathBuf>,
    /// Text put into the card under "Notes".
    #[arg(long)]
    pub notes: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// No checkpoint, a parameter out of bounds, or a package that cannot be written.
pub fn run(args: &ExportArgs) -> Result<()> {
    let prefix = if args.raw { "model." } else { "average." };
    let (state, mut weights) = weights(&args.run, prefix)?;
    soup(&mut weights, args, prefix)?;
    let measured = args
        .metrics
        .iter()
        .map(|path| read_metrics(path).with_context(|| format!("metrics {}", path.display())));
    let measured: BTreeMap<_, _> = measured.collect::<Result<_>>()?;
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

/// What a run is and its weights, by name.
fn weights(run: &Path, prefix: &str) -> Result<(State, Vec<(String, Tensor)>)> {
    let (state, tensors) = checkpoint::read(&checkpoint_path(run))?;
    let mut weights: Vec<(String, Tensor)> = tensors
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor)))
        .collect();
    weights.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((state, weights))
}

/// Makes `own` the mean of itself and the weights of the runs that the command names.
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
        input: Input {
            working_size: args.working_size,
            enlarged: args.enlarged,
            levels: args.levels,
            values: InputValues::L,
            mirror: args.mirror,
        },
        codec: tuned_codec(state.config.codec.clone(), args)?,
        smoothing: args.smoothing,
        confidence: Confidence { temperature: args.confidence_temperature },
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

/// The codec with the settings of prediction that the command names.
fn tuned_codec(mut codec: CodecConfig, args: &ExportArgs) -> Result<CodecConfig> {
    match &mut codec {
        CodecConfig::Bins2d(config) => {
            config.temperature = args.temperature.unwrap_or(config.temperature);
            config.tilt = args.tilt.unwrap_or(config.tilt);
            config.point = args.point.unwrap_or(config.point);
            config.contrast = args.contrast.unwrap_or(config.contrast);
        }
        CodecConfig::Bins1d(config) => {
            config.temperature = args.temperature.unwrap_or(config.temperature);
            config.tilt = args.tilt.unwrap_or(config.tilt);
        }
        CodecConfig::Regression(_) if args.temperature.is_some() => {
            bail!("temperature: expected none for a regression, which has no distribution; leave it out")
        }
        CodecConfig::Regression(_) => {}
    }
    if args.point.is_some() && !matches!(codec, CodecConfig::Bins2d(_)) {
        bail!("point: expected none for {}, whose colour is a mean; leave it out", codec.name());
    }
    if args.contrast.is_some() && !matches!(codec, CodecConfig::Bins2d(_)) {
        bail!("contrast: expected none for {}; leave it out", codec.name());
    }
    if args.tilt.is_some() && matches!(codec, CodecConfig::Regression(_)) {
        bail!("tilt: expected none for a regression, which has no distribution; leave it out");
    }
    Ok(codec)
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
    let _ = writeln!(card, "- Licence of the weights: {}", manifest.license);
    let _ = writeln!(card, "- Network: {}; codec: {}", manifest.network.name(), manifest.codec.name());
    let config = &state.config;
    let _ =
        writeln!(card, "- Training: {} steps of {} samples, seed {}", state.step, config.batch, config.seed);
    if !state.commit.is_empty() {
        let _ = writeln!(card, "- Trainer: commit {}", state.commit);
    }
    match (&config.init.package, &config.init.encoder) {
        (Some(package), _) => {
            let _ = writeln!(card, "- Begun from: {}", package.display());
        }
        (None, Some(encoder)) => {
            let _ = writeln!(card, "- Encoder begun from: {}", encoder.display());
        }
        (None, None) => {}
    }
    for run in soup {
        let _ = writeln!(card, "- Mean with the weights of: {}", run.display());
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
