//! What is read and written, as a table: `autochrome formats` prints it, and the manual has the same.

use super::{Encode, FORMATS, Format};
use crate::metadata::Holds;
use crate::picture::Depth;

const HEAD: [&str; 8] = ["format", "read", "written", "alpha", "pages", "EXIF, XMP", "IPTC", "dpi"];

/// The table in Markdown.
pub fn table() -> String {
    let mut rows = vec![HEAD.map(str::to_owned), HEAD.map(|_| "---".to_owned())];
    rows.extend(FORMATS.into_iter().map(row));
    rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect()
}

fn row(format: &Format) -> [String; 8] {
    let Some(writer) = &format.write else {
        let rest = ["no: PNG unless told otherwise", "read", "1", "read", "", ""].map(str::to_owned);
        let [written, alpha, pages, blocks, iptc, dpi] = rest;
        return [format.name.into(), format.kinds.into(), written, alpha, pages, blocks, iptc, dpi];
    };
    let yes = |holds: bool| if holds { "yes" } else { "no" }.to_owned();
    let written = match writer.depth {
        Depth::Eight => "8 bits",
        Depth::Sixteen => "8, 16 bits",
        Depth::Float => "8, 16, 32 float bits",
    };
    let Holds { exif, xmp, iptc, density, .. } = writer.holds;
    let blocks = match exif.min(xmp) {
        0 => "no".into(),
        1..=65_535 => "yes, 64 KB each".into(),
        _ => "yes".into(),
    };
    [
        format.name.into(),
        format.kinds.into(),
        written.into(),
        if writer.alpha { "yes" } else { "no: refused" }.into(),
        if matches!(writer.encode, Encode::Many(_)) { "all" } else { "1" }.into(),
        blocks,
        yes(iptc > 0),
        if !density && exif > 0 { "in EXIF".into() } else { yes(density) },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_this_table() {
        let manual = include_str!("../../../../docs/command-line.md");
        assert!(manual.contains(&table()), "docs/command-line.md is to have this table:\n\n{}", table());
    }
}
