//! Many photographs: each metric over the set, with its 95% interval.
//!
//! The idea: **a report keeps the rows it was made of**, so that a part of them, or a difference to others, is measured by
//! the same functions.

use std::fmt;

use serde::Serialize;

use super::against::Against;
use super::folders::{Folder, Table};
use super::metrics::{Measured, measure};
use super::{Row, folders};
use crate::metric::bootstrap;

/// What was measured on a set of photographs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The data set.
    pub data: String,
    /// What was measured: the name of a model, or a baseline.
    pub subject: String,
    /// Temperature of the annealed mean, where one was set.
    pub temperature: Option<f32>,
    /// How much of the color was laid on, where that was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<f32>,
    /// Hints drawn from each photograph, where some were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hints: Option<usize>,
    /// Photographs measured.
    pub images: usize,
    /// The classifiers used; metrics of all but the first end in their names.
    pub classifiers: Vec<&'static str>,
    /// Photographs with a class.
    pub classified: usize,
    /// Name and reason of the photographs that did not decode.
    pub corrupt: Vec<(String, String)>,
    /// The metrics by name, in the order of the table.
    #[serde(serialize_with = "as_map")]
    pub metrics: Vec<(String, Measured)>,
    /// The metrics of each folder, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<Folder>,
    /// Differences to something else measured on the same photographs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// One row a photograph.
    #[serde(skip)]
    pub rows: Vec<Row>,
}

impl Report {
    /// Measures the rows; `corrupt` are names and reasons, `classifiers` those used.
    #[must_use]
    pub fn new(
        rows: Vec<Row>,
        corrupt: Vec<(String, String)>,
        classifiers: Vec<&'static str>,
        resamples: usize,
    ) -> Self {
        let metrics = measure(&rows.iter().collect::<Vec<_>>(), &classifiers, resamples);
        Report {
            data: String::new(),
            subject: String::new(),
            temperature: None,
            strength: None,
            hints: None,
            images: rows.len(),
            classifiers,
            classified: rows.iter().filter(|row| !row.verdict.recognized.is_empty()).count(),
            corrupt,
            metrics,
            folders: Vec::new(),
            against: None,
            rows,
        }
    }

    /// Adds the metrics of each folder.
    pub fn add_folders(&mut self) {
        self.folders = folders::by_folder(self, bootstrap::RESAMPLES);
    }

    /// Names the data and what was measured.
    #[must_use]
    pub fn titled(self, data: String, subject: String, temperature: Option<f32>) -> Self {
        Report { data, subject, temperature, ..self }
    }

    /// A metric's value by name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(known, _)| known == name).map(|(_, measured)| measured.value)
    }

    /// The finite values by name, as they go into a package's `[metrics]`.
    pub fn values(&self) -> std::collections::BTreeMap<String, f64> {
        let finite = self.metrics.iter().filter(|(_, measured)| measured.value.is_finite());
        finite.map(|(name, measured)| (name.clone(), measured.value)).collect()
    }

    /// First line of the CSV; what further classifiers say comes last.
    pub fn csv_header(&self) -> String {
        let start = "subject,temperature,name,auc,auc_rebalanced,psnr,ssim,cf,cf_truth,chroma,chroma_truth,spread,\
            spread_truth,steps,steps_truth,dl,ciede2000,lpips,lpips_gray,right,right_truth,right_gray";
        let further = self.classifiers.iter().skip(1);
        let further = further.map(|name| format!(",right_{name},right_truth_{name},right_gray_{name}"));
        start.to_owned() + &further.collect::<String>() + "\n"
    }

    /// One line per photograph, under [`csv_header`](Self::csv_header); what was not measured is empty.
    pub fn csv(&self) -> String {
        self.rows.iter().map(|row| self.csv_line(row)).collect()
    }

    fn csv_line(&self, row: &Row) -> String {
        let temperature = self.temperature.map(|t| t.to_string()).unwrap_or_default();
        let numbers = [row.auc.percent(), row.rebalanced.percent(), row.psnr, row.ssim.unwrap_or(f64::NAN)];
        let pairs = [row.cf, row.chroma, row.spread, row.steps].into_iter().flatten();
        let lpips = row.verdict.lpips.unwrap_or([f64::NAN; 2]);
        let numbers = numbers.into_iter().chain(pairs).chain([row.dl, row.ciede2000]).chain(lpips);
        let numbers = numbers.map(|n| if n.is_nan() { String::new() } else { format!("{n:.4}") });
        let right =
            (0..self.classifiers.len().max(1)).flat_map(|index| match row.verdict.recognized.get(index) {
                Some(right) => right.map(|right| u8::from(right).to_string()),
                None => [const { String::new() }; 3],
            });
        let name = row.name.replace('"', "\"\"");
        let start = [self.subject.clone(), temperature, format!("\"{name}\"")];
        start.into_iter().chain(numbers).chain(right).collect::<Vec<_>>().join(",") + "\n"
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: {} photographs", self.subject, self.data, self.images)?;
        if let Some(temperature) = self.temperature {
            write!(f, ", temperature {temperature}")?;
        }
        if let Some(strength) = self.strength {
            write!(f, ", strength {strength}")?;
        }
        if let Some(hints) = self.hints {
            write!(f, ", {hints} hints")?;
        }
        writeln!(f)?;
        self.metrics.iter().try_for_each(|(name, measured)| writeln!(f, "  {name:<16}{measured}"))?;
        if !self.folders.is_empty() {
            write!(f, "{}", Table(&self.folders))?;
        }
        if let Some(against) = &self.against {
            write!(f, "{against}")?;
        }
        if !self.corrupt.is_empty() {
            writeln!(f, "  {} photographs skipped because they do not decode:", self.corrupt.len())?;
        }
        self.corrupt.iter().try_for_each(|(name, reason)| writeln!(f, "    {name}: {reason}"))
    }
}

pub(super) fn as_map<S: serde::Serializer>(metrics: &[(String, Measured)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(metrics.iter().map(|(name, measured)| (name, measured)))
}
