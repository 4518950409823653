//! The trainer as a researcher meets it: runs that are killed, interrupted, resumed, exported; data that is broken.

use std::path::Path;
use std::process::Command;

use autochrome_models::colorizer::Colorizer;
use autochrome_models::device::{DeviceRequest, resolve};
use autochrome_models::package::Package;
use autochrome_pixels::{Engine, Plane, Settings};
use autochrome_tests::pin;
use autochrome_tests::trainer::{
    LITE_UNET, SEED_REPORT, TWO_DISTRIBUTIONS, config, log, photographs, signal, start_and_wait, stderr,
    train, trainer,
};
use tempfile::TempDir;

#[test]
fn a_killed_and_resumed_run_is_the_run_that_was_not_killed() {
    let root = TempDir::new().expect("a folder");
    photographs(root.path(), 20);
    let config = config(root.path(), "run", SEED_REPORT, 300, "photos");
    let whole = train(root.path(), &config, "whole", &[]);
    assert!(whole.status.success(), "{}", stderr(&whole));

    let mut child = start_and_wait(root.path(), &config, "killed", 12);
    signal(&child, "KILL");
    child.wait().expect("ends");
    let done = log(root.path(), "killed").len();
    assert!(done < 300, "killed too late to tell anything");
    let resumed = train(root.path(), &config, "killed", &["--resume"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));

    let (whole, killed) = (log(root.path(), "whole"), log(root.path(), "killed"));
    assert_eq!(whole.len(), 300);
    assert_eq!(whole.len(), killed.len());
    for (a, b) in whole.iter().zip(&killed) {
        assert_eq!((a.0, &a.2), (b.0, &b.2), "another batch at step {}", a.0);
        assert!((a.1 - b.1).abs() <= 1e-3 * a.1.abs().max(0.01), "step {}: loss {} and {}", a.0, a.1, b.1);
    }
    let (first, last) = (whole[0].1, whole[299].1);
    assert!(last < 0.5 * first, "the loss falls: {first} to {last}");
}

#[test]
fn an_interrupted_run_saves_and_says_so_by_its_exit_code() {
    let root = TempDir::new().expect("a folder");
    photographs(root.path(), 12);
    let config = config(root.path(), "run", SEED_REPORT, 5000, "photos");
    let mut child = start_and_wait(root.path(), &config, "out", 3);
    signal(&child, "INT");
    let status = child.wait().expect("ends");
    assert_eq!(status.code(), Some(130));
    let last = log(root.path(), "out").last().expect("a line").0;
    let stop = (last + 2).to_string();
    let resumed = train(root.path(), &config, "out", &["--resume", "--stop-after", &stop]);
    assert_eq!(resumed.status.code(), Some(130), "{}", stderr(&resumed));
    let steps: Vec<u64> = log(root.path(), "out").iter().map(|line| line.0).collect();
    assert_eq!(steps, (1..=last + 2).collect::<Vec<u64>>(), "no step is lost or repeated");
}

#[test]
fn every_way_of_predicting_trains_exports_and_colors() {
    for (name, model) in [("regression", SEED_REPORT), ("bins1d", TWO_DISTRIBUTIONS), ("bins2d", LITE_UNET)] {
        let root = TempDir::new().expect("a folder");
        photographs(root.path(), 12);
        let config = config(root.path(), name, model, 60, "photos");
        let trained = train(root.path(), &config, "out", &[]);
        assert!(trained.status.success(), "{}", stderr(&trained));
        assert!(root.path().join("out/curves.png").is_file(), "curves are drawn");

        // These tests are for changed sources too.
        let export = ["export", "out", "package", "--name", "tiny", "--description", "a test", "--dirty"];
        let exported =
            trainer(root.path()).args(export).args(["--working-size", "32"]).output().expect("starts");
        assert!(exported.status.success(), "{}", stderr(&exported));
        let package = Package::open(&root.path().join("package")).expect("a package that opens");
        assert_eq!(package.manifest().training.as_ref().and_then(|t| t.steps), Some(60));
        let colorizer =
            Colorizer::load(&package, &resolve(&DeviceRequest::Cpu).expect("a cpu")).expect("loads");
        // Bright sky above, dark ground below, as in every photograph: their colors must differ.
        let l: Vec<f32> = (0..32 * 32).map(|i| if i < 16 * 32 { 60.0 } else { 45.0 }).collect();
        let l = Plane::new(32, 32, l).expect("a value for each place");
        let ab = colorizer.predict(&l, Settings { temperature: None, threads: 1 }).expect("predicts");
        assert!(ab.a.iter().chain(&ab.b).all(|v| v.is_finite() && v.abs() < 130.0));

        let eval = ["eval", "package", "--data", "photos", "--json", "--device", "cpu", "--limit", "4"];
        let measured = trainer(root.path()).args(eval).output().expect("starts");
        assert!(measured.status.success(), "{}", stderr(&measured));
        let report: serde_json::Value = serde_json::from_slice(&measured.stdout).expect("json");
        assert_eq!(report["images"], 4, "{report}");
    }
}

#[test]
fn corrupt_photographs_are_counted_and_named_and_never_fatal() {
    let root = TempDir::new().expect("a folder");
    let folder = photographs(root.path(), 8);
    let whole = std::fs::read(folder.join("photo001.png")).expect("reads");
    std::fs::write(folder.join("cut.png"), &whole[..whole.len() / 2]).expect("writes");
    std::fs::write(folder.join("text.jpg"), "no photograph").expect("writes");
    std::fs::write(folder.join("empty.png"), "").expect("writes");
    let config = config(root.path(), "run", SEED_REPORT, 12, "photos");
    let trained = train(root.path(), &config, "out", &[]);
    assert!(trained.status.success(), "{}", stderr(&trained));
    let said = stderr(&trained);
    let named: Vec<&str> = said.lines().skip_while(|line| !line.contains("were skipped")).collect();
    pin("trainer_corrupt_photographs", &named.join("\n"));
}

#[test]
fn a_tar_archive_gives_the_batches_of_the_folder_it_was_made_from() {
    let root = TempDir::new().expect("a folder");
    let folder = photographs(root.path(), 10);
    let mut tar = Command::new("tar");
    tar.args(["-cf", "../photos.tar", "deeper"]).current_dir(&folder);
    for entry in std::fs::read_dir(&folder).expect("lists") {
        let name = entry.expect("lists").file_name();
        if name != "deeper" {
            tar.arg(name);
        }
    }
    assert!(tar.status().expect("runs tar").success());
    for data in ["photos", "photos.tar"] {
        let config = config(root.path(), data, SEED_REPORT, 6, data);
        let trained = train(root.path(), &config, &format!("out-{data}"), &[]);
        assert!(trained.status.success(), "{}", stderr(&trained));
    }
    let batches = |out: &str| log(root.path(), out).into_iter().map(|line| line.2).collect::<Vec<_>>();
    assert_eq!(batches("out-photos"), batches("out-photos.tar"));
}

#[test]
fn what_cannot_be_done_gets_a_sentence() {
    let root = TempDir::new().expect("a folder");
    photographs(root.path(), 8);
    std::fs::create_dir(root.path().join("nothing")).expect("makes a folder");
    let good = config(root.path(), "good", SEED_REPORT, 3, "photos");
    assert!(train(root.path(), &good, "out", &[]).status.success());
    let changed = config(root.path(), "changed", SEED_REPORT, 4, "photos");
    let absent = config(root.path(), "absent", SEED_REPORT, 3, "no-such-folder");
    let empty = config(root.path(), "empty", SEED_REPORT, 3, "nothing");
    let unknown = config(
        root.path(),
        "unknown",
        "[network]\nname = \"huge\"\n[codec]\nname = \"regression\"",
        3,
        "photos",
    );
    let said = |config: &Path, out: &str, more: &[&str]| {
        let output = train(root.path(), config, out, more);
        assert!(!output.status.success(), "{}", stderr(&output));
        stderr(&output).replace(root.path().to_str().expect("a path"), "ROOT")
    };
    let with_another_photograph = || {
        let folder = root.path().join("photos");
        std::fs::copy(folder.join("photo001.png"), folder.join("photo901.png")).expect("copies");
        said(&good, "out", &["--resume"])
    };
    let sentences = [
        said(&good, "out", &[]),
        said(&changed, "out", &["--resume"]),
        said(&good, "never-begun", &["--resume"]),
        said(&absent, "new", &[]),
        said(&empty, "new", &[]),
        said(&unknown, "new", &[]),
        with_another_photograph(),
        stderr(
            &trainer(root.path()).args(["train", "good.toml", "--device", "gpu"]).output().expect("starts"),
        ),
    ];
    pin("trainer_errors", &sentences.join("\n"));
}

#[test]
fn help_of_the_trainer() {
    let mut pages = Vec::new();
    for command in [
        &["--help"][..],
        &["train", "--help"],
        &["export", "--help"],
        &["eval", "--help"],
        &["prior", "--help"],
        &["turing", "--help"],
        &["data", "--help"],
        &["data", "check", "--help"],
        &["data", "rate", "--help"],
        &["data", "slice", "--help"],
        &["config", "--help"],
        &["bench", "--help"],
        &["figures", "--help"],
        &["figures", "curves", "--help"],
        &["figures", "decompose", "--help"],
        &["figures", "sheet", "--help"],
        &["figures", "distribution", "--help"],
        &["figures", "reliability", "--help"],
        &["figures", "confidence", "--help"],
    ] {
        let output = trainer(Path::new("/")).args(command).env("COLUMNS", "100").output().expect("starts");
        pages.push(String::from_utf8(output.stdout).expect("text"));
    }
    pin("trainer_help", &pages.join("\n----\n"));
}

#[test]
fn a_run_whose_minutes_are_up_ends_well_and_stays_ended() {
    let root = TempDir::new().expect("a folder");
    photographs(root.path(), 12);
    let config = config(root.path(), "run", SEED_REPORT, 1_000_000, "photos");
    let trained = train(root.path(), &config, "out", &["--minutes", "0.01"]);
    assert!(trained.status.success(), "{}", stderr(&trained));
    let done = log(root.path(), "out");
    assert!(stderr(&trained).contains("the learning rate falls to 0 in"), "{}", stderr(&trained));
    // The configuration knows nothing of the end that the clock chose.
    for more in [&["--resume"][..], &["--resume", "--minutes", "1"]] {
        let resumed = train(root.path(), &config, "out", more);
        assert!(resumed.status.success(), "{}", stderr(&resumed));
        assert_eq!(log(root.path(), "out"), done, "nothing is left to do");
    }
}
