//! One photograph on the page: gray, output, truth, and what was measured on it.

use super::{Exhibition, number};
use crate::metric::set::{Report, Row};
use crate::page::{escape, fill};

/// A photograph and its place in the order of AuC.
#[derive(Debug, Clone, Copy)]
pub struct Photograph<'a> {
    /// What was measured on the output.
    pub row: &'a Row,
    gray: &'a Row,
    pictures: &'a [String; 3],
    classifiers: &'a [&'static str],
    /// 1 is the lowest AuC.
    rank: usize,
    of: usize,
}

/// A measure to sort by: attribute, label, whether more is better, and the number.
type Sort = (&'static str, &'static str, bool, fn(&Photograph<'_>) -> f64);

/// What the photographs can be sorted by; the first is the order they are written in.
const SORTS: [Sort; 6] = [
    ("auc", "AuC", true, |photograph| photograph.row.auc.percent()),
    ("gain", "AuC beyond gray", true, |photograph| photograph.gain()),
    ("psnr", "PSNR", true, |photograph| photograph.row.psnr),
    ("spread", "spread", true, |photograph| photograph.row.spread[0]),
    ("blot", "blots", false, |photograph| photograph.blot()),
    ("ciede2000", "CIEDE2000", false, |photograph| photograph.row.ciede2000),
];

/// The photographs whose pictures were kept, by rising AuC.
pub fn ranked<'a>(report: &'a Report, exhibition: &'a Exhibition) -> Vec<Photograph<'a>> {
    let rows = report.rows.iter().zip(&exhibition.gray.rows).zip(&exhibition.pictures);
    let (of, classifiers) = (exhibition.pictures.len(), report.classifiers.as_slice());
    let mut photographs: Vec<_> = rows
        .map(|((row, gray), pictures)| Photograph { row, gray, pictures, classifiers, rank: 0, of })
        .collect();
    photographs.sort_by(|a, b| a.row.auc.percent().total_cmp(&b.row.auc.percent()));
    for (rank, photograph) in (1..).zip(&mut photographs) {
        photograph.rank = rank;
    }
    photographs
}

/// The `<option>`s of what can be sorted by.
pub fn sort_options() -> String {
    let option = |(name, label, more_is_better, _): &Sort| {
        format!("<option value=\"{name}\" data-worst-is-low=\"{more_is_better}\">{label}</option>\n")
    };
    SORTS.iter().map(option).collect()
}

impl Photograph<'_> {
    /// AuC beyond that of the gray picture, in points of percent.
    fn gain(&self) -> f64 {
        self.row.auc.percent() - self.gray.auc.percent()
    }

    /// Steps of ab where the photograph is calm, output by photograph.
    fn blot(&self) -> f64 {
        self.row.steps[0] / self.row.steps[1]
    }

    /// The photograph as an item of the list.
    pub fn html(&self) -> String {
        let row = self.row;
        let keys: String = SORTS
            .iter()
            .map(|(name, _, _, value)| format!(" data-{name}=\"{}\"", script_number(value(self))))
            .collect();
        let gain = self.gain();
        let verdict = if gain < 0.0 { "bad" } else { "good" };
        let parts = [
            ("keys", keys),
            ("name", escape(&row.name)),
            ("rank", format!("{} of {}", self.rank, self.of)),
            ("gray", self.pictures[0].clone()),
            ("output", self.pictures[1].clone()),
            ("truth", self.pictures[2].clone()),
            ("auc", number(row.auc.percent())),
            ("gain", format!("<span class=\"{verdict}\">{gain:+.2} beyond gray</span>")),
            ("psnr", number(row.psnr)),
            ("psnr_gray", number(self.gray.psnr)),
            ("spread", number(row.spread[0])),
            ("spread_truth", number(row.spread[1])),
            ("blot", number(self.blot())),
            ("ciede2000", number(row.ciede2000)),
            ("judged", self.lpips() + &self.recognized()),
        ];
        let parts: Vec<(&str, &str)> = parts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fill(include_str!("photograph.html"), &parts)
    }

    fn lpips(&self) -> String {
        let Some([output, gray]) = self.row.verdict.lpips else { return String::new() };
        let gray = format!("<span class=\"soft\">gray {}</span>", number(gray));
        format!("<dt>LPIPS</dt><dd>{} {gray}</dd>\n", number(output))
    }

    /// What each classifier recognizes.
    fn recognized(&self) -> String {
        let tell = |right, what| {
            let (class, mark) = if right { ("good", "✓") } else { ("bad", "✗") };
            let said = if right { "recognized" } else { "not recognized" };
            format!("<span class=\"{class}\" title=\"{what}: {said}\">{what} {mark}</span>")
        };
        let item = |(name, &[output, truth, gray]): (&&str, &[bool; 3])| {
            let told = [tell(gray, "gray"), tell(output, "output"), tell(truth, "truth")].join(" ");
            format!("<dt>{name}</dt><dd>{told}</dd>\n")
        };
        self.classifiers.iter().zip(&self.row.verdict.recognized).map(item).collect()
    }
}

/// A number as JavaScript's `Number` reads it.
fn script_number(value: f64) -> String {
    match value {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        value => format!("{value:.6}"),
    }
}
