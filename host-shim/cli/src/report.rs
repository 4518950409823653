//! What the user sees: a progress bar on a terminal, one line per failure, JSON for programs.
//!
//! stdout carries JSON alone; everything for people goes to stderr.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use autochrome_loader::SessionInfo;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};

use crate::analysis::palette::Swatch;
use crate::names;
use crate::plan::Item;
use crate::stop::Stop;
use crate::summary::{Summary, Tally};

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    Done,
    Skipped,
    Failed,
}

/// One file's line.
#[derive(Debug, Serialize)]
pub struct FileReport {
    event: &'static str,
    #[serde(serialize_with = "names::path")]
    pub path: PathBuf,
    #[serde(serialize_with = "names::optional")]
    pub output: Option<PathBuf>,
    pub status: FileStatus,
    pub message: Option<String>,
    pub model: Option<String>,
    pub device: Option<String>,
    pub fallback: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Pictures in the file, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<usize>,
    /// What could not be preserved, or was read differently from how it was stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The dominant colors of the result, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub palette: Option<Vec<Swatch>>,
    /// The model's confidence, 0 to 1, averaged over the pixels, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Why --resume did it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// Whether --resume found it done.
    #[serde(skip)]
    pub before: bool,
    pub ms: Option<u64>,
}

impl FileReport {
    /// A report on `path` before anything is done.
    pub fn new(path: &Path) -> Self {
        Self {
            event: "file",
            path: path.into(),
            output: None,
            status: FileStatus::Failed,
            message: None,
            model: None,
            device: None,
            fallback: None,
            width: None,
            height: None,
            pages: None,
            notes: Vec::new(),
            palette: None,
            confidence: None,
            again: None,
            before: false,
            ms: None,
        }
    }

    /// The file was written to `output`.
    pub fn done(self, output: &Path, info: SessionInfo) -> Self {
        Self {
            output: Some(output.into()),
            status: FileStatus::Done,
            model: Some(info.model),
            device: Some(info.device),
            fallback: info.fallback,
            ..self
        }
    }

    /// Adds notes, each sentence once.
    pub fn note(&mut self, notes: Vec<String>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// The file was skipped.
    pub fn skipped(self, reason: &str) -> Self {
        Self { status: FileStatus::Skipped, message: Some(reason.into()), ..self }
    }

    /// An earlier run did the file, and its result stands.
    pub fn stands(self, item: &Item) -> Self {
        let output = item.output.clone().ok();
        Self { output, before: true, ..self.skipped("done before") }
    }

    /// The file failed.
    pub fn failed(path: &Path, message: String) -> Self {
        Self { message: Some(message), ..Self::new(path) }
    }

    /// The line for people.
    fn line(&self) -> String {
        let path = self.path.display();
        let message = self.message.as_deref().unwrap_or_default();
        match (self.status, &self.output) {
            (FileStatus::Done, Some(output)) => format!(
                "{path} -> {} ({} on {}, {} ms)",
                output.display(),
                self.model.as_deref().unwrap_or_default(),
                self.device.as_deref().unwrap_or_default(),
                self.ms.unwrap_or_default()
            ),
            (FileStatus::Skipped, _) => format!("{path}: skipped: {message}"),
            _ => format!("{path}: {message}"),
        }
    }
}

/// Collects reports from every job.
pub struct Report<'a> {
    json: bool,
    verbose: bool,
    total: usize,
    bar: ProgressBar,
    stop: &'a Stop,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tally: Tally,
    only_output: Option<PathBuf>,
    fallback_reported: bool,
}

/// Steps of the bar for a file.
const STEPS: f32 = 1000.0;

impl<'a> Report<'a> {
    /// For a batch of `total` files.
    pub fn new(total: usize, json: bool, verbose: bool, stop: &'a Stop) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let length = u64::try_from(total).unwrap_or(u64::MAX).saturating_mul(1000);
        let bar = ProgressBar::with_draw_target(Some(length), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3}% {msg} {eta} left") {
            bar.set_style(style);
        }
        let state = Mutex::new(State::default());
        Self { json, verbose, total, bar, stop, started: Instant::now(), state }
    }

    /// Begins a file; gives its share of the bar.
    pub fn begin(&self, path: &Path) -> FileProgress<'_> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        self.bar.set_message(name.into_owned());
        FileProgress { bar: &self.bar, told: 0 }
    }

    /// Takes the report on a file.
    pub fn file(&self, report: &FileReport) {
        let mut state = self.state();
        state.tally.add(report);
        if self.json {
            self.object(report);
        }
        if report.status == FileStatus::Failed
            || self.verbose
            || (report.status == FileStatus::Skipped && !report.before && !self.json)
        {
            self.line(&report.line());
        }
        if !self.json {
            self.findings(report);
        }
        if let (Some(reason), true, false) = (&report.fallback, self.verbose, state.fallback_reported) {
            self.line(&format!("running on the CPU because {reason}"));
            state.fallback_reported = true;
        }
        state.only_output.clone_from(&report.output);
    }

    /// Notes, palette and confidence, for people.
    fn findings(&self, report: &FileReport) {
        let path = report.path.display();
        for note in &report.notes {
            self.line(&format!("{path}: {note}"));
        }
        if let Some(palette) = &report.palette {
            let told = |swatch: &Swatch| format!("{} {:.0}%", swatch.hex, swatch.share * 100.0);
            let told: Vec<String> = palette.iter().map(told).collect();
            self.line(&format!("{path}: palette {}", told.join(", ")));
        }
        if let Some(confidence) = report.confidence {
            self.line(&format!("{path}: confidence {:.0}%", confidence * 100.0));
        }
    }

    /// Ends the batch.
    pub fn finish(&self) -> Summary {
        self.bar.finish_and_clear();
        let state = self.state();
        let summary = state.tally.summary(self.total, self.stop.requested(), self.started.elapsed());
        if self.json {
            self.object(&summary);
        } else if let (1, 1, Some(output)) = (self.total, summary.done, &state.only_output) {
            self.line(&format!("wrote {}", output.display()));
        } else if self.total > 1 || summary.interrupted || summary.done_before > 0 {
            summary.lines().iter().for_each(|line| self.line(line));
        }
        summary
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, line: &str) {
        // A terminal that has gone away ends no batch.
        self.bar.suspend(|| drop(writeln!(io::stderr(), "autochrome: {line}")));
    }

    /// When the reader of the JSON has gone, the batch stops.
    fn object(&self, object: &impl Serialize) {
        let text = serde_json::to_string(object)
            .unwrap_or_else(|error| format!("{{\"event\":\"error\",\"message\":\"{error}\"}}"));
        if writeln!(io::stdout().lock(), "{text}").is_err() {
            self.stop.request();
        }
    }
}

/// A file's share of the bar; filled up when dropped.
pub struct FileProgress<'a> {
    bar: &'a ProgressBar,
    told: u64,
}

impl FileProgress<'_> {
    /// The file is at `fraction`, 0..1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..1000 first")]
    pub fn tell(&mut self, fraction: f32) {
        let now = (fraction.clamp(0.0, 1.0) * STEPS) as u64;
        if now > self.told {
            self.bar.inc(now - self.told);
            self.told = now;
        }
    }
}

impl Drop for FileProgress<'_> {
    fn drop(&mut self) {
        self.tell(1.0);
    }
}
