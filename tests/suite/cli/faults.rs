//! What goes wrong around a batch: it is killed, the disk fills, folders move. Every output is whole or absent, and
//! `--resume` goes on. docs/research/faults.md has the counts of the long runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use autochrome_tests::faults::{Moments, count};
use autochrome_tests::signal;
use serde_json::Value;

use super::{Desk, Ran, is_tinted};

const MANIFEST: &str = "out/.autochrome-manifest.jsonl";

/// A folder `in` of that many photographs.
fn photographs(desk: &Desk, count: u32) {
    let file = fs::read(desk.gray("one.png")).unwrap();
    fs::create_dir_all(desk.path("in")).unwrap();
    for index in 0..count {
        fs::write(desk.path(&format!("in/{index:04}.png")), &file).unwrap();
    }
}

/// Runs the program after `setup`, in one shell.
fn run_in_shell(desk: &Desk, setup: &str, args: &str) -> Ran {
    let program = desk.command();
    let mut shell = Command::new("bash");
    shell.current_dir(desk.folder.path());
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let program = program.get_program().to_str().unwrap();
    shell.args(["-c", &format!("{setup}; exec '{program}' {args}")]);
    desk.told(shell.output().unwrap())
}

/// When each output below `out` was written; each must be whole.
fn written(desk: &Desk) -> BTreeMap<String, SystemTime> {
    let files = desk.files().into_iter().filter(|name| name.starts_with("out/") && name.ends_with(".png"));
    files
        .map(|name| {
            let path = desk.path(&name);
            assert!(is_tinted(&path), "{name} is not whole");
            let modified = fs::metadata(path).unwrap().modified().unwrap();
            (name, modified)
        })
        .collect()
}

/// The outputs that the manifest's whole lines call done, and how often.
fn recorded(path: &Path) -> BTreeMap<String, usize> {
    let mut done = BTreeMap::new();
    let text = fs::read_to_string(path).unwrap_or_default();
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["status"] == "done" {
            *done.entry(line["output"]["path"].as_str().unwrap().into()).or_default() += 1;
        }
    }
    done
}

#[test]
fn a_batch_that_is_killed_loses_and_repeats_nothing() {
    let desk = Desk::with_stub("slow");
    let kills = count(10);
    photographs(&desk, 12 * kills);
    let mut moments = Moments(17);
    let mut before = BTreeMap::new();
    let (mut torn, mut left) = (0, 0);
    for kill in 0..kills {
        let mut child = desk
            .command()
            .args(["in", "-o", "out", "--resume", "--jobs", "2"])
            .env("AUTOCHROME_STUB_MS", "20")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Most kills meet it at work, however slow the machine is; the others while it starts.
        let lines = written_lines(&desk.path(MANIFEST));
        while kill % 4 != 0
            && written_lines(&desk.path(MANIFEST)) == lines
            && child.try_wait().unwrap().is_none()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(moments.below(Duration::from_millis(60)));
        let _ = signal(child.id().into(), "KILL");
        child.wait().unwrap();
        let now = written(&desk);
        for (name, time) in &before {
            assert_eq!(now.get(name), Some(time), "kill {kill}: {name} was lost or made again");
        }
        let known = recorded(&desk.path(MANIFEST));
        assert!(now.keys().all(|name| known.contains_key(name)), "kill {kill}: an output has no line");
        torn += usize::from(known.len() > now.len());
        left += usize::from(desk.files().iter().any(|name| name.ends_with(".part")));
        before = now;
    }
    let ran = desk.told(
        desk.command().args(["in", "-o", "out", "--resume"]).env("AUTOCHROME_STUB", "ok").output().unwrap(),
    );
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let (now, known) = (written(&desk), recorded(&desk.path(MANIFEST)));
    assert_eq!(now.len(), usize::try_from(12 * kills).unwrap());
    assert_eq!(now.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
    for (name, time) in &before {
        assert_eq!(now.get(name), Some(time), "{name} was lost or made again");
    }
    assert!(desk.files().iter().all(|name| !name.ends_with(".part")));
    eprintln!(
        "{kills} kills, {} done before the last; {torn} left a line without its output, {left} a hidden file",
        before.len()
    );
}

#[test]
fn a_disk_that_fills_loses_nothing_that_is_done() {
    // A write beyond a limit of 1024-byte blocks then fails, as on a full disk, and no signal ends the program.
    let full = |blocks: u32| format!("trap '' XFSZ; ulimit -f {blocks}");
    let desk = Desk::new();
    photographs(&desk, 20);
    let ran = run_in_shell(&desk, &full(1), "in -o out");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("in/0000.png: the output cannot be written: File too large"), "{}", ran.err);
    assert!(
        ran.err.contains("0 colorized, 20 failed\nautochrome: failed: 20: the output cannot be"),
        "{}",
        ran.err
    );
    assert!(
        desk.files().iter().all(|name| name.starts_with("in/") || name == "one.png"),
        "{:?}",
        desk.files()
    );
    // A failure that cannot be recorded ends the batch, too.
    let ran = run_in_shell(&desk, &full(1), "in -o out --resume");
    assert!(
        ran.err.contains(&format!("File too large (os error 27); the manifest {MANIFEST} cannot be")),
        "{}",
        ran.err
    );
    // The outputs fit, and the manifest does not.
    assert_eq!(desk.run(&["one.png", "-o", "two.png"]).code, Some(0));
    let blocks = u32::try_from(fs::metadata(desk.path("two.png")).unwrap().len() / 1024).unwrap() + 1;
    let ran = run_in_shell(&desk, &full(blocks), "in -o out --resume");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains(&format!("the manifest {MANIFEST} cannot be written: File too large")),
        "{}",
        ran.err
    );
    let (done, known) = (written(&desk), recorded(&desk.path(MANIFEST)));
    assert!((1..20).contains(&done.len()) && done.keys().eq(known.keys()), "{done:?} {known:?}");
    assert!(fs::read(desk.path(MANIFEST)).unwrap().ends_with(b"}\n"));
    let ran = desk.run(&["in", "-o", "out", "--resume"]);
    let again = ran.err.lines().nth(1).unwrap_or_default().to_owned();
    assert!(again.is_empty() || again.starts_with("autochrome: done again: "), "{again}");
    let expected = format!("autochrome: {} colorized, {} done before\n", 20 - done.len(), done.len());
    assert!(ran.code == Some(0) && ran.err.starts_with(&expected), "{}", ran.err);
}

#[test]
fn a_poor_surrounding_changes_no_result() {
    let desk = Desk::new();
    photographs(&desk, 8);
    for (setup, folder) in [
        ("unset HOME XDG_DATA_HOME", "home"),
        ("export TMPDIR=/nowhere", "tmpdir"),
        ("ulimit -n 32", "files"),
        ("export TZ=nowhere", "time"),
        ("exec 0<&-", "stdin"),
    ] {
        let ran = run_in_shell(&desk, setup, &format!("in -o {folder} --jobs 4 --resume"));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 8 colorized\n"), "{setup}");
    }
    // Who reads has gone away: the exit status tells, and what was done is whole.
    let ran = run_in_shell(&desk, "exec 2>/dev/full", "in missing.png -o stderr");
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    assert_eq!(fs::read_dir(desk.path("stderr")).unwrap().count(), 8);
    let ran = run_in_shell(&desk, "exec 1>/dev/full", "in -o stdout --json");
    assert_eq!(ran.code, Some(130), "{}", ran.err);
    let ran = run_in_shell(&desk, "true", "in -o /proc/nowhere/ --resume");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.starts_with("autochrome: the folder /proc/nowhere/ cannot be created: "), "{}", ran.err);
    let ran = run_in_shell(&desk, "true", "in -o /proc/nowhere/");
    assert!(ran.err.contains("the folder /proc/nowhere cannot be created"), "{}", ran.err);
}

#[test]
fn a_pipe_is_not_waited_for() {
    let desk = Desk::new();
    desk.gray("in/a.png");
    for name in ["in/b.png", "pipe"] {
        assert!(Command::new("mkfifo").arg(desk.path(name)).status().unwrap().success());
    }
    let within = |args: &[&str]| -> Output {
        let program = desk.command();
        let mut command = Command::new("timeout");
        command.arg("60").arg(program.get_program()).args(args).current_dir(desk.folder.path());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.output().unwrap()
    };
    for args in [&["pipe", "-o", "out/"][..], &["in/b.png", "-o", "out.png"], &["pipe"]] {
        let ran = desk.told(within(args));
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (Some(1), &*format!("autochrome: {}: it is not a file\n", args[0]))
        );
    }
    let ran = desk.told(within(&["in", "-o", "out", "--manifest", "pipe"]));
    assert!(ran.code == Some(1) && ran.err.contains("the manifest pipe is not a file"), "{}", ran.err);
    assert_eq!(desk.told(within(&["in", "-o", "out", "--resume"])).code, Some(0));
}

#[test]
fn a_folder_that_moves_ends_the_batch_with_a_sentence() {
    let desk = Desk::with_stub("slow");
    photographs(&desk, 30);
    let mut command = desk.command();
    command.args(["in", "-o", "out", "--resume"]).env("AUTOCHROME_STUB_MS", "100").stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    while written_lines(&desk.path(MANIFEST)) < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::rename(desk.path("out"), desk.path("moved")).unwrap();
    let ran = desk.told(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(
        ran.err.contains("was moved or removed while the batch was running")
            || ran.err.contains("the output out/"),
        "{}",
        ran.err
    );
    fs::remove_dir_all(desk.path("out")).unwrap_or_default();
    fs::rename(desk.path("moved"), desk.path("out")).unwrap();
    let ran = desk.told(
        desk.command().args(["in", "-o", "out", "--resume"]).env("AUTOCHROME_STUB", "ok").output().unwrap(),
    );
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(written(&desk).len(), 30);
    assert!(desk.files().iter().all(|name| !name.ends_with(".part")));
}

fn written_lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn two_runs_into_one_folder_make_each_file_once() {
    let desk = Desk::with_stub("slow");
    photographs(&desk, 12);
    let start = || {
        let mut command = desk.command();
        command.args(["in", "-o", "out", "--json"]).env("AUTOCHROME_STUB_MS", "40");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs = [start(), start()].map(|child| desk.told(child.wait_with_output().unwrap()));
    let summary = |ran: &Ran| serde_json::from_str::<Value>(ran.out.lines().last().unwrap()).unwrap();
    let done: u64 = runs.iter().map(|ran| summary(ran)["done"].as_u64().unwrap()).sum();
    assert_eq!((done, written(&desk).len()), (12, 12));
    for failure in runs.iter().flat_map(|ran| summary(ran)["failures"].as_array().unwrap().clone()) {
        let reason = failure["reason"].as_str().unwrap();
        assert!(reason.contains("exist") || reason.contains("was created meanwhile"), "{reason}");
    }
}
