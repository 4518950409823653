//! Figures for papers, made by the built program from a run, a package and photographs.

use std::collections::HashSet;
use std::path::Path;
use std::process::Output;

use autochrome_models::codec::Bins;
use autochrome_models::colorizer::Colorizer;
use autochrome_models::device::{DeviceRequest, resolve};
use autochrome_models::package::Package;
use autochrome_pixels::{Engine, Plane, Settings};
use autochrome_tests::pin;
use autochrome_tests::tiny_model::write_tiny_model;
use autochrome_tests::trainer::{
    LITE_UNET, SEED_REPORT, TWO_DISTRIBUTIONS, config, photographs, stderr, train, trainer,
};
use tempfile::TempDir;

const PHOTO: &str = "photos/photo001.png";

fn figures(root: &Path, arguments: &[&str]) -> Output {
    trainer(root).arg("figures").args(arguments).output().expect("starts")
}

/// Makes a figure and checks that it has more than a few colors; returns its size.
fn draws(root: &Path, arguments: &[&str]) -> (u32, u32) {
    let file = root.join("figure.png");
    let made = figures(root, &[arguments, &["-o", "figure.png"]].concat());
    assert!(made.status.success(), "{arguments:?}: {}", stderr(&made));
    let picture = image::open(&file).expect("a picture").into_rgb8();
    let colors: HashSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
    assert!(colors.len() > 20, "{arguments:?}: {} colors", colors.len());
    std::fs::remove_file(file).expect("removes");
    picture.dimensions()
}

/// A folder with photographs, the run `out` of a few steps and its package `package`.
fn trained(model: &str) -> TempDir {
    let root = TempDir::new().expect("a folder");
    photographs(root.path(), 12);
    let config = config(root.path(), "run", model, 12, "photos");
    let run = train(root.path(), &config, "out", &[]);
    assert!(run.status.success(), "{}", stderr(&run));
    let export = ["export", "out", "package", "--description", "a test", "--working-size", "32", "--dirty"];
    let exported = trainer(root.path()).args(export).output().expect("starts");
    assert!(exported.status.success(), "{}", stderr(&exported));
    root
}

/// The colorizer's distribution sums to 1 at each pixel, and its mean is the ab predicted at temperature 1.
fn says_what_it_predicts(package: &Path, groups: usize) {
    let package = Package::open(package).expect("a package that opens");
    let colorizer = Colorizer::load(&package, &resolve(&DeviceRequest::Cpu).expect("a cpu")).expect("loads");
    let l: Vec<f32> = (0_u8..32).flat_map(|y| (0_u8..64).map(move |x| f32::from(x + y))).collect();
    let l = Plane::new(64, 32, l).expect("one value per cell");
    let settings = Settings { temperature: Some(1.0), threads: 1 };
    let ab = colorizer.predict(&l, settings).expect("predicts");
    let said = colorizer.distribution(&l, true).expect("runs").expect("a distribution");
    assert_eq!((said.width, said.height, said.groups()), (ab.width, ab.height, groups));
    for (x, y) in [(0, 0), (ab.width - 1, 0), (3, ab.height - 1)] {
        let mean = |group, centers: Vec<f32>| {
            let shares = said.at(group, x, y);
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-4);
            shares.iter().zip(centers).map(|(share, center)| share * center).sum::<f32>()
        };
        let [a, b] = match &said.bins {
            Bins::Plane(ab) => [0, 1].map(|axis| mean(0, ab.iter().map(|ab| ab[axis]).collect())),
            Bins::Line(values) => [0, 1].map(|group| mean(group, values.clone())),
        };
        let cell = y * ab.width + x;
        assert!((a - ab.a[cell]).abs() < 0.01 && (b - ab.b[cell]).abs() < 0.01, "{a} {b}");
    }
    assert!(said.at(groups, 0, 0).is_empty() && said.at(0, ab.width, 0).is_empty());
    let odd = Plane::new(31, 1, vec![50.0; 31]).expect("one value per cell");
    let error = colorizer.distribution(&odd, true).expect_err("not a multiple of the stride").to_string();
    assert!(error.starts_with("L of 31 x 1: expected sides that are multiples of"), "{error}");
}

/// The cells of `epochs.csv` of a run, without its header.
fn epochs(root: &Path, run: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root.join(run).join("epochs.csv")).expect("epochs.csv");
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().skip(1).map(cells).collect()
}

#[test]
fn every_figure_is_made_of_a_model_with_bins_in_the_plane() {
    let root = trained(LITE_UNET);
    let root = root.path();
    says_what_it_predicts(&root.join("package"), 1);
    write_tiny_model(root, "tiny");
    draws(root, &["curves", "out"]);
    draws(root, &["decompose", PHOTO]);
    draws(root, &["distribution", "package", PHOTO, "--at", "20,10", "--device", "cpu"]);
    let sheet = ["sheet", "package", "--package", "tiny", "--data", "photos", "--device", "cpu"];
    // Four columns of 256 pixels with 4 between, two rows and the headings.
    assert_eq!(draws(root, &[&sheet[..], &["--count", "2", "--every", "3"]].concat()), (1036, 30 + 516));
    let reliability =
        ["reliability", "package", "--data", "photos", "--csv", "numbers.csv", "--device", "cpu"];
    assert_eq!(draws(root, &reliability), (500, 720));
    let numbers = std::fs::read_to_string(root.join("numbers.csv")).expect("the numbers");
    assert_eq!(numbers.lines().count(), 1 + 15);
    let cells: u32 =
        numbers.lines().skip(1).map(|l| l.split(',').nth(3).map_or(0, |n| n.parse().expect("n"))).sum();
    assert_eq!(
        cells,
        12 * 8 * 7,
        "twelve photographs, each over 8 x 7 cells at a quarter of the working size"
    );
}

#[test]
fn the_map_of_confidence_is_held_against_the_truth() {
    let root = trained(LITE_UNET);
    let root = root.path();
    let asked = ["confidence", "package", "--data", "photos", "--csv", "numbers.csv", "--device", "cpu"];
    assert_eq!(draws(root, &asked), (500, 720));
    let numbers = std::fs::read_to_string(root.join("numbers.csv")).expect("the numbers");
    assert_eq!(numbers.lines().count(), 1 + 15);
    let pixels =
        numbers.lines().skip(1).map(|line| line.split(',').nth(3).map_or(0, |n| n.parse().expect("n")));
    assert_eq!(pixels.sum::<u32>(), 12 * 48 * 40, "every pixel of twelve photographs");
}

#[test]
fn distributions_over_a_and_b_have_figures_of_each() {
    let root = trained(TWO_DISTRIBUTIONS);
    let root = root.path();
    says_what_it_predicts(&root.join("package"), 2);
    draws(root, &["distribution", "package", PHOTO, "--at", "0,39", "--device", "cpu"]);
    let size =
        draws(root, &["reliability", "package", "--data", "photos", "--limit", "3", "--device", "cpu"]);
    assert_eq!(size, (1000, 720));
}

#[test]
fn a_run_has_its_losses_by_epochs_whether_stopped_or_not() {
    let root = TempDir::new().expect("a folder");
    let root = root.path();
    photographs(root, 12);
    // Eight photographs to train on, four a step: an epoch is two steps, and the run ends in the middle of the fourth.
    let config = config(root, "run", SEED_REPORT, 7, "photos");
    assert!(train(root, &config, "whole", &[]).status.success());
    assert_eq!(train(root, &config, "parts", &["--stop-after", "3"]).status.code(), Some(130));
    assert_eq!(epochs(root, "parts").iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1", "1.5"]);
    assert!(train(root, &config, "parts", &["--resume"]).status.success());
    for run in ["whole", "parts"] {
        let rows = epochs(root, run);
        let begin: Vec<String> = rows.iter().map(|row| row[..2].join(" ")).collect();
        assert_eq!(begin, ["1 2", "2 2", "3 2", "3.5 1"], "{run}");
        assert!(
            rows.iter().flatten().all(|cell| cell.parse::<f64>().is_ok()),
            "held out after each: {rows:?}"
        );
        assert!(image::open(root.join(run).join("epochs.png")).is_ok());
    }
}

#[test]
fn what_no_figure_can_be_made_of_gets_a_sentence() {
    let root = TempDir::new().expect("a folder");
    let root = root.path();
    photographs(root, 3);
    write_tiny_model(root, "tiny");
    std::fs::write(root.join("text.png"), "no photograph").expect("writes");
    let said = |arguments: &[&str]| {
        let made = figures(root, &[arguments, &["-o", "figure.png"]].concat());
        assert!(!made.status.success() && !root.join("figure.png").exists(), "{arguments:?}");
        let said = stderr(&made);
        // The device that auto picks depends on the machine.
        said.lines().filter(|line| !line.starts_with("device:")).collect::<Vec<_>>().join("\n")
    };
    let sentences = [
        said(&["curves", "no-such-run"]),
        said(&["decompose", "text.png"]),
        said(&["decompose", "no-such-photo.png"]),
        said(&["sheet", "--data", "photos"]),
        said(&["sheet", "tiny", "--data", "photos", "--count", "0"]),
        said(&["distribution", "tiny", PHOTO, "--at", "1,1"]),
        said(&["distribution", "tiny", PHOTO, "--at", "48,1"]),
        said(&["distribution", "tiny", PHOTO, "--at", "right"]),
        said(&["reliability", "tiny", "--data", "photos"]),
        said(&["confidence", "tiny", "--data", "photos"]),
    ];
    pin("figures_errors", &sentences.join("\n"));
}
