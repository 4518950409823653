//! What cargo-deny and cargo say of the dependencies: licenses, layers, advisories, the Rust they need.
//!
//! The idea: what `deny.toml` and `rust-version` claim is checked, and what cannot be checked here is said to be skipped.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::checks::Done;
use crate::workspace::{Workspace, run as run_command};

/// The cargo-deny that is installed where there is none.
const DENY_VERSION: &str = "0.20.2";

/// Licenses, layers and sources.
pub fn dependencies(workspace: &Workspace) -> Result<Done> {
    let mut command = deny(workspace)?;
    command.args(["--workspace", "check", "--allow", "unused-wrapper", "licenses", "bans", "sources"]);
    run_command(&mut command, "cargo-deny")?;
    Ok(Done::Passed)
}

/// RustSec's advisories, from the network or the copy an earlier run fetched.
pub fn advisories(workspace: &Workspace) -> Result<Done> {
    for offline in [false, true] {
        let mut command = deny(workspace)?;
        command.arg("--workspace").args(offline.then_some("--offline")).args(["check", "advisories"]);
        let output = command.output().context("cargo-deny cannot be run")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let no_database = ["failed to fetch advisory database", "failed to get 'FETCH_HEAD'"];
        if no_database.iter().any(|error| said.contains(error)) {
            continue;
        }
        eprint!("{said}");
        if !output.status.success() {
            bail!("cargo-deny found advisories: update the crate, or ignore it in deny.toml with a reason");
        }
        return Ok(Done::Passed);
    }
    Ok(Done::Skipped("RustSec's database cannot be fetched and no earlier copy is there".to_owned()))
}

/// cargo-deny: the user's own, or one installed once below `target/`.
fn deny(workspace: &Workspace) -> Result<Command> {
    let own =
        Command::new("cargo-deny").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let path =
        if own.is_ok_and(|status| status.success()) { "cargo-deny".into() } else { installed(workspace)? };
    let mut command = workspace.command(path);
    command.current_dir(workspace.root());
    Ok(command)
}

fn installed(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.target().join("tools");
    let path = tools.join("bin/cargo-deny");
    if !path.is_file() {
        eprintln!("cargo-deny is not on PATH; {DENY_VERSION} is installed once below {}", tools.display());
        let build = tools.join("build");
        let mut install = workspace.cargo();
        // Unoptimized: it runs for a second and builds in half the time.
        install
            .args(["install", "--quiet", "--locked", "--debug", &format!("cargo-deny@{DENY_VERSION}")])
            .arg("--root")
            .arg(&tools)
            .arg("--target-dir")
            .arg(&build)
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        run_command(&mut install, "installing cargo-deny")?;
        crate::files::remove(&build)?;
    }
    Ok(path)
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// The oldest Rust that builds this: `rust-version` in Cargo.toml.
const CLAIMED: &str = env!("CARGO_PKG_RUST_VERSION");

/// A package as `cargo metadata` has it.
#[derive(Deserialize)]
struct Package {
    name: String,
    rust_version: Option<String>,
    source: Option<String>,
}

/// No dependency claims to need a newer Rust than `rust-version`, and everything compiles with that Rust.
pub fn rust_version(workspace: &Workspace) -> Result<Done> {
    let mut command = workspace.cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]).stderr(Stdio::inherit());
    let output = command.output().context("cargo cannot be run")?;
    if !output.status.success() {
        bail!("cargo metadata failed; see above");
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let newer = newer(&metadata.packages);
    if !newer.is_empty() {
        bail!("raise rust-version in Cargo.toml; these need a newer Rust: {}", newer.join(", "));
    }
    compiles(workspace)
}

/// Everything compiles with the Rust that is claimed, where rustup has it or can fetch it.
fn compiles(workspace: &Workspace) -> Result<Done> {
    let toolchain = format!("{CLAIMED}.0");
    let cargo = || {
        let mut command = workspace.command("rustup");
        command.current_dir(workspace.root()).args(["run", &toolchain, "cargo"]);
        command
    };
    let there = || cargo().arg("--version").output().is_ok_and(|output| output.status.success());
    if !there() {
        let mut install = workspace.command("rustup");
        install.args(["toolchain", "install", &toolchain, "--profile", "minimal", "--no-self-update"]);
        let installed = install.output().is_ok_and(|output| output.status.success());
        if !installed || !there() {
            return Ok(Done::Skipped(format!(
                "rustup cannot fetch Rust {toolchain}; only the claims were compared"
            )));
        }
    }
    let mut command = cargo();
    command.args(["check", "--workspace", "--all-targets", "--locked", "--target-dir"]);
    command.arg(workspace.target().join("rust-version"));
    // Nothing of it is run: no debug information, nothing kept for the next time.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    // `rustup run` sets it for its own toolchain; an inherited one would win.
    command.env_remove("RUSTC").env_remove("RUSTDOC").env_remove("CARGO");
    run_command(&mut command, &format!("the check with Rust {toolchain}"))?;
    Ok(Done::Passed)
}

/// The packages of others that need a newer Rust than any of ours claims.
fn newer(packages: &[Package]) -> Vec<String> {
    let claimed = packages.iter().filter(|package| package.source.is_none());
    let claimed = claimed.filter_map(|package| version(package.rust_version.as_deref()?)).max();
    let needs = |package: &&Package| package.rust_version.as_deref().and_then(version) > claimed;
    packages
        .iter()
        .filter(needs)
        .map(|package| format!("{} ({})", package.name, package.rust_version.as_deref().unwrap_or("?")))
        .collect()
}

/// `1.89` or `1.89.0` as numbers.
fn version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    let [major, minor] = [parts.next()??, parts.next()??];
    Some([major, minor, parts.next().flatten().unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, rust_version: &str, ours: bool) -> Package {
        let rust_version = (!rust_version.is_empty()).then(|| rust_version.to_owned());
        Package { name: name.to_owned(), rust_version, source: (!ours).then(|| "registry".to_owned()) }
    }

    #[test]
    fn a_dependency_that_needs_a_newer_rust_is_named() {
        let packages = [
            package("ours", "1.89", true),
            package("old", "1.9", false),
            package("silent", "", false),
            package("same", "1.89.0", false),
            package("new", "1.90", false),
        ];
        assert_eq!(newer(&packages), ["new (1.90)"]);
    }
}
