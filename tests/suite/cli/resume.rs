//! Batches that people trust: what the manifest says, and what `--resume` does again and what it leaves alone.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Desk, Ran, is_tinted};

const MANIFEST: &str = "out/.autochrome-manifest.jsonl";

fn sha256(path: &std::path::Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lines(desk: &Desk, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(desk.path(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Three photographs in `in`.
fn three() -> Desk {
    let desk = Desk::new();
    for name in ["in/a.png", "in/b.png", "in/deep/c.png"] {
        desk.gray(name);
    }
    desk
}

fn resume(desk: &Desk, more: &[&str]) -> Ran {
    desk.run(&[&["in", "-o", "out", "--resume"], more].concat())
}

/// When each output was written.
fn written(desk: &Desk) -> Vec<SystemTime> {
    let outputs = desk.files().into_iter().filter(|name| name.starts_with("out/") && name.ends_with(".png"));
    outputs.map(|name| fs::metadata(desk.path(&name)).unwrap().modified().unwrap()).collect()
}

#[test]
fn a_manifest_says_what_was_made_from_what() {
    let desk = three();
    fs::write(desk.path("in/bad.png"), "no picture").unwrap();
    let args = ["in", "-o", "out", "--manifest", "log.jsonl", "--strength", "1.2", "--confidence=-map"];
    assert_eq!(desk.run(&args).code, Some(1));
    let lines = lines(&desk, "log.jsonl");
    assert_eq!(lines.len(), 4);
    let line = lines.iter().find(|line| line["source"]["path"] == "in/deep/c.png").unwrap();
    assert_eq!(line["manifest"], 1);
    assert_eq!((&line["status"], &line["message"]), (&"done".into(), &Value::Null));
    for (entry, path) in
        [("source", "in/deep/c.png"), ("output", "out/deep/c.png"), ("map", "out/deep/c-map.png")]
    {
        let (entry, file) = (&line[entry], desk.path(path));
        assert_eq!(entry["path"], path);
        assert_eq!(entry["sha256"], sha256(&file));
        assert_eq!(entry["bytes"], fs::metadata(&file).unwrap().len());
    }
    assert_eq!((&line["model"], &line["device"]), (&"stub".into(), &"cpu".into()));
    assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(line["plugin_version"], "0.0.0-stub");
    // The stub's model has no weights.
    assert_eq!(line["weights_sha256"], Value::Null);
    let parameters: Value = serde_json::from_str(
        r#"{"strength":1.2,"temperature":null,"working_size":null,"quality":92,"color_only":false,
            "skip_color":false,"provenance":true}"#,
    )
    .unwrap();
    assert_eq!(line["parameters"], parameters);
    assert_eq!((&line["width"], &line["height"]), (&40.into(), &30.into()));
    assert!(line["time"].as_str().unwrap().ends_with('Z') && line["ms"].is_u64());
    let bad = lines.iter().find(|line| line["source"]["path"] == "in/bad.png").unwrap();
    assert_eq!((&bad["status"], &bad["output"]["path"]), (&"failed".into(), &"out/bad.png".into()));
    assert!(bad["message"].as_str().unwrap().starts_with("it is not a JPEG"));
    // A second run adds its lines.
    assert_eq!(desk.run(&["in/a.png", "-o", "a.png", "--manifest", "log.jsonl"]).code, Some(0));
    assert_eq!(self::lines(&desk, "log.jsonl").len(), 5);
}

#[test]
fn a_batch_goes_on_where_it_stopped() {
    let desk = three();
    let ran = desk.run(&["in/a.png", "in/b.png", "-o", "out", "--resume"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 2 colorized\n"));
    let before = written(&desk);
    let ran = resume(&desk, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 1 colorized, 2 done before\n"));
    assert_eq!(written(&desk)[..2], before);
    assert_eq!(lines(&desk, MANIFEST).len(), 3);
    let ran = resume(&desk, &["--json"]);
    let summary: Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["skipped"], &summary["done_before"]), (&3.into(), &3.into()));
    let first: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!((&first["status"], &first["message"]), (&"skipped".into(), &"done before".into()));
    assert_eq!(first["output"], "out/a.png");
    assert_eq!(lines(&desk, MANIFEST).len(), 3, "what stands needs no new line");
}

#[test]
fn what_changed_is_done_again_and_said() {
    let desk = three();
    fs::write(desk.path("in/bad.png"), "no picture").unwrap();
    assert_eq!(resume(&desk, &[]).code, Some(1));
    // A new photograph of the old size, one that is only newer, a lost result, a repaired file.
    let newer = SystemTime::now() + Duration::from_secs(5);
    let touch = |name: &str| File::options().append(true).open(desk.path(name)).unwrap().set_modified(newer);
    let mut other = image::open(desk.path("in/a.png")).unwrap().into_luma8();
    other.put_pixel(3, 3, image::Luma([7]));
    desk.put("in/a.png", &other.into());
    touch("in/a.png").unwrap();
    touch("in/b.png").unwrap();
    fs::remove_file(desk.path("out/deep/c.png")).unwrap();
    desk.gray("in/bad.png");
    let ran = resume(&desk, &[]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (
            Some(0),
            "autochrome: 3 colorized, 1 done before\n\
             autochrome: done again: 1: failed before\n\
             autochrome: done again: 1: the output was missing\n\
             autochrome: done again: 1: the photograph changed\n"
        )
    );
    assert!(is_tinted(&desk.path("out/bad.png")));
    let ran = resume(&desk, &["--strength", "0.5", "--quality", "80"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(0), "autochrome: 4 colorized\nautochrome: done again: 4: --strength, --quality changed\n")
    );
    let ran = resume(&desk, &["--strength", "0.5", "--quality", "80", "--confidence=-map"]);
    assert!(ran.err.ends_with("done again: 4: the confidence map was missing\n"), "{}", ran.err);
    assert_eq!(
        resume(&desk, &["--strength", "0.5", "--quality", "80"]).err,
        "autochrome: 0 colorized, 4 done before\n"
    );
}

#[test]
fn a_result_that_someone_changed_is_theirs() {
    let desk = three();
    assert_eq!(desk.run(&["in/a.png", "-o", "out/"]).code, Some(0));
    let ran = resume(&desk, &[]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.err,
        "autochrome: in/a.png: skipped: the output out/a.png exists, and the manifest does not know it; pass \
         --overwrite to make it again\nautochrome: 2 colorized, 1 skipped\n"
    );
    fs::write(desk.path("out/b.png"), "retouched by hand").unwrap();
    let ran = resume(&desk, &["--strength", "0.7"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains(
            "in/b.png: the output out/b.png is not as it was written; pass --overwrite to replace it"
        ),
        "{}",
        ran.err
    );
    assert_eq!(fs::read(desk.path("out/b.png")).unwrap(), b"retouched by hand");
    let ran = resume(&desk, &["--strength", "0.7", "--overwrite"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.err.starts_with("autochrome: 2 colorized, 1 done before\n"), "{}", ran.err);
    assert!(is_tinted(&desk.path("out/b.png")));
}

#[test]
fn photographs_that_were_skipped_are_not_looked_at_again() {
    let desk = Desk::new();
    let stripes = image::RgbImage::from_fn(64, 64, |x, _| {
        let level = u8::try_from(x % 32 * 3 + 80).unwrap();
        let half = [level, level / 4 * 3, level / 2];
        image::Rgb(if x < 32 { half } else { [half[2], half[1], half[0]] })
    });
    desk.put("in/color.png", &stripes.into());
    let ran = resume(&desk, &["--skip-color"]);
    assert!(ran.err.contains("skipped: it already has color"), "{}", ran.err);
    assert_eq!(resume(&desk, &["--skip-color"]).err, "autochrome: 0 colorized, 1 done before\n");
    let ran = resume(&desk, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: wrote out/color.png\n"));
}

#[test]
fn a_torn_last_line_is_dropped_and_nothing_else_is_touched() {
    let desk = three();
    assert_eq!(resume(&desk, &[]).code, Some(0));
    let whole = fs::read(desk.path(MANIFEST)).unwrap();
    fs::write(desk.path(MANIFEST), &whole[..whole.len() - 40]).unwrap();
    let ran = resume(&desk, &["--overwrite"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "autochrome: 1 colorized, 2 done before\n"));
    assert_eq!(lines(&desk, MANIFEST).len(), 3);
    for (content, expected) in [
        (&b"dear diary\n"[..], "line 1 of log.jsonl is not the line of a manifest; nothing was changed"),
        (b"dear diary", "log.jsonl is not a manifest; nothing was changed"),
        (
            br#"{"manifest":1,"time":"#,
            "", // All of it is torn.
        ),
    ] {
        fs::write(desk.path("log.jsonl"), content).unwrap();
        let ran = desk.run(&["in/a.png", "-o", "x.png", "--manifest", "log.jsonl", "--overwrite"]);
        if expected.is_empty() {
            assert_eq!((ran.code, lines(&desk, "log.jsonl").len()), (Some(0), 1));
        } else {
            assert!(ran.code == Some(1) && ran.err.contains(expected), "{}", ran.err);
            assert_eq!(fs::read(desk.path("log.jsonl")).unwrap(), content);
        }
    }
    let newer = String::from_utf8(whole).unwrap().replace("{\"manifest\":1,", "{\"manifest\":2,");
    fs::write(desk.path(MANIFEST), newer).unwrap();
    let ran = resume(&desk, &[]);
    assert!(
        ran.code == Some(1) && ran.err.contains("has form 2, and this program knows form 1"),
        "{}",
        ran.err
    );
    for (name, expected) in [("x.png", "has a name of a PNG picture"), ("in", "is not a file")] {
        let ran = desk.run(&["in/a.png", "-o", "y.png", "--manifest", name]);
        assert!(ran.code == Some(1) && ran.err.contains(expected), "{}", ran.err);
    }
}

#[test]
fn one_manifest_has_one_run() {
    let desk = Desk::with_stub("slow");
    desk.gray("in/a.png");
    let mut first = desk
        .command()
        .args(["in", "-o", "out", "--resume"])
        .env("AUTOCHROME_STUB_MS", "3000")
        .spawn()
        .unwrap();
    while !desk.path(MANIFEST).exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let ran = resume(&desk, &[]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "autochrome: another run is writing the manifest out/.autochrome-manifest.jsonl; wait until it ends, or \
         give this one its own with --manifest\n"
    );
    assert!(first.wait().unwrap().success());
    assert_eq!(resume(&desk, &[]).err, "autochrome: 0 colorized, 1 done before\n");
}
