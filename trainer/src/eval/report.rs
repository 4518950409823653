//! Many photographs: each metric over the set, with its 95% interval.
//!
//! The idea: **a metric of a set is a function of the rows**, so that the bootstrap can hand it rows drawn again:
//! a share of all pixels stays a share, a ratio of means a ratio.

use std::fmt;

use serde::Serialize;

use super::Row;
use super::against::Against;
use crate::metric::{auc::Share, bootstrap, mean};

/// Every report of one set draws the same photographs.
pub(super) const SEED: u64 = 1;

/// A metric of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The value; `null` in JSON where it is infinite.
    pub value: f64,
    /// 95% bootstrap interval over photographs; `null` in JSON where there is none.
    pub interval: Option<[f64; 2]>,
}

/// What was measured on a set of photographs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The data set.
    pub data: String,
    /// What was measured: the name of a model, or a baseline.
    pub subject: String,
    /// Temperature of the annealed mean, where one was set.
    pub temperature: Option<f32>,
    /// Photographs measured.
    pub images: usize,
    /// Photographs whose class the classifier was asked for.
    pub classified: usize,
    /// Name and reason of the photographs that did not decode.
    pub corrupt: Vec<(String, String)>,
    /// The metrics by name, in the order of the table.
    #[serde(serialize_with = "as_map")]
    pub metrics: Vec<(&'static str, Measured)>,
    /// Differences to something else measured on the same photographs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// One row a photograph.
    #[serde(skip)]
    pub rows: Vec<Row>,
}

pub(super) type Estimate = fn(&[&Row]) -> f64;

/// Name and definition of every metric that needs no classifier.
pub(super) const METRICS: [(&str, Estimate); 14] = [
    ("auc", |rows| rows.iter().map(|row| row.auc).sum::<Share>().percent()),
    ("auc_rebalanced", |rows| rows.iter().map(|row| row.rebalanced).sum::<Share>().percent()),
    ("psnr", psnr),
    ("ssim", |rows| mean(rows.iter().filter_map(|row| row.ssim))),
    ("cf", |rows| mean(rows.iter().map(|row| row.cf[0]))),
    ("cf_truth", |rows| mean(rows.iter().map(|row| row.cf[1]))),
    ("dcf", |rows| mean(rows.iter().map(|row| row.cf[0] - row.cf[1])).abs()),
    ("chroma", |rows| ratio(rows, |row| row.chroma)),
    ("spread", |rows| ratio(rows, |row| row.spread)),
    ("blot", |rows| ratio(rows, |row| row.steps)),
    ("chroma_truth", |rows| mean(rows.iter().map(|row| row.chroma[1]))),
    ("spread_truth", |rows| mean(rows.iter().map(|row| row.spread[1]))),
    ("dl", |rows| mean(rows.iter().map(|row| row.dl))),
    ("ciede2000", |rows| mean(rows.iter().map(|row| row.ciede2000))),
];

/// The same for rows the classifier has seen.
const RECOGNITION: [(&str, Estimate); 4] = [
    ("top1", |rows| top1(rows, 0)),
    ("top1_truth", |rows| top1(rows, 1)),
    ("top1_gray", |rows| top1(rows, 2)),
    // Where gray does as well as truth there is no gap to close: not a number.
    ("gap_closed", |rows| {
        let [output, truth, gray] = [0, 1, 2].map(|which| top1(rows, which));
        if truth == gray { f64::NAN } else { 100.0 * (output - gray) / (truth - gray) }
    }),
];

/// Mean over the photographs that are not reproduced exactly: one gray photograph that stays gray, infinitely good,
/// would make the mean of any set infinite.
fn psnr(rows: &[&Row]) -> f64 {
    let finite = mean(rows.iter().map(|row| row.psnr).filter(|psnr| psnr.is_finite()));
    if finite.is_nan() { mean(rows.iter().map(|row| row.psnr)) } else { finite }
}

/// Mean over outputs by mean over truths of an [output, truth] pair.
fn ratio(rows: &[&Row], pair: impl Fn(&Row) -> [f64; 2]) -> f64 {
    mean(rows.iter().map(|row| pair(row)[0])) / mean(rows.iter().map(|row| pair(row)[1]))
}

/// Percentage of rows on which the classifier was right on output, truth or gray (0, 1, 2).
fn top1(rows: &[&Row], which: usize) -> f64 {
    mean(rows.iter().filter_map(|row| row.recognised).map(|right| if right[which] { 100.0 } else { 0.0 }))
}

impl Report {
    /// First line of the CSV.
    pub const CSV_HEADER: &'static str = "subject,temperature,name,auc,auc_rebalanced,psnr,ssim,cf,cf_truth,\
        chroma,chroma_truth,spread,spread_truth,steps,steps_truth,dl,ciede2000,right,right_truth,right_gray";

    pub(super) fn new(rows: Vec<Row>, corrupt: Vec<(String, String)>, resamples: usize) -> Self {
        let all: Vec<&Row> = rows.iter().collect();
        let seen: Vec<&Row> = rows.iter().filter(|row| row.recognised.is_some()).collect();
        let over = |rows: &[&Row], name, estimate: Estimate| {
            let draw =
                |drawn: &[usize]| estimate(&drawn.iter().map(|&index| rows[index]).collect::<Vec<_>>());
            let interval = bootstrap::interval(rows.len(), resamples, SEED, draw);
            (name, Measured { value: estimate(rows), interval })
        };
        let mut metrics: Vec<_> = METRICS.map(|(name, estimate)| over(&all, name, estimate)).into();
        if !seen.is_empty() {
            metrics.extend(RECOGNITION.map(|(name, estimate)| over(&seen, name, estimate)));
        }
        let (images, classified) = (rows.len(), seen.len());
        let (data, subject) = (String::new(), String::new());
        let against = None;
        Report { data, subject, temperature: None, images, classified, corrupt, metrics, against, rows }
    }

    /// Names the data and what was measured.
    #[must_use]
    pub fn titled(self, data: String, subject: String, temperature: Option<f32>) -> Self {
        Report { data, subject, temperature, ..self }
    }

    /// A metric's value by name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(known, _)| *known == name).map(|(_, measured)| measured.value)
    }

    /// The finite values by name, as they go into a package's `[metrics]`.
    pub fn values(&self) -> std::collections::BTreeMap<String, f64> {
        let finite = self.metrics.iter().filter(|(_, measured)| measured.value.is_finite());
        finite.map(|(name, measured)| ((*name).to_owned(), measured.value)).collect()
    }

    /// One line per photograph, under [`CSV_HEADER`](Self::CSV_HEADER); what was not measured is empty.
    pub fn csv(&self) -> String {
        self.rows.iter().map(|row| self.csv_line(row)).collect()
    }

    fn csv_line(&self, row: &Row) -> String {
        let temperature = self.temperature.map(|t| t.to_string()).unwrap_or_default();
        let numbers = [row.auc.percent(), row.rebalanced.percent(), row.psnr, row.ssim.unwrap_or(f64::NAN)];
        let pairs = [row.cf, row.chroma, row.spread, row.steps].into_iter().flatten();
        let numbers = numbers.into_iter().chain(pairs).chain([row.dl, row.ciede2000]);
        let numbers = numbers.map(|n| if n.is_nan() { String::new() } else { format!("{n:.4}") });
        let right = match row.recognised {
            Some(right) => right.map(|right| u8::from(right).to_string()),
            None => [const { String::new() }; 3],
        };
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
        writeln!(f)?;
        self.metrics.iter().try_for_each(|(name, measured)| writeln!(f, "  {name:<16}{measured}"))?;
        if let Some(against) = &self.against {
            write!(f, "{against}")?;
        }
        if !self.corrupt.is_empty() {
            writeln!(f, "  {} photographs left out, they do not decode:", self.corrupt.len())?;
        }
        self.corrupt.iter().try_for_each(|(name, reason)| writeln!(f, "    {name}: {reason}"))
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3}", self.value)?;
        self.interval.map_or(Ok(()), |[low, high]| write!(f, "   95% {low:.3} to {high:.3}"))
    }
}

pub(super) fn as_map<S: serde::Serializer>(
    metrics: &[(&'static str, Measured)],
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(metrics.iter().map(|(name, measured)| (name, measured)))
}
