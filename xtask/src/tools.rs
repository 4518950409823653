//! The programs that setup calls, and the message for each that is missing.
//!
//! The idea: check first, so that what is missing is named before anything is downloaded.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

const PYTHON_REMEDY: &str = "it fetches libtorch. Install it (Debian, Ubuntu: `apt install python3 python3-pip`), or \
     use your own libtorch with `cargo xtask setup --libtorch DIR`";

/// The first line printed by `program ARGS`, if it exists and succeeds.
fn answer(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).env_remove("LD_LIBRARY_PATH").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

/// The version of Python, as it reports it.
pub fn python() -> Result<String> {
    answer("python3", &["--version"]).with_context(|| format!("python3 not found: {PYTHON_REMEDY}"))
}

/// The version of pip.
pub fn pip() -> Result<String> {
    let said = answer("python3", &["-m", "pip", "--version"]);
    let said = said.with_context(|| format!("python3 has no pip: {PYTHON_REMEDY}"))?;
    Ok(said.split(" from ").next().unwrap_or_default().to_owned())
}

/// The C++ compiler the bindings are compiled with: `CXX`, or `c++`.
pub fn compiler() -> Result<(String, String)> {
    let name = env::var("CXX").ok().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "c++".into());
    let mut words = name.split_whitespace();
    let program = words.next().unwrap_or("c++");
    let args: Vec<&str> = words.chain(["--version"]).collect();
    match answer(program, &args) {
        Some(version) => Ok((name.clone(), version)),
        None => bail!(
            "C++ compiler `{name}` not found: it compiles the bindings to libtorch. Install one (Debian, \
             Ubuntu: `apt install g++`), or set CXX to yours"
        ),
    }
}

/// Checks that `needed` bytes are free on the disk of `folder`.
pub fn disk(folder: &Path, needed: u64) -> Result<()> {
    let Some(free) = free_bytes(folder) else { return Ok(()) };
    if free < needed {
        bail!(
            "{} has {} MB free, but setup temporarily needs {} MB: free some space, or use your own libtorch with \
             `cargo xtask setup --libtorch DIR`",
            folder.display(),
            free / 1_000_000,
            needed / 1_000_000
        );
    }
    Ok(())
}

/// The bytes free on the disk of `folder`, according to `df`; `None` if there is no `df`.
fn free_bytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    parse_df(&String::from_utf8_lossy(&output.stdout))
}

/// The fourth column of the last line, in KiB (POSIX `df -P`).
fn parse_df(text: &str) -> Option<u64> {
    let kib: u64 = text.lines().last()?.split_whitespace().nth(3)?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_free_space() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 264 20 75 22% /\n";
        assert_eq!(parse_df(text), Some(75 * 1024));
        assert_eq!(parse_df(""), None);
        assert!(free_bytes(Path::new("/")).is_some());
    }

    #[test]
    fn too_little_room_is_said_before_anything_is_fetched() {
        let said = disk(Path::new("/"), u64::MAX).unwrap_err().to_string();
        assert!(said.contains("MB free") && said.contains("--libtorch"), "{said}");
    }
}
