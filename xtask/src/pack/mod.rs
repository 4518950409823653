//! `cargo xtask pack CONFIG`: a folder that trains on a machine without Rust.
//!
//! The idea: **the folder is whole or absent, and can check itself**: the trainer, the configuration, the files it
//! names, and its photographs in slices small enough to send, with a list of checksums by which `run.sh` detects
//! what is missing.

mod config;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::libtorch::VERSION;
use crate::wheels::sha256;
use crate::workspace::{Workspace, output, run as run_command};
use crate::{elf, files, setup};
use config::Wanted;

/// Arguments of `pack`.
#[derive(clap::Args)]
pub struct Args {
    /// The trainer's configuration
    config: PathBuf,
    /// The folder that relative paths in the configuration are resolved in
    #[arg(long, value_name = "DIR", default_value = ".")]
    data: PathBuf,
    /// The folder to make; an existing pack is overwritten
    #[arg(short, long, value_name = "PACK")]
    out: PathBuf,
    /// Data sets to pack instead of the configuration's
    #[arg(long, value_name = "PATH", num_args = 1..)]
    train: Vec<PathBuf>,
    /// A tar of photographs to measure on, instead of those that the configuration holds out
    #[arg(long, value_name = "TAR")]
    eval: Option<PathBuf>,
    /// Short side in pixels to shrink photographs to, or MIN..MAX to skip those below MIN [default: the
    /// configuration's largest crop]
    #[arg(long, value_name = "SIDE")]
    side: Option<String>,
    /// JPEG quality of the photographs
    #[arg(long, default_value_t = 85)]
    quality: u8,
    /// Maximum size of a slice in megabytes
    #[arg(long, value_name = "MB", default_value = "40")]
    slice_mb: String,
    /// Use at most this many photographs, evenly spread
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Pack the trainer that is already built
    #[arg(long)]
    no_build: bool,
    /// Allow sources that differ from their commit; the package records it
    #[arg(long)]
    dirty: bool,
    /// Options of `export` besides the folders, after `--`: prediction settings, a description, a license
    #[arg(last = true, value_name = "EXPORT OPTIONS")]
    export: Vec<String>,
}

/// The list that identifies a pack.
const MANIFEST: &str = "MANIFEST.sha256";
/// The checkpoint of a run made in a pack.
const CHECKPOINT: &str = "run/checkpoint.safetensors";

/// Makes the folder and prints what is in it.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let out = std::path::absolute(&args.out).with_context(|| format!("{}", args.out.display()))?;
    if out.exists() && !out.join(MANIFEST).is_file() {
        bail!("{} already exists and is not a pack: name another --out", out.display());
    }
    if out.join(CHECKPOINT).exists() {
        bail!("{} contains a run ({CHECKPOINT}): move it away, or name another --out", out.display());
    }
    setup::ensure(workspace)?;
    if !args.no_build {
        workspace.build(&["autochrome-trainer"])?;
    }
    let new = files::staged(&out);
    files::remove(&new)?;
    let listed = Pack { workspace, args, folder: &new }
        .fill()
        .inspect_err(|_| drop(files::remove(&new)))
        .with_context(|| format!("could not make {}", out.display()))?;
    files::swap_in(&new, &out)?;
    let bytes: u64 = listed.iter().map(|(_, bytes)| bytes).sum();
    println!("{}: {} files, {} bytes", out.display(), listed.len(), bytes);
    for (name, bytes) in &listed {
        println!("{bytes:>12}  {name}");
    }
    println!("send them in any order, then: bash run.sh --check; bash run.sh --minutes 8");
    Ok(())
}

/// A pack being made.
struct Pack<'a> {
    workspace: &'a Workspace,
    args: &'a Args,
    folder: &'a Path,
}

impl Pack<'_> {
    /// Writes every file; returns their names and sizes.
    fn fill(&self) -> Result<Vec<(String, u64)>> {
        let dirty = self.is_from_changed_sources()?;
        let glibc = self.pack_trainer()?;
        let mut config = self.whole_configuration()?;
        let wanted = config::detach(&mut config, &self.args.data)?;
        let slices = self.slice(&wanted)?;
        let names = slices.iter().cloned().map(Value::String).collect();
        if let Some(Value::Table(set)) = config.get_mut("data") {
            set.insert("train".to_owned(), Value::Array(names));
        }
        for (from, name) in &wanted.files {
            copy(from, &self.folder.join("data").join(name))?;
        }
        if let Some(eval) = &self.args.eval {
            if !eval.is_file() {
                bail!("--eval {}: expected a tar of photographs; `data slice` makes one", eval.display());
            }
            copy(eval, &self.folder.join("data/eval.tar"))?;
        }
        self.write("config.toml", &toml::to_string_pretty(&config)?)?;
        self.write("run.sh", include_str!("run.sh"))?;
        self.write("settings.sh", &self.settings(&wanted, &slices, &glibc, dirty))?;
        let readme = include_str!("README.txt").replace("{{name}}", &self.name());
        self.write("README.txt", &readme.replace("{{glibc}}", &glibc).replace("{{torch}}", torch_version()))?;
        self.list()
    }

    /// The name of the run and of its package: the configuration's.
    fn name(&self) -> String {
        self.args.config.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn trainer(&self) -> Command {
        self.workspace.command(self.workspace.built("autochrome-trainer"))
    }

    /// Whether the trainer's sources differ from their commit. Its export then refuses, unless it gets --dirty.
    fn is_from_changed_sources(&self) -> Result<bool> {
        let version = output(self.trainer().arg("--version"), "autochrome-trainer --version")?;
        let changed = String::from_utf8_lossy(&version).contains("-changed");
        if changed && !self.args.dirty {
            bail!("the trainer's sources differ from their commit: commit them, or pass --dirty");
        }
        Ok(changed)
    }

    /// Packs the trainer, stripped and without traces of the build tree; returns the glibc it needs.
    fn pack_trainer(&self) -> Result<String> {
        let (from, to) =
            (self.workspace.built("autochrome-trainer"), self.folder.join("bin/autochrome-trainer"));
        copy(&from, &to)?;
        let mut strip = Command::new("strip");
        output(strip.arg("--strip-all").arg(&to), "stripping the trainer (strip is part of binutils)")?;
        let mut bytes = fs::read(&to)?;
        elf::scrub(&mut bytes, self.workspace.root());
        if let Some(found) = elf::names_build_tree(&bytes, self.workspace.root(), self.workspace.target()) {
            bail!("the trainer would contain a path of the build tree ({found})");
        }
        files::replace(&to, &bytes, 0o755)?;
        elf::glibc(&to)?.context("the trainer does not use glibc: expected a program for Linux with glibc")
    }

    fn whole_configuration(&self) -> Result<Table> {
        let text = output(self.trainer().arg("config").arg(&self.args.config), "reading the configuration")?;
        Ok(String::from_utf8(text)?.parse()?)
    }

    /// Slices the photographs; returns the names of the slices.
    fn slice(&self, wanted: &Wanted) -> Result<Vec<String>> {
        let (args, folder) = (self.args, self.folder.join("data"));
        let mut slice = self.trainer();
        slice.args(["data", "slice"]);
        match args.train.as_slice() {
            [] => slice.args(wanted.train.iter().map(|path| args.data.join(path))),
            named => slice.args(named),
        };
        slice.arg("--out").arg(&folder).args(&wanted.selection);
        slice.args(["--side", &args.side.clone().unwrap_or_else(|| wanted.side.to_string())]);
        slice.args(["--quality", &args.quality.to_string(), "--slice-mb", &args.slice_mb]);
        if let Some(limit) = args.limit {
            slice.args(["--limit", &limit.to_string()]);
        }
        run_command(&mut slice, "slicing the photographs")?;
        let entries =
            fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = entries.collect::<Result<Vec<String>>>()?;
        names.sort();
        Ok(names)
    }

    /// The settings that `run.sh` reads.
    fn settings(&self, wanted: &Wanted, slices: &[String], glibc: &str, dirty: bool) -> String {
        let mut export = self.args.export.clone();
        if !export.iter().any(|option| option.starts_with("--description")) {
            export.extend(["--description".to_owned(), format!("Trained elsewhere by {}.toml", self.name())]);
        }
        export.extend(dirty.then(|| "--dirty".to_owned()));
        let list = |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        format!(
            "name={}\ntorch_version={}\nglibc={glibc}\nheld_out={}\ntrain_sets=({})\nclassifier={}\nexport_options=({})\n",
            quoted(&self.name()),
            torch_version(),
            wanted.held_out,
            list(slices),
            quoted(wanted.classifier.as_deref().unwrap_or_default()),
            list(&export),
        )
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        files::replace(&self.folder.join(name), text.as_bytes(), 0o644)
    }

    /// Writes the list of checksums; returns every file with its size.
    fn list(&self) -> Result<Vec<(String, u64)>> {
        let (mut listed, mut text) = (Vec::new(), String::new());
        for path in below(self.folder)? {
            let name = path.strip_prefix(self.folder)?.display().to_string();
            text += &format!("{}  {name}\n", sha256(&path)?);
            listed.push((name, path.metadata()?.len()));
        }
        self.write(MANIFEST, &text)?;
        Ok(listed)
    }
}

/// Major and minor version of libtorch.
fn torch_version() -> &'static str {
    VERSION.rsplit_once('.').map_or(VERSION, |(version, _)| version)
}

/// Copies a file, or the files of a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let subject = || format!("cannot copy {} to {}", from.display(), to.display());
    if from.is_dir() {
        for path in below(from)? {
            copy(&path, &to.join(path.strip_prefix(from)?))?;
        }
        return Ok(());
    }
    fs::create_dir_all(to.parent().unwrap_or(to)).with_context(subject)?;
    fs::copy(from, to).with_context(subject)?;
    // What was read-only here may have to be sent twice.
    fs::set_permissions(to, fs::Permissions::from_mode(0o644)).with_context(subject)
}

/// Every file below a folder, sorted.
fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut open, mut found) = (vec![folder.to_path_buf()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("folder {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_quoted_word_as_it_was() {
        let word = r#"it's "$HOME" \ `x`"#;
        let said = output(Command::new("bash").args(["-c", &format!("printf %s {}", quoted(word))]), "bash");
        assert_eq!(String::from_utf8(said.unwrap()).unwrap(), word);
    }

    #[test]
    fn a_folder_that_is_no_pack_and_a_run_are_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::find().unwrap();
        let said = |out: &Path| {
            let mut words = vec!["pack".into(), "c.toml".into(), "-o".into()];
            words.push(out.display().to_string());
            let crate::Command::Pack(args) =
                <crate::Cli as clap::Parser>::parse_from(std::iter::once("xtask".to_owned()).chain(words))
                    .command
            else {
                unreachable!("parsed as pack")
            };
            run(&workspace, &args).unwrap_err().to_string()
        };
        assert!(said(root.path()).contains("is not a pack"));
        fs::write(root.path().join(MANIFEST), "").unwrap();
        fs::create_dir(root.path().join("run")).unwrap();
        fs::write(root.path().join(CHECKPOINT), "").unwrap();
        assert!(said(root.path()).contains("contains a run"));
    }
}
