//! Reliability of confidences (Guo et al. 2017, "On calibration of modern neural networks", figure 1).
//!
//! The idea: **of the pixels whose likeliest bin has probability 0.3, that bin should be the true one for 30%**. Pixels
//! are put together by their confidence; the gaps between confidence and accuracy are what is wrong, and their mean,
//! weighted by the number of pixels, is the expected calibration error (equation 3).

use std::fmt::Write;

use anyhow::{Result, bail};
use image::RgbImage;
use image::imageops;
use plotters::prelude::*;

use super::{Area, DIM, Drawn, FONT, TRAIN, paint};

/// Bins of confidence, of equal width from 0 to 1.
pub const BINS: usize = 15;

/// Size of the picture of one table; several stand side by side.
const SIZE: (u32, u32) = (500, 720);
/// Height of the name and the numbers, and of the diagram; the histogram has the rest.
const HEADER_HEIGHT: i32 = 66;
const DIAGRAM_HEIGHT: i32 = 446;
const CONFIDENCE: RGBColor = RGBColor(214, 39, 40);
/// What lies between confidence and accuracy.
const GAP: RGBColor = RGBColor(247, 190, 190);

/// First line of the CSV.
pub const HEADER: &str = "distribution,above,up_to,cells,confidence,accuracy";

/// Cells (pixels of the network's output) of one bin of confidence, as sums.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bin {
    pixels: f64,
    confidence: f64,
    right: f64,
}

/// What was counted of one distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Which distribution, for people.
    pub name: String,
    bins: [Bin; BINS],
}

impl Reliability {
    /// An empty table.
    #[must_use]
    pub fn new(name: String) -> Self {
        Reliability { name, bins: [Bin::default(); BINS] }
    }

    /// Counts a pixel: the probability of its likeliest bin, 0 to 1, and whether that is the true one. A confidence on
    /// the border of two bins belongs to the lower.
    pub fn add(&mut self, confidence: f64, right: bool) {
        let bin = &mut self.bins[bin_of(confidence)];
        bin.pixels += 1.0;
        bin.confidence += confidence;
        bin.right += f64::from(u8::from(right));
    }

    /// Pixels counted.
    #[must_use]
    pub fn pixels(&self) -> f64 {
        self.bins.iter().map(|bin| bin.pixels).sum()
    }

    /// Pixels counted in each bin.
    pub fn counts(&self) -> impl Iterator<Item = f64> {
        self.bins.iter().map(|bin| bin.pixels)
    }

    /// Expected calibration error, 0 to 1; NaN without pixels.
    #[must_use]
    pub fn ece(&self) -> f64 {
        self.bins.iter().map(|bin| (bin.right - bin.confidence).abs()).sum::<f64>() / self.pixels()
    }

    /// Mean confidence and accuracy over all pixels, 0 to 1; NaN without pixels.
    #[must_use]
    pub fn means(&self) -> [f64; 2] {
        let sums = [|bin: &Bin| bin.confidence, |bin: &Bin| bin.right];
        sums.map(|of| self.bins.iter().map(of).sum::<f64>() / self.pixels())
    }

    /// One line a bin of confidence; without pixels, confidence and accuracy are empty.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::new();
        for (index, bin) in self.bins.iter().enumerate() {
            let mean =
                |sum: f64| if bin.pixels > 0.0 { format!("{:.5}", sum / bin.pixels) } else { String::new() };
            let (low, high, name) = (edge(index), edge(index + 1), self.name.replace(',', ";"));
            let (confidence, accuracy) = (mean(bin.confidence), mean(bin.right));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name},{low:.5},{high:.5},{:.0},{confidence},{accuracy}", bin.pixels);
        }
        text
    }

    fn draw(&self) -> Result<RgbImage> {
        paint("reliability", SIZE, |root| {
            let (header, rest) = root.split_vertically(HEADER_HEIGHT);
            let (diagram, histogram) = rest.split_vertically(DIAGRAM_HEIGHT);
            self.draw_header(&header)?;
            self.draw_diagram(&diagram)?;
            self.draw_histogram(&histogram)
        })
    }

    /// The name and the numbers of the whole table, in the colors that the histogram marks them with.
    fn draw_header(&self, area: &Area<'_>) -> Drawn {
        let [confidence, accuracy] = self.means();
        let lines = [
            (super::ascii(&self.name), 80, 12, 17, BLACK),
            (format!("ECE {:.2}%", 100.0 * self.ece()), 80, 42, 16, BLACK),
            (format!("confidence {:.1}%", 100.0 * confidence), 186, 42, 16, CONFIDENCE),
            (format!("accuracy {:.1}%", 100.0 * accuracy), 346, 42, 16, TRAIN),
        ];
        for (text, x, y, size, color) in &lines {
            area.draw(&Text::new(text.as_str(), (*x, *y), (FONT, *size).into_font().color(color)))?;
        }
        draw_key(area)
    }

    fn draw_diagram(&self, area: &Area<'_>) -> Drawn {
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .x_label_area_size(30)
            .y_label_area_size(66)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        super::mesh(&mut chart, "", "accuracy")?;
        for (index, bin) in self.bins.iter().enumerate().filter(|(_, bin)| bin.pixels > 0.0) {
            let (low, high) = (edge(index), edge(index + 1));
            let (confidence, accuracy) = (bin.confidence / bin.pixels, bin.right / bin.pixels);
            let gap = [(low, accuracy), (high, confidence)];
            let bar = [(low, 0.0), (high, accuracy)];
            chart.draw_series([
                Rectangle::new(bar, TRAIN.filled()),
                Rectangle::new(bar, WHITE.stroke_width(1)),
                Rectangle::new(gap, GAP.filled()),
                Rectangle::new(gap, CONFIDENCE.stroke_width(1)),
            ])?;
            let top = PathElement::new([(low, accuracy), (high, accuracy)], BLACK.stroke_width(3));
            chart.draw_series([top])?;
        }
        chart.draw_series([PathElement::new([(0.0, 0.0), (1.0, 1.0)], DIM.stroke_width(2))])?;
        Ok(())
    }

    fn draw_histogram(&self, area: &Area<'_>) -> Drawn {
        let total = self.pixels();
        let most = self.bins.iter().map(|bin| bin.pixels / total).fold(0.0, f64::max);
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .x_label_area_size(48)
            .y_label_area_size(66)
            .build_cartesian_2d(0.0..1.0, 0.0..most * 1.08)?;
        chart
            .configure_mesh()
            .x_desc("confidence")
            .y_desc("share of cells")
            .y_labels(4)
            .label_style((FONT, 15))
            .axis_desc_style((FONT, 17))
            .bold_line_style(super::GRID)
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&super::plain)
            .y_label_formatter(&super::plain)
            .draw()?;
        for (index, bin) in self.bins.iter().enumerate().filter(|(_, bin)| bin.pixels > 0.0) {
            let bar = [(edge(index), 0.0), (edge(index + 1), bin.pixels / total)];
            chart.draw_series([
                Rectangle::new(bar, DIM.filled()),
                Rectangle::new(bar, WHITE.stroke_width(1)),
            ])?;
        }
        let [confidence, accuracy] = self.means();
        for (x, color) in [(confidence, CONFIDENCE), (accuracy, TRAIN)] {
            chart.draw_series([PathElement::new([(x, 0.0), (x, most * 1.08)], color.stroke_width(2))])?;
        }
        Ok(())
    }
}

/// What the marks of the diagram are, beside the name.
fn draw_key(area: &Area<'_>) -> Drawn {
    area.draw(&PathElement::new([(346, 21), (364, 21)], BLACK.stroke_width(3)))?;
    area.draw(&Text::new("accuracy", (370, 14), (FONT, 14)))?;
    area.draw(&Rectangle::new([(440, 15), (454, 27)], GAP.filled()))?;
    area.draw(&Rectangle::new([(440, 15), (454, 27)], CONFIDENCE.stroke_width(1)))?;
    area.draw(&Text::new("gap", (460, 14), (FONT, 14)))?;
    Ok(())
}

/// The bin that a confidence belongs to; on the border of two, to the lower.
#[must_use]
pub fn bin_of(confidence: f64) -> usize {
    (1..BINS).position(|above| confidence <= edge(above)).unwrap_or(BINS - 1)
}

/// Border of the bins of confidence, 0 to [`BINS`].
fn edge(index: usize) -> f64 {
    let part = |n: usize| f64::from(u16::try_from(n).unwrap_or(u16::MAX));
    part(index) / part(BINS)
}

/// The tables side by side, each 500x720 pixels.
///
/// # Errors
/// There is none, or one without pixels.
pub fn draw(tables: &[Reliability]) -> Result<RgbImage> {
    if tables.is_empty() || tables.iter().any(|table| table.pixels() == 0.0) {
        bail!("reliability: expected at least one pixel, got none");
    }
    let count = u32::try_from(tables.len())?;
    let mut whole = RgbImage::new(SIZE.0 * count, SIZE.1);
    for (column, table) in (0_u32..).zip(tables) {
        imageops::replace(&mut whole, &table.draw()?, i64::from(column * SIZE.0), 0);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::super::tests::count;
    use super::*;

    /// Four pixels of confidence 0.3, one of them right, and six of 0.9, three of them right.
    fn by_hand() -> Reliability {
        let mut table = Reliability::new("by hand".to_owned());
        (0..4).for_each(|index| table.add(0.3, index == 0));
        (0..6).for_each(|index| table.add(0.9, index < 3));
        table
    }

    #[test]
    fn the_expected_calibration_error_worked_by_hand() {
        let table = by_hand();
        // 0.4 x |0.25 - 0.3| + 0.6 x |0.5 - 0.9| = 0.02 + 0.24.
        assert!((table.ece() - 0.26).abs() < 1e-12, "{}", table.ece());
        let [confidence, accuracy] = table.means();
        assert!((confidence - 0.66).abs() < 1e-12 && (accuracy - 0.4).abs() < 1e-12);
        let mut certain = Reliability::new(String::new());
        (0..5).for_each(|_| certain.add(1.0, true));
        assert_eq!((certain.ece(), certain.pixels()), (0.0, 5.0));
    }

    #[test]
    fn the_table_as_csv() {
        let csv = by_hand().csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), BINS);
        assert_eq!(lines[0], "by hand,0.00000,0.06667,0,,");
        assert_eq!(lines[4], "by hand,0.26667,0.33333,4,0.30000,0.25000");
        assert_eq!(lines[13], "by hand,0.86667,0.93333,6,0.90000,0.50000");
    }

    #[test]
    fn a_confidence_on_a_border_belongs_below_it() {
        let place = |confidence| {
            let mut table = Reliability::new(String::new());
            table.add(confidence, true);
            table.bins.iter().position(|bin| bin.pixels > 0.0)
        };
        assert_eq!([0.0, edge(1), edge(1) + 1e-9, 1.0].map(place), [Some(0), Some(0), Some(1), Some(14)]);
    }

    #[test]
    fn tables_stand_side_by_side() {
        let picture = draw(&[by_hand(), by_hand()]).unwrap();
        assert_eq!(picture.dimensions(), (1000, 720));
        assert!(count(&picture, TRAIN) > 1000);
        assert!(draw(&[]).is_err() && draw(&[Reliability::new(String::new())]).is_err());
    }
}
