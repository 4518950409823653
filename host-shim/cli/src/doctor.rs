//! `autochrome models` and `autochrome doctor`: what is found, and what to do about what is missing.
//!
//! The doctor does not guess: it colorizes a small picture and reports what that used.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use autochrome_loader::{Config, Image, ImageMut, ModelInfo, Params, PixelFormat, Plugin, SessionInfo};
use serde::Serialize;

use crate::args::Look;
use crate::exit::{DONE, FAILED, print};

#[derive(Debug, Serialize)]
struct Model<'a> {
    name: &'a str,
    usable: bool,
    default: bool,
    description: &'a str,
    license: &'a str,
    folder: &'a Path,
    working_size: u32,
    problem: Option<&'a str>,
}

impl<'a> Model<'a> {
    /// The first usable one is the default.
    fn of(models: &'a [ModelInfo]) -> Vec<Self> {
        let default = models.iter().position(|model| model.problem.is_none());
        let entry = |(index, model): (usize, &'a ModelInfo)| Self {
            name: &model.name,
            usable: model.problem.is_none(),
            default: Some(index) == default,
            description: &model.description,
            license: &model.license,
            folder: &model.folder,
            working_size: model.working_size,
            problem: model.problem.as_deref(),
        };
        models.iter().enumerate().map(entry).collect()
    }

    fn line(&self) -> String {
        match self.problem {
            Some(problem) => format!("{}: cannot be used: {problem}", self.name),
            None => format!(
                "{}{}: {}; {} px, {}",
                self.name,
                if self.default { " (default)" } else { "" },
                self.description,
                self.working_size,
                self.license
            ),
        }
    }
}

const NO_MODEL: &str = "no usable model was found; put a model folder into ~/.local/share/autochrome/models, or pass --models-dir";

/// `autochrome models`: fails when none is usable.
pub fn models(args: &Look) -> anyhow::Result<u8> {
    let models = Plugin::find()?.models(&args.folders.config())?;
    let entries = Model::of(&models);
    print(|out| {
        for entry in &entries {
            if args.json {
                writeln!(out, "{}", serde_json::to_string(entry)?)?;
            } else {
                writeln!(out, "{}", entry.line())?;
            }
        }
        Ok(())
    })?;
    if entries.iter().any(|entry| entry.usable) {
        return Ok(DONE);
    }
    eprintln!("autochrome: {NO_MODEL}");
    Ok(FAILED)
}

#[derive(Debug, Default, Serialize)]
struct Findings {
    version: &'static str,
    plugin: Option<PathBuf>,
    plugin_version: Option<String>,
    interface: Option<String>,
    models: Vec<String>,
    model: Option<String>,
    device: Option<String>,
    fallback: Option<String>,
    trial_ms: Option<u64>,
    problems: Vec<String>,
}

/// `autochrome doctor`: fails when there is any problem.
pub fn doctor(args: &Look) -> anyhow::Result<u8> {
    let mut findings = Findings { version: env!("CARGO_PKG_VERSION"), ..Findings::default() };
    if let Err(error) = examine(&args.folders.config(), &mut findings) {
        findings.problems.push(error.to_string());
    }
    print(|out| {
        if args.json {
            return writeln!(out, "{}", serde_json::to_string(&findings)?);
        }
        findings.lines().iter().try_for_each(|line| writeln!(out, "{line}"))
    })?;
    Ok(if findings.problems.is_empty() { DONE } else { FAILED })
}

fn examine(config: &Config, findings: &mut Findings) -> Result<(), autochrome_loader::Error> {
    let plugin = Plugin::find()?;
    let (major, minor) = plugin.interface();
    findings.plugin = Some(plugin.path().into());
    findings.plugin_version = Some(plugin.version());
    findings.interface = Some(format!("{major}.{minor}"));
    let models = plugin.models(config)?;
    let entries = Model::of(&models);
    findings.models = entries.iter().map(Model::line).collect();
    if !entries.iter().any(|entry| entry.usable) {
        findings.problems.push(NO_MODEL.into());
        return Ok(());
    }
    let started = Instant::now();
    let used = trial(&plugin, config)?;
    findings.trial_ms = u64::try_from(started.elapsed().as_millis()).ok();
    findings.model = Some(used.model);
    findings.device = Some(used.device);
    findings.fallback = used.fallback;
    Ok(())
}

/// Colorizes a small gray ramp as a plain call would: default model, device `auto`.
fn trial(plugin: &Plugin, config: &Config) -> Result<SessionInfo, autochrome_loader::Error> {
    const SIDE: u32 = 64;
    let gray: Vec<u8> = (0..SIDE).flat_map(|_| (0..64).map(|x| 2 * x + 64)).collect();
    let mut color = vec![0; gray.len() * 3];
    let input = Image::tight(PixelFormat::Gray8, SIDE, SIDE, &gray)?;
    let mut output = ImageMut::tight(PixelFormat::Rgb8, SIDE, SIDE, &mut color)?;
    let mut session = plugin.session(config)?;
    session.colorize(&Params::default(), &input, &mut output, &mut |_| ControlFlow::Continue(()))?;
    session.info()
}

impl Findings {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("autochrome {}", self.version)];
        if let (Some(path), Some(version), Some(interface)) =
            (&self.plugin, &self.plugin_version, &self.interface)
        {
            lines.push(format!("plugin:  {}, version {version}, interface {interface}", path.display()));
        }
        lines.extend(self.models.iter().map(|model| format!("model:   {model}")));
        if let (Some(model), Some(device), Some(ms)) = (&self.model, &self.device, self.trial_ms) {
            let reason =
                self.fallback.as_ref().map(|reason| format!(", because {reason}")).unwrap_or_default();
            lines.push(format!("device:  {device}{reason}"));
            lines.push(format!("test:    {model} colorized a small picture in {ms} ms, including loading"));
        }
        lines.extend(self.problems.iter().map(|problem| format!("problem: {problem}")));
        lines
    }
}
