//! The report as a page: every number beside the gray picture's, every photograph beside its truth.
//!
//! The idea: **a mean is believed only after one has seen what it is a mean of**. The photographs are in the order of
//! their AuC, the worst first, so that no bad one can hide behind a page of good ones.

mod gallery;
mod photograph;

use std::path::Path;

use anyhow::Result;

use autochrome_models::net::Lite;

use super::{Page, escape, fill};
use crate::metric::set::{Measured, Report};
pub use gallery::{Exhibition, Gallery};
use photograph::Photograph;

/// How many of the worst and of the best are named.
const NAMED: usize = 3;

/// Writes the page, whole or not at all.
///
/// `own_temperature` is the package's, told where the report has none set.
///
/// # Errors
/// The file cannot be written.
pub fn save(
    path: &Path,
    report: &Report,
    exhibition: &Exhibition,
    own_temperature: Option<f64>,
) -> Result<()> {
    let title = format!("{} on {}", report.subject, data_name(report));
    let body = body(report, exhibition, own_temperature);
    let page = Page {
        title: &title,
        style: include_str!("report.css"),
        body: &body,
        script: include_str!("report.js"),
    };
    page.save(path)
}

fn body(report: &Report, exhibition: &Exhibition, own_temperature: Option<f64>) -> String {
    let photographs = photograph::ranked(report, exhibition);
    let shown = match photographs.len() {
        shown if shown == report.images => format!("All {shown} photographs"),
        shown => format!("The first {shown} of {} photographs", report.images),
    };
    let rows: String = photographs.iter().map(Photograph::html).collect();
    let parts = [
        ("subject", escape(&report.subject)),
        ("facts", escape(&facts(report, own_temperature))),
        ("metrics", metric_rows(report, &exhibition.gray)),
        ("corrupt", corrupt(report)),
        ("shown", shown),
        ("extremes", extremes(&photographs)),
        ("sorts", photograph::sort_options()),
        ("rows", rows),
    ];
    let parts: Vec<(&str, &str)> = parts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fill(include_str!("report.html"), &parts)
}

/// The data's own name, without the folders of this machine.
fn data_name(report: &Report) -> String {
    let name = Path::new(&report.data).file_name();
    name.map_or_else(|| report.data.clone(), |name| name.to_string_lossy().into_owned())
}

fn facts(report: &Report, own_temperature: Option<f64>) -> String {
    let mut facts = vec![data_name(report), format!("{} photographs measured", report.images)];
    match (report.temperature, own_temperature) {
        (Some(set), _) => facts.push(format!("temperature {set}")),
        (None, Some(own)) => facts.push(format!("temperature {own}, the package's own")),
        (None, None) => {}
    }
    if report.classified > 0 {
        facts.push(format!("{} shown to {}", report.classified, report.classifiers.join(" and ")));
    }
    facts.join(" · ")
}

/// Name, label and meaning of the metrics; the longer definitions are those of `docs/research/metrics.md`.
const LABELS: [(&str, &str, &str); 20] = [
    ("auc", "AuC, %", "pixels whose ab error is within 0 to 150; more is better"),
    ("auc_rebalanced", "rebalanced AuC, %", "the same, rare colors weighing more; more is better"),
    ("psnr", "PSNR, dB", "fidelity of the RGB picture; more is better"),
    ("ssim", "SSIM", "likeness of structure, 1 is equal; more is better"),
    ("cf", "colorfulness", "Hasler and Süsstrunk; best equal to that of the photographs"),
    ("cf_truth", "colorfulness of the photographs", ""),
    ("dcf", "difference of colorfulness", "less is better"),
    ("chroma", "chroma", "outputs over photographs; best is 1"),
    ("spread", "spread", "scatter of ab within a picture, outputs over photographs; best is 1"),
    ("blot", "blots", "steps of ab where the photograph is calm, outputs over photographs; best is 1"),
    ("chroma_truth", "chroma of the photographs", "in units of ab"),
    ("spread_truth", "spread of the photographs", "in units of ab"),
    ("dl", "change of L", "0 to 100; less is better"),
    ("ciede2000", "CIEDE2000", "visible difference; less is better"),
    ("lpips", "LPIPS", "visible difference, by a network; less is better"),
    ("lpips_gray", "LPIPS of gray", ""),
    ("top1", "recognized, %", "top-1 of the classifier on the outputs; more is better"),
    ("top1_truth", "recognized in the photographs, %", ""),
    ("top1_gray", "recognized in gray, %", ""),
    ("gap_closed", "gap closed, %", "(outputs - gray) / (photographs - gray); more is better"),
];

/// Label and meaning of a metric; that of a further classifier ends in its name.
fn label(name: &str) -> (String, &'static str) {
    let classifier = Lite::ALL.map(Lite::name).into_iter().find(|&lite| name.ends_with(&format!("_{lite}")));
    let plain = classifier.map_or(name, |lite| &name[..name.len() - lite.len() - 1]);
    let known = LABELS.iter().find(|(known, ..)| *known == plain);
    let (label, meaning) = known.map_or((plain, ""), |(_, label, meaning)| (label, meaning));
    (classifier.map_or_else(|| label.to_owned(), |lite| format!("{label} ({lite})")), meaning)
}

fn metric_rows(report: &Report, gray: &Report) -> String {
    let row = |(name, measured): &(String, Measured)| {
        let (label, meaning) = label(name);
        let baseline = gray.metrics.iter().find(|(other, _)| other == name);
        let baseline = baseline.map_or_else(|| "<td></td><td></td>".to_owned(), |(_, gray)| cells(gray));
        let (label, meaning) = (escape(&label), escape(meaning));
        format!(
            "<tr><th scope=\"row\">{label}</th>{}{baseline}<td class=\"soft\">{meaning}</td></tr>\n",
            cells(measured)
        )
    };
    report.metrics.iter().map(row).collect()
}

fn cells(measured: &Measured) -> String {
    let interval = measured.interval.map(|[low, high]| format!("{} to {}", number(low), number(high)));
    format!(
        "<td class=\"number\">{}</td><td class=\"number soft\">{}</td>",
        number(measured.value),
        interval.unwrap_or_default()
    )
}

/// Three digits for what is near 1, two for the rest; infinite for equal pictures.
fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_owned(),
        value if value.is_infinite() => "∞".to_owned(),
        value if value.abs() < 2.0 => format!("{value:.3}"),
        value => format!("{value:.2}"),
    }
}

fn corrupt(report: &Report) -> String {
    if report.corrupt.is_empty() {
        return String::new();
    }
    let item = |(name, reason): &(String, String)| {
        format!("<li><b>{}</b> <span class=\"soft\">{}</span></li>\n", escape(name), escape(reason))
    };
    let (count, items) = (report.corrupt.len(), report.corrupt.iter().map(item).collect::<String>());
    format!("<h2>Left out: {count} that do not decode</h2>\n<ul class=\"corrupt\">\n{items}</ul>\n")
}

/// The names at both ends of the order, with their AuC.
fn extremes(photographs: &[Photograph<'_>]) -> String {
    let named = |photograph: &Photograph<'_>| {
        format!("{} ({})", escape(&photograph.row.name), number(photograph.row.auc.percent()))
    };
    let list = |chosen: Vec<String>| chosen.join(", ");
    let worst = list(photographs.iter().take(NAMED).map(named).collect());
    let best = list(photographs.iter().rev().take(NAMED).map(named).collect());
    format!("<dt>Worst by AuC</dt><dd>{worst}</dd><dt>Best by AuC</dt><dd>{best}</dd>")
}

#[cfg(test)]
mod tests;
