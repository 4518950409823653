//! `cargo xtask setup`: `.libtorch/`, assembled once or linked to the user's libtorch.
//!
//! The idea: everything is prepared beside `.libtorch` and renamed into place, so that a folder of that name is
//! always complete.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::libtorch::{self, Libtorch, Set, VERSION};
use crate::workspace::{Workspace, output};
use crate::{files, tools, wheels};

/// Arguments of `setup`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Use the CUDA set (2.5 GB download, 3.5 GB on disk) instead of the CPU set
    #[arg(long, conflicts_with = "libtorch")]
    cuda: bool,
    /// Use the libtorch in this folder (of a PyTorch: site-packages/torch) instead of fetching one
    #[arg(long, value_name = "DIR")]
    libtorch: Option<PathBuf>,
    /// Use the wheels in this folder instead of fetching them
    #[arg(long, value_name = "DIR", conflicts_with = "libtorch")]
    wheels: Option<PathBuf>,
}

/// What the user asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// The user's own folder.
    Own(PathBuf),
    /// A set from the wheels.
    Wheels(Set),
}

/// What to do about it.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Link(PathBuf),
    Assemble(Set),
}

/// Runs `setup` and prints what is there.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let found = provide(workspace, args)?;
    let own = linked_folder(&workspace.libtorch());
    let link = own.map(|own| format!(", which links to {}", own.display())).unwrap_or_default();
    println!("libtorch {VERSION} ({}) is in {}{link}", found.set, workspace.libtorch().display());
    Ok(())
}

/// Makes sure that a build can start; prints nothing if everything is there.
pub fn ensure(workspace: &Workspace) -> Result<Libtorch> {
    provide(workspace, &Args::default())
}

fn provide(workspace: &Workspace, args: &Args) -> Result<Libtorch> {
    tools::compiler()?;
    let place = workspace.libtorch();
    let wanted = wanted(workspace, args)?;
    let current = libtorch::inspect(&place);
    if let (Err(error), Some(own), Wanted::Wheels(_)) = (&current, linked_folder(&place), &wanted) {
        bail!("{error:#}. It links to {}: remove it to fetch libtorch instead", own.display());
    }
    match decide(&place, current.as_ref().ok(), wanted) {
        Step::Nothing => {}
        Step::Link(own) => link(&place, &own)?,
        Step::Assemble(set) => assemble(workspace, set, args.wheels.as_deref())?,
    }
    libtorch::inspect(&place)
}

fn wanted(workspace: &Workspace, args: &Args) -> Result<Wanted> {
    let set = if args.cuda { Set::Cuda } else { Set::Cpu };
    let Some(own) = own_folder(workspace, args)? else { return Ok(Wanted::Wheels(set)) };
    let found = libtorch::inspect(&own)?;
    if set == Set::Cuda && found.set == Set::Cpu {
        bail!("{} has no CUDA: unset LIBTORCH and LIBTORCH_USE_PYTORCH to fetch the CUDA set", own.display());
    }
    Ok(Wanted::Own(own))
}

/// The libtorch the user names: by option, `LIBTORCH`, or `LIBTORCH_USE_PYTORCH`.
fn own_folder(workspace: &Workspace, args: &Args) -> Result<Option<PathBuf>> {
    if let Some(folder) = &args.libtorch {
        return Ok(Some(canonical(folder)?));
    }
    // .cargo/config.toml sets LIBTORCH if the user has not; that one does not count.
    if let Some(folder) =
        env::var_os("LIBTORCH").map(PathBuf::from).filter(|folder| !folder.as_os_str().is_empty())
        && folder != workspace.libtorch()
    {
        let folder = canonical(&folder)
            .context("LIBTORCH names an unusable folder: unset it to fetch libtorch, or name another")?;
        let place = workspace.libtorch().canonicalize().ok();
        return Ok((Some(&folder) != place.as_ref()).then_some(folder));
    }
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return pytorch_folder().map(Some);
    }
    Ok(None)
}

fn canonical(folder: &Path) -> Result<PathBuf> {
    folder.canonicalize().with_context(|| format!("folder {} does not exist", folder.display()))
}

/// The folder of the PyTorch that `python3` would import, found without importing it.
fn pytorch_folder() -> Result<PathBuf> {
    const FIND: &str = "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
    let printed = output(Command::new("python3").args(["-c", FIND]), "looking for PyTorch")?;
    let folder = String::from_utf8_lossy(&printed).trim().to_owned();
    if folder.is_empty() {
        bail!(
            "LIBTORCH_USE_PYTORCH is set, but python3 has no PyTorch: expected PyTorch {VERSION}. Install it \
             (`pip install torch=={VERSION}`), or unset LIBTORCH_USE_PYTORCH to fetch libtorch"
        );
    }
    canonical(Path::new(&folder))
}

fn decide(place: &Path, current: Option<&Libtorch>, wanted: Wanted) -> Step {
    match (wanted, current) {
        (Wanted::Own(own), Some(_)) if linked_folder(place).as_ref() == Some(&own) => Step::Nothing,
        (Wanted::Own(own), _) => Step::Link(own),
        (Wanted::Wheels(Set::Cpu), Some(_)) => Step::Nothing,
        (Wanted::Wheels(Set::Cuda), Some(found)) if found.set == Set::Cuda => Step::Nothing,
        (Wanted::Wheels(set), _) => Step::Assemble(set),
    }
}

/// Makes `.libtorch` a folder of links into the user's. With all libraries in one folder they find each other, and
/// with our link-time `libtorch.so`, programs load CUDA only when they use it.
fn link(place: &Path, own: &Path) -> Result<()> {
    let new = beside(place, "-new");
    files::remove(&new)?;
    let make = || -> Result<()> {
        fs::create_dir_all(new.join("lib"))?;
        for name in ["include", "build-version", "version.py"].iter().filter(|name| own.join(name).exists()) {
            symlink(own.join(name), new.join(name))?;
        }
        for folder in libtorch::library_folders(own) {
            for entry in fs::read_dir(&folder)?.flatten() {
                let name = entry.file_name();
                let (text, to) = (name.to_string_lossy(), new.join("lib").join(&name));
                let wanted = text.contains(".so") && text != "libtorch.so" && text != "libtorch_python.so";
                if wanted && to.symlink_metadata().is_err() {
                    symlink(entry.path(), to)?;
                }
            }
        }
        link_libtorch(&new)
    };
    make()
        .inspect_err(|_| drop(files::remove(&new)))
        .with_context(|| format!("cannot write {}", new.display()))?;
    files::swap_in(&new, place)
}

/// The user's folder that `.libtorch` links to, if any.
fn linked_folder(place: &Path) -> Option<PathBuf> {
    let include = place.join("include");
    Some(fs::read_link(include).ok()?.parent()?.to_path_buf())
}

/// A sibling of `.libtorch` that git ignores.
fn beside(place: &Path, suffix: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn assemble(workspace: &Workspace, set: Set, brought: Option<&Path>) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "libtorch can be fetched on x86_64 Linux only: use your own libtorch {VERSION} with \
             `cargo xtask setup --libtorch DIR`"
        );
    }
    let wheels = wheels::wheels(set);
    tools::python()?;
    let bytes: u64 = wheels.iter().map(|wheel| wheel.bytes).sum();
    if brought.is_none() {
        tools::pip()?;
        tools::disk(workspace.root(), bytes + wheels::unpacked_bytes(set))?;
        eprintln!(
            "fetching libtorch {VERSION} ({set}), once: {} MB in {} wheels",
            bytes / 1_000_000,
            wheels.len()
        );
    } else {
        tools::disk(workspace.root(), wheels::unpacked_bytes(set))?;
    }
    let place = workspace.libtorch();
    // Complete wheels stay here until libtorch is complete, so that an interrupted setup resumes.
    let store = beside(&place, "-wheels");
    let new = beside(&place, "-new");
    files::remove(&new)?;
    let filled = fill(&new, &wheels, brought, &store);
    if filled.is_err() {
        drop(files::remove(&new));
        // Kept if a wheel is in it.
        drop(fs::remove_dir(&store));
    }
    filled?;
    files::swap_in(&new, &place)?;
    files::remove(&store)
}

/// Unpacks the set into `folder`, from the user's wheels or from `store`.
fn fill(folder: &Path, wheels: &[wheels::Wheel], brought: Option<&Path>, store: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot write {}", folder.display()))?;
    if brought.is_none() {
        fs::create_dir_all(store).with_context(|| format!("cannot write {}", store.display()))?;
        wheels::remove_partial(store)?;
    }
    for wheel in wheels {
        let path = match brought {
            Some(folder) => wheel.brought(folder)?,
            None => wheel.fetch(store)?,
        };
        wheel.unpack(&path, folder)?;
    }
    finish(folder, wheels)
}

/// Makes what no wheel contains: an empty `libtorch.so` to link with, which depends on the CPU libraries only.
fn link_libtorch(folder: &Path) -> Result<()> {
    let (compiler, _) = tools::compiler()?;
    let mut words = compiler.split_whitespace();
    let mut link = Command::new(words.next().unwrap_or("c++"));
    link.args(words)
        .args(["-shared", "-nostdlib", "-x", "c++", "/dev/null", "-x", "none", "-o", "lib/libtorch.so"])
        .args(["-Wl,-soname,libtorch.so", "-Wl,--no-as-needed", "-Llib", "-ltorch_cpu", "-lc10"])
        .arg("-Wl,--allow-shlib-undefined")
        .env_remove("LD_LIBRARY_PATH")
        .current_dir(folder);
    output(&mut link, "linking libtorch.so").map(|_| ())
}

/// Adds the link-time `libtorch.so`, the version, and the sources of the rest.
fn finish(folder: &Path, wheels: &[wheels::Wheel]) -> Result<()> {
    link_libtorch(folder)?;
    let sources: String = wheels
        .iter()
        .map(|wheel| format!("{} {} sha256:{}\n", wheel.name, wheel.version, wheel.sha256))
        .collect();
    fs::write(folder.join("SOURCES"), sources)?;
    fs::write(folder.join("build-version"), format!("{VERSION}\n"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libtorch::tests::fake;

    const CPU: Libtorch = Libtorch { set: Set::Cpu };
    const CUDA: Libtorch = Libtorch { set: Set::Cuda };

    #[test]
    fn what_is_there_is_not_fetched_again() {
        let place = Path::new("/absent/.libtorch");
        assert_eq!(decide(place, Some(&CPU), Wanted::Wheels(Set::Cpu)), Step::Nothing);
        assert_eq!(decide(place, Some(&CUDA), Wanted::Wheels(Set::Cpu)), Step::Nothing);
        assert_eq!(decide(place, Some(&CUDA), Wanted::Wheels(Set::Cuda)), Step::Nothing);
        assert_eq!(decide(place, Some(&CPU), Wanted::Wheels(Set::Cuda)), Step::Assemble(Set::Cuda));
        assert_eq!(decide(place, None, Wanted::Wheels(Set::Cpu)), Step::Assemble(Set::Cpu));
    }

    #[test]
    fn what_was_interrupted_never_has_the_final_name() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join(".libtorch-new");
        let said = fill(&new, &wheels::wheels(Set::Cpu), Some(dir.path()), Path::new("/absent")).unwrap_err();
        assert!(said.to_string().contains("contains no wheel of torch 2.11.0"));
        assert!(new.is_dir() && !dir.path().join(".libtorch").exists());
    }

    #[test]
    fn an_own_folder_is_linked_once_and_replaces_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (own, place) = (root.join("site-packages/torch"), root.join(".libtorch"));
        fake(&own, VERSION);
        fake(&place, VERSION);
        let nvidia = root.join("site-packages/nvidia/cu13/lib");
        fs::create_dir_all(&nvidia).unwrap();
        // The linker needs real libraries; their contents do not matter here.
        for library in
            [own.join("lib/libtorch_cpu.so"), own.join("lib/libc10.so"), nvidia.join("libcudart.so.13")]
        {
            let mut make = Command::new("c++");
            make.args(["-shared", "-nostdlib", "-x", "c++", "/dev/null", "-o"]).arg(library);
            output(&mut make, "a library").unwrap();
        }
        assert_eq!(decide(&place, Some(&CPU), Wanted::Own(own.clone())), Step::Link(own.clone()));
        link(&place, &own).unwrap();
        libtorch::inspect(&place).unwrap();
        assert_eq!(linked_folder(&place).as_ref(), Some(&own));
        assert_eq!(fs::read_link(place.join("lib/libcudart.so.13")).unwrap(), nvidia.join("libcudart.so.13"));
        assert!(!place.join("lib/libtorch.so").is_symlink(), "it is ours");
        assert_eq!(decide(&place, Some(&CPU), Wanted::Own(own.clone())), Step::Nothing);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 2);
        // The user's folder changes: that is detected, and the link can be renewed.
        fs::write(own.join("build-version"), "2.12.0").unwrap();
        assert!(libtorch::inspect(&place).unwrap_err().to_string().contains("2.12.0"));
        link(&place, &own).unwrap();
    }
}
