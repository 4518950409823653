//! `cargo xtask test`: every check of the project, the cheapest first.
//!
//! The idea: one local command is what CI runs, so a green run here is a green run there; each check runs even
//! when an earlier one failed, and a summary closes, which names every test that was skipped.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use autochrome_test_notes::{self as notes, Need, Skipped};

use crate::checks::Done;
use crate::workspace::{Workspace, run as run_command};
use crate::{checks, deny, fuzz, setup};

/// What `test` is told.
#[derive(clap::Args)]
pub struct Args {
    /// Only these checks [default: all]
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(CHECKS.iter().map(|check| check.name)))]
    checks: Vec<String>,
    /// Fail if a test was skipped for want of these
    #[arg(long, value_name = "NEED", value_delimiter = ',')]
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(Need::ALL.map(Need::name)))]
    require: Vec<String>,
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
    run: fn(&Workspace) -> Result<Done>,
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
        run: deny::dependencies,
    },
    Check {
        name: "advisories",
        what: "known faults of dependencies (cargo-deny)",
        needs: Needs::Nothing,
        run: deny::advisories,
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
    Check {
        name: "rust-version",
        what: "everything compiles with the oldest Rust we claim",
        needs: Needs::Libtorch,
        run: deny::rust_version,
    },
    Check {
        name: "fuzz",
        what: "each fuzz target for a minute (AUTOCHROME_FUZZ_SECONDS)",
        needs: Needs::Libtorch,
        run: fuzz::run,
    },
];

enum Outcome {
    Passed(Duration),
    Failed(Duration),
    /// Not done, since this machine lacks something it needs.
    Skipped(String),
    /// Not done, since what it stands on failed.
    NotReached(&'static str),
}

/// Runs the checks; true when all passed.
pub fn run(workspace: &Workspace, args: &Args) -> Result<bool> {
    let chosen = |check: &&Check| args.checks.is_empty() || args.checks.iter().any(|name| name == check.name);
    notes::clear(workspace.target()).context("the notes of earlier tests cannot be removed")?;
    let (mut libtorch, mut built) = (None, true);
    let mut outcomes = Vec::new();
    for check in CHECKS.iter().filter(chosen) {
        eprintln!("\n==> {}: {}", check.name, check.what);
        if check.needs != Needs::Nothing && libtorch.is_none() {
            libtorch = Some(report(setup::ensure(workspace).map(|_| Done::Passed)).is_some());
        }
        let outcome = if check.needs != Needs::Nothing && libtorch == Some(false) {
            Outcome::NotReached("there is no libtorch")
        } else if check.needs == Needs::Build && !built {
            Outcome::NotReached("the build failed")
        } else {
            let start = Instant::now();
            let done = report((check.run)(workspace));
            built &= done.is_some() || check.name != "build";
            match done {
                Some(Done::Passed) => Outcome::Passed(start.elapsed()),
                Some(Done::Skipped(why)) => Outcome::Skipped(why),
                None => Outcome::Failed(start.elapsed()),
            }
        };
        outcomes.push((check, outcome));
    }
    Ok(summary(&outcomes, &Notes::read(workspace, &args.require)))
}

fn report(result: Result<Done>) -> Option<Done> {
    result.map_err(|error| eprintln!("error: {error:#}")).ok()
}

/// What the tests reported beside pass or fail.
struct Notes {
    skipped: Vec<Skipped>,
    drifted: Vec<String>,
    /// How many of the skipped must not be.
    required: usize,
}

impl Notes {
    fn read(workspace: &Workspace, require: &[String]) -> Self {
        let skipped = notes::skipped(workspace.target());
        let required = |skipped: &&Skipped| require.iter().any(|need| need == skipped.need.name());
        let required = skipped.iter().filter(required).count();
        Self { skipped, drifted: notes::drifted(workspace.target()), required }
    }

    fn print(&self) {
        for line in &self.drifted {
            println!("  drifted: {line}");
        }
        for line in &self.skipped {
            println!("  skipped: {line}");
        }
        // One test may lack both GIMPs.
        let tests: BTreeSet<&str> = self.skipped.iter().map(|skipped| skipped.test.as_str()).collect();
        match (tests.len(), self.required) {
            (0, _) => {}
            (count, 0) => println!("{count} tests skipped, in whole or in part"),
            (count, _) => println!("{count} tests skipped, in whole or in part; not all of them may be"),
        }
    }
}

fn summary(outcomes: &[(&Check, Outcome)], notes: &Notes) -> bool {
    println!("\nSummary");
    for (check, outcome) in outcomes {
        let line = match outcome {
            Outcome::Passed(time) => format!("passed   {:>6.1} s", time.as_secs_f64()),
            Outcome::Failed(time) => format!("FAILED   {:>6.1} s", time.as_secs_f64()),
            Outcome::Skipped(why) => format!("skipped  {why}"),
            Outcome::NotReached(why) => format!("NOT RUN  {why}"),
        };
        println!("  {:<14} {line}", check.name);
    }
    notes.print();
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_) | Outcome::NotReached(_)))
        .map(|(check, _)| check.name)
        .collect();
    let skipped = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Skipped(_))).count();
    match failed[..] {
        [] if skipped == 0 => println!("all {} checks passed", outcomes.len()),
        [] => println!("{} checks passed, {skipped} skipped", outcomes.len() - skipped),
        [first, ..] => println!("not passed: {}. One alone: `cargo xtask test {first}`", failed.join(", ")),
    }
    failed.is_empty() && notes.required == 0
}

fn passed((): ()) -> Done {
    Done::Passed
}

fn format(workspace: &Workspace) -> Result<Done> {
    // The fuzz targets are a workspace of their own.
    for place in [&["--all"][..], &["--manifest-path", "fuzz/Cargo.toml"]] {
        run_command(workspace.cargo().arg("fmt").args(place).arg("--check"), "rustfmt")
            .with_context(|| format!("`cargo fmt {}` puts it right", place.join(" ")))?;
    }
    Ok(Done::Passed)
}

fn files(workspace: &Workspace) -> Result<Done> {
    checks::run(workspace.root()).map(passed)
}

/// With no libtorch to be found, a build that asks for one fails.
fn core(workspace: &Workspace) -> Result<Done> {
    let mut command = workspace.cargo();
    command.args(["test", "--release", "--package", "autochrome-pixels"]);
    command.env("LIBTORCH", workspace.target().join("no-libtorch")).env_remove("LIBTORCH_USE_PYTORCH");
    command.env("INSTA_UPDATE", "no").env("INSTA_FORCE_PASS", "0");
    run_command(&mut command, "the core's tests").map(passed)
}

fn lints(workspace: &Workspace) -> Result<Done> {
    let mut command = workspace.cargo();
    command.args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    run_command(&mut command, "clippy").map(passed)
}

fn build(workspace: &Workspace) -> Result<Done> {
    run_command(workspace.cargo().args(["build", "--release", "--workspace"]), "the build").map(passed)
}

/// With nextest each test has a process of its own. Without it the tests of a crate share one, and with it libtorch's one
/// generator of random numbers: there they run one after the other where they seed it.
fn test_commands(workspace: &Workspace) -> Vec<Command> {
    const SEED: [&str; 2] = ["autochrome-models", "autochrome-trainer"];
    let nextest =
        workspace.cargo().args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if nextest.is_ok_and(|status| status.success()) {
        let mut command = workspace.cargo();
        command.args(["nextest", "run", "--release", "--workspace", "--no-fail-fast"]);
        return vec![command];
    }
    let [mut apart, mut together] = [(); 2].map(|()| {
        let mut command = workspace.cargo();
        command.args(["test", "--release", "--lib", "--bins", "--tests", "--no-fail-fast"]);
        command
    });
    together.arg("--workspace").args(SEED.map(|package| format!("--exclude={package}")));
    apart.args(SEED.map(|package| format!("--package={package}"))).args(["--", "--test-threads=1"]);
    vec![apart, together]
}

fn tests(workspace: &Workspace) -> Result<Done> {
    let references = workspace.target().join("snapshot-references");
    crate::files::remove(&references)?;
    let mut failed = None;
    for mut command in test_commands(workspace) {
        // A snapshot that differs fails; it is never accepted here.
        command.env("INSTA_UPDATE", "no").env("INSTA_FORCE_PASS", "0");
        command.env("INSTA_SNAPSHOT_REFERENCES_FILE", &references);
        failed = run_command(&mut command, "the tests").err().or(failed);
    }
    if let Some(error) = failed {
        return Err(error);
    }
    // What a skipped test would have used is not stray.
    let skipped = notes::skipped(workspace.target());
    if skipped.iter().any(|test| test.need.has_snapshots()) {
        return Ok(Done::Passed);
    }
    let used = fs::read_to_string(&references).unwrap_or_default();
    let stray = checks::unreferenced_snapshots(workspace.root(), &used);
    if !stray.is_empty() {
        bail!("no test uses these snapshots; remove them: {}", stray.join(", "));
    }
    Ok(Done::Passed)
}

fn examples(workspace: &Workspace) -> Result<Done> {
    run_command(workspace.cargo().args(["test", "--release", "--workspace", "--doc"]), "the examples")
        .map(passed)
}

fn documentation(workspace: &Workspace) -> Result<Done> {
    let mut command = workspace.cargo();
    command.args(["doc", "--release", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    run_command(&mut command, "rustdoc").map(passed)
}
