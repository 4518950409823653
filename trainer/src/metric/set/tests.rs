use std::path::PathBuf;

use autochrome_test_notes::{Need, skip};
use image::{Rgb, RgbImage};

use super::*;
use crate::metric::classifier::Classifier;

/// A folder with these pictures as PNG, and one file that is no picture.
fn folder(pictures: &[(&str, RgbImage)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, picture) in pictures {
        picture.save(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("broken.jpg"), b"no picture").unwrap();
    folder
}

fn open(folder: &tempfile::TempDir) -> DataSet {
    crate::data::open(&[folder.path().to_path_buf()], &crate::data::Selection::default()).unwrap()
}

fn two_tints() -> RgbImage {
    RgbImage::from_fn(32, 20, |x, _| if x < 16 { Rgb([200, 60, 60]) } else { Rgb([60, 60, 200]) })
}

#[test]
fn the_truth_measures_as_perfect_and_gray_as_gray() {
    let folder =
        folder(&[("a.png", two_tints()), ("b.png", RgbImage::from_pixel(16, 12, Rgb([40, 160, 40])))]);
    let data = open(&folder);
    let mut truths = [two_tints(), RgbImage::from_pixel(16, 12, Rgb([40, 160, 40]))].into_iter();
    let truth = evaluate(&data, None, &Judges::default(), None, |_, _| Ok(truths.next().unwrap())).unwrap();
    let value = |report: &Report, name| report.value(name).unwrap();
    assert_eq!(truth.images, 2);
    for name in ["auc", "auc_rebalanced"] {
        assert_eq!(value(&truth, name), 100.0);
    }
    assert!(value(&truth, "psnr").is_infinite() && !truth.values().contains_key("psnr"));
    for (name, expected) in [("ssim", 1.0), ("chroma", 1.0), ("spread", 1.0), ("dl", 0.0), ("dcf", 0.0)] {
        assert!((value(&truth, name) - expected).abs() < 1e-9, "{name}");
    }

    let gray = evaluate(&data, None, &Judges::default(), None, |gray, _| Ok(gray_as_rgb(gray))).unwrap();
    assert!(value(&gray, "auc") < 80.0 && value(&gray, "spread") < 1e-3 && value(&gray, "cf") == 0.0);
    // Only the rounding of the gray value to 8 bits is left of L.
    assert!(value(&gray, "dl") < 0.25);
}

#[test]
fn a_file_that_does_not_decode_is_named_and_left_out() {
    let folder = folder(&[("a.png", two_tints())]);
    let report =
        evaluate(&open(&folder), None, &Judges::default(), None, |gray, _| Ok(gray_as_rgb(gray))).unwrap();
    assert_eq!(report.images, 1);
    assert_eq!(report.corrupt.len(), 1);
    assert_eq!(report.corrupt[0].0, "broken.jpg");
    assert!(report.to_string().contains("broken.jpg"));
    // One photograph has no interval.
    assert_eq!(report.metrics[0].1.interval, None);
}

#[test]
fn an_output_of_another_size_is_refused() {
    let folder = folder(&[("a.png", two_tints())]);
    let error =
        evaluate(&open(&folder), None, &Judges::default(), None, |_, _| Ok(RgbImage::new(3, 4))).unwrap_err();
    assert_eq!(error.to_string(), "a.png: expected an output of (32, 20), got (3, 4)");
}

#[test]
fn json_has_a_value_and_an_interval_for_each_metric_and_csv_a_line_for_each_photograph() {
    let folder = folder(&[("a.png", two_tints()), ("b,c.png", two_tints())]);
    let report =
        evaluate(&open(&folder), None, &Judges::default(), None, |gray, _| Ok(gray_as_rgb(gray))).unwrap();
    let report = report.titled("set".to_owned(), "gray".to_owned(), None);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["data"], "set");
    assert!(json["metrics"]["auc"]["value"].is_f64());
    assert_eq!(json["metrics"]["auc"]["interval"].as_array().unwrap().len(), 2);
    let columns = report.csv_header().trim_end().split(',').count();
    let csv = report.csv();
    let line = csv.lines().nth(1).unwrap();
    assert!(line.starts_with("gray,,\"b,c.png\","));
    assert_eq!(line.replace("b,c", "bc").split(',').count(), columns);
}

#[test]
fn differences_are_paired_and_of_the_same_photographs() {
    let green = RgbImage::from_pixel(16, 12, Rgb([40, 160, 40]));
    let folder = folder(&[("a.png", two_tints()), ("b.png", green.clone())]);
    let data = open(&folder);
    let gray = evaluate(&data, None, &Judges::default(), None, |gray, _| Ok(gray_as_rgb(gray))).unwrap();
    let mut truths = [two_tints(), green].into_iter();
    let truth = evaluate(&data, None, &Judges::default(), None, |_, _| Ok(truths.next().unwrap())).unwrap();
    let against = Against::new(&truth, &gray).unwrap();
    let of = |name| &against.differences.iter().find(|(known, _)| known == name).unwrap().1;
    assert!((of("auc").value - (100.0 - gray.value("auc").unwrap())).abs() < 1e-9);
    assert!((of("spread").value - 1.0).abs() < 1e-3);
    let [low, high] = of("auc").interval.unwrap();
    assert!(low > 0.0 && high >= of("auc").value, "{low} {high}");
    assert!(against.differences.iter().all(|(name, _)| name != "psnr"), "infinite less something");
    let nothing = Against::new(&gray, &gray).unwrap();
    // A draw of the flat picture alone has no spread to relate to, so that metric has no interval.
    let none = |d: &Measured| d.value == 0.0 && d.interval.is_none_or(|interval| interval == [0.0, 0.0]);
    assert!(nothing.differences.iter().all(|(_, difference)| none(difference)));

    let one = evaluate(&data, Some(1), &Judges::default(), None, |gray, _| Ok(gray_as_rgb(gray))).unwrap();
    assert!(Against::new(&truth, &one).unwrap_err().to_string().contains("the same photographs"));
}

/// What was measured on a photograph of this name whose output is gray.
fn row(name: &str, picture: &RgbImage, recognized: &[[bool; 3]]) -> Row {
    let row = Ruler::new().measure(name.to_owned(), picture, &gray_as_rgb(&gray_of(picture)));
    Row { verdict: Verdict { recognized: recognized.to_vec(), lpips: Some([0.25, 0.5]) }, ..row }
}

#[test]
fn each_classifier_has_its_own_metrics_over_the_photographs_with_a_class() {
    // [output, truth, gray] of lite0 and lite3; the last photograph has no class.
    let rows = || {
        vec![
            row("a", &two_tints(), &[[true, true, false], [false, true, false]]),
            row("b", &two_tints(), &[[false, true, false], [false, false, false]]),
            row("c", &two_tints(), &[]),
        ]
    };
    let report = Report::new(rows(), Vec::new(), vec!["lite0", "lite3"], 100);
    assert_eq!((report.images, report.classified), (3, 2));
    for (name, expected) in [
        ("lpips", 0.25),
        ("lpips_gray", 0.5),
        ("top1", 50.0),
        ("top1_truth", 100.0),
        ("top1_gray", 0.0),
        ("gap_closed", 50.0),
        ("top1_lite3", 0.0),
        ("top1_truth_lite3", 50.0),
        ("top1_gray_lite3", 0.0),
        ("gap_closed_lite3", 0.0),
    ] {
        assert_eq!(report.value(name), Some(expected), "{name}");
    }
    assert!(report.csv_header().ends_with("right_gray,right_lite3,right_truth_lite3,right_gray_lite3\n"));
    let lines = report.csv();
    assert!(lines.lines().next().unwrap().ends_with(",0.2500,0.5000,1,1,0,0,1,0"), "{lines}");
    assert!(lines.lines().nth(2).unwrap().ends_with(",0.2500,0.5000,,,,,,"), "{lines}");

    // Paired over the photographs with a class only; gray and truth are the same for both.
    let mut worse = rows();
    worse[0].verdict.recognized[0][0] = false;
    let against =
        Against::new(&report, &Report::new(worse, Vec::new(), vec!["lite0", "lite3"], 100)).unwrap();
    let of = |name| against.differences.iter().find(|(known, _)| known == name).map(|(_, one)| one.value);
    assert_eq!((of("top1"), of("top1_lite3")), (Some(50.0), Some(0.0)));
    assert_eq!((of("top1_gray"), of("top1_truth_lite3"), of("lpips_gray")), (None, None, None));
}

#[test]
fn folders_are_measured_apart() {
    let green = RgbImage::from_pixel(16, 12, Rgb([40, 160, 40]));
    let rows = vec![
        row("sky/0.jpg", &two_tints(), &[[true, true, true]]),
        row("people/0.jpg", &green, &[]),
        row("people/1.jpg", &green, &[]),
    ];
    let mut report = Report::new(rows, Vec::new(), vec!["lite0"], 100);
    report.add_folders();
    let json = serde_json::to_value(&report).unwrap();
    let folder =
        |index: usize| (&json["folders"][index], json["folders"][index]["metrics"].as_object().unwrap());
    let ((people, of_people), (sky, of_sky)) = (folder(0), folder(1));
    assert_eq!((people["folder"].as_str(), people["images"].as_u64()), (Some("people"), Some(2)));
    assert_eq!((sky["folder"].as_str(), sky["images"].as_u64()), (Some("sky"), Some(1)));
    assert!(of_sky.contains_key("top1") && !of_people.contains_key("top1"));
    // Flat pictures have no spread to relate to, so what stands there is dust: the ends of the rows are looked at.
    let text = report.to_string();
    let row = |folder: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(folder)).unwrap();
        line.split_whitespace().collect::<Vec<&str>>()
    };
    let (people, sky) = (row("people"), row("sky"));
    assert_eq!(
        (people.len(), &people[..2], &people[8..]),
        (11, &["people", "2"][..], &["0.25", "-", "-"][..])
    );
    assert_eq!((sky.len(), &sky[..2], &sky[8..]), (11, &["sky", "1"][..], &["0.25", "100.00", "100.00"][..]));
}

/// A file of the shared data; `None` skips the test.
fn shared(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    let path = std::env::var_os("AUTOCHROME_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.is_file() {
        return Some(path);
    }
    skip(
        Need::Photographs,
        format!("{} is not there; set AUTOCHROME_DATA to the folder that has it", path.display()),
    );
    None
}

#[test]
fn gray_baseline_of_the_public_photographs() {
    let Some(path) = shared("photos-eval-public.tar") else {
        return;
    };
    let data = crate::data::open(&[path], &crate::data::Selection::default()).unwrap();
    let gray = evaluate(&data, None, &Judges::default(), None, |gray, _| Ok(gray_as_rgb(gray))).unwrap();
    assert_eq!(gray.images, 200);
    println!("{gray}");
    for (name, expected, within) in
        [("auc", 88.49, 0.02), ("auc_rebalanced", 73.11, 0.3), ("psnr", 22.47, 0.02), ("cf_truth", 43.1, 0.1)]
    {
        let value = gray.value(name).unwrap();
        assert!((value - expected).abs() < within, "{name}: expected {expected}, got {value}");
    }
}

#[test]
fn the_classifier_knows_nine_of_ten_in_color() {
    let (Some(photos), Some(weights)) =
        (shared("photos-eval-public.tar"), shared("efficientnet_lite0.safetensors"))
    else {
        return;
    };
    let data = crate::data::open(&[photos], &crate::data::Selection::default()).unwrap();
    let classifier = Classifier::load(&weights, tch::Device::Cpu).unwrap();
    let judges = Judges::new(vec![classifier], None).unwrap();
    let report = evaluate(&data, None, &judges, None, |gray, _| Ok(gray_as_rgb(gray))).unwrap();
    println!("{report}");
    // 200 photographs: one is 0.5 %; another CPU may round one of them to another class.
    assert!((report.value("top1_truth").unwrap() - 90.0).abs() <= 0.5);
    // The published 76.5 is of luma (0.299 R + 0.587 G + 0.114 B); our gray has the L of the truth and is easier.
    assert!((report.value("top1_gray").unwrap() - 77.5).abs() <= 0.5);
    let classifier = Classifier::load(&weights, tch::Device::Cpu).unwrap();
    assert!((top1_of_luma(&data, &classifier) - 76.5).abs() <= 0.5);
    assert_eq!(report.value("gap_closed"), Some(0.0));
}

/// Top-1, in percent, on the photographs' luma (ITU-R BT.601 on sRGB-encoded values).
fn top1_of_luma(data: &DataSet, classifier: &Classifier) -> f64 {
    let right = |index: usize| {
        let luma = |p: &image::Rgb<u8>| {
            let [r, g, b] = p.0.map(u32::from);
            u8::try_from((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16).unwrap()
        };
        let photograph = data.decode(index).unwrap();
        let gray = GrayImage::from_fn(photograph.width(), photograph.height(), |x, y| {
            image::Luma([luma(photograph.get_pixel(x, y))])
        });
        let class = classifier.classify(&gray_as_rgb(&gray)).unwrap();
        Some(class) == crate::metric::classifier::label_of(&data.items[index].name)
    };
    let count = data.items.len();
    100.0 * (0..count).filter(|&index| right(index)).count() as f64 / count as f64
}
