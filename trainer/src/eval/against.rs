//! How far a model is from another, or from gray, on the same photographs.
//!
//! The idea: **pair the photographs.** Two intervals that overlap say little: most of their width is that some photographs
//! are harder than others, for both. The difference is computed on the same drawn photographs for both, and its interval
//! says whether it is there.

use std::fmt;

use anyhow::{Result, bail};
use serde::Serialize;

use super::report::{METRICS, SEED, as_map};
use super::{Measured, Report, Row};
use crate::metric::bootstrap;

/// Differences of the metrics, what was measured less the other, with 95% intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    /// What it is compared with.
    pub subject: String,
    /// The differences by name.
    #[serde(serialize_with = "as_map")]
    pub differences: Vec<(&'static str, Measured)>,
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
        let drawn = |rows: &[Row], estimate: super::report::Estimate, drawn: &[usize]| {
            estimate(&drawn.iter().map(|&index| &rows[index]).collect::<Vec<_>>())
        };
        let all: Vec<usize> = (0..report.rows.len()).collect();
        let differences = METRICS.into_iter().filter_map(|(name, estimate)| {
            let difference =
                |of: &[usize]| drawn(&report.rows, estimate, of) - drawn(&other.rows, estimate, of);
            let interval = bootstrap::interval(all.len(), bootstrap::RESAMPLES, SEED, difference);
            let value = difference(&all);
            // The truth is the same for both.
            let told = value.is_finite() && !name.ends_with("_truth");
            told.then_some((name, Measured { value, interval }))
        });
        Ok(Against { subject: other.subject.clone(), differences: differences.collect() })
    }
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  less {}, on the same photographs:", self.subject)?;
        self.differences.iter().try_for_each(|(name, measured)| writeln!(f, "    {name:<14}{measured}"))
    }
}
