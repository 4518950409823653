//! The metrics of every shipped package, measured by the trainer's `eval` through the product's own pipeline.
//!
//! Float results differ between CPUs, so a pinned number stays as long as the measured one is close to it; the
//! tolerance is listed with each metric.

use std::path::{Path, PathBuf};
use std::process::Command;

use autochrome_models::package::Package;
use autochrome_test_notes::{Need, drift, skip};
use autochrome_tests::{built, checkout, pin};
use serde_json::Value;

/// Pinned metrics, and their tolerances.
const PINNED: [(&str, f64); 7] = [
    ("auc", 0.2),
    ("auc_rebalanced", 0.4),
    ("psnr", 0.15),
    ("cf", 0.6),
    ("spread", 0.02),
    ("blot", 0.1),
    ("dl", 0.05),
];

/// The folders of the shipped packages, by name.
fn packages() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(checkout().join("models/packages")).expect("packages are there");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("lists").path()).collect();
    folders.retain(|folder| folder.join("model.toml").is_file());
    folders.sort();
    assert!(!folders.is_empty(), "at least one package ships");
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("a name").to_string_lossy().into_owned()
}

/// The result of `eval` for a package on photographs, by metric.
fn measured(package: &Path, data: &Path) -> impl Fn(&str) -> f64 {
    let run = Command::new(built().join("autochrome-trainer"))
        .arg("eval")
        .arg(package)
        .arg("--data")
        .arg(data)
        .args(["--json", "--device", "cpu"])
        .output()
        .expect("the trainer starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let report: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    move |metric| {
        report["metrics"][metric]["value"].as_f64().unwrap_or_else(|| panic!("no {metric} in {report}"))
    }
}

/// One line per metric; a number close to the pinned one is written as pinned, and its drift reported.
fn text(measured: impl Fn(&str) -> f64, pinned: &str) -> String {
    let pin = |metric: &str| {
        let mut words = pinned.lines().map(|line| line.split_once(' '));
        words.find_map(|words| words.filter(|words| words.0 == metric)?.1.parse::<f64>().ok())
    };
    let line = |&(metric, close): &(&str, f64)| {
        let value = measured(metric);
        let Some(pin) = pin(metric).filter(|pin| (pin - value).abs() <= close) else {
            return format!("{metric} {value:.2}");
        };
        if (pin - value).abs() > 0.005 {
            drift(format!("{metric} is {value:.3}, pinned {pin:.2}, within {close}"));
        }
        format!("{metric} {pin:.2}")
    };
    PINNED.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_shipped_package_has_the_pinned_metrics_on_free_photographs() {
    for package in packages() {
        let name = format!("shipped_metrics_of_{}", name(&package).replace('-', "_"));
        let file = checkout().join(format!("tests/snapshots/{name}.snap"));
        let pinned = std::fs::read_to_string(file).unwrap_or_default();
        pin(&name, &text(measured(&package, &checkout().join("tests/golden/truth")), &pinned));
    }
}

#[test]
fn every_shipped_package_has_the_metrics_that_its_manifest_states() {
    // Photographs that may not be redistributed: without them, the statement cannot be checked.
    let data = checkout().join("../shared/data/photos-eval-public.tar");
    if !data.is_file() {
        return skip(Need::Photographs, format!("{} is not there", data.display()));
    }
    for package in packages() {
        let stated = Package::open(&package).expect("opens").manifest().metrics["photos-eval-public"].clone();
        let measured = measured(&package, &data);
        for (metric, close) in PINNED {
            let (stated, measured) = (stated[metric], measured(metric));
            assert!(
                (stated - measured).abs() <= close,
                "{}: {metric} is {measured}, model.toml states {stated}",
                name(&package)
            );
        }
    }
}
