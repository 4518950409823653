//! `cargo xtask test`: every check of the project, the cheapest first.
//!
//! The idea: one local command is what CI runs, so a green run here is a green run there; each check runs even
//! when an earlier one failed, and a summary closes.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, run as run_command};
use crate::{checks, setup};

/// The cargo-deny that is installed where there is none.
const DENY_VERSION: &str = "0.20.2";

/// What `test` is told.
#[derive(clap::Args)]
pub struct Args {
    /// Only these checks [default: all]
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(CHECKS.iter().map(|check| check.name)))]
    checks: Vec<String>,
}

/// What a check stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Libtorch,
    Build,
}

struct Check {
    name: &'static str,
    what: &'static str,
    needs: Needs,
    run: fn(&Workspace) -> Result<()>,
}

const CHECKS: &[Check] = &[
    Check { name: "format", what: "rustfmt", needs: Needs::Nothing, run: format },
    Check {
        name: "files",
        what: "links in the documents, lengths of files",
        needs: Needs::Nothing,
        run: files,
    },
    Check {
        name: "dependencies",
        what: "licenses and layers (cargo-deny)",
        needs: Needs::Nothing,
        run: dependencies,
    },
    Check { name: "core", what: "the core's tests, without libtorch", needs: Needs::Nothing, run: core },
    Check { name: "lints", what: "clippy", needs: Needs::Libtorch, run: lints },
    Check { name: "build", what: "everything, in release", needs: Needs::Libtorch, run: build },
    Check { name: "tests", what: "every test, every snapshot", needs: Needs::Build, run: tests },
    Check { name: "examples", what: "examples in the documentation", needs: Needs::Build, run: examples },
    Check {
        name: "documentation",
        what: "rustdoc without a warning",
        needs: Needs::Libtorch,
        run: documentation,
    },
];

enum Outcome {
    Passed(Duration),
    Failed(Duration),
    Skipped(&'static str),
}

/// Runs the checks; true when all passed.
pub fn run(workspace: &Workspace, args: &Args) -> Result<bool> {
    let chosen = |check: &&Check| args.checks.is_empty() || args.checks.iter().any(|name| name == check.name);
    let (mut libtorch, mut built) = (None, true);
    let mut outcomes = Vec::new();
    for check in CHECKS.iter().filter(chosen) {
        eprintln!("\n==> {}: {}", check.name, check.what);
        if check.needs != Needs::Nothing && libtorch.is_none() {
            libtorch = Some(report(setup::ensure(workspace).map(|_| ())));
        }
        let outcome = if check.needs != Needs::Nothing && libtorch == Some(false) {
            Outcome::Skipped("there is no libtorch")
        } else if check.needs == Needs::Build && !built {
            Outcome::Skipped("the build failed")
        } else {
            let start = Instant::now();
            let passed = report((check.run)(workspace));
            built &= passed || check.name != "build";
            if passed { Outcome::Passed(start.elapsed()) } else { Outcome::Failed(start.elapsed()) }
        };
        outcomes.push((check, outcome));
    }
    Ok(summary(&outcomes))
}

fn report(result: Result<()>) -> bool {
    if let Err(error) = &result {
        eprintln!("error: {error:#}");
    }
    result.is_ok()
}

fn summary(outcomes: &[(&Check, Outcome)]) -> bool {
    println!("\nSummary");
    for (check, outcome) in outcomes {
        let line = match outcome {
            Outcome::Passed(time) => format!("passed   {:>6.1} s", time.as_secs_f64()),
            Outcome::Failed(time) => format!("FAILED   {:>6.1} s", time.as_secs_f64()),
            Outcome::Skipped(why) => format!("SKIPPED  {why}"),
        };
        println!("  {:<14} {line}", check.name);
    }
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Passed(_)))
        .map(|(check, _)| check.name)
        .collect();
    if failed.is_empty() {
        println!("all {} checks passed", outcomes.len());
    } else {
        println!("not passed: {}. One alone: `cargo xtask test {}`", failed.join(", "), failed[0]);
    }
    failed.is_empty()
}

fn format(workspace: &Workspace) -> Result<()> {
    run_command(workspace.cargo().args(["fmt", "--all", "--check"]), "rustfmt")
        .context("`cargo fmt` puts it right")
}

fn files(workspace: &Workspace) -> Result<()> {
    checks::run(workspace.root())
}

fn dependencies(workspace: &Workspace) -> Result<()> {
    let deny = cargo_deny(workspace)?;
    let mut command = workspace.command(deny);
    command.current_dir(workspace.root()).args(["--workspace", "check", "--allow", "unused-wrapper"]);
    command.args(["licenses", "bans", "sources"]);
    run_command(&mut command, "cargo-deny")
}

/// cargo-deny: the user's own, or one installed once below `target/`.
fn cargo_deny(workspace: &Workspace) -> Result<PathBuf> {
    let own =
        Command::new("cargo-deny").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if own.is_ok_and(|status| status.success()) {
        return Ok(PathBuf::from("cargo-deny"));
    }
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

/// With no libtorch to be found, a build that asks for one fails.
fn core(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["test", "--release", "--package", "autochrome-pixels"]);
    command.env("LIBTORCH", workspace.target().join("no-libtorch")).env_remove("LIBTORCH_USE_PYTORCH");
    command.env("INSTA_UPDATE", "no").env("INSTA_FORCE_PASS", "0");
    run_command(&mut command, "the core's tests")
}

fn lints(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    run_command(&mut command, "clippy")
}

fn build(workspace: &Workspace) -> Result<()> {
    run_command(workspace.cargo().args(["build", "--release", "--workspace"]), "the build")
}

fn tests(workspace: &Workspace) -> Result<()> {
    let references = workspace.target().join("snapshot-references");
    crate::files::remove(&references)?;
    let nextest =
        workspace.cargo().args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let mut command = workspace.cargo();
    if nextest.is_ok_and(|status| status.success()) {
        command.args(["nextest", "run", "--release", "--workspace", "--no-fail-fast"]);
    } else {
        command.args(["test", "--release", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    }
    // A snapshot that differs fails; it is never accepted here.
    command.env("INSTA_UPDATE", "no").env("INSTA_FORCE_PASS", "0");
    command.env("INSTA_SNAPSHOT_REFERENCES_FILE", &references);
    run_command(&mut command, "the tests")?;
    let used = fs::read_to_string(&references).unwrap_or_default();
    let stray = checks::unreferenced_snapshots(workspace.root(), &used);
    if !stray.is_empty() {
        bail!("no test uses these snapshots; remove them: {}", stray.join(", "));
    }
    Ok(())
}

fn examples(workspace: &Workspace) -> Result<()> {
    run_command(workspace.cargo().args(["test", "--release", "--workspace", "--doc"]), "the examples")
}

fn documentation(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["doc", "--release", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    run_command(&mut command, "rustdoc")
}
