//! `--manifest` and `--resume`: what was made from what, a line of JSON a file, and going on where a batch stopped.
//!
//! The idea: **the line is on the disk before the output has its name.** Whenever a batch is killed, an output without
//! a line cannot be, and a line without its output is done again.

mod known;
mod line;
mod log;
mod model;
mod stamp;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, anyhow, bail};
use autochrome_loader::Plugin;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use known::Verdict;
pub use stamp::{Outside, Stamp};

use crate::args::Colorize;
use crate::encode::Ready;
use crate::plan::{self, Item};
use crate::report::{FileReport, FileStatus};
use crate::stop::Stop;
use known::Known;
use line::{Entry, Line, Maker, Parameters, SCHEMA};
use log::Log;

/// The manifest's name where --resume chooses it: in the folder of the outputs.
pub const NAME: &str = ".autochrome-manifest.jsonl";

/// A manifest that cannot be written: without it, nothing more is done.
#[derive(Debug)]
pub struct Broken(String);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

/// The manifest of a batch.
pub struct Manifest {
    log: Mutex<Log>,
    known: Option<Known>,
    maker: Maker,
    plugin_version: String,
    overwrite: bool,
}

impl Manifest {
    /// That of a command line, if it has one.
    pub fn open(args: &Colorize, plugin: &Plugin) -> anyhow::Result<Option<Self>> {
        let path = match (&args.manifest, args.resume) {
            (Some(path), _) => path.clone(),
            (None, true) => beside_outputs(args)?,
            (None, false) => return Ok(None),
        };
        let (model, weights_sha256) = model::chosen(plugin, &args.folders.config(), args.model.as_deref());
        let maker = Maker { model, weights_sha256, parameters: Parameters::of(args) };
        let mut known = Known::default();
        let log = Log::open(&path, |line| {
            if args.resume {
                known.take(line, &maker);
            }
        })?;
        Ok(Some(Self {
            log: Mutex::new(log),
            known: args.resume.then_some(known),
            maker,
            plugin_version: plugin.version(),
            overwrite: args.overwrite,
        }))
    }

    /// What to do with a file.
    pub fn verdict(&self, item: &Item, stop: &Stop) -> anyhow::Result<Verdict> {
        let Some(known) = &self.known else {
            return Ok(Verdict::Do { overwrite: self.overwrite, again: None });
        };
        let verdict = known.verdict(item, self.overwrite, stop);
        stop.check()?;
        verdict.context("the result of an earlier run cannot be read")
    }

    /// Records a result that is about to get its name.
    pub fn done(
        &self,
        report: &FileReport,
        source: Stamp,
        output: &Ready<'_>,
        map: Option<&Ready<'_>>,
        stop: &Stop,
    ) -> anyhow::Result<()> {
        let entry = |ready: &Ready<'_>| -> anyhow::Result<Entry> {
            let stamp = Stamp::of(ready.reopened()?, stop);
            stop.check()?;
            Ok(Entry::new(ready.path(), Some(stamp.context("the output cannot be read back")?)))
        };
        let map = map.map(entry).transpose()?;
        self.append(Line { map, ..self.line(report, Some(source), Some(entry(output)?)) })
    }

    /// Records a file that was skipped or failed.
    pub fn other(&self, report: &FileReport, item: &Item, source: Option<Stamp>) -> anyhow::Result<()> {
        let output = item.output.as_deref().ok().map(|path| Entry::new(path, None));
        self.append(self.line(report, source, output))
    }

    fn line(&self, report: &FileReport, source: Option<Stamp>, output: Option<Entry>) -> Line {
        let done = report.status == FileStatus::Done;
        let same_model = report.model.is_none() || report.model == self.maker.model;
        let mut maker = self.maker.clone();
        if !same_model {
            // The folders changed while the batch was running: what cannot be known is not claimed.
            (maker.model, maker.weights_sha256) = (report.model.clone(), None);
        }
        Line {
            manifest: SCHEMA,
            time: OffsetDateTime::now_utc().truncate_to_second().format(&Rfc3339).unwrap_or_default(),
            status: report.status,
            message: report.message.clone(),
            source: Entry::new(&report.path, source),
            output,
            map: None,
            maker,
            version: env!("CARGO_PKG_VERSION").into(),
            plugin_version: self.plugin_version.clone(),
            device: report.device.clone().filter(|_| done),
            width: report.width,
            height: report.height,
            pages: report.pages,
            notes: report.notes.clone(),
            confidence: report.confidence,
            ms: report.ms,
        }
    }

    fn append(&self, line: Line) -> anyhow::Result<()> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.append(&line).map_err(|error| Broken(format!("{error:#}")).into())
    }
}

/// The manifest in the folder of the outputs, which is made if need be.
fn beside_outputs(args: &Colorize) -> anyhow::Result<PathBuf> {
    let folder = plan::output_folder(&args.inputs, args.output.as_deref())?;
    fs::create_dir_all(&folder)
        .map_err(|error| anyhow!("the folder {} cannot be created: {error}", folder.display()))?;
    Ok(folder.join(NAME))
}

/// The photograph at `path`, hashed; `before` is what it was when it was decoded.
pub fn source(path: &Path, before: Outside, stop: &Stop) -> anyhow::Result<Stamp> {
    let stamp = File::open(path).and_then(|file| Stamp::of(file, stop));
    stop.check()?;
    let stamp = stamp.context("cannot be read")?;
    if before != (Outside { bytes: stamp.bytes, modified_ns: stamp.modified_ns }) {
        bail!("the photograph changed while it was colorized; run it again");
    }
    Ok(stamp)
}
