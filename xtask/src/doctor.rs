//! `cargo xtask doctor`: what is found on this machine, and how to fix what is not.
//!
//! The idea: one line per item, either good or with its fix; nothing is downloaded, built or changed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::gimp::{self, Surroundings, seen::Finding};
use crate::libtorch::{self, VERSION};
use crate::tools;
use crate::workspace::{Workspace, home};

/// Prints the findings.
pub fn run(workspace: &Workspace) -> Result<()> {
    println!("Tools");
    say("python3", tools::python());
    say("pip", tools::pip());
    say("C++ compiler", tools::compiler().map(|(name, version)| format!("{name}: {version}")));
    println!("libtorch");
    let place = workspace.libtorch();
    match libtorch::inspect(&place) {
        Ok(found) => {
            let real = place.canonicalize().unwrap_or_else(|_| place.clone());
            good("libtorch", &format!("{VERSION} ({}) in {}", found.set, real.display()));
        }
        Err(_) if !place.exists() => bad("libtorch", "not set up: run `cargo xtask setup`"),
        Err(error) => bad("libtorch", &format!("{error:#}")),
    }
    println!("Device");
    good("cpu", &cpu());
    match gpu() {
        Some(found) if place.join("lib/libtorch_cuda.so").is_file() => good("cuda", &found),
        Some(found) => {
            bad("cuda", &format!("{found}, but libtorch is the CPU set: run `cargo xtask setup --cuda`"))
        }
        None => println!("  -  {:<14} no NVIDIA GPU found; the CPU is used", "cuda"),
    }
    let programs = programs(workspace);
    println!("Models");
    models(workspace, &programs);
    println!("Hosts");
    hosts(&programs);
    Ok(())
}

fn good(name: &str, what: &str) {
    println!("  ok {name:<14} {what}");
}

fn bad(name: &str, what: &str) {
    println!("  !! {name:<14} {what}");
}

fn say(name: &str, found: Result<String>) {
    match found {
        Ok(what) => good(name, &what),
        Err(error) => bad(name, &format!("{error:#}")),
    }
}

fn cpu() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        text.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(": ")?.1.to_owned()));
    format!("{}, {cores} threads", name.unwrap_or_else(|| env::consts::ARCH.to_owned()))
}

/// The NVIDIA GPUs, as reported by their driver.
fn gpu() -> Option<String> {
    let query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"];
    if let Ok(output) = Command::new("nvidia-smi").args(query).output()
        && output.status.success()
    {
        let text = String::from_utf8_lossy(&output.stdout);
        return Some(text.lines().map(str::trim).collect::<Vec<_>>().join("; "));
    }
    Path::new("/dev/nvidia0")
        .exists()
        .then(|| "an NVIDIA device, but no nvidia-smi to identify it".to_owned())
}

/// The `autochrome` programs found: built, and installed.
fn programs(workspace: &Workspace) -> Vec<(&'static str, PathBuf)> {
    let installed = on_path("autochrome").or_else(|| Some(home().ok()?.join(".local/bin/autochrome")));
    let candidates = [("built", Some(workspace.built("autochrome"))), ("installed", installed)];
    let existing = candidates.into_iter().filter_map(|(kind, path)| Some((kind, path?)));
    existing.filter(|(_, path)| path.is_file()).collect()
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn models(workspace: &Workspace, programs: &[(&str, PathBuf)]) {
    let mut folders = vec![workspace.root().join("models/packages")];
    folders.extend(env::var_os("AUTOCHROME_MODELS").iter().flat_map(env::split_paths));
    match env::var_os("XDG_DATA_HOME") {
        Some(data) => folders.push(PathBuf::from(data).join("autochrome/models")),
        None => folders.extend(home().ok().map(|home| home.join(".local/share/autochrome/models"))),
    }
    for folder in folders {
        let packages = packages(&folder);
        match packages.is_empty() {
            true => println!("  -  no packages in {}", folder.display()),
            false => good(&packages.join(", "), &format!("in {}", folder.display())),
        }
    }
    let Some((kind, program)) = programs.first() else {
        return bad(
            "validity",
            "autochrome is not built, so packages were not checked: run `cargo xtask demo`",
        );
    };
    let listed = workspace.command(program).arg("models").output();
    match listed {
        Ok(listed) => {
            println!("     `autochrome models` ({kind}) says:");
            for line in String::from_utf8_lossy(&[listed.stdout, listed.stderr].concat()).lines() {
                println!("       {line}");
            }
            if !listed.status.success() {
                bad("validity", "listing the models failed: see the lines above");
            }
        }
        Err(error) => bad("validity", &format!("{} cannot be started: {error}", program.display())),
    }
}

/// The model packages in `folder`, by name.
fn packages(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let with_model = entries.filter(|entry| entry.path().join("model.toml").is_file());
    let mut names: Vec<String> =
        with_model.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn hosts(programs: &[(&str, PathBuf)]) {
    for kind in ["built", "installed"] {
        match programs.iter().find(|(found, _)| *found == kind) {
            Some((_, path)) => good("command line", &format!("{kind}: {}", path.display())),
            None if kind == "built" => bad("command line", "not built: run `cargo xtask demo`"),
            None => println!("  -  {:<14} not installed: run `cargo xtask install`", "command line"),
        }
    }
    for (name, finding) in gimp::seen::report(&Surroundings::from_env()) {
        match finding {
            Finding::Good(what) => good(&name, &what),
            Finding::Absent(what) => println!("  -  {name:<14} {what}"),
            Finding::Bad(what) => bad(&name, &what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_a_folder_with_a_model_in_it() {
        let dir = tempfile::tempdir().unwrap();
        for (folder, file) in [("b", "model.toml"), ("a", "model.toml"), ("c", "notes.txt")] {
            fs::create_dir(dir.path().join(folder)).unwrap();
            fs::write(dir.path().join(folder).join(file), "").unwrap();
        }
        assert_eq!(packages(dir.path()), ["a", "b"]);
        assert!(packages(&dir.path().join("absent")).is_empty());
    }
}
