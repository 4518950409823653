//! `cargo xtask pack`: a pack trains with nothing but libtorch, and reports what is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use autochrome_models::package::Package;
use autochrome_tests::trainer::{SEED_REPORT, config, log, photographs};
use autochrome_tests::{built, checkout, pin_filtered};
use serde_json::Value;
use tempfile::TempDir;

/// Packs 24 small photographs with a configuration of small steps, and moves the pack to an otherwise empty folder.
fn pack(root: &Path) -> PathBuf {
    photographs(root, 24);
    let config = config(root, "tiny", SEED_REPORT, 40, "photos");
    let target = built().parent().expect("release/ lies in the target folder").to_path_buf();
    let mut xtask = Command::new(built().join("xtask"));
    xtask.arg("pack").arg(config).arg("--data").arg(root).arg("--out").arg(root.join("pack"));
    // The sources of a build under test may differ from their commit.
    xtask.args(["--no-build", "--dirty", "--slice-mb", "0.03", "--", "--working-size", "32"]);
    xtask.env("CARGO_MANIFEST_DIR", checkout().join("xtask")).env("CARGO_TARGET_DIR", target);
    let output =
        xtask.env_remove("LIBTORCH_USE_PYTORCH").output().expect("xtask is built with the workspace");
    assert!(output.status.success(), "{}", text(&output));
    let elsewhere = root.join("else where");
    fs::create_dir(&elsewhere).expect("makes a folder");
    fs::rename(root.join("pack"), elsewhere.join("pack")).expect("moves the pack");
    elsewhere.join("pack")
}

/// `run.sh` in an environment with only a PATH whose python3 has no torch.
fn run(pack: &Path, libtorch: Option<&Path>, arguments: &[&str]) -> Output {
    let programs = pack.with_file_name("programs");
    fs::create_dir_all(&programs).expect("makes a folder");
    for name in ["python3", "python"] {
        let path = programs.join(name);
        fs::write(&path, "#!/bin/sh\nexit 1\n").expect("writes");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("sets the mode");
    }
    let mut command = Command::new("/bin/bash");
    command.arg(pack.join("run.sh")).args(arguments).env_clear().current_dir("/");
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display())).env("HOME", "/nonexistent");
    command.env("OMP_NUM_THREADS", "1").env("RAYON_NUM_THREADS", "1");
    command.envs(libtorch.map(|folder| ("LIBTORCH", folder))).output().expect("bash starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn slices(pack: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(pack.join("data")).expect("lists").map(|entry| entry.expect("lists").path());
    let mut slices: Vec<PathBuf> = entries.collect();
    slices.sort();
    slices
}

#[test]
fn a_pack_measures_trains_exports_and_evaluates_without_rust() {
    let root = TempDir::new().expect("a folder");
    let pack = pack(root.path());
    assert!(slices(&pack).len() > 1, "the photographs come in several slices");
    let libtorch = checkout().join(".libtorch");
    let shared = ["--device", "cpu", "--threads", "1", "--seconds", "0"];
    let first = run(&pack, Some(&libtorch), &[&shared[..], &["--steps", "4"]].concat());
    assert!(first.status.success(), "{}", text(&first));
    let package = Package::open(&pack.join("out/package")).expect("a package that opens");
    assert_eq!(package.manifest().name, "tiny");
    assert_eq!(package.manifest().input.working_size, 32);
    assert_eq!(package.manifest().metrics.len(), 1, "what was measured is in the package");
    for name in ["log.csv", "curves.png", "run.log"] {
        assert!(pack.join("out").join(name).is_file(), "{name}");
    }
    let read = |name: &str| fs::read_to_string(pack.join("out").join(name)).expect("reads");
    let json = |name: &str| serde_json::from_str::<Value>(&read(name)).expect("json");
    assert!(json("eval.json")["metrics"]["auc"].is_object(), "{}", read("eval.json"));
    let bench = json("bench.json");
    assert_eq!(bench["no_cuda"], "--device cpu was given");
    assert_eq!(bench["inference"].as_array().map(Vec::len), Some(3), "batches of 1, 8 and 32");
    assert_eq!(bench["training"].as_array().map(Vec::len), Some(1));
    assert!(bench["loader"].is_object() && bench["problems"] == Value::Array(Vec::new()));

    let out = pack.with_file_name("out2").display().to_string();
    let less = ["--skip", "bench", "--skip", "eval", "--steps", "6", "--out", &out];
    let again = run(&pack, Some(&libtorch), &[&shared[..], &less].concat());
    assert!(again.status.success() && text(&again).contains("resuming the run"), "{}", text(&again));
    let steps: Vec<u64> = log(&pack, "run").iter().map(|line| line.0).collect();
    assert_eq!(steps, (1..=6).collect::<Vec<u64>>(), "no step is lost or repeated");
}

#[test]
fn what_has_not_arrived_and_a_missing_torch_are_said_in_a_sentence() {
    let root = TempDir::new().expect("a folder");
    let pack = pack(root.path());
    let mut sentences = Vec::new();
    let mut refuse = |libtorch: Option<&Path>, arguments: &[&str]| {
        let output = run(&pack, libtorch, arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        let said = text(&output);
        let lines = said.lines().filter(|line| !line.starts_with("==="));
        sentences.push(lines.collect::<Vec<_>>().join("\n"));
    };
    refuse(None, &[]);
    let other = root.path().join("torch");
    refuse(Some(&other), &[]);
    fs::create_dir_all(other.join("lib")).expect("makes a folder");
    refuse(Some(&other), &[]);
    fs::write(other.join("lib/libtorch_cpu.so"), "").expect("writes");
    fs::write(other.join("version.py"), "__version__ = '2.12.1+cu130'\n").expect("writes");
    refuse(Some(&other), &[]);
    fs::write(other.join("version.py"), "__version__ = '2.11.0+cu130'\n").expect("writes");
    let found = run(&pack, Some(&other), &["--device", "cpu"]);
    assert!(text(&found).contains("libtorch 2.11.0+cu130:"), "{}", text(&found));

    let whole = run(&pack, None, &["--check"]);
    assert!(whole.status.success(), "{}", text(&whole));
    let slices = slices(&pack);
    let mut bytes = fs::read(&slices[0]).expect("reads");
    bytes[2000] ^= 1;
    fs::write(&slices[0], bytes).expect("writes");
    fs::remove_file(&slices[1]).expect("removes");
    refuse(None, &["--check"]);
    refuse(Some(&checkout().join(".libtorch")), &["--steps", "1"]);
    refuse(None, &["--minutes"]);
    let root = root.path().display().to_string();
    pin_filtered("pack_refusals", &sentences.join("\n----\n"), &[(&root, "ROOT")]);
}
