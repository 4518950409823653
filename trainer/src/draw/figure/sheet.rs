//! Gray, truth and the outputs of one or several packages, in rows: figures 6 to 9 of the seed report.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use image::RgbImage;

use super::Machine;
use crate::data::{gray_as_rgb, gray_of};
use crate::draw::Sheet;
use crate::model::Model;

/// Draws gray, truth and each package's output, one row per photograph.
#[derive(Debug, clap::Args)]
pub struct SheetArgs {
    /// Folders of model packages, one column each.
    #[arg(required_unless_present = "package", value_name = "PACKAGE")]
    packages: Vec<PathBuf>,
    /// Another package; repeatable.
    #[arg(long, value_name = "PACKAGE")]
    package: Vec<PathBuf>,
    /// Tar archive or folder of photographs.
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    #[command(flatten)]
    selection: crate::data::Selection,
    /// The picture.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Photographs on the sheet.
    #[arg(long, value_name = "N", default_value_t = 6)]
    count: usize,
    /// Takes every K-th photograph.
    #[arg(long, value_name = "K", default_value_t = 1)]
    every: usize,
    #[command(flatten)]
    machine: Machine,
}

pub(super) fn run(args: &SheetArgs) -> Result<()> {
    if args.count == 0 || args.every == 0 {
        bail!("count, every: expected at least 1, got {} and {}", args.count, args.every);
    }
    let data = crate::data::open(std::slice::from_ref(&args.data), &args.selection)?;
    let resolved = args.machine.resolve()?;
    let folders: Vec<&Path> = args.packages.iter().chain(&args.package).map(PathBuf::as_path).collect();
    let models: Vec<Model> = folders
        .iter()
        .map(|folder| Model::load(folder, &resolved, None, Some(args.machine.threads)))
        .collect::<Result<_>>()?;
    let headings = ["gray", "truth"].into_iter().map(str::to_owned).chain(names(&models, &folders));
    let mut sheet = Sheet::headed(headings.collect(), args.count);
    let photographs = (0..data.items.len()).step_by(args.every).filter_map(|index| data.decode(index));
    for truth in photographs.take(args.count) {
        let gray = gray_of(&truth);
        let outputs: Vec<RgbImage> =
            models.iter().map(|model| model.colorize(&gray)).collect::<Result<_>>()?;
        let gray = gray_as_rgb(&gray);
        sheet.add(&[&gray, &truth].into_iter().chain(&outputs).collect::<Vec<_>>());
    }
    for (name, reason) in data.corrupt() {
        eprintln!("skipped {name}, which does not decode: {reason}");
    }
    sheet.save(&args.out)
}

/// What the packages are called; their folders where two are called the same.
fn names(models: &[Model], folders: &[&Path]) -> Vec<String> {
    let twice = |name: &str| models.iter().filter(|model| model.name() == name).count() > 1;
    let name = |(model, folder): (&Model, &&Path)| match model.name() {
        name if twice(name) => folder.display().to_string(),
        name => name.to_owned(),
    };
    models.iter().zip(folders).map(name).collect()
}
