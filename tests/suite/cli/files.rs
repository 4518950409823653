//! Files and folders: what is written where, what is never touched, and what an interrupt leaves.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Child, Stdio};
use std::time::Duration;

use autochrome_tests::signal;

use super::{Desk, assert_told, is_tinted, load};

#[test]
fn a_folders_tree_is_kept() {
    let desk = Desk::new();
    for name in
        ["in/a.png", "in/deep/er/b.jpg", "in/deep/c.webp", "in/d.TIF", "in/.hidden/e.png", "in/.f.png"]
    {
        desk.gray(name);
    }
    fs::write(desk.path("in/notes.txt"), "not a picture, not asked for").unwrap();
    let ran = desk.run(&["in", "-o", "in/out"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 4 colorized\n"));
    let written = ["in/out/a.png", "in/out/d.TIF", "in/out/deep/c.webp", "in/out/deep/er/b.jpg"];
    for name in written {
        assert!(is_tinted(&desk.path(name)), "{name}");
    }
    // Results are not colorized again, though they lie in the folder now.
    let before = desk.files();
    let ran = desk.run(&["in", "-o", "in/out", "--overwrite"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 4 colorized\n"));
    assert_eq!(desk.files(), before);
}

#[test]
fn one_bad_file_does_not_stop_the_rest() {
    let desk = Desk::new();
    desk.gray("in/a.png");
    fs::write(desk.path("in/b.png"), "no picture").unwrap();
    desk.gray("in/c.png");
    let ran = desk.run(&["in", "missing.png", "-o", "out"]);
    assert_eq!(ran.code, Some(1));
    assert_told("cli_one_bad_file", &ran.err);
    assert!(is_tinted(&desk.path("out/a.png")) && is_tinted(&desk.path("out/c.png")));
    assert!(!desk.path("out/b.png").exists());
}

#[test]
fn what_exists_is_kept_unless_told_otherwise() {
    let desk = Desk::new();
    desk.gray("a.png");
    fs::write(desk.path("b.png"), "precious").unwrap();
    let ran = desk.run(&["a.png", "-o", "b.png"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "autochrome: a.png: the output b.png already exists; pass --overwrite to replace it\n"
    );
    assert_eq!(fs::read(desk.path("b.png")).unwrap(), b"precious");
    assert_eq!(desk.run(&["a.png", "-o", "b.png", "--overwrite"]).code, Some(0));
    assert!(is_tinted(&desk.path("b.png")));
}

#[test]
fn an_input_is_never_overwritten_by_whatever_name() {
    let desk = Desk::new();
    let original = fs::read(desk.gray("a.png")).unwrap();
    symlink("a.png", desk.path("soft.png")).unwrap();
    fs::hard_link(desk.path("a.png"), desk.path("hard.png")).unwrap();
    for (input, output) in [
        ("a.png", "a.png"),
        ("a.png", "./a.png"),
        ("a.png", "soft.png"),
        ("soft.png", "a.png"),
        ("a.png", "hard.png"),
        ("a.png", "."),
    ] {
        let ran = desk.run(&[input, "-o", output, "--overwrite"]);
        assert_eq!(ran.code, Some(1), "{input} -> {output}");
        assert!(ran.err.contains("is an input, which is never overwritten"), "{}", ran.err);
        assert_eq!(fs::read(desk.path("a.png")).unwrap(), original);
    }
    // Nor the input of another file's job.
    desk.gray("in/b.png");
    let ran = desk.run(&["in", "b.png/../hard.png", "a.png", "-o", ".", "--overwrite"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(fs::read(desk.path("a.png")).unwrap(), original);
    assert!(desk.path("soft.png").is_symlink());
}

#[test]
fn command_lines_that_cannot_be_right_do_nothing() {
    let desk = Desk::new();
    for name in ["a.png", "x/b.png", "y/c.png"] {
        desk.gray(name);
    }
    let before = desk.files();
    let mut told = String::new();
    for args in [
        &["a.png", "x"][..],
        &["a.png", "x", "-o", "out.png"],
        &["x", "y", "-o", "a.png"],
        &["a.png", "-o", "out.gif"],
        &["a.png", "-o", "out"],
        &["a.png", "--strength", "2"],
        &["a.png", "--strength", "NaN"],
        &["a.png", "--device", "tpu"],
        &["a.png", "--working-size", "5000"],
    ] {
        let ran = desk.run(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.err);
        told += &format!("$ autochrome {}\n{}\n", args.join(" "), ran.err);
    }
    assert_told("cli_usage_errors", &told);
    assert_eq!(desk.files(), before);
}

#[test]
fn a_file_named_twice_is_done_once() {
    let desk = Desk::new();
    desk.gray("a.png");
    let ran = desk.run(&["a.png", "./a.png", "-o", "out/"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: wrote out/a.png\n"));
}

#[test]
fn a_file_called_like_a_command_can_be_named() {
    let desk = Desk::new();
    fs::rename(desk.gray("picture.png"), desk.path("models")).unwrap();
    let ran = desk.run(&["./models"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: wrote ./models-color.png\n"));
}

#[test]
fn outputs_may_be_read_as_other_files_may() {
    let desk = Desk::new();
    let input = desk.gray("a.png");
    assert_eq!(desk.run(&["a.png"]).code, Some(0));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(desk.path("a-color.png")), mode(input));
}

#[test]
fn an_interrupt_leaves_whole_files_only() {
    let desk = Desk::with_stub("slow");
    for index in 0..20 {
        desk.gray(&format!("in/{index:02}.png"));
    }
    let mut child = desk
        .command()
        .args(["in", "-o", "out", "--json", "--jobs", "2"])
        .env("AUTOCHROME_STUB_MS", "500")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().expect("the first file is done").unwrap();
    assert!(signal(child.id().into(), "INT"));
    let summary: serde_json::Value =
        serde_json::from_str(&lines.map(Result::unwrap).last().unwrap()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!((&summary["interrupted"], &summary["failed"]), (&true.into(), &0.into()));
    let written: Vec<String> = desk.files().into_iter().filter(|name| name.starts_with("out/")).collect();
    assert!((1..20).contains(&written.len()), "{written:?}");
    assert_eq!(summary["done"], written.len());
    for name in written {
        assert!(name.ends_with(".png") && load(&desk.path(&name)).width() == 40, "{name}");
    }
}

/// Whether the process has a handler for SIGINT, which is signal 2.
fn handles_interrupts(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("the signals caught");
    u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    // Of 400 s the stub sleeps 20 at a time, and hears of the first interrupt only then.
    let desk = Desk::with_stub("slow");
    desk.gray("a.png");
    let mut child = desk
        .command()
        .args(["a.png", "-o", "out.png"])
        .env("AUTOCHROME_STUB_MS", "400000")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !handles_interrupts(&child) {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(signal(child.id().into(), "INT"));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(child.try_wait().unwrap(), None, "the first interrupt waits for the picture's next step");
    assert!(signal(child.id().into(), "INT"));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(desk.files(), ["a.png"]);
}

#[test]
fn a_crash_of_the_plugin_leaves_no_file() {
    let desk = Desk::with_stub("crash");
    desk.gray("a.png");
    assert_eq!(desk.run(&["a.png", "-o", "out.png"]).code, None, "killed by a signal");
    assert_eq!(desk.files(), ["a.png"]);
}

/// A TIFF of two pages, so that its result is begun before it is done.
fn two_pages(desk: &Desk) {
    use autochrome_tests::tiff_files::{self, Page};
    let page = || Page::new((8, 8), &[8], 1, vec![90; 64]);
    fs::write(desk.path("pages.tif"), tiff_files::file(&[page(), page()])).unwrap();
}

#[test]
fn what_a_crash_between_pages_leaves_is_removed_by_the_next_run() {
    let desk = Desk::with_stub("crash-later");
    two_pages(&desk);
    desk.gray("a.png");
    assert_eq!(desk.run(&["pages.tif", "-o", "out/pages.tif"]).code, None, "killed by a signal");
    let left = desk.files();
    assert!(left.len() == 3 && left[1].starts_with("out/.autochrome-"), "{left:?}");
    assert_eq!(desk.run(&["a.png", "-o", "out/a.png"]).code, Some(0));
    assert_eq!(desk.files(), ["a.png", "out/a.png", "pages.tif"]);
}

#[test]
fn what_another_run_works_at_is_left_alone() {
    let slow = Desk::with_stub("slow");
    two_pages(&slow);
    slow.gray("a.png");
    let mut child = slow
        .command()
        .args(["pages.tif", "-o", "out/pages.tif"])
        .env("AUTOCHROME_STUB_MS", "4000")
        .spawn()
        .unwrap();
    while !slow.files().iter().any(|name| name.ends_with(".part")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began to write");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let quick = slow.command().args(["a.png", "-o", "out/a.png"]).env("AUTOCHROME_STUB", "ok").status();
    assert!(quick.unwrap().success() && child.wait().unwrap().success());
    assert_eq!(slow.files(), ["a.png", "out/a.png", "out/pages.tif", "pages.tif"]);
}
