//! The end of a batch: how many files were done, and what failed, by reason.
//!
//! Messages that differ only in names and numbers are one reason, so that a thousand failures are a few lines. Memory
//! does not grow with the number of files: reasons and the names shown are bounded.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::names::Name;
use crate::report::{FileReport, FileStatus};

/// Files that a reason names.
const NAMED: usize = 3;
/// Reasons that are told apart.
const REASONS: usize = 50;
/// Reasons that people are told; programs get all.
const TOLD: usize = 10;

/// Counts what became of files.
#[derive(Default)]
pub struct Tally {
    done: usize,
    skipped: usize,
    before: usize,
    failed: usize,
    again: BTreeMap<String, usize>,
    failures: Vec<Failure>,
}

/// Files that failed for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    pub reason: String,
    pub count: usize,
    /// The first of them.
    pub files: Vec<Name>,
    #[serde(skip)]
    pattern: String,
}

/// The last line.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    event: &'static str,
    pub done: usize,
    pub skipped: usize,
    /// Of the skipped: those that --resume found done.
    pub done_before: usize,
    pub failed: usize,
    /// Files not started: after an interrupt, or an error that would fail every file.
    pub not_started: usize,
    pub interrupted: bool,
    /// Of the done: those that --resume did again, by reason.
    pub again: BTreeMap<String, usize>,
    pub failures: Vec<Failure>,
    pub ms: u64,
}

impl Tally {
    /// Counts one file.
    pub fn add(&mut self, report: &FileReport) {
        match report.status {
            FileStatus::Done => self.done += 1,
            FileStatus::Skipped => self.skipped += 1,
            FileStatus::Failed => {
                self.failed += 1;
                self.failure(report);
            }
        }
        self.before += usize::from(report.before);
        if let (FileStatus::Done, Some(again)) = (report.status, &report.again) {
            *self.again.entry(again.clone()).or_default() += 1;
        }
    }

    fn failure(&mut self, report: &FileReport) {
        let message = report.message.as_deref().unwrap_or("failed");
        let pattern = pattern(message, report);
        let known = self.failures.iter().position(|failure| failure.pattern == pattern);
        let index = known.unwrap_or_else(|| {
            let full = self.failures.len() >= REASONS;
            let (reason, pattern) = if full {
                ("other reasons".to_owned(), String::new())
            } else {
                (message.to_owned(), pattern)
            };
            if self.failures.last().is_none_or(|last| last.pattern != pattern) {
                self.failures.push(Failure { reason, count: 0, files: Vec::new(), pattern });
            }
            self.failures.len() - 1
        });
        let failure = &mut self.failures[index];
        failure.count += 1;
        if failure.reason != message && !failure.pattern.is_empty() {
            failure.reason.clone_from(&failure.pattern);
        }
        if failure.files.len() < NAMED {
            failure.files.push(report.path.as_path().into());
        }
    }

    /// The end of a batch of `total` files.
    pub fn summary(&self, total: usize, interrupted: bool, took: Duration) -> Summary {
        let mut failures = self.failures.clone();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
        Summary {
            event: "summary",
            done: self.done,
            skipped: self.skipped,
            done_before: self.before,
            failed: self.failed,
            not_started: total - self.done - self.skipped - self.failed,
            interrupted,
            again: self.again.clone(),
            failures,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A message without what differs from file to file: the file's names, and numbers.
fn pattern(message: &str, report: &FileReport) -> String {
    let path = report.path.display().to_string();
    let text = if path.is_empty() { message.to_owned() } else { message.replace(&path, "...") };
    // Outputs and folders are words with a slash.
    let words: Vec<&str> =
        text.split(' ').map(|word| if word.contains('/') { "..." } else { word }).collect();
    let text = words.join(" ");
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' if pattern.ends_with('N') => {}
            '0'..='9' => pattern.push('N'),
            other => pattern.push(other),
        }
    }
    pattern
}

impl Summary {
    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let mut line = format!("{} colorized", self.done);
        for (count, what) in [
            (self.done_before, "done before"),
            (self.skipped - self.done_before, "skipped"),
            (self.failed, "failed"),
            (self.not_started, "not started"),
        ] {
            if count > 0 {
                line += &format!(", {count} {what}");
            }
        }
        let mut lines = vec![if self.interrupted { format!("interrupted: {line}") } else { line }];
        lines.extend(self.again.iter().map(|(reason, count)| format!("done again: {count}: {reason}")));
        // A single failure was just told.
        if self.failed > 1 {
            lines.extend(self.failures.iter().take(TOLD).map(Failure::line));
            let more = self.failures.iter().skip(TOLD).map(|failure| failure.count).sum::<usize>();
            lines.extend((more > 0).then(|| format!("failed: {more} for other reasons")));
        }
        lines
    }
}

impl Failure {
    fn line(&self) -> String {
        let name = |name: &Name| std::path::PathBuf::from(name).display().to_string();
        let mut names: Vec<String> = self.files.iter().map(name).collect();
        if self.count > names.len() {
            names.push(format!("and {} more", self.count - names.len()));
        }
        format!("failed: {}: {} ({})", self.count, self.reason, names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn failed(path: &str, message: &str) -> FileReport {
        FileReport::failed(Path::new(path), message.into())
    }

    #[test]
    fn a_thousand_failures_are_a_few_lines() {
        let mut tally = Tally::default();
        for index in 0..1000 {
            let path = format!("in/{index}.png");
            tally.add(&failed(&path, &format!("the file {path} is {} bytes", 7 * index)));
        }
        tally.add(&failed("a", "it is empty"));
        let summary = tally.summary(1003, true, Duration::ZERO);
        assert_eq!(
            summary.lines(),
            [
                "interrupted: 0 colorized, 1001 failed, 2 not started",
                "failed: 1000: the file ... is N bytes (in/0.png, in/1.png, in/2.png, and 997 more)",
                "failed: 1: it is empty (a)"
            ]
        );
    }

    #[test]
    fn reasons_without_end_take_bounded_memory() {
        let mut tally = Tally::default();
        for index in 0..500 {
            tally.add(&failed("a", &"x".repeat(index)));
        }
        assert_eq!(tally.failures.len(), REASONS + 1);
        let summary = tally.summary(500, false, Duration::ZERO);
        assert_eq!((summary.failures[0].count, summary.failures[0].reason.as_str()), (450, "other reasons"));
        assert_eq!(summary.lines().last().unwrap(), "failed: 41 for other reasons");
    }
}
