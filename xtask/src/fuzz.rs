//! `cargo xtask test fuzz`: each target of `fuzz/` for a minute over its corpus.
//!
//! The idea: **the compiler in use and a C++ compiler are all it takes**. The coverage that libFuzzer asks for is a pass of
//! every stable rustc, and libFuzzer itself comes with a crate. Nothing is installed, and one build serves all targets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::checks::Done;
use crate::workspace::{Workspace, run as run_command};

/// A target, the longest input that it is given, and its dictionary.
struct Target {
    name: &'static str,
    longest: u32,
    dictionary: Option<&'static str>,
}

const fn target(name: &'static str, longest: u32, dictionary: Option<&'static str>) -> Target {
    Target { name, longest, dictionary }
}

const TARGETS: [Target; 9] = [
    target("image", 4096, None),
    target("written", 4096, None),
    target("abi", 2048, None),
    target("metadata", 4096, Some("metadata")),
    target("profile", 8192, None),
    target("manifest", 4096, Some("toml")),
    target("weights", 16_384, None),
    target("config", 4096, Some("toml")),
    target("gimp", 512, Some("toml")),
];

/// Coverage for libFuzzer, without a sanitizer: the code is safe Rust, and twice as fast without. With `fuzzing` set, the
/// PNG decoder takes any checksum.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Builds the targets and runs each.
pub fn run(workspace: &Workspace) -> Result<Done> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Ok(Done::Skipped("libFuzzer is set up for Linux with glibc alone".to_owned()));
    }
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let version = Command::new(&compiler).arg("--version").stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        return Ok(Done::Skipped(format!("there is no C++ compiler `{compiler}` to build libFuzzer with")));
    }
    let seconds = seconds()?;
    let folder = workspace.target().join("fuzz");
    let built = build(workspace, &folder)?;
    let corpus = folder.join("corpus");
    let mut seeds = command(workspace, &built, "seeds");
    seeds.env("AUTOCHROME_FUZZ_CORPUS", &corpus).stderr(Stdio::null());
    run_command(&mut seeds, "writing the seeds")?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from).min(TARGETS.len());
    let left = Mutex::new(TARGETS.iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(target) = left.lock().ok().and_then(|mut left| left.next()) {
                    if let Err(error) = fuzz(workspace, &built, &folder, target, seconds) {
                        eprintln!("error: {error:#}");
                        failed.lock().into_iter().for_each(|mut failed| failed.push(target.name));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    if !failed.is_empty() {
        bail!("found something: {}; fuzz/README.md says what to do", failed.join(", "));
    }
    Ok(Done::Passed)
}

/// How long each target runs.
fn seconds() -> Result<u32> {
    const NAME: &str = "AUTOCHROME_FUZZ_SECONDS";
    match std::env::var(NAME) {
        Ok(text) => {
            text.parse().ok().filter(|seconds| *seconds > 0).with_context(|| {
                format!("{NAME} is `{text}`, expected a whole number of seconds, at least 1")
            })
        }
        Err(_) => Ok(60),
    }
}

/// Builds every target; returns the folder they are in.
fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut command = workspace.cargo();
    command.args(["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    // With a target named, build scripts are not instrumented.
    command.args(["--target", &triple]).arg("--target-dir").arg(folder).env("RUSTFLAGS", COVERAGE);
    run_command(&mut command, "building the fuzz targets")?;
    Ok(folder.join(triple).join("release"))
}

/// A target, which finds libtorch where the build found it.
fn command(workspace: &Workspace, built: &Path, name: &str) -> Command {
    let mut command = workspace.command(built.join(name));
    let own = std::env::var_os("LIBTORCH").map(PathBuf::from);
    command.env("LD_LIBRARY_PATH", own.unwrap_or_else(|| workspace.libtorch()).join("lib"));
    command
}

/// Runs one target; what it says is in a file, and shown where it fails.
fn fuzz(workspace: &Workspace, built: &Path, folder: &Path, target: &Target, seconds: u32) -> Result<()> {
    let Target { name, longest, dictionary } = target;
    let found = folder.join("found").join(name);
    let (corpus, log) = (folder.join("corpus").join(name), folder.join(format!("{name}.log")));
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&corpus)?;
    let mut command = command(workspace, built, name);
    command.arg(corpus).arg(format!("-artifact_prefix={}/", found.display()));
    command.args([format!("-max_total_time={seconds}"), format!("-max_len={longest}")]);
    command.args([
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-len_control=0",
        "-print_final_stats=1",
        "-reload=0",
    ]);
    if let Some(dictionary) = dictionary {
        let path = workspace.root().join(format!("fuzz/dictionaries/{dictionary}.dict"));
        command.arg(format!("-dict={}", path.display()));
    }
    command.stdout(Stdio::null()).stderr(fs::File::create(&log)?);
    let status = command.status().with_context(|| format!("{name} cannot be started"))?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.success() {
        let end: Vec<&str> = said.lines().rev().take(30).collect();
        end.iter().rev().for_each(|line| eprintln!("  {line}"));
        bail!("the target {name} found something; its input is in {}", found.display());
    }
    eprintln!("{name}: {}", summary(&said));
    Ok(())
}

/// Executions and coverage, from what libFuzzer says at its end.
fn summary(said: &str) -> String {
    let runs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let done = said.lines().rev().find(|line| line.contains("DONE") && line.contains("cov:"));
    let coverage =
        done.and_then(|line| line.split("cov:").nth(1)).and_then(|rest| rest.split("corp:").next());
    let coverage = coverage.map(|text| text.replace("ft:", "edges, features"));
    format!(
        "{} executions; coverage {}",
        runs.unwrap_or("?").trim(),
        coverage.as_deref().unwrap_or("?").split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_is_put_into_a_line() {
        let said = "#9\tNEW cov: 7 ft: 8\n#4096\tDONE   cov: 1891 ft: 3295 corp: 83/36Kb lim: 589 exec/s: 19\n\
                    stat::number_of_executed_units: 4096\n";
        assert_eq!(summary(said), "4096 executions; coverage 1891 edges, features 3295");
        assert_eq!(summary(""), "? executions; coverage ?");
    }
}
