//! Every metric of a set of photographs, by name.
//!
//! The idea: **a metric of a set is a function of the rows**, so that the bootstrap can hand it rows drawn again:
//! a share of all pixels stays a share, a ratio of means a ratio.

use std::fmt;

use serde::Serialize;

use super::Row;
use crate::metric::{auc::Share, bootstrap, mean};

/// Every report of one set draws the same photographs.
pub(super) const SEED: u64 = 1;

/// A metric of a set, measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The value; `null` in JSON where it is infinite.
    pub value: f64,
    /// 95% bootstrap interval over photographs; `null` in JSON where there is none.
    pub interval: Option<[f64; 2]>,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3}", self.value)?;
        self.interval.map_or(Ok(()), |[low, high]| write!(f, "   95% {low:.3} to {high:.3}"))
    }
}

type Counts = Box<dyn Fn(&Row) -> bool>;
type Estimate = Box<dyn Fn(&[&Row]) -> f64>;

/// A metric of a set: of which rows, and what of them.
pub(super) struct Metric {
    /// Its name in tables and JSON.
    pub name: String,
    /// Whether a photograph tells anything of it.
    pub counts: Counts,
    /// The metric of rows that count.
    pub of: Estimate,
}

impl Metric {
    /// Value and interval over the rows that count; `None` where there are none.
    pub fn measure(&self, rows: &[&Row], resamples: usize) -> Option<Measured> {
        let rows: Vec<&Row> = rows.iter().copied().filter(|row| (self.counts)(row)).collect();
        let draw = |drawn: &[usize]| (self.of)(&drawn.iter().map(|&index| rows[index]).collect::<Vec<_>>());
        let interval = bootstrap::interval(rows.len(), resamples, SEED, draw);
        (!rows.is_empty()).then(|| Measured { value: (self.of)(&rows), interval })
    }
}

/// Value and interval of every metric that the rows tell of, in the order of the table.
pub(super) fn measure(rows: &[&Row], classifiers: &[&str], resamples: usize) -> Vec<(String, Measured)> {
    let measured = |metric: Metric| Some((metric.name.clone(), metric.measure(rows, resamples)?));
    metrics(classifiers).into_iter().filter_map(measured).collect()
}

/// Every metric; those of the first classifier have plain names, those of the others end in theirs.
pub(super) fn metrics(classifiers: &[&str]) -> Vec<Metric> {
    let plain = PLAIN.map(|(name, of)| Metric {
        name: name.to_owned(),
        counts: Box::new(|_| true),
        of: Box::new(of),
    });
    let seen = LPIPS.map(|(name, which)| Metric {
        name: name.to_owned(),
        counts: Box::new(|row| row.verdict.lpips.is_some()),
        of: Box::new(move |rows| {
            mean(rows.iter().filter_map(|row| row.verdict.lpips).map(|pair| pair[which]))
        }),
    });
    let recognition = classifiers.iter().enumerate().flat_map(|(index, classifier)| {
        let ending = if index == 0 { String::new() } else { format!("_{classifier}") };
        RECOGNITION.map(|(name, of)| Metric {
            name: format!("{name}{ending}"),
            counts: Box::new(move |row| row.verdict.recognized.len() > index),
            of: Box::new(move |rows| of(rows, index)),
        })
    });
    plain.into_iter().chain(seen).chain(recognition).collect()
}

type Plain = fn(&[&Row]) -> f64;

/// Name and definition of every metric that asks no network.
const PLAIN: [(&str, Plain); 14] = [
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

/// Name and place in the pair of the means of LPIPS.
const LPIPS: [(&str, usize); 2] = [("lpips", 0), ("lpips_gray", 1)];

type Recognition = fn(&[&Row], usize) -> f64;

/// The same of what a classifier recognizes.
const RECOGNITION: [(&str, Recognition); 4] = [
    ("top1", |rows, classifier| top1(rows, classifier, 0)),
    ("top1_truth", |rows, classifier| top1(rows, classifier, 1)),
    ("top1_gray", |rows, classifier| top1(rows, classifier, 2)),
    // Where gray does as well as truth there is no gap to close: not a number.
    ("gap_closed", |rows, classifier| {
        let [output, truth, gray] = [0, 1, 2].map(|which| top1(rows, classifier, which));
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

/// Percentage of rows on which a classifier was right on output, truth or gray (0, 1, 2).
fn top1(rows: &[&Row], classifier: usize, which: usize) -> f64 {
    let right = rows.iter().filter_map(|row| row.verdict.recognized.get(classifier));
    mean(right.map(|right| if right[which] { 100.0 } else { 0.0 }))
}
