//! The gallery of the HTML report, collected while photographs are measured.
//!
//! The idea: **what is shown is what was measured**. Pictures are kept as they are measured, so that nothing is
//! decoded or colorized a second time, and only those that fit on the page are kept.

use anyhow::Result;

use crate::draw::{CELL, reduced};
use crate::metric::bootstrap;
use crate::metric::set::{Report, Row, Ruler, Seen, Viewer};
use crate::page;

/// Collects the pictures of the first photographs, and measures the gray picture of every one.
#[derive(Debug)]
pub struct Gallery {
    most: usize,
    ruler: Ruler,
    pictures: Vec<[String; 3]>,
    gray_rows: Vec<Row>,
}

/// What a gallery has collected; both lists are in the order of the report's rows.
#[derive(Debug)]
pub struct Exhibition {
    /// URIs of [gray, output, truth] of the first photographs, at most 256 pixels per side.
    pub pictures: Vec<[String; 3]>,
    /// The gray pictures, measured as if they were outputs.
    pub gray: Report,
}

impl Gallery {
    /// A gallery that keeps the pictures of the first `most` photographs.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, ruler: Ruler::new(), pictures: Vec::new(), gray_rows: Vec::new() }
    }

    /// What was collected; `classifiers` are those used.
    #[must_use]
    pub fn into_exhibition(self, classifiers: &[&'static str]) -> Exhibition {
        let gray = Report::new(self.gray_rows, Vec::new(), classifiers.to_vec(), bootstrap::RESAMPLES);
        Exhibition { pictures: self.pictures, gray }
    }
}

impl Viewer for Gallery {
    fn see(&mut self, seen: &Seen<'_>) -> Result<()> {
        let row = self.ruler.measure(seen.name.to_owned(), seen.truth, seen.gray);
        self.gray_rows.push(Row { verdict: seen.verdict.of_gray(), ..row });
        if self.pictures.len() < self.most {
            let uri = |picture| Ok::<_, anyhow::Error>(page::jpeg_uri(&page::jpeg(&reduced(picture, CELL))?));
            self.pictures.push([uri(seen.gray)?, uri(seen.output)?, uri(seen.truth)?]);
        }
        Ok(())
    }
}
