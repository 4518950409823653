//! Who looks on while photographs are measured: the contact sheet, and the gallery of the HTML report.
//!
//! The idea: **what is shown is what was measured**. Pictures are taken on the way, so that nothing is decoded or
//! colorized a second time, and only those that fit on the page are kept.

use anyhow::Result;
use image::RgbImage;

use super::{EvalArgs, Report, Row, Ruler, Verdict};
use crate::figure::{CELL, Sheet, reduced};
use crate::metric::bootstrap;
use crate::page;

/// A photograph as it is measured; the pictures have one size.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its path inside the data set.
    pub name: &'a str,
    /// What the model was given, in three equal channels.
    pub gray: &'a RgbImage,
    /// What the model made of it.
    pub output: &'a RgbImage,
    /// The photograph.
    pub truth: &'a RgbImage,
    /// What the networks say of it.
    pub verdict: &'a Verdict,
}

/// Is shown every photograph that is measured, in order.
pub trait Viewer {
    /// One photograph.
    ///
    /// # Errors
    /// A picture cannot be kept.
    fn see(&mut self, seen: &Seen<'_>) -> Result<()>;
}

/// The viewers that a run of `eval` asks for.
#[derive(Debug)]
pub struct Viewers {
    /// The contact sheet of `--sheet`.
    pub sheet: Option<Sheet>,
    /// The gallery of `--html`.
    pub gallery: Option<Gallery>,
}

impl Viewers {
    /// Those that the arguments name.
    #[must_use]
    pub fn new(args: &EvalArgs) -> Self {
        Self {
            sheet: args.sheet.as_ref().map(|_| Sheet::new(3, args.sheet_count)),
            gallery: args.html.as_ref().map(|_| Gallery::new(args.html_count)),
        }
    }

    /// Writes the files that the arguments name.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(self, args: &EvalArgs, report: &Report, own_temperature: Option<f64>) -> Result<()> {
        if let (Some(sheet), Some(path)) = (&self.sheet, &args.sheet) {
            sheet.save(path)?;
        }
        if let (Some(gallery), Some(path)) = (self.gallery, &args.html) {
            super::page::save(path, report, &gallery.into_exhibition(&report.classifiers), own_temperature)?;
        }
        Ok(())
    }
}

impl Viewer for Viewers {
    fn see(&mut self, seen: &Seen<'_>) -> Result<()> {
        if let Some(sheet) = &mut self.sheet {
            sheet.add(&[seen.gray, seen.truth, seen.output]);
        }
        self.gallery.as_mut().map_or(Ok(()), |gallery| gallery.see(seen))
    }
}

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
    /// URIs of [gray, output, truth] of the first photographs, at most 256 pixels a side.
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

    /// What was collected; the classifiers are those that were asked.
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
