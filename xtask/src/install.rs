//! `cargo xtask install` and `uninstall`: programs, plugin, libtorch and models below a prefix.
//!
//! The idea: all new files are staged beside their final names and renamed at the end, and a list records which
//! files are ours. Installed files find each other by relative paths and contain no path of the checkout. GIMP
//! looks for plug-ins in its own folders: it gets a link there, and the plug-in stays beside the library it loads.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::gimp::{Gimp, MENU, PLUG_IN, Surroundings};
use crate::libtorch::Set;
use crate::manifest::{Manifest, leads_into, remove_file};
use crate::workspace::{Workspace, home, output};
use crate::{elf, files, setup};

/// Arguments of `install`.
#[derive(clap::Args)]
pub struct Args {
    /// Where to install [default: ~/.local]
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// Install what is already built
    #[arg(long)]
    no_build: bool,
    /// Add the plug-in to the GIMP with this profile folder (or its plug-ins folder) instead of every GIMP found;
    /// repeatable
    #[arg(long, value_name = "DIR", conflicts_with = "no_gimp")]
    gimp: Vec<PathBuf>,
    /// Do not add the plug-in to any GIMP
    #[arg(long)]
    no_gimp: bool,
}

/// Libraries of the CUDA set that are loaded by name at run time, by the plugin or by one another.
const OPENED_BY_NAME: &[&str] = &[
    "libtorch_cuda.so",
    "libtorch_cuda_linalg.so",
    "libcaffe2_nvrtc.so",
    "libcudnn",
    "libnvrtc",
    "libnvJitLink",
];

/// The folder of the plugin and its libraries.
const LIB: &str = "lib/autochrome";

/// One file to install; `to` is relative to the prefix, or absolute for a link outside it.
struct Item {
    to: PathBuf,
    content: Content,
    mode: u32,
}

enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
    /// A link to this path.
    Link(PathBuf),
}

/// Installs below the prefix and prints what was done.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let prefix = absolute_prefix(args.prefix.clone())?;
    let found = setup::ensure(workspace)?;
    if !args.no_build {
        workspace.build(&["autochrome-plugin", "autochrome-cli", "autochrome-gimp"])?;
    }
    let mut items = plan(workspace, found.set)?;
    let count = items.len();
    let gimps = gimps(args)?;
    items.extend(gimps.iter().map(|gimp| link(gimp, &prefix)));
    install(&prefix, &items)?;
    println!("installed {count} files below {}", prefix.display());
    let bin = prefix.join("bin");
    let on_path = env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir == bin));
    if !on_path {
        println!("{} is not on PATH: add it, or run {}", bin.display(), bin.join("autochrome").display());
    }
    for gimp in &gimps {
        println!("{}: restart it and look for {MENU} ({})", gimp.name, gimp.place().display());
    }
    if gimps.is_empty() && !args.no_gimp {
        println!("no GIMP got the plug-in: to add it to one, name its profile folder with `--gimp DIR`");
    }
    Ok(())
}

/// The GIMP installations that get the plug-in, each with a profile created if it had none.
fn gimps(args: &Args) -> Result<Vec<Gimp>> {
    if args.no_gimp {
        return Ok(Vec::new());
    }
    if !args.gimp.is_empty() {
        return named(&args.gimp);
    }
    let mut found = Surroundings::from_env().gimps();
    found.retain(|gimp| gimp.set_up().inspect_err(|error| eprintln!("{error:#}")).is_ok());
    Ok(found)
}

/// The GIMP installations of the folders given, without duplicates, whichever path names them.
fn named(folders: &[PathBuf]) -> Result<Vec<Gimp>> {
    let mut found: Vec<Gimp> = Vec::new();
    let real = |gimp: &Gimp| gimp.profile.canonicalize().unwrap_or_else(|_| gimp.profile.clone());
    for folder in folders {
        let gimp = Gimp::named(folder)?;
        if found.iter().all(|other| real(other) != real(&gimp)) {
            found.push(gimp);
        }
    }
    Ok(found)
}

/// The link through which a GIMP finds the installed plug-in.
fn link(gimp: &Gimp, prefix: &Path) -> Item {
    Item { to: gimp.place(), content: Content::Link(prefix.join(LIB).join(PLUG_IN)), mode: 0o777 }
}

/// Removes what `install` put below the prefix.
pub fn uninstall(prefix: Option<PathBuf>) -> Result<()> {
    let prefix = absolute_prefix(prefix)?;
    let Some(manifest) = Manifest::read(&prefix)? else {
        bail!("nothing is installed below {}: name the prefix given to `install`", prefix.display());
    };
    manifest.remove(&prefix)?;
    let links = manifest.links().count();
    println!("removed {} files from {}", manifest.files.len() - links, prefix.display());
    for link in manifest.links().filter(|link| fs::symlink_metadata(link).is_ok()) {
        println!("{} no longer points to this installation and was kept", link.display());
    }
    Ok(())
}

fn absolute_prefix(prefix: Option<PathBuf>) -> Result<PathBuf> {
    let prefix = match prefix {
        Some(prefix) => prefix,
        None => home()?.join(".local"),
    };
    std::path::absolute(&prefix).with_context(|| format!("{} is not a valid folder", prefix.display()))
}

/// Everything to install: libraries and models before the plugin that loads them, the program last.
fn plan(workspace: &Workspace, set: Set) -> Result<Vec<Item>> {
    let plugin = workspace.built("libautochrome.so");
    let program = workspace.built("autochrome");
    let gimp = workspace.built(PLUG_IN);
    for path in [&plugin, &program, &gimp] {
        if !path.is_file() {
            bail!("{} is not built: omit --no-build", path.display());
        }
    }
    let mut items = Vec::new();
    for (name, path) in libraries(workspace, &plugin, set)? {
        items.push(Item { to: Path::new(LIB).join(name), content: Content::File(path), mode: 0o644 });
    }
    items.extend(models(&workspace.root().join("models/packages"))?);
    items.extend(licenses(workspace));
    items.push(scrubbed(workspace, &plugin, format!("{LIB}/libautochrome.so"), 0o644)?);
    items.push(scrubbed(workspace, &gimp, format!("{LIB}/{PLUG_IN}"), 0o755)?);
    items.extend(described_by(workspace, &program)?);
    items.push(scrubbed(workspace, &program, "bin/autochrome".into(), 0o755)?);
    for item in &items {
        if let Content::Bytes(bytes) = &item.content
            && let Some(found) = elf::names_build_tree(bytes, workspace.root(), workspace.target())
        {
            bail!(
                "{} would contain a path of the build tree ({found}): nothing was installed",
                item.to.display()
            );
        }
    }
    Ok(items)
}

/// The libraries that go beside the plugin, with their names there.
fn libraries(workspace: &Workspace, plugin: &Path, set: Set) -> Result<Vec<(String, PathBuf)>> {
    let folders = [workspace.libtorch().join("lib")];
    let mut roots = vec![plugin.to_path_buf()];
    let mut opened = Vec::new();
    if set == Set::Cuda {
        for entry in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if OPENED_BY_NAME.iter().any(|start| name.starts_with(start)) && name.contains(".so") {
                opened.push((name, entry.path()));
            }
        }
    }
    roots.extend(opened.iter().map(|(_, path)| path.clone()));
    let mut all = elf::closure(&roots, &folders)?;
    all.extend(opened);
    if !all.contains_key("libtorch_cpu.so") {
        bail!("{} does not link libtorch_cpu.so: rebuild it without --no-build", plugin.display());
    }
    Ok(all.into_iter().collect())
}

/// A built file as installed: without traces of the build tree.
fn scrubbed(workspace: &Workspace, path: &Path, to: String, mode: u32) -> Result<Item> {
    let mut bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    elf::scrub(&mut bytes, workspace.root());
    Ok(Item { to: to.into(), content: Content::Bytes(bytes), mode })
}

/// Every file of every model package below `folder`; large ones are copied, the others are read.
fn models(folder: &Path) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for package in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if !package.join("model.toml").is_file() {
            continue;
        }
        for file in fs::read_dir(&package)?.flatten().map(|entry| entry.path()).filter(|path| path.is_file())
        {
            let (Some(name), Some(file_name)) = (package.file_name(), file.file_name()) else { continue };
            let to = Path::new("share/autochrome/models").join(name).join(file_name);
            let content = match file.extension().is_some_and(|ending| ending == "safetensors") {
                true => Content::File(file),
                false => Content::Bytes(fs::read(&file)?),
            };
            items.push(Item { to, content, mode: 0o644 });
        }
    }
    if items.is_empty() {
        eprintln!(
            "{} contains no model package: the installation cannot colorize until one is added",
            folder.display()
        );
    }
    Ok(items)
}

/// The licenses of everything installed.
fn licenses(workspace: &Workspace) -> Vec<Item> {
    let own = ["LICENSE-MIT", "LICENSE-APACHE"].map(|name| workspace.root().join(name));
    let theirs = fs::read_dir(workspace.libtorch().join("licenses")).into_iter().flatten().flatten();
    let files = own.into_iter().chain(theirs.map(|entry| entry.path())).filter(|path| path.is_file());
    let place = |path: PathBuf| {
        let to = Path::new("share/doc/autochrome").join(path.file_name()?);
        Some(Item { to, content: Content::File(path), mode: 0o644 })
    };
    files.filter_map(place).collect()
}

/// The man page and the completions, generated by the program itself.
fn described_by(workspace: &Workspace, program: &Path) -> Result<Vec<Item>> {
    let told = [
        ("share/man/man1/autochrome.1", ["man", ""]),
        ("share/bash-completion/completions/autochrome", ["completions", "bash"]),
        ("share/zsh/site-functions/_autochrome", ["completions", "zsh"]),
        ("share/fish/vendor_completions.d/autochrome.fish", ["completions", "fish"]),
    ];
    let write = |(to, args): (&str, [&str; 2])| {
        let args = args.iter().filter(|arg| !arg.is_empty());
        let bytes = output(workspace.command(program).args(args), "autochrome")?;
        Ok(Item { to: to.into(), content: Content::Bytes(bytes), mode: 0o644 })
    };
    told.into_iter().map(write).collect()
}

/// Stages all items beside their names, then renames them all, then removes leftovers of an earlier installation.
fn install(prefix: &Path, items: &[Item]) -> Result<()> {
    let old = Manifest::read(prefix)?.unwrap_or_default();
    let mut new =
        Manifest { files: items.iter().map(|item| item.to.clone()).collect(), folders: BTreeSet::new() };
    if let Some(item) = items.iter().find(|item| is_foreign(item, prefix, &old)) {
        let remedy = match item.content {
            Content::Link(_) => {
                "remove it (with `cargo xtask uninstall`, if an installation with another \
                                 --prefix put it there), or skip GIMP with --no-gimp"
            }
            _ => "remove it, or use another --prefix",
        };
        bail!(
            "{} already exists and was not installed by this command: {remedy}",
            prefix.join(&item.to).display()
        );
    }
    // A GIMP that has the plug-in already keeps it, whichever ones are named this time.
    new.files.extend(old.links().filter(|link| leads_into(link, prefix)).cloned());
    new.add_missing_folders(prefix);
    new.folders.extend(old.folders.iter().cloned());
    old.union(&new).write(prefix)?;
    let bar = ProgressBar::new(items.iter().map(size).sum());
    let style = ProgressStyle::with_template("installing {wide_bar} {bytes}/{total_bytes}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    for item in items {
        let to = prefix.join(&item.to);
        let staged = match &item.content {
            Content::Bytes(bytes) => files::stage(&to, bytes, item.mode),
            Content::File(from) => files::stage_copy(&to, from, item.mode),
            Content::Link(target) => files::stage_link(&to, target),
        };
        if let Err(error) = staged {
            items.iter().for_each(|item| drop(remove_file(&files::staged(&prefix.join(&item.to)))));
            return Err(error.context("the installation is unchanged"));
        }
        bar.inc(size(item));
    }
    bar.finish_and_clear();
    for item in items {
        files::commit(&prefix.join(&item.to))?;
    }
    for gone in old.files.difference(&new.files).filter(|gone| !gone.is_absolute()) {
        remove_file(&prefix.join(gone))?;
    }
    new.write(prefix)
}

/// Whether something that is not ours to replace is in the place of `item`.
fn is_foreign(item: &Item, prefix: &Path, old: &Manifest) -> bool {
    let place = prefix.join(&item.to);
    let ours = match &item.content {
        Content::Link(target) => fs::read_link(&place).is_ok_and(|found| found == *target),
        _ => old.files.contains(&item.to),
    };
    !ours && fs::symlink_metadata(&place).is_ok()
}

fn size(item: &Item) -> u64 {
    match &item.content {
        Content::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        Content::File(path) => fs::metadata(path).map_or(0, |found| found.len()),
        Content::Link(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(to: &str, text: &str) -> Item {
        Item { to: to.into(), content: Content::Bytes(text.into()), mode: 0o644 }
    }

    fn read(prefix: &Path, file: &str) -> String {
        fs::read_to_string(prefix.join(file)).unwrap_or_default()
    }

    #[test]
    fn a_second_installation_replaces_the_first_whole() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("prefix");
        install(&prefix, &[item("bin/a", "1"), item("lib/old/b", "1")]).unwrap();
        install(&prefix, &[item("bin/a", "2"), item("lib/c", "2")]).unwrap();
        assert_eq!((read(&prefix, "bin/a").as_str(), read(&prefix, "lib/c").as_str()), ("2", "2"));
        assert!(!prefix.join("lib/old/b").exists());
        uninstall(Some(prefix.clone())).unwrap();
        assert_eq!(fs::read_dir(&prefix).unwrap().count(), 0);
        assert!(uninstall(Some(prefix)).unwrap_err().to_string().contains("nothing is installed"));
    }

    #[test]
    fn a_failed_installation_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        install(dir.path(), &[item("bin/a", "1")]).unwrap();
        let absent = Item { to: "lib/b".into(), content: Content::File("/absent".into()), mode: 0o644 };
        let said = format!("{:#}", install(dir.path(), &[item("bin/a", "2"), absent]).unwrap_err());
        assert!(said.contains("is unchanged") && said.contains("lib/b"), "{said}");
        assert_eq!(read(dir.path(), "bin/a"), "1");
        assert!(!files::staged(&dir.path().join("bin/a")).exists());
    }

    #[test]
    fn a_file_of_someone_else_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        fs::write(dir.path().join("bin/a"), "theirs").unwrap();
        let said = install(dir.path(), &[item("bin/a", "1")]).unwrap_err().to_string();
        assert!(said.contains("bin/a already exists"), "{said}");
        assert_eq!(read(dir.path(), "bin/a"), "theirs");
    }

    /// The link of a GIMP whose profile is below `dir`, and its path.
    fn linked(dir: &Path, profile: &str, prefix: &Path) -> (Item, PathBuf) {
        let gimp = Gimp::named(&dir.join(profile)).unwrap();
        (link(&gimp, prefix), gimp.place())
    }

    #[test]
    fn gimp_is_given_a_link_that_stays_until_it_is_uninstalled() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("prefix");
        let file = || item("lib/autochrome/autochrome-gimp", "1");
        let (first, in_2) = linked(dir.path(), "2.10", &prefix);
        install(&prefix, &[file(), first]).unwrap();
        assert_eq!(fs::read_to_string(&in_2).unwrap(), "1");
        let (second, in_3) = linked(dir.path(), "3.0", &prefix);
        install(&prefix, &[file(), second]).unwrap();
        install(&prefix, &[file()]).unwrap();
        assert_eq!(fs::read_link(&in_2).unwrap(), fs::read_link(&in_3).unwrap());
        uninstall(Some(prefix)).unwrap();
        assert!(!dir.path().join("2.10").exists() && !dir.path().join("3.0").exists());
    }

    #[test]
    fn a_gimp_named_twice_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let (profile, other_name) = (dir.path().join("3.0"), dir.path().join("link"));
        fs::create_dir(&profile).unwrap();
        std::os::unix::fs::symlink(&profile, &other_name).unwrap();
        let folders = [profile.clone(), profile.join("plug-ins"), other_name, dir.path().join("3.2")];
        assert_eq!(named(&folders).unwrap().len(), 2);
    }

    #[test]
    fn a_plug_in_of_someone_else_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("prefix");
        let (ours, place) = linked(dir.path(), "3.0", &prefix);
        let items = [item("lib/autochrome/autochrome-gimp", "1"), ours];
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, "theirs").unwrap();
        let said = install(&prefix, &items).unwrap_err().to_string();
        assert!(said.contains("already exists") && said.contains("--no-gimp"), "{said}");
        assert!(!prefix.exists(), "all or nothing");

        // A broken link is theirs too, and so is what replaced our own.
        fs::remove_file(&place).unwrap();
        std::os::unix::fs::symlink("/absent", &place).unwrap();
        install(&prefix, &items).unwrap_err();
        fs::remove_file(&place).unwrap();
        install(&prefix, &items).unwrap();
        fs::remove_file(&place).unwrap();
        fs::write(&place, "theirs").unwrap();
        install(&prefix, &items).unwrap_err();
        install(&prefix, &items[..1]).unwrap();
        uninstall(Some(prefix)).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"theirs");
    }

    #[test]
    fn where_gimp_can_be_given_no_link_nothing_is_installed() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("prefix");
        let (ours, place) = linked(dir.path(), "3.0", &prefix);
        fs::create_dir_all(dir.path().join("3.0/plug-ins")).unwrap();
        fs::write(place.parent().unwrap(), "a file in the place of the folder").unwrap();
        let said = format!("{:#}", install(&prefix, &[item("bin/a", "1"), ours]).unwrap_err());
        assert!(said.contains("is unchanged") && said.contains("cannot create the link"), "{said}");
        assert!(!prefix.join("bin/a").exists());
    }
}
