//! The loss of several runs over their first values: which of them learns at all.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::draw::plot::runs::{self, RunCurve};
use crate::draw::save_png;

/// Draws the training loss of runs, each relative to its first value.
#[derive(Debug, clap::Args)]
pub struct CurvesArgs {
    /// Run folders, at most 10.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The picture.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &CurvesArgs) -> Result<()> {
    let names = names(&args.runs);
    let curves: Vec<RunCurve> =
        args.runs.iter().zip(names).map(|(folder, name)| read(folder, name)).collect::<Result<_>>()?;
    save_png(&runs::draw(&curves)?, &args.out)
}

fn read(folder: &Path, name: String) -> Result<RunCurve> {
    let named = || format!("run {}", folder.display());
    let csv = std::fs::read_to_string(folder.join("log.csv"));
    let csv =
        csv.context("expected a log.csv, as `train` writes it; name a run folder").with_context(named)?;
    RunCurve::parse(name, &csv).with_context(named)
}

/// The folders' names; whole paths where two have the same.
fn names(folders: &[PathBuf]) -> Vec<String> {
    let short = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = |path: &PathBuf| match short(path) {
        Some(name) if folders.iter().filter(|other| short(other).as_ref() == Some(&name)).count() == 1 => {
            name
        }
        _ => path.display().to_string(),
    };
    folders.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_called_by_their_folders_and_by_their_paths_where_that_is_not_enough() {
        let folders = ["runs/a", "runs/b", "old/b/"].map(PathBuf::from);
        assert_eq!(names(&folders), ["a", "runs/b", "old/b/"]);
    }
}
