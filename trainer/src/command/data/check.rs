//! `autochrome-trainer data check`: decodes every photograph once and says what is there and what is wrong.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::report::{self, Finding, Report, Seen};
use crate::data::{DataSet, Item, Opened, Remark, Screen, Selection, expand_braces};

/// Decodes every photograph and reports what training would skip, and what is unusual.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Data sets, of any kind that a configuration may name.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Which of them are checked.
    #[command(flatten)]
    pub selection: Selection,
    /// Prints JSON with every class and every finding.
    #[arg(long)]
    pub json: bool,
    /// Writes one line per finding.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Exits with code 1 if a photograph is unusable.
    #[arg(long)]
    pub strict: bool,
}

pub(super) fn run(args: &CheckArgs) -> Result<bool> {
    let (mut reports, mut refused) = (Vec::new(), 0);
    for pattern in &args.paths {
        for path in expand_braces(pattern)? {
            match look(&path, &args.selection) {
                Ok(report) => reports.push(report),
                // The others are looked at all the same.
                Err(error) => {
                    refused += 1;
                    eprintln!("{error:#}");
                }
            }
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&reports)?);
    } else {
        reports.iter().for_each(|report| println!("{report}"));
    }
    if let Some(path) = &args.csv {
        crate::files::write_whole(path, report::csv(&reports).as_bytes())?;
    }
    if refused > 0 {
        bail!("{refused} of {} data sets cannot be opened", refused + reports.len());
    }
    Ok(!args.strict || reports.iter().all(|report| report.usable == report.photographs))
}

fn look(path: &Path, selection: &Selection) -> Result<Report> {
    let opened = Opened::new(path, selection)?;
    let stamp = opened.stamp()?;
    let bytes = match std::fs::metadata(path)? {
        file if file.is_file() => file.len(),
        _ => opened.set.items.iter().filter_map(|item| item.size().ok()).sum(),
    };
    let mut seen = see_all(&opened.set)?;
    // What listing alone has found out, as a label that is none.
    seen.extend(opened.set.corrupt().into_iter().map(|(name, reason)| Seen {
        size: None,
        format: "none known".to_owned(),
        findings: vec![Finding { name, remark: Remark::Corrupt, reason }],
    }));
    Ok(Report::new(&opened, stamp.sha256, bytes, seen))
}

fn see_all(set: &DataSet) -> Result<Vec<Seen>> {
    let bar = ProgressBar::new(u64::try_from(set.items.len())?);
    bar.set_style(ProgressStyle::with_template(
        "{bar:32} photograph {pos}/{len}  {elapsed} gone, {eta} left",
    )?);
    let seen = set.items.par_iter().map(|item| {
        let seen = see(item);
        bar.inc(1);
        seen
    });
    let seen = seen.collect();
    bar.finish_and_clear();
    Ok(seen)
}

/// What is to be said of one photograph.
fn see(item: &Item) -> Seen {
    let (format, mut remarks) =
        item.header().map_or(("unreadable".to_owned(), Vec::new()), |header| (header.format, header.remarks));
    let size = match item.decode() {
        Ok(image) => {
            remarks.extend(Screen::TRAINING.fault(&image));
            Some(image.dimensions())
        }
        Err(error) => {
            remarks.push((Remark::Corrupt, format!("{error:#}")));
            None
        }
    };
    let finding = |(remark, reason)| Finding { name: item.name.clone(), remark, reason };
    Seen { size, format, findings: remarks.into_iter().map(finding).collect() }
}
