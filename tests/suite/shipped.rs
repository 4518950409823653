//! The shipped model, through the real program and library: its output for the example photographs.
//!
//! Float results differ between CPUs, so nothing here compares bits: small golden images have a tolerance, and the
//! grids of mean ab keep a pinned number as long as the measured one is within one unit of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use autochrome_pixels::color::srgb_to_lab;
use autochrome_test_notes::drift;
use autochrome_tests::{built, checkout, pin};
use image::imageops::{FilterType, resize};
use image::{RgbImage, open};
use tempfile::TempDir;

/// Settings that make oneDNN and ATen compute as on a CPU without AVX-512.
const WITHOUT_AVX512: [(&str, &str); 2] = [("ONEDNN_MAX_CPU_ISA", "AVX2"), ("ATEN_CPU_CAPABILITY", "avx2")];

/// The example photographs, by name.
fn photographs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(checkout().join("examples/photos")).expect("examples are there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("lists").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    paths.sort();
    assert!(paths.len() >= 5, "five examples or more");
    paths
}

fn name(path: &Path) -> String {
    path.file_stem().expect("a file").to_string_lossy().into_owned()
}

/// Colorizes every example with the default model; returns the folder of PNGs.
fn color_all(environment: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for photograph in photographs() {
        let output = folder.path().join(name(&photograph)).with_extension("png");
        let run = Command::new(built().join("autochrome"))
            .arg(&photograph)
            .arg("-o")
            .arg(&output)
            .args(["--device", "cpu"])
            .envs(environment.iter().copied())
            .output()
            .expect("the program starts");
        assert!(run.status.success(), "{}: {}", photograph.display(), String::from_utf8_lossy(&run.stderr));
    }
    folder
}

fn read(folder: &Path, photograph: &Path) -> RgbImage {
    open(folder.join(name(photograph)).with_extension("png")).expect("a picture").into_rgb8()
}

fn lab(image: &RgbImage) -> Vec<[f32; 3]> {
    image.pixels().map(|pixel| srgb_to_lab(pixel.0.map(|v| f32::from(v) / 255.0))).collect()
}

const CELLS: usize = 8;

/// Mean (a, b) of 8x8 cells, row by row.
fn grid(image: &RgbImage) -> Vec<[f32; 2]> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let lab = lab(image);
    let mut sums = vec![[0.0_f32; 3]; CELLS * CELLS];
    for (index, pixel) in lab.iter().enumerate() {
        let (x, y) = (index % width, index / width);
        let sum = &mut sums[y * CELLS / height * CELLS + x * CELLS / width];
        *sum = [sum[0] + pixel[1], sum[1] + pixel[2], sum[2] + 1.0];
    }
    sums.into_iter().map(|[a, b, count]| [a / count, b / count]).collect()
}

/// The grid as text. A pinned number within one unit of the measured one is written as pinned; the drift is
/// reported.
fn grid_text(name: &str, grid: &[[f32; 2]], pinned: &str) -> String {
    let pinned: Vec<f32> = pinned
        .lines()
        .skip_while(|line| *line != "---")
        .skip(1)
        .skip_while(|line| *line != "---")
        .flat_map(|line| {
            line.split([' ', ',']).filter_map(|number| number.parse().ok()).collect::<Vec<f32>>()
        })
        .collect();
    // Pinned numbers are rounded to integers: 0.5 is not drift.
    let apart = grid.iter().flatten().zip(&pinned).map(|(value, pin)| (value - pin).abs());
    let (moved, most) = apart
        .filter(|&apart| apart > 0.55)
        .fold((0, 0.0_f32), |(moved, most), apart| (moved + 1, most.max(apart)));
    if moved > 0 {
        drift(format!(
            "{name}: {moved} of {} numbers are up to {most:.2} from their pinned values",
            2 * grid.len()
        ));
    }
    let number = |index: usize, value: f32| match pinned.get(index) {
        Some(&pin) if (pin - value).abs() <= 1.0 => pin,
        _ => value.round() + 0.0,
    };
    let cell = |index: usize, ab: &[f32; 2]| {
        format!("{},{}", number(2 * index, ab[0]), number(2 * index + 1, ab[1]))
    };
    let cells: Vec<String> = grid.iter().enumerate().map(|(index, ab)| cell(index, ab)).collect();
    cells.chunks(CELLS).map(|row| row.join(" ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn example_photographs_have_the_pinned_colors_on_every_cpu() {
    for environment in [&[][..], &WITHOUT_AVX512] {
        let folder = color_all(environment);
        for photograph in photographs() {
            let name = format!("shipped_grid_of_{}", name(&photograph));
            let file = checkout().join(format!("tests/snapshots/{name}.snap"));
            let pinned = std::fs::read_to_string(file).unwrap_or_default();
            pin(&name, &grid_text(&name, &grid(&read(folder.path(), &photograph)), &pinned));
        }
    }
}

/// Width of golden images: color is visible at this size, and the files are tiny.
const GOLDEN_WIDTH: u32 = 160;
/// Tolerances of a golden image: mean and maximum difference, in 8-bit levels.
const TOLERANCE: (f64, u8) = (1.0, 24);

#[test]
fn example_photographs_look_like_the_golden_pictures() {
    let folder = color_all(&[]);
    let update = std::env::var_os("AUTOCHROME_UPDATE_GOLDEN").is_some();
    for photograph in photographs() {
        let golden = checkout().join("tests/golden").join(name(&photograph)).with_extension("png");
        let whole = read(folder.path(), &photograph);
        let height = whole.height() * GOLDEN_WIDTH / whole.width();
        let small = resize(&whole, GOLDEN_WIDTH, height, FilterType::Triangle);
        if update {
            small.save(&golden).expect("saves the golden picture");
        }
        let expected = open(&golden).unwrap_or_else(|error| {
            panic!(
                "{}: {error}; run with AUTOCHROME_UPDATE_GOLDEN=1, look at it, commit it",
                golden.display()
            )
        });
        let expected = expected.into_rgb8();
        assert_eq!(small.dimensions(), expected.dimensions());
        let off: Vec<u8> =
            small.as_raw().iter().zip(expected.as_raw()).map(|(a, b)| a.abs_diff(*b)).collect();
        let mean = off.iter().map(|&v| f64::from(v)).sum::<f64>() / off.len() as f64;
        let most = off.iter().max().copied().unwrap_or(0);
        assert!(
            mean <= TOLERANCE.0 && most <= TOLERANCE.1,
            "{}: off by {mean:.2} on average and {most} at most, expected at most {TOLERANCE:?}",
            name(&photograph)
        );
    }
}

#[test]
fn lightness_is_kept_and_no_picture_has_one_flat_tint() {
    let folder = color_all(&[]);
    let mut spreads = Vec::new();
    for photograph in photographs() {
        let input = lab(&open(&photograph).expect("an example").into_rgb8());
        let output = lab(&read(folder.path(), &photograph));
        let count = input.len() as f64;
        let off = input.iter().zip(&output).map(|(a, b)| f64::from((a[0] - b[0]).abs())).sum::<f64>() / count;
        assert!(off <= 0.3, "{}: L is off by {off:.3} on average", name(&photograph));
        let mean = |channel: usize| output.iter().map(|lab| f64::from(lab[channel])).sum::<f64>() / count;
        let (a, b) = (mean(1), mean(2));
        let squares =
            output.iter().map(|lab| (f64::from(lab[1]) - a).powi(2) + (f64::from(lab[2]) - b).powi(2));
        let spread = (squares.sum::<f64>() / count).sqrt();
        // A sepia tone has 1 or less, from clipping alone.
        assert!(spread > 2.0, "{}: spread {spread:.1}, one tint for everything", name(&photograph));
        spreads.push(spread);
    }
    let mean = spreads.iter().sum::<f64>() / spreads.len() as f64;
    assert!(mean > 6.0, "mean spread {mean:.1}: expected pictures of several colors");
}

#[test]
fn the_list_of_models_names_the_one_that_ships() {
    let run = Command::new(built().join("autochrome"))
        .arg("models")
        // Only what is in the checkout.
        .env("XDG_DATA_HOME", "/nonexistent")
        .env_remove("AUTOCHROME_MODELS")
        .output()
        .expect("the program starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    pin("shipped_models", &String::from_utf8_lossy(&run.stdout));
}

#[test]
fn the_shipped_package_is_small_and_keeps_its_promises() {
    let folder = checkout().join("models/packages/autochrome");
    let package = autochrome_models::package::Package::open(&folder).expect("a package that opens");
    let weights = std::fs::metadata(folder.join("weights.safetensors")).expect("weights").len();
    assert!(weights <= 20_000_000, "{weights} bytes");
    let card = std::fs::read_to_string(folder.join("CARD.md")).expect("a card");
    let manifest = package.manifest();
    for stated in [&manifest.license, "photos-train.tar", "photos-train-2.tar"] {
        assert!(card.contains(stated), "the card does not name {stated}");
    }
    let metrics = &manifest.metrics["photos-eval-public"];
    let bar = [("auc", 88.5), ("auc_rebalanced", 79.0), ("psnr", 21.8), ("spread", 0.75)];
    for (name, least) in bar {
        assert!(metrics[name] >= least, "{name}: {} below {least}", metrics[name]);
    }
    assert!(metrics["dcf"] <= 6.0 && metrics["spread"] <= 1.15);
}
