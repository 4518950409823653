//! `autochrome-trainer eval`: what a model package does to photographs whose colors are known.
//!
//! The idea: **measure the product**. A photograph is reduced to the 8-bit gray of its L, colorized by the pipeline
//! that every host uses, written as 8-bit RGB, and compared with the photograph; nothing the network says is looked
//! at before that.

mod against;
mod folders;
mod gallery;
mod judges;
mod measure;
mod metrics;
mod model;
mod page;
mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use autochrome_models::color;
use autochrome_models::device::Resolved;
use clap::ValueEnum;
use image::{GrayImage, Luma, Rgb, RgbImage};
use rayon::prelude::*;

use crate::data::{DataSet, Selection};
use crate::metric::bootstrap;
use crate::metric::classifier;

pub use against::Against;
pub use folders::Folder;
pub use gallery::{Exhibition, Gallery, Seen, Viewer, Viewers};
pub use judges::{Judges, Verdict};
pub use measure::{Row, Ruler};
pub use metrics::Measured;
pub use model::{Model, paint};
pub use report::Report;

/// Photographs decoded and measured at once: bounds memory, keeps every core busy between two.
const CHUNK: usize = 16;

/// Measures a model package on photographs whose colors are known.
#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    /// Folder of the model package; left out with `--baseline`.
    #[arg(required_unless_present = "baseline", value_name = "PACKAGE")]
    pub package: Option<PathBuf>,
    /// Tar archive, folder or CIFAR-10; repeatable, in the order of a configuration for its `--held-out`.
    #[arg(long, value_name = "PATH", required = true)]
    pub data: Vec<PathBuf>,
    /// What of it is measured.
    #[command(flatten)]
    pub selection: Selection,
    /// Takes the N photographs only that a run with `held_out = N` on this data does not learn from.
    #[arg(long, value_name = "N")]
    pub held_out: Option<usize>,
    /// Takes the photographs only whose names have the WordNet id of a class, `n01440764` (of `--held-out`, where given).
    #[arg(long)]
    pub labeled: bool,
    /// Adds the metrics of each folder of photographs.
    #[arg(long)]
    pub by_folder: bool,
    /// Prints JSON and not a table.
    #[arg(long)]
    pub json: bool,
    /// Writes one line per photograph.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Writes a PNG that shows gray, truth and output of the first photographs.
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
    /// Photographs on the sheet.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub sheet_count: usize,
    /// Writes a page of HTML: the metrics, and gray, output and truth of each photograph side by side.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Photographs on the page.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub html_count: usize,
    /// Takes the first photographs only.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// EfficientNet-Lite (0 to 3) in safetensors: adds the share of photographs it recognizes; repeatable.
    #[arg(long, value_name = "FILE")]
    pub classifier: Vec<PathBuf>,
    /// What `trainer/encoder.py lpips` writes: adds LPIPS.
    #[arg(long, value_name = "FILE")]
    pub lpips: Option<PathBuf>,
    /// Where the networks run: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: autochrome_models::device::DeviceRequest,
    /// CPU threads; default: all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Temperature of the annealed mean, instead of the package's; repeatable, one report each.
    #[arg(long, value_name = "T")]
    pub temperature: Vec<f32>,
    /// How much of the color is laid on, 0 to 1.5; default: 1.
    #[arg(long, value_name = "S")]
    pub strength: Option<f32>,
    /// Working size in pixels, instead of the package's.
    #[arg(long, value_name = "N")]
    pub working_size: Option<u32>,
    /// Says how far it is from this: the folder of another package, or `gray`; with 95% intervals of the differences.
    #[arg(long, value_name = "PACKAGE", conflicts_with = "baseline")]
    pub against: Option<PathBuf>,
    /// Measures this in place of a model.
    #[arg(long, conflicts_with_all = ["package", "temperature", "strength", "working_size"])]
    pub baseline: Option<Baseline>,
}

/// What is measured in place of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Baseline {
    /// The gray input itself, ab = 0.
    Gray,
}

/// Measures outputs of `paint` on the photographs of `data` (the first `limit` of them).
///
/// `paint` gets the 8-bit gray of a photograph and returns 8-bit sRGB of the same size; it is called in order, from
/// this thread. `judges` look at the pictures, and `viewer` is shown them. Photographs that do not decode are left out
/// and named in the report.
///
/// # Errors
/// No photograph decodes, `paint` fails or changes the size, or a judge or the viewer fails.
pub fn evaluate(
    data: &DataSet,
    limit: Option<usize>,
    judges: &Judges,
    mut viewer: Option<&mut dyn Viewer>,
    mut paint: impl FnMut(&GrayImage) -> Result<RgbImage>,
) -> Result<Report> {
    let count = data.items.len().min(limit.unwrap_or(usize::MAX));
    let ruler = Ruler::new();
    let mut rows = Vec::with_capacity(count);
    for start in (0..count).step_by(CHUNK) {
        let chunk = start..(start + CHUNK).min(count);
        let truths: Vec<Option<RgbImage>> =
            chunk.clone().into_par_iter().map(|index| data.decode(index)).collect();
        let mut pictures = Vec::with_capacity(truths.len());
        for (truth, index) in truths.into_iter().zip(chunk) {
            let Some(truth) = truth else { continue };
            let name = data.items[index].name.clone();
            let gray = gray_of(&truth);
            let output = paint(&gray).with_context(|| name.clone())?;
            if output.dimensions() != truth.dimensions() {
                bail!(
                    "{name}: expected an output of {:?}, got {:?}",
                    truth.dimensions(),
                    output.dimensions()
                );
            }
            let gray = gray_as_rgb(&gray);
            let verdict = judges.look(&name, [&truth, &gray, &output])?;
            if let Some(viewer) = viewer.as_deref_mut() {
                viewer.see(&Seen {
                    name: &name,
                    gray: &gray,
                    output: &output,
                    truth: &truth,
                    verdict: &verdict,
                })?;
            }
            pictures.push((name, truth, output, verdict));
        }
        rows.par_extend(
            pictures.into_par_iter().map(|(name, truth, output, verdict)| Row {
                verdict,
                ..ruler.measure(name, &truth, &output)
            }),
        );
    }
    if rows.is_empty() {
        bail!("expected at least one photograph that decodes, got {} that do not", data.corrupt().len());
    }
    Ok(Report::new(rows, data.corrupt(), judges.classifiers(), bootstrap::RESAMPLES))
}

/// The 8-bit gray whose L is that of the photograph, rounded.
pub fn gray_of(photograph: &RgbImage) -> GrayImage {
    GrayImage::from_fn(photograph.width(), photograph.height(), |x, y| {
        let [lightness, ..] = color::srgb8_to_lab(photograph.get_pixel(x, y).0);
        Luma([color::unit_to_u8(color::linear_to_srgb(color::lightness_to_luminance(lightness)))])
    })
}

/// The same picture in three equal channels: the output of a colorizer that finds no color.
pub fn gray_as_rgb(gray: &GrayImage) -> RgbImage {
    RgbImage::from_fn(gray.width(), gray.height(), |x, y| Rgb([gray.get_pixel(x, y).0[0]; 3]))
}

/// Runs the command.
///
/// # Errors
/// The package, the data, the classifier or the device cannot be used, or a file cannot be written.
pub fn run(args: &EvalArgs) -> Result<()> {
    if args.html.is_some() && args.temperature.len() > 1 {
        let count = args.temperature.len();
        bail!("--html: expected at most one --temperature a page, got {count}; run eval once for each");
    }
    let data = open(args)?;
    let resolved = autochrome_models::device::resolve(&args.device)?;
    if let Some(reason) = &resolved.fallback {
        eprintln!("device: {reason}");
    }
    let judges = Judges::load(&args.classifier, args.lpips.as_ref(), resolved.device)?;
    let mut viewers = Viewers::new(args);
    let mut measure = |paint: &mut dyn FnMut(&GrayImage) -> Result<RgbImage>| {
        evaluate(&data, args.limit, &judges, Some(&mut viewers), paint)
    };
    let name = args.data.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" + ");
    let (mut reports, mut own_temperature) = (Vec::new(), None);
    match &args.package {
        None => {
            reports.push(measure(&mut |gray| Ok(gray_as_rgb(gray)))?.titled(name, "gray".to_owned(), None))
        }
        Some(folder) => {
            let mut model = Model::load(folder, &resolved, args.working_size, args.threads)?;
            own_temperature = model.own_temperature();
            args.strength.into_iter().for_each(|strength| model.set_strength(strength));
            let asked = args.temperature.iter().map(|&temperature| Some(temperature));
            let temperatures = if args.temperature.is_empty() { vec![None] } else { asked.collect() };
            for temperature in temperatures {
                model.set_temperature(temperature);
                let report = measure(&mut |gray| model.colorize(gray))?;
                reports.push(report.titled(name.clone(), model.name().to_owned(), model.temperature()));
            }
        }
    }
    for report in &mut reports {
        report.strength = args.strength;
        if args.by_folder {
            report.add_folders();
        }
    }
    if let Some(other) = &args.against {
        let other = measure_other(other, &data, &judges, &resolved, args)?;
        for report in &mut reports {
            report.against = Some(Against::new(report, &other)?);
        }
    }
    print(&reports, args)?;
    viewers.save(args, &reports[0], own_temperature)
}

/// What `--against` names, measured on the same photographs.
fn measure_other(
    other: &Path,
    data: &DataSet,
    judges: &Judges,
    resolved: &Resolved,
    args: &EvalArgs,
) -> Result<Report> {
    let titled = |report: Report, name: &str| report.titled(String::new(), name.to_owned(), None);
    if other == Path::new("gray") {
        let gray = evaluate(data, args.limit, judges, None, |gray| Ok(gray_as_rgb(gray)))?;
        return Ok(titled(gray, "gray"));
    }
    let mut model = Model::load(other, resolved, args.working_size, args.threads)?;
    args.strength.into_iter().for_each(|strength| model.set_strength(strength));
    Ok(titled(evaluate(data, args.limit, judges, None, |gray| model.colorize(gray))?, model.name()))
}

fn open(args: &EvalArgs) -> Result<DataSet> {
    let all = crate::data::open(&args.data, &args.selection)?;
    let mut data = match args.held_out {
        Some(count) => all.hold_out(count)?.1,
        None => all,
    };
    if args.labeled {
        let before = data.items.len();
        data.items.retain(|item| classifier::label_of(&item.name).is_some());
        if data.items.is_empty() {
            bail!(
                "--labeled: expected a WordNet id of ILSVRC 2012 in a name (n01440764), got none in {before} names"
            );
        }
    }
    Ok(data)
}

/// The reports as text or JSON (a list where there are several), and the CSV.
fn print(reports: &[Report], args: &EvalArgs) -> Result<()> {
    match reports {
        [report] if args.json => println!("{}", serde_json::to_string_pretty(report)?),
        _ if args.json => println!("{}", serde_json::to_string_pretty(reports)?),
        _ => reports.iter().for_each(|report| println!("{report}")),
    }
    if let Some(path) = &args.csv {
        let header = reports.first().map(Report::csv_header).unwrap_or_default();
        let text = reports.iter().fold(header, |text, report| text + &report.csv());
        crate::checkpoint::write_whole(path, text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
