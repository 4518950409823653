//! Contact sheets: pictures side by side.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

use crate::draw::plot::{Align, write_text};

/// Side of a cell in pixels; larger pictures are reduced to fit, small ones enlarged by a whole factor.
pub const CELL: u32 = 256;
/// Height of the row of headings, in pixels.
const HEADING: u32 = 30;
/// Pixels between cells.
const GAP: u32 = 4;

/// Rows of pictures in columns, such as gray, truth and output.
#[derive(Debug, Clone)]
pub struct Sheet {
    columns: u32,
    headings: Vec<String>,
    rows: Vec<RgbImage>,
    most: usize,
}

impl Sheet {
    /// A sheet of `columns` pictures a row and `most` rows; rows beyond are left out.
    pub fn new(columns: u32, most: usize) -> Self {
        Self { columns, headings: Vec::new(), rows: Vec::new(), most }
    }

    /// A sheet with a heading over each column.
    pub fn headed(headings: Vec<String>, most: usize) -> Self {
        let columns = u32::try_from(headings.len()).unwrap_or(0);
        Self { headings, ..Self::new(columns, most) }
    }

    /// Adds a row of pictures; those beyond the columns are cut off.
    pub fn add(&mut self, pictures: &[&RgbImage]) {
        if self.rows.len() >= self.most {
            return;
        }
        let mut row = RgbImage::from_pixel(self.width(), CELL, Rgb([255; 3]));
        for (column, picture) in (0_u32..).zip(pictures) {
            let cell = fitted(picture, CELL);
            let left = i64::from(column * (CELL + GAP) + (CELL - cell.width()) / 2);
            imageops::replace(&mut row, &cell, left, i64::from((CELL - cell.height()) / 2));
        }
        self.rows.push(row);
    }

    /// The whole sheet on white.
    ///
    /// # Errors
    /// The headings cannot be drawn.
    pub fn picture(&self) -> Result<RgbImage> {
        let top = if self.headings.is_empty() { 0 } else { HEADING };
        let count = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let height = (count.saturating_mul(CELL + GAP)).saturating_sub(GAP).saturating_add(top).max(1);
        let mut sheet = RgbImage::from_pixel(self.width(), height, Rgb([255; 3]));
        for (column, heading) in (0_u32..).zip(&self.headings) {
            let place = (i32::try_from(column * (CELL + GAP) + CELL / 2)?, i32::try_from(HEADING / 2)?);
            write_text(&mut sheet, heading, place, 18, Align::Center)?;
        }
        for (index, row) in (0_u32..).zip(&self.rows) {
            imageops::replace(&mut sheet, row, 0, i64::from(top + index * (CELL + GAP)));
        }
        Ok(sheet)
    }

    /// Writes the sheet as PNG, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        save_png(&self.picture()?, path)
    }

    fn width(&self) -> u32 {
        (self.columns * (CELL + GAP)).saturating_sub(GAP).max(1)
    }
}

/// Writes a PNG, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn save_png(picture: &RgbImage, path: &Path) -> Result<()> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).with_context(|| format!("{}", path.display()))?;
    crate::files::write_whole(path, bytes.get_ref())
}

/// The picture with its longer side at most `side`: larger ones reduced, small ones enlarged by the greatest whole
/// factor, each pixel a square.
#[must_use]
pub fn fitted(picture: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let long = width.max(height).max(1);
    if long <= side {
        let factor = side / long;
        return imageops::resize(picture, width * factor, height * factor, FilterType::Nearest);
    }
    reduced(picture, side)
}

/// The picture, reduced where its longer side is above `most`; never enlarged.
#[must_use]
pub fn reduced(picture: &RgbImage, most: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let long = width.max(height);
    if long <= most {
        return picture.clone();
    }
    let scaled =
        |from: u32| u32::try_from(u64::from(from) * u64::from(most) / u64::from(long)).unwrap_or(most).max(1);
    imageops::resize(picture, scaled(width), scaled(height), FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_in_their_cells_and_rows_beyond_are_left_out() {
        let (red, blue) = (
            RgbImage::from_pixel(256, 256, Rgb([255, 0, 0])),
            RgbImage::from_pixel(1024, 512, Rgb([0, 0, 255])),
        );
        let mut sheet = Sheet::new(2, 2);
        (0..5).for_each(|_| sheet.add(&[&red, &blue]));
        let picture = sheet.picture().unwrap();
        assert_eq!(picture.dimensions(), (516, 516));
        assert_eq!(picture.get_pixel(0, 0).0, [255, 0, 0]);
        // The wide picture is 256x128 in the middle of its cell.
        assert_eq!(picture.get_pixel(300, 10).0, [255, 255, 255]);
        assert_eq!(picture.get_pixel(300, 128).0, [0, 0, 255]);
    }

    #[test]
    fn small_pictures_are_enlarged_and_columns_have_headings() {
        let small =
            RgbImage::from_fn(32, 32, |x, _| if x < 16 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) });
        let mut sheet = Sheet::headed(vec!["gray".to_owned(), "truth".to_owned()], 1);
        sheet.add(&[&small, &small]);
        let picture = sheet.picture().unwrap();
        assert_eq!(picture.dimensions(), (516, 256 + 30));
        // No color between the two: pixels are squares of 8.
        assert_eq!(picture.get_pixel(127, 40).0, [255, 0, 0]);
        assert_eq!(picture.get_pixel(128, 40).0, [0, 0, 255]);
        assert!((0..256).any(|x| picture.get_pixel(x, 15).0[0] < 100), "a heading");
        assert_eq!(fitted(&RgbImage::new(100, 300), 256).dimensions(), (85, 256));
    }
}
