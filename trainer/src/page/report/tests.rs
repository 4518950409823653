use image::{Rgb, RgbImage};

use super::*;
use crate::data::gray_as_rgb;
use crate::metric::set::{Judges, evaluate};
use crate::page::tests::assert_needs_nothing;

/// Photographs of two halves, the second more colorful than the first, and a file that is no picture.
fn measured(names: [&str; 2], most: usize) -> (Report, Exhibition) {
    let folder = tempfile::tempdir().unwrap();
    for (name, red) in names.into_iter().zip([90, 250]) {
        let picture =
            RgbImage::from_fn(300, 40, |x, _| if x < 150 { Rgb([red, 60, 60]) } else { Rgb([60, 60, red]) });
        picture.save(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("br<ok>en.jpg"), b"no picture").unwrap();
    let data = crate::data::open(&[folder.path().to_path_buf()], &crate::data::Selection::default()).unwrap();
    let mut gallery = Gallery::new(most);
    let report =
        evaluate(&data, None, &Judges::default(), Some(&mut gallery), |gray, _| Ok(gray_as_rgb(gray)))
            .unwrap();
    let classifiers = report.classifiers.clone();
    (report.titled("a/b/set.tar".to_owned(), "model".to_owned(), None), gallery.into_exhibition(&classifiers))
}

#[test]
fn the_page_needs_nothing_and_has_a_row_for_each_photograph_the_worst_first() {
    let (report, exhibition) = measured(["a.png", "b.png"], 10);
    let html = body(&report, &exhibition, Some(0.38));
    let page = Page { title: "t", style: include_str!("report.css"), body: &html, script: "" };
    assert_needs_nothing(&page.html());
    assert!(html.contains("set.tar · 2 photographs measured · temperature 0.38, the package&#39;s own"));
    assert_eq!(html.matches("<li class=\"photograph\"").count(), 2);
    assert_eq!(html.matches("data:image/jpeg;base64,").count(), 6);
    // Gray is further from the more colorful one.
    assert!(html.find("<h3>b.png").unwrap() < html.find("<h3>a.png").unwrap());
    assert!(html.contains("Left out: 1 that do not decode") && html.contains("<b>br&lt;ok&gt;en.jpg</b>"));
    // The output is the gray picture: both columns are equal, interval included.
    let auc = html.lines().find(|line| line.contains(">AuC, %<")).unwrap();
    let cells: Vec<&str> =
        auc.split("<td").skip(1).map(|cell| cell.split(['>', '<']).nth(1).unwrap()).collect();
    assert_eq!((cells[0], cells[1]), (cells[2], cells[3]), "{auc}");
}

#[test]
fn photographs_beyond_the_count_are_measured_and_not_shown() {
    let (report, exhibition) = measured(["a.png", "b.png"], 1);
    let html = body(&report, &exhibition, None);
    assert!(html.contains("The first 1 of 2 photographs"));
    assert_eq!(html.matches("<li class=\"photograph\"").count(), 1);
    assert_eq!(exhibition.gray.images, 2);
}

#[test]
fn a_name_cannot_break_the_page() {
    let (report, exhibition) = measured(["<script>\"&'.png", "{{rows}}.png"], 10);
    let html = body(&report, &exhibition, None);
    assert!(!html.contains("<script>") && html.contains("<h3>&lt;script&gt;&quot;&amp;&#39;.png"));
    assert!(html.contains("<h3>{{rows}}.png"));
}

#[test]
fn every_metric_has_a_label() {
    let (report, _) = measured(["a.png", "b.png"], 0);
    let judged = ["lpips", "lpips_gray", "top1", "top1_truth", "top1_gray", "gap_closed"];
    for name in report.metrics.iter().map(|(name, _)| name.as_str()).chain(judged) {
        assert!(LABELS.iter().any(|(known, ..)| *known == name), "{name}");
    }
    assert_eq!(label("top1_gray_lite3").0, "recognized in gray, % (lite3)");
    assert_eq!([f64::NAN, f64::INFINITY, 0.8157, 87.274].map(number), ["–", "∞", "0.816", "87.27"]);
}
