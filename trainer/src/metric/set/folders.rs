//! The metrics by folder: which subjects a model colorizes well.
//!
//! The idea: **the folder a photograph is in says what it shows**, as in `people/000123-harbor.jpg`. A mean over all of
//! them hides that skies are fine and faces are not.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::metrics::{Measured, measure};
use super::report::as_map;
use super::{Report, Row};

/// What was measured on the photographs of one folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Folder {
    /// The part of their names before the last `/`; `.` where there is none.
    pub folder: String,
    /// Photographs measured.
    pub images: usize,
    /// The metrics by name, in the order of the table.
    #[serde(serialize_with = "as_map")]
    pub metrics: Vec<(String, Measured)>,
}

/// One entry a folder, by name.
pub(super) fn by_folder(report: &Report, resamples: usize) -> Vec<Folder> {
    let mut rows: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &report.rows {
        rows.entry(folder_of(&row.name)).or_default().push(row);
    }
    let folder = |(folder, rows): (&str, Vec<&Row>)| Folder {
        folder: folder.to_owned(),
        images: rows.len(),
        metrics: measure(&rows, &report.classifiers, resamples),
    };
    rows.into_iter().map(folder).collect()
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// Metrics that have a column, where a folder has them; those of further classifiers follow.
const COLUMNS: [&str; 9] = ["auc", "psnr", "blot", "spread", "cf", "cf_truth", "lpips", "top1", "top1_gray"];

/// The table: a folder a row.
pub(super) struct Table<'a>(pub &'a [Folder]);

impl Table<'_> {
    fn columns(&self) -> Vec<&str> {
        let known = |name: &str| self.0.iter().any(|folder| folder.value(name).is_some());
        let further = self.0.iter().flat_map(|folder| &folder.metrics).map(|(name, _)| name.as_str());
        let mut columns: Vec<&str> = COLUMNS.into_iter().filter(|name| known(name)).collect();
        for name in further.filter(|name| name.starts_with("top1_lite") || name.starts_with("top1_gray_lite"))
        {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        columns
    }
}

impl Folder {
    fn value(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(known, _)| known == name).map(|(_, measured)| measured.value)
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns();
        let widest = self.0.iter().map(|folder| folder.folder.chars().count()).max().unwrap_or(0).max(6);
        write!(f, "  {:<widest$}{:>8}", "folder", "n")?;
        columns.iter().try_for_each(|name| write!(f, "{name:>width$}", width = width(name)))?;
        for folder in self.0 {
            write!(f, "\n  {:<widest$}{:>8}", folder.folder, folder.images)?;
            for name in &columns {
                let width = width(name);
                match folder.value(name) {
                    Some(value) => write!(f, "{value:>width$.2}")?,
                    None => write!(f, "{:>width$}", "-")?,
                }
            }
        }
        writeln!(f)
    }
}

/// Characters of a column.
fn width(name: &str) -> usize {
    name.len().max(6) + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_what_comes_before_the_last_slash() {
        assert_eq!(folder_of("people/000123-harbor.jpg"), "people");
        assert_eq!(folder_of("set/people/000123-harbor.jpg"), "set/people");
        assert_eq!(folder_of("000123-harbor.jpg"), ".");
    }
}
