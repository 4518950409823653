//! Contact sheets: pictures side by side, to be looked at.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

/// Side of a cell in pixels; larger pictures are reduced to fit, smaller ones are not enlarged.
pub const CELL: u32 = 256;
/// Pixels between cells.
const GAP: u32 = 4;

/// Rows of pictures in columns, such as gray, truth and output.
#[derive(Debug, Clone)]
pub struct Sheet {
    columns: u32,
    rows: Vec<RgbImage>,
    most: usize,
}

impl Sheet {
    /// A sheet of `columns` pictures a row and `most` rows; rows beyond are left out.
    pub fn new(columns: u32, most: usize) -> Self {
        Self { columns, rows: Vec::new(), most }
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
    pub fn picture(&self) -> RgbImage {
        let count = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let height = (count.saturating_mul(CELL + GAP)).saturating_sub(GAP).max(1);
        let mut sheet = RgbImage::from_pixel(self.width(), height, Rgb([255; 3]));
        for (index, row) in (0_u32..).zip(&self.rows) {
            imageops::replace(&mut sheet, row, 0, i64::from(index * (CELL + GAP)));
        }
        sheet
    }

    /// Writes the sheet as PNG, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        save_png(&self.picture(), path)
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
    crate::checkpoint::write_whole(path, bytes.get_ref())
}

/// The picture, reduced where it must be for both its sides to be at most `most` pixels; never enlarged.
#[must_use]
pub fn fitted(picture: &RgbImage, most: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let long = width.max(height);
    if long <= most {
        return picture.clone();
    }
    let side =
        |side: u32| u32::try_from(u64::from(side) * u64::from(most) / u64::from(long)).unwrap_or(most).max(1);
    imageops::resize(picture, side(width), side(height), FilterType::Triangle)
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
        let picture = sheet.picture();
        assert_eq!(picture.dimensions(), (516, 516));
        assert_eq!(picture.get_pixel(0, 0).0, [255, 0, 0]);
        // The wide picture is 256x128 in the middle of its cell.
        assert_eq!(picture.get_pixel(300, 10).0, [255, 255, 255]);
        assert_eq!(picture.get_pixel(300, 128).0, [0, 0, 255]);
    }
}
