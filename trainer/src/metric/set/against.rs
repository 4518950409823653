//! How a model differs from another, or from gray, on the same photographs.
//!
//! The idea: **pair the photographs.** Two intervals that overlap say little: most of their width comes from some
//! photographs being harder than others, for both. The difference is computed on the same drawn photographs for both,
//! and its interval shows whether there is one.

use std::fmt;

use anyhow::{Result, bail};
use serde::Serialize;

use super::metrics::{Measured, Metric, SEED, metrics};
use super::report::as_map;
use super::{Report, Row};
use crate::metric::bootstrap;

/// Differences of the metrics, what was measured less the other, with 95% intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    /// What it is compared with.
    pub subject: String,
    /// The differences by name.
    #[serde(serialize_with = "as_map")]
    pub differences: Vec<(String, Measured)>,
}

impl Against {
    /// The differences of `report` and `other`; metrics that are not finite for both have none.
    ///
    /// # Errors
    /// The two were not measured on the same photographs.
    pub fn new(report: &Report, other: &Report) -> Result<Self> {
        let names = |report: &Report| report.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
        if names(report) != names(other) {
            bail!("--against {}: expected the same photographs for both, got others", other.subject);
        }
        let difference = |metric: Metric| {
            let both = report.rows.iter().zip(&other.rows);
            let pairs: Vec<_> = both.filter(|(a, b)| (metric.counts)(a) && (metric.counts)(b)).collect();
            let of = |drawn: &[usize]| {
                let [ours, theirs]: [Vec<&Row>; 2] = drawn.iter().map(|&index| pairs[index]).unzip().into();
                (metric.of)(&ours) - (metric.of)(&theirs)
            };
            let interval = bootstrap::interval(pairs.len(), bootstrap::RESAMPLES, SEED, of);
            let value = of(&(0..pairs.len()).collect::<Vec<_>>());
            // The truth and the gray picture are the same for both.
            let told = value.is_finite() && !metric.name.contains("_truth") && !metric.name.contains("_gray");
            told.then_some((metric.name, Measured { value, interval }))
        };
        let differences = metrics(&report.classifiers).into_iter().filter_map(difference);
        Ok(Against { subject: other.subject.clone(), differences: differences.collect() })
    }
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  less {}, on the same photographs:", self.subject)?;
        self.differences.iter().try_for_each(|(name, measured)| writeln!(f, "    {name:<16}{measured}"))
    }
}
