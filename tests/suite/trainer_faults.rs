//! What goes wrong around a run: kills, a disk that fills, a folder with two runs, numbers that are none.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use autochrome_tests::faults::{Moments, count};
use autochrome_tests::pin_filtered;
use autochrome_tests::trainer::{
    SEED_REPORT, config, log, photographs, signal, start_and_wait, stderr, train, trainer,
};
use tempfile::TempDir;

/// A run that has a checkpoint of step 5, and its configuration.
fn begun(root: &Path) -> std::path::PathBuf {
    photographs(root, 12);
    let config = config(root, "run", SEED_REPORT, 400, "photos");
    let first = train(root, &config, "out", &["--stop-after", "5"]);
    assert_eq!(first.status.code(), Some(130), "{}", stderr(&first));
    config
}

/// Resumes the run where no file may grow beyond `limit` KiB, as on a disk that is full.
fn resume_on_a_full_disk(root: &Path, limit: u64) -> Output {
    let trainer = trainer(root);
    let mut command = Command::new("bash");
    // A write beyond the limit then fails with an error, as on a full disk, and no signal ends the process.
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\"");
    command.args(["-c", &script, "bash"]).arg(trainer.get_program()).current_dir(root);
    command.envs(trainer.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["train", "run.toml", "--out", "out", "--device", "cpu", "--threads", "1", "--resume"]);
    command.output().expect("starts")
}

/// What the run said besides its progress.
fn said(output: &Output) -> String {
    let text = stderr(output);
    text.lines().filter(|line| !line.starts_with("step ")).collect::<Vec<_>>().join("\n")
}

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("lists");
    entries.map(|entry| entry.expect("lists").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_disk_that_fills_during_a_checkpoint_leaves_the_old_one() {
    let root = TempDir::new().expect("a folder");
    let config = begun(root.path());
    let checkpoint = root.path().join("out/checkpoint.safetensors");
    let (old, before) = (std::fs::read(&checkpoint).expect("reads"), files(&root.path().join("out")));
    let limit = u64::try_from(old.len()).expect("a size") / 2048;
    let filled = resume_on_a_full_disk(root.path(), limit);
    assert_eq!(filled.status.code(), Some(1), "{}", stderr(&filled));
    pin_filtered("trainer_full_disk", &said(&filled), &[("[0-9,]{5,} bytes", "N bytes")]);
    assert!(std::fs::read(&checkpoint).expect("reads") == old, "the old checkpoint is whole");
    assert_eq!(files(&root.path().join("out")), before, "nothing half-written is left");

    let resumed = train(root.path(), &config, "out", &["--resume", "--stop-after", "12"]);
    assert_eq!(resumed.status.code(), Some(130), "{}", stderr(&resumed));
    let steps: Vec<u64> = log(root.path(), "out").iter().map(|line| line.0).collect();
    assert_eq!(steps, (1..=12).collect::<Vec<u64>>(), "no step is lost or repeated");
}

#[test]
fn a_log_that_cannot_grow_ends_the_run_with_all_its_steps_saved() {
    let root = TempDir::new().expect("a folder");
    let config = begun(root.path());
    let size = |name: &str| std::fs::metadata(root.path().join("out").join(name)).expect("is there").len();
    let limit = size("checkpoint.safetensors") / 1024 + 512;
    let path = root.path().join("out/log.csv");
    let room = usize::try_from(limit * 1024 - size("log.csv") - 150).expect("a size");
    let padded =
        std::fs::read_to_string(&path).expect("reads") + "5,1,0.5,,1,1,1," + &"-".repeat(room) + "\n";
    std::fs::write(&path, padded).expect("writes");
    let filled = resume_on_a_full_disk(root.path(), limit);
    assert_eq!(filled.status.code(), Some(1), "{}", stderr(&filled));
    pin_filtered("trainer_full_log", &said(&filled), &[]);

    // The line that was cut is of the step after the last whole one, and that step is saved.
    let text = std::fs::read_to_string(&path).expect("reads");
    let whole = text[..text.rfind('\n').expect("an end")].lines().last().expect("a line");
    let last: u64 = whole.split(',').next().expect("a step").parse().expect("a number");
    let stop = (last + 3).to_string();
    let resumed = train(root.path(), &config, "out", &["--resume", "--stop-after", &stop]);
    assert_eq!(resumed.status.code(), Some(130), "{}", stderr(&resumed));
    let steps: Vec<u64> = log(root.path(), "out").iter().map(|line| line.0).collect();
    assert_eq!(steps[steps.len() - 3..], [last, last + 2, last + 3]);
}

#[test]
fn a_folder_has_one_run_and_is_free_when_that_is_killed() {
    let root = TempDir::new().expect("a folder");
    photographs(root.path(), 12);
    let config = config(root.path(), "run", SEED_REPORT, 5000, "photos");
    let mut first = start_and_wait(root.path(), &config, "out", 6);
    for more in [&[][..], &["--resume"]] {
        let second = train(root.path(), &config, "out", more);
        assert_eq!(second.status.code(), Some(1));
        pin_filtered("trainer_second_run", &stderr(&second), &[]);
    }
    signal(&first, "KILL");
    first.wait().expect("ends");
    // As a run that is killed while it writes leaves it.
    let unfinished = root.path().join("out/.unfinished-abc");
    std::fs::write(&unfinished, "half").expect("writes");
    let resumed = train(root.path(), &config, "out", &["--resume", "--stop-after", "20"]);
    assert_eq!(resumed.status.code(), Some(130), "{}", stderr(&resumed));
    assert!(!unfinished.exists(), "what nobody will finish is removed");
}

#[test]
fn a_loss_that_is_no_number_names_its_batch() {
    let root = TempDir::new().expect("a folder");
    photographs(root.path(), 12);
    let config = config(root.path(), "run", SEED_REPORT, 50, "photos");
    let text = std::fs::read_to_string(&config).expect("reads");
    std::fs::write(&config, text.replace("lr = 2e-3", "lr = 1e30")).expect("writes");
    let ended = train(root.path(), &config, "out", &[]);
    assert_eq!(ended.status.code(), Some(1));
    pin_filtered("trainer_not_finite", &stderr(&ended), &[("batch [0-9a-f]{8}", "batch FINGERPRINT")]);
}

#[test]
fn a_run_that_is_killed_ends_as_one_that_was_not() {
    let root = TempDir::new().expect("a folder");
    let kills = count(3);
    // The run has 400 steps.
    let last = (10 * kills).min(390).to_string();
    let config = begun(root.path());
    let whole = train(root.path(), &config, "whole", &["--stop-after", &last]);
    assert_eq!(whole.status.code(), Some(130), "{}", stderr(&whole));
    let mut moments = Moments(23);
    for kill in 0..kills {
        let mut command = trainer(root.path());
        command.args(["train", "run.toml", "--out", "out", "--device", "cpu", "--threads", "1", "--resume"]);
        command.args(["--stop-after", &last]).stderr(Stdio::null());
        let mut child = command.spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(100) + moments.below(Duration::from_millis(1500)));
        let _ = autochrome_tests::signal(child.id().into(), "KILL");
        child.wait().expect("ends");
        let checkpoint = root.path().join("out/checkpoint.safetensors");
        let bytes = std::fs::read(checkpoint).expect("a checkpoint is there");
        assert!(
            safetensors::SafeTensors::deserialize(&bytes).is_ok(),
            "kill {kill}: the checkpoint is not whole"
        );
    }
    let steps = log(root.path(), "out");
    if steps.last().map(|line| line.0.to_string()) != Some(last.clone()) {
        let ended = train(root.path(), &config, "out", &["--resume", "--stop-after", &last]);
        assert_eq!(ended.status.code(), Some(130), "{}", stderr(&ended));
    }
    assert_eq!(
        log(root.path(), "out"),
        log(root.path(), "whole"),
        "every step once, with its batch and its loss"
    );
    let unfinished =
        files(&root.path().join("out")).into_iter().filter(|name| name.starts_with(".unfinished"));
    assert_eq!(unfinished.count(), 0);
}
