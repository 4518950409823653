//! Data sets as found in the wild: every kind with good, bad and odd photographs. `data check` must report exactly
//! what training does.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::Output;

use autochrome_tests::pictures::{INKS, file, inks, photograph, zoo};
use autochrome_tests::trainer::{SEED_REPORT, config, log, stderr, train, trainer};
use autochrome_tests::{pin, pin_filtered};
use image::{DynamicImage, ImageFormat};
use jpeg_encoder::ColorType;
use serde_json::Value;
use tempfile::TempDir;

/// File names within a data set, and contents.
type Files = Vec<(String, Vec<u8>)>;

fn good(count: u8) -> Files {
    let png = |seed| file(&DynamicImage::from(photograph(seed)), ImageFormat::Png);
    (0..count).map(|seed| (format!("good/{seed:02}.png"), png(seed))).collect()
}

/// Eight good photographs and the zoo.
fn mixed() -> Files {
    let zoo = zoo().into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
    good(8).into_iter().chain(zoo).collect()
}

fn write(folder: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes the folder");
        std::fs::write(path, bytes).expect("writes");
    }
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).expect("a small file"));
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes.as_slice()).expect("appends");
    }
    builder.into_inner().expect("ends")
}

fn check(root: &Path, arguments: &[&str]) -> Output {
    trainer(root).args(["data", "check"]).args(arguments).output().expect("starts")
}

/// The single report of `data check --json`.
fn report(root: &Path, arguments: &[&str]) -> Value {
    let output = check(root, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let mut reports: Vec<Value> = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

/// Name and reason of what a report calls unusable.
fn faults(report: &Value) -> BTreeSet<(String, String)> {
    let is_fault = |finding: &&Value| {
        ["corrupt", "gray", "too-small"].contains(&finding["remark"].as_str().expect("a word"))
    };
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let findings = report["findings"].as_array().expect("a list").iter().filter(is_fault);
    findings.map(|finding| (text(&finding["name"]), text(&finding["reason"]))).collect()
}

/// Trains on `data` until each photograph has been seen; it must skip what `data check` says.
fn trains_as_checked(root: &Path, data: &str, count: usize) {
    let report = report(root, &[data]);
    let expected = faults(&report);
    assert_eq!(expected.len(), count, "{report:#}");
    let path = config(root, "run", SEED_REPORT, 24, data);
    let trained = train(root, &path, "out", &[]);
    assert!(trained.status.success(), "{}", stderr(&trained));
    assert!(stderr(&trained).contains(&format!("{count} unusable photographs were skipped:")));
    let text = std::fs::read_to_string(root.join("out/passed-over.csv")).expect("the list is written");
    let line = |line: &str| {
        let (name, reason) = line.trim_matches('"').split_once("\",\"").expect("two fields");
        (name.to_owned(), reason.replace("\"\"", "\""))
    };
    assert_eq!(text.lines().skip(1).map(line).collect::<BTreeSet<_>>(), expected);
}

/// Number of bad images in the zoo.
const BAD: usize = 11;

#[test]
fn a_check_names_what_is_bad_and_what_is_odd() {
    let root = TempDir::new().expect("a folder");
    write(&root.path().join("photos"), &mixed());
    std::fs::create_dir(root.path().join("photos/zebra")).expect("makes a folder");
    std::os::unix::fs::symlink("nowhere", root.path().join("photos/bad/gone.jpg")).expect("links");
    let output = check(root.path(), &["photos", "--csv", "findings.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).expect("text");
    let csv = std::fs::read_to_string(root.path().join("findings.csv")).expect("the findings are written");
    let filters = [("[0-9a-f]{64}", "SHA256"), ("bytes( +)[0-9,]+", "bytes${1}N")];
    pin_filtered("data_check", &format!("{text}----\n{csv}"), &filters);

    let strict = check(root.path(), &["photos", "--strict"]);
    assert_eq!(strict.status.code(), Some(1), "unusable photographs");
    let strict = check(root.path(), &["photos", "--strict", "--classes", "good"]);
    assert_eq!(strict.status.code(), Some(0), "{}", stderr(&strict));
    let absent = check(root.path(), &["nowhere", "photos"]);
    assert_eq!(absent.status.code(), Some(1), "a path that cannot be opened");
    assert!(String::from_utf8_lossy(&absent.stdout).contains("photos: folder"), "the other is still checked");
    pin("data_check_absent", &stderr(&absent));
}

#[test]
fn slices_hold_what_training_would_use_and_the_rest_is_named() {
    let root = TempDir::new().expect("a folder");
    write(&root.path().join("photos"), &mixed());
    let expected = faults(&report(root.path(), &["photos"]));
    let slice = |out: &str, more: &[&str]| {
        let arguments = ["data", "slice", "photos", "--out", out, "--side", "32", "--csv", "skipped.csv"];
        trainer(root.path()).args(arguments).args(more).output().expect("starts")
    };
    let output = slice("slices", &["--slice-mb", "0.02"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let csv = std::fs::read_to_string(root.path().join("skipped.csv")).expect("the list is written");
    let names = csv.lines().skip(1).map(|line| line.split('"').nth(1).expect("a name").to_owned());
    let named: BTreeSet<String> = expected.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.collect::<BTreeSet<_>>(), named);
    let first = report(root.path(), &["slices/photos-000.tar", "--classes", "good"]);
    assert_eq!(first["usable"], 8, "good photographs keep their folder: {first:#}");
    assert_eq!(first["formats"], serde_json::json!({ "JPEG": 8 }));
    let checked = check(root.path(), &["slices/photos-{000..001}.tar", "--strict"]);
    assert_eq!(checked.status.code(), Some(0), "everything in a slice is usable: {}", stderr(&checked));

    // The same photographs give the same bytes, on any number of threads.
    assert!(slice("again", &["--slice-mb", "0.02"]).status.success());
    let read = |folder: &str| std::fs::read(root.path().join(folder).join("photos-000.tar")).expect("reads");
    assert!(read("slices") == read("again"));
    let refused =
        [slice("slices", &[]), slice("none", &["--classes", "bad"]), slice("tiny", &["--slice-mb", "0.01"])];
    pin("data_slice_refused", &refused.map(|output| stderr(&output)).join(""));
}

#[test]
fn training_passes_over_in_a_folder_what_the_check_names() {
    let root = TempDir::new().expect("a folder");
    let folder = root.path().join("photos");
    write(&folder, &mixed());
    std::os::unix::fs::symlink("nowhere", folder.join("bad/gone.jpg")).expect("links");
    std::os::unix::fs::symlink(".", folder.join("bad/folder.jpg")).expect("links");
    let pipe = std::process::Command::new("mkfifo").arg(folder.join("bad/pipe.jpg")).status();
    assert!(pipe.expect("runs mkfifo").success());
    // Reading a pipe would never end; a folder with such a name is a folder.
    std::fs::create_dir(folder.join("bad/deeper.jpg")).expect("makes a folder");
    trains_as_checked(root.path(), "photos", BAD + 3);
}

#[test]
fn training_passes_over_in_a_tar_what_the_check_names() {
    let root = TempDir::new().expect("a folder");
    std::fs::write(root.path().join("photos.tar"), archive(&mixed())).expect("writes");
    trains_as_checked(root.path(), "photos.tar", BAD);
}

/// The mixed set as ImageNet unpacks: the good ones in one class, the bad and odd ones in another.
fn imagenet(root: &Path) {
    let train = root.join("imagenet/ILSVRC/Data/CLS-LOC/train");
    let rename = |(name, bytes): (String, Vec<u8>)| {
        let class = if name.starts_with("good") { "n01440764" } else { "n02102040" };
        (format!("{class}/{}", name.replace(".png", ".JPEG").replace('/', "_")), bytes)
    };
    write(&train, &mixed().into_iter().map(rename).collect::<Vec<_>>());
    std::fs::create_dir(train.join("n03888257")).expect("makes a folder");
    let rename = |(name, bytes): (String, Vec<u8>)| (name.replace("good", "n01440764"), bytes);
    write(&train.with_file_name("val"), &good(3).into_iter().map(rename).collect::<Vec<_>>());
}

#[test]
fn imagenet_has_its_folders_splits_and_classes() {
    let root = TempDir::new().expect("a folder");
    imagenet(root.path());
    let whole = report(root.path(), &["imagenet"]);
    assert_eq!((&whole["kind"], &whole["photographs"]), (&"imagenet".into(), &27.into()));
    assert_eq!(whole["classes"], serde_json::json!({"n01440764": 8, "n02102040": 19}));
    assert_eq!(whole["empty_classes"], serde_json::json!(["n03888257"]));
    let val = report(root.path(), &["imagenet", "--split", "test"]);
    assert_eq!(val["classes"], serde_json::json!({"n01440764": 3}));
    let one = report(root.path(), &["imagenet", "--classes", "n01440764"]);
    assert_eq!((&one["usable"], &one["empty_classes"]), (&8.into(), &serde_json::json!([])));
    let folder_of_one = report(root.path(), &["imagenet/ILSVRC/Data/CLS-LOC/train/n01440764"]);
    assert_eq!(folder_of_one["classes"], serde_json::json!({"n01440764": 8}));
    let unknown = check(root.path(), &["imagenet", "--classes", "n01440764,cat"]);
    assert_eq!(unknown.status.code(), Some(1));
    let absent_split = check(root.path(), &["imagenet/ILSVRC/Data/CLS-LOC/train", "--split", "test"]);
    pin("data_imagenet_refused", &(stderr(&unknown) + &stderr(&absent_split)));

    trains_as_checked(root.path(), "imagenet", BAD);
    let path = config(root.path(), "one", SEED_REPORT, 3, "imagenet");
    let trained = train(root.path(), &path, "one", &[]);
    assert!(stderr(&trained).contains("classes without a photograph: n03888257"), "{}", stderr(&trained));
    let trained = train(root.path(), &path, "of-one", &["--classes", "n01440764"]);
    assert!(trained.status.success(), "{}", stderr(&trained));
    assert!(!root.path().join("of-one/passed-over.csv").exists(), "this category has no bad photograph");
}

#[test]
fn a_tar_that_is_cut_is_used_as_far_as_it_goes() {
    let root = TempDir::new().expect("a folder");
    let whole = archive(&good(8));
    let cut = (0..4).map(|n| 512 + good(8)[n].1.len().next_multiple_of(512)).sum::<usize>() + 700;
    std::fs::write(root.path().join("photos.tar"), &whole[..cut]).expect("writes");
    let report = report(root.path(), &["photos.tar"]);
    assert_eq!((&report["photographs"], &report["usable"]), (&5.into(), &4.into()));
    pin("data_cut_tar", &format!("{:#?}", faults(&report)));
}

#[test]
fn shards_are_found_by_their_numbers_and_classed_by_their_cls() {
    let root = TempDir::new().expect("a folder");
    let shard = |number: usize, files: Files| {
        std::fs::write(root.path().join(format!("shard-{number:03}.tar")), archive(&files)).expect("writes");
    };
    let sample = |(index, (name, bytes)): (usize, (String, Vec<u8>))| {
        let class = if index % 2 == 0 { "even" } else { "odd" };
        let (_, extension) = name.rsplit_once('.').expect("an extension");
        [
            (format!("{index:06}.{extension}"), bytes),
            (format!("{index:06}.cls"), format!("{class}\n").into_bytes()),
            (format!("{index:06}.json"), b"{}".to_vec()),
        ]
    };
    let all: Vec<_> = mixed().into_iter().enumerate().map(sample).collect();
    for (number, part) in all.chunks(9).enumerate() {
        shard(number, part.iter().flatten().cloned().collect());
    }
    let first = report(root.path(), &["shard-000.tar"]);
    assert_eq!(first["classes"], serde_json::json!({"even": 5, "odd": 4}));
    let output = check(root.path(), &["shard-{000..002}.tar", "--json"]);
    let reports: Vec<Value> = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(reports.iter().map(|report| faults(report).len()).sum::<usize>(), BAD);
    let path = config(root.path(), "run", SEED_REPORT, 24, "shard-{000..002}.tar");
    let trained = train(root.path(), &path, "out", &[]);
    assert!(trained.status.success(), "{}", stderr(&trained));
    assert!(
        stderr(&trained).contains(&format!("{BAD} unusable photographs were skipped")),
        "{}",
        stderr(&trained)
    );

    // A missing one, one with an overwritten second header, and one whose class is not text.
    let path = config(root.path(), "missing", SEED_REPORT, 3, "shard-{000..003}.tar");
    let missing = train(root.path(), &path, "missing", &[]);
    assert_eq!(missing.status.code(), Some(1));
    let mut damaged = archive(&good(3));
    let second = (512 + good(1)[0].1.len()).next_multiple_of(512);
    damaged[second..second + 512].fill(7);
    std::fs::write(root.path().join("damaged.tar"), damaged).expect("writes");
    std::fs::write(root.path().join("text.tar"), "no archive ".repeat(100)).expect("writes");
    let classless = vec![good(1)[0].clone(), ("good/00.cls".to_owned(), vec![0xFF, 0xFE])];
    std::fs::write(root.path().join("classless.tar"), archive(&classless)).expect("writes");
    let refused = check(root.path(), &["damaged.tar", "text.tar", "classless.tar"]);
    assert_eq!(refused.status.code(), Some(1));
    pin("data_shards_refused", &(stderr(&missing) + &stderr(&refused)));
}

/// A batch of CIFAR-10 with these labels.
fn batch(labels: &[u8], seed: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, label) in (0..).zip(labels) {
        bytes.push(*label);
        let photograph = photograph(seed + index);
        for channel in 0..3 {
            bytes.extend(photograph.pixels().map(|pixel| pixel.0[channel]));
        }
    }
    bytes
}

/// A miniature CIFAR-10: five batches of four, and one for testing.
fn cifar10() -> Files {
    let train = (1..=5).map(|n| (format!("data_batch_{n}.bin"), batch(&[n - 1, n, n + 1, 9], n * 7)));
    train.chain([("test_batch.bin".to_owned(), batch(&[3, 3], 90))]).collect()
}

/// The set in its four forms; returns their paths.
fn cifar10_in_every_form(root: &Path) -> [&'static str; 4] {
    write(&root.join("cifar"), &cifar10());
    let inside = |(name, bytes)| (format!("cifar-10-batches-bin/{name}"), bytes);
    let tar = archive(&cifar10().into_iter().map(inside).collect::<Vec<_>>());
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar).expect("compresses");
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&tar).expect("compresses");
    let save = |name: &str, bytes: Vec<u8>| std::fs::write(root.join(name), bytes).expect("writes");
    save("cifar.tar", tar);
    save("cifar.tar.gz", gz.finish().expect("ends"));
    save("cifar.tar.xz", xz.finish().expect("ends"));
    ["cifar", "cifar.tar", "cifar.tar.gz", "cifar.tar.xz"]
}

#[test]
fn cifar10_gives_the_same_batches_in_every_form() {
    let root = TempDir::new().expect("a folder");
    let batches = cifar10_in_every_form(root.path()).map(|data| {
        let report = report(root.path(), &[data]);
        assert_eq!((&report["kind"], &report["usable"]), (&"cifar10".into(), &20.into()), "{report:#}");
        assert_eq!(report["classes"]["truck"], 5);
        let test = self::report(root.path(), &[data, "--split", "test"]);
        assert_eq!(test["classes"], serde_json::json!({"cat": 2}));
        let path = config(root.path(), data, SEED_REPORT, 8, data);
        let trained = train(root.path(), &path, &format!("out-{data}"), &[]);
        assert!(trained.status.success(), "{}", stderr(&trained));
        log(root.path(), &format!("out-{data}")).into_iter().map(|line| line.2).collect::<Vec<_>>()
    });
    assert_eq!(batches[0].len(), 8);
    batches.iter().for_each(|of_form| assert_eq!(*of_form, batches[0]));
}

#[test]
fn a_damaged_cifar10_is_used_as_far_as_it_is_whole_or_refused() {
    let root = TempDir::new().expect("a folder");
    let forms = cifar10_in_every_form(root.path());
    // A truncated archive, and one that is not an archive.
    for form in &forms[1..] {
        let bytes = std::fs::read(root.path().join(form)).expect("reads");
        std::fs::write(root.path().join(format!("cifar-cut-{form}")), &bytes[..bytes.len() / 2])
            .expect("writes");
        std::fs::write(root.path().join(format!("cifar-none-{form}")), "no archive ".repeat(100))
            .expect("writes");
    }
    let broken: Vec<String> = forms[1..]
        .iter()
        .flat_map(|form| [format!("cifar-cut-{form}"), format!("cifar-none-{form}")])
        .collect();
    let refused = check(root.path(), &broken.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(refused.status.code(), Some(1));
    pin("data_cifar10_refused", &stderr(&refused));

    // A batch truncated within a record, and an invalid label.
    let folder = root.path().join("cifar");
    let cut = std::fs::read(folder.join("data_batch_2.bin")).expect("reads");
    std::fs::write(folder.join("data_batch_2.bin"), &cut[..cut.len() - 1000]).expect("writes");
    std::fs::write(folder.join("data_batch_4.bin"), batch(&[1, 10, 255, 2], 40)).expect("writes");
    let report = report(root.path(), &["cifar"]);
    pin("data_cifar10_damaged", &format!("{:#?}", faults(&report)));
    trains_as_checked(root.path(), "cifar", 3);
}

#[test]
fn inks_come_out_in_their_colors() {
    let [c, m, y, k] = INKS.map(|ink| 1.0 - f64::from(ink) / 255.0);
    let expected = [c, m, y].map(|left| 255.0 * left * k);
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let decoded = image::load_from_memory(&inks(color)).expect("decodes").into_rgb8();
        for pixel in decoded.pixels() {
            let near = pixel.0.iter().zip(expected).all(|(got, right)| (f64::from(*got) - right).abs() < 6.0);
            assert!(near, "{color:?}: expected {expected:?}, got {pixel:?}");
        }
    }
}

#[test]
fn the_rate_of_the_loader_is_told() {
    let root = TempDir::new().expect("a folder");
    write(&root.path().join("photos"), &mixed());
    let _ = config(root.path(), "run", SEED_REPORT, 3, "photos");
    let output =
        trainer(root.path()).args(["data", "rate", "run.toml", "--batches", "9"]).output().expect("starts");
    assert!(output.status.success(), "{}", stderr(&output));
    let filters = [(r"^[0-9.]+ images/s", "N images/s"), (r"in [0-9.]+ s", "in N s")];
    pin_filtered("data_rate", &String::from_utf8(output.stdout).expect("text"), &filters);
}
