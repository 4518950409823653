//! The findings on a data set, as text, JSON and CSV.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::data::{Opened, Remark};
use crate::files::{csv_quoted, grouped};

/// What was seen of one photograph.
pub(super) struct Seen {
    /// Width and height in pixels, upright, where it decodes.
    pub(super) size: Option<(u32, u32)>,
    pub(super) format: String,
    pub(super) findings: Vec<Finding>,
}

/// Something worth saying of one photograph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its path inside the data set.
    pub name: String,
    /// What it is.
    pub remark: Remark,
    /// What was found, in words.
    pub reason: String,
}

/// Sizes of the photographs that decode, `[width, height]` in pixels, ordered by their area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// The least.
    pub least: [u32; 2],
    /// The middle one.
    pub median: [u32; 2],
    /// The greatest.
    pub most: [u32; 2],
}

/// What was seen of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its path.
    pub path: String,
    /// How it is stored, by the name in the documentation.
    pub kind: &'static str,
    /// Photographs in it, unusable ones included.
    pub photographs: usize,
    /// Photographs that training would use.
    pub usable: usize,
    /// Bytes of the archive; of a folder, of its photographs.
    pub bytes: u64,
    /// SHA-256 of the archive; of a folder, of its sorted names and sizes.
    pub sha256: String,
    /// Photographs of each class, unusable ones included.
    pub classes: BTreeMap<String, usize>,
    /// Classes that have a place and no photograph.
    pub empty_classes: Vec<String>,
    /// Sizes; none where no photograph decodes.
    pub sizes: Option<Sizes>,
    /// Photographs of each format, by content.
    pub formats: BTreeMap<String, usize>,
    /// Photographs of each remark.
    pub remarks: BTreeMap<Remark, usize>,
    /// Findings on single photographs, those that make them unusable first, then by name.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(opened: &Opened, sha256: String, bytes: u64, seen: Vec<Seen>) -> Self {
        let classes = counts(opened.set.items.iter().filter_map(|item| item.class.clone()));
        let formats = counts(seen.iter().map(|seen| seen.format.clone()));
        let photographs = seen.len();
        let is_of_use = |seen: &&Seen| !seen.findings.iter().any(|finding| finding.remark.is_fault());
        let usable = seen.iter().filter(is_of_use).count();
        let sizes = Sizes::of(seen.iter().filter_map(|seen| seen.size).collect());
        let mut findings: Vec<Finding> = seen.into_iter().flat_map(|seen| seen.findings).collect();
        findings.sort_by(|a, b| (a.remark, &a.name).cmp(&(b.remark, &b.name)));
        Report {
            path: opened.path.display().to_string(),
            kind: opened.kind,
            photographs,
            usable,
            bytes,
            sha256,
            classes,
            empty_classes: opened.set.empty_classes.clone(),
            sizes,
            formats,
            remarks: counts(findings.iter().map(|finding| finding.remark)),
            findings,
        }
    }

    /// `3 corrupt, 1 gray`, of the remarks that are faults or those that are none.
    fn counted(&self, faults: bool) -> String {
        let of_kind = self.remarks.iter().filter(|(remark, _)| remark.is_fault() == faults);
        let words = of_kind.map(|(remark, count)| format!("{} {}", grouped(*count), remark.name()));
        words.collect::<Vec<_>>().join(", ")
    }

    fn write_classes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_count = |(name, count): &(&String, &usize)| (**count, (*name).clone());
        let least = self.classes.iter().min_by_key(by_count);
        let most = self.classes.iter().max_by_key(by_count);
        let (Some((least, fewest)), Some((most, greatest))) = (least, most) else {
            return writeln!(f, "  classes        none");
        };
        write!(f, "  classes        {}", grouped(self.classes.len()))?;
        if fewest == greatest {
            writeln!(f, ", of {} photographs each", grouped(*fewest))
        } else {
            writeln!(f, ", of {} ({least}) to {} ({most}) photographs", grouped(*fewest), grouped(*greatest))
        }
    }
}

/// At most this many are named on the terminal.
const MOST_NAMED: usize = 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let photographs = grouped(self.photographs);
        writeln!(f, "{}: {}, {photographs} photographs", self.path, self.kind)?;
        writeln!(f, "  bytes          {}", grouped(self.bytes))?;
        writeln!(f, "  sha256         {}", self.sha256)?;
        self.write_classes(f)?;
        if !self.empty_classes.is_empty() {
            writeln!(f, "  no photograph  {}", self.empty_classes.join(", "))?;
        }
        if let Some(Sizes { least, median, most }) = &self.sizes {
            let [least, median, most] = [least, median, most].map(|[w, h]| format!("{w} x {h}"));
            writeln!(f, "  sizes          {least} to {most}, median {median}")?;
        }
        let formats = self.formats.iter().map(|(format, count)| format!("{} {format}", grouped(*count)));
        writeln!(f, "  formats        {}", formats.collect::<Vec<_>>().join(", "))?;
        writeln!(f, "  usable         {}", grouped(self.usable))?;
        let passed_over = self.photographs - self.usable;
        if passed_over > 0 {
            writeln!(f, "  skipped        {}: {}", grouped(passed_over), self.counted(true))?;
        }
        let unusual = self.counted(false);
        if !unusual.is_empty() {
            writeln!(f, "  unusual        {unusual}")?;
        }
        for Finding { name, remark, reason } in self.findings.iter().take(MOST_NAMED) {
            writeln!(f, "    {name}: {}: {reason}", remark.name())?;
        }
        let more = self.findings.len().saturating_sub(MOST_NAMED);
        if more > 0 {
            writeln!(f, "    and {} more; --csv or --json names all", grouped(more))?;
        }
        Ok(())
    }
}

impl Sizes {
    fn of(mut sizes: Vec<(u32, u32)>) -> Option<Self> {
        sizes.sort_by_key(|&(width, height)| (u64::from(width) * u64::from(height), width));
        let at = |index: usize| sizes.get(index).map(|&(width, height)| [width, height]);
        Some(Sizes { least: at(0)?, median: at(sizes.len() / 2)?, most: at(sizes.len() - 1)? })
    }
}

/// One line per finding of every data set.
pub(super) fn csv(reports: &[Report]) -> String {
    let lines = reports.iter().flat_map(|report| {
        report.findings.iter().map(|Finding { name, remark, reason }| {
            let [path, name, reason] = [&report.path, name, reason].map(|text| csv_quoted(text));
            format!("{path},{name},{},{reason}\n", remark.name())
        })
    });
    "path,name,remark,reason\n".to_owned() + &lines.collect::<String>()
}

fn counts<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts
}
