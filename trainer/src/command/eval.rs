//! `autochrome-trainer eval`: measures a model package on photographs whose colors are known.
//!
//! The idea: **the command decides what is measured and where it is reported**; how is up to `metric`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use autochrome_models::device::Resolved;
use clap::ValueEnum;
use image::{GrayImage, RgbImage, RgbaImage};

use crate::data::hints::drawn;
use crate::data::{DataSet, Selection, gray_as_rgb};
use crate::draw::Sheet;
use crate::levin;
use crate::metric::classifier;
use crate::metric::set::{Against, Judges, Report, Seen, Viewer, evaluate};
use crate::model::Model;
use crate::page::report::{self, Gallery};

/// Measures a model package on photographs whose colors are known.
#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    /// Folder of the model package; left out with `--baseline`.
    #[arg(required_unless_present = "baseline", value_name = "PACKAGE")]
    pub package: Option<PathBuf>,
    /// Tar archive, folder or CIFAR-10; repeatable, in the configuration's order for `--held-out`.
    #[arg(long, value_name = "PATH", required = true)]
    pub data: Vec<PathBuf>,
    /// Which of them are measured.
    #[command(flatten)]
    pub selection: Selection,
    /// Uses only the N photographs that a run with `held_out = N` on this data holds out.
    #[arg(long, value_name = "N")]
    pub held_out: Option<usize>,
    /// Uses only photographs whose names contain the WordNet id of a class, such as `n01440764`.
    #[arg(long)]
    pub labeled: bool,
    /// Adds the metrics of each folder.
    #[arg(long)]
    pub by_folder: bool,
    /// Prints JSON instead of a table.
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
    /// Writes an HTML page: the metrics, and gray, output and truth of each photograph side by side.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Photographs on the page.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub html_count: usize,
    /// Uses only the first N photographs.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// EfficientNet-Lite (0 to 3) in safetensors: adds the share of photographs it recognizes; repeatable.
    #[arg(long, value_name = "FILE")]
    pub classifier: Vec<PathBuf>,
    /// The file that `trainer/encoder.py lpips` writes: adds LPIPS.
    #[arg(long, value_name = "FILE")]
    pub lpips: Option<PathBuf>,
    /// Where the networks run: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: autochrome_models::device::DeviceRequest,
    /// CPU threads; default: all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Temperature of the annealed mean, overriding the package's; repeatable, one report each.
    #[arg(long, value_name = "T")]
    pub temperature: Vec<f32>,
    /// Strength of the color, 0 to 1.5; default: 1.
    #[arg(long, value_name = "S")]
    pub strength: Option<f32>,
    /// Gives N hints, squares of 7x7 pixels of each photograph's own colors at random places; repeatable, one report each.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub hints: Vec<u16>,
    /// Working size in pixels, overriding the package's.
    #[arg(long, value_name = "N")]
    pub working_size: Option<u32>,
    /// Compares with another package (its folder) or with `gray`: differences with 95% intervals.
    #[arg(long, value_name = "PACKAGE", conflicts_with = "baseline")]
    pub against: Option<PathBuf>,
    /// Measures this instead of a model.
    #[arg(long, conflicts_with_all = ["package", "temperature", "strength", "working_size"])]
    pub baseline: Option<Baseline>,
}

/// What is measured instead of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Baseline {
    /// The gray input itself, ab = 0.
    Gray,
    /// Colorization by optimization (Levin et al. 2004) from the hints of `--hints`.
    Levin,
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
    if args.hints.len() > 1 && (args.against.is_some() || args.html.is_some()) {
        bail!(
            "--hints: expected one count with --against or --html, got {}; run eval once for each",
            args.hints.len()
        );
    }
    let data = open(args)?;
    let resolved = autochrome_models::device::resolve(&args.device)?;
    if let Some(reason) = &resolved.fallback {
        eprintln!("device: {reason}");
    }
    let judges = Judges::load(&args.classifier, args.lpips.as_ref(), resolved.device)?;
    let mut viewers = Viewers::new(args);
    let mut measure = |paint: &mut dyn FnMut(&GrayImage, &RgbImage) -> Result<RgbImage>| {
        evaluate(&data, args.limit, &judges, Some(&mut viewers), paint)
    };
    let name = args.data.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" + ");
    let (mut reports, mut own_temperature) = (Vec::new(), None);
    match &args.package {
        None if args.baseline == Some(Baseline::Levin) => {
            for count in hint_counts(args) {
                let report =
                    measure(&mut |gray, truth| Ok(levin::colorize(gray, &hints(truth, count.unwrap_or(0)))))?;
                reports
                    .push(Report { hints: count, ..report.titled(name.clone(), "levin".to_owned(), None) });
            }
        }
        None => {
            reports.push(measure(&mut |gray, _| Ok(gray_as_rgb(gray)))?.titled(name, "gray".to_owned(), None))
        }
        Some(folder) => {
            let mut model = Model::load(folder, &resolved, args.working_size, args.threads)?;
            own_temperature = model.own_temperature();
            args.strength.into_iter().for_each(|strength| model.set_strength(strength));
            let asked = args.temperature.iter().map(|&temperature| Some(temperature));
            let temperatures = if args.temperature.is_empty() { vec![None] } else { asked.collect() };
            let counts = hint_counts(args);
            for (temperature, count) in temperatures.iter().flat_map(|t| counts.iter().map(move |n| (*t, *n)))
            {
                model.set_temperature(temperature);
                let report = measure(&mut |gray, truth| painted(&model, gray, truth, count))?;
                let report = report.titled(name.clone(), model.name().to_owned(), model.temperature());
                reports.push(Report { hints: count, ..report });
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

/// What `--hints` names; without it one report without hints.
fn hint_counts(args: &EvalArgs) -> Vec<Option<usize>> {
    if args.hints.is_empty() {
        vec![None]
    } else {
        args.hints.iter().map(|count| Some((*count).into())).collect()
    }
}

/// The hints of a photograph: the same for every model and run.
fn hints(truth: &RgbImage, count: usize) -> RgbaImage {
    const SEED: u64 = 7;
    drawn(truth, count, SEED)
}

/// What a model makes of a photograph, with `count` hints where some are asked for.
fn painted(model: &Model, gray: &GrayImage, truth: &RgbImage, count: Option<usize>) -> Result<RgbImage> {
    match count {
        Some(count) => model.colorize_hinted(gray, &hints(truth, count)),
        None => model.colorize(gray),
    }
}

/// The viewers that a run of `eval` asks for.
#[derive(Debug)]
struct Viewers {
    /// The contact sheet of `--sheet`.
    sheet: Option<Sheet>,
    /// The gallery of `--html`.
    gallery: Option<Gallery>,
}

impl Viewers {
    /// Those that the arguments name.
    fn new(args: &EvalArgs) -> Self {
        Self {
            sheet: args.sheet.as_ref().map(|_| Sheet::new(3, args.sheet_count)),
            gallery: args.html.as_ref().map(|_| Gallery::new(args.html_count)),
        }
    }

    /// Writes the files that the arguments name.
    fn save(self, args: &EvalArgs, report: &Report, own_temperature: Option<f64>) -> Result<()> {
        if let (Some(sheet), Some(path)) = (&self.sheet, &args.sheet) {
            sheet.save(path)?;
        }
        if let (Some(gallery), Some(path)) = (self.gallery, &args.html) {
            report::save(path, report, &gallery.into_exhibition(&report.classifiers), own_temperature)?;
        }
        Ok(())
    }
}

impl Viewer for Viewers {
    fn see(&mut self, seen: &Seen<'_>) -> Result<()> {
        if let Some(sheet) = &mut self.sheet {
            sheet.add(&[seen.gray, seen.truth, seen.output]);
        }
        self.gallery.as_mut().map_or(Ok(()), |gallery| gallery.see(seen))
    }
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
        let gray = evaluate(data, args.limit, judges, None, |gray, _| Ok(gray_as_rgb(gray)))?;
        return Ok(titled(gray, "gray"));
    }
    let mut model = Model::load(other, resolved, args.working_size, args.threads)?;
    args.strength.into_iter().for_each(|strength| model.set_strength(strength));
    let count = hint_counts(args)[0];
    let report = evaluate(data, args.limit, judges, None, |gray, truth| painted(&model, gray, truth, count))?;
    Ok(titled(report, model.name()))
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
        crate::files::write_whole(path, text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photographs_without_a_class_are_left_out_when_asked_and_of_top1_only_otherwise() {
        let args = |folder: &tempfile::TempDir, more: &[&str]| {
            let path = folder.path().to_str().unwrap();
            let words =
                ["eval", "--baseline", "gray", "--data", path].into_iter().chain(more.iter().copied());
            <Parsed as clap::Parser>::parse_from(words).args
        };
        let names = |args: &EvalArgs| {
            open(args).unwrap().items.iter().map(|item| item.name.clone()).collect::<Vec<_>>()
        };
        let some = folder(&["a.png", "n01440764_tench.png"]);
        assert_eq!(names(&args(&some, &[])), ["a.png", "broken.jpg", "n01440764_tench.png"]);
        assert_eq!(names(&args(&some, &["--labeled"])), ["n01440764_tench.png"]);
        // The held-out ones are drawn from all, so that they are those a run did not learn from.
        assert_eq!(names(&args(&some, &["--labeled", "--held-out", "2"])), ["n01440764_tench.png"]);
        let error = open(&args(&folder(&[]), &["--labeled"])).unwrap_err().to_string();
        assert!(
            error.contains("expected a WordNet id of ILSVRC 2012 in a name (n01440764), got none in 1"),
            "{error}"
        );
    }

    /// A folder with pictures of these names, and one file that is no picture.
    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let picture = RgbImage::from_pixel(32, 20, image::Rgb([200, 60, 60]));
        names.iter().for_each(|name| picture.save(folder.path().join(name)).unwrap());
        std::fs::write(folder.path().join("broken.jpg"), b"no picture").unwrap();
        folder
    }

    /// The arguments of `eval` by themselves.
    #[derive(clap::Parser)]
    struct Parsed {
        #[command(flatten)]
        args: EvalArgs,
    }
}
