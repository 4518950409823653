//! The model's confidence in its colors: a map of it, and its mean as one number.
//!
//! The idea: **the map is requested before the colors**, while the photograph is still as it was read; the plugin keeps
//! the network's output and does not run the network again for the colors.

use std::ops::ControlFlow;

use anyhow::Context;
use autochrome_loader::{Image, ImageMut, Params, PixelFormat, Session};

use crate::picture::Picture;
use crate::stop::Stop;

/// Mean over pixels, of every page that is colored.
#[derive(Default)]
pub struct Mean {
    sum: f64,
    pixels: f64,
}

impl Mean {
    /// Adds a map; returns the mean so far, 0 to 1, to four digits.
    pub fn add(&mut self, map: &Picture) -> f64 {
        self.sum += map.pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / 255.0;
        self.pixels += f64::from(map.width) * f64::from(map.height);
        (self.sum / self.pixels * 1e4).round() / 1e4
    }
}

/// The confidence map of a picture, in gray.
pub fn map(
    picture: &Picture,
    session: &mut Session,
    params: &Params,
    stop: &Stop,
) -> anyhow::Result<Picture> {
    let Picture { format, width, height, ref pixels, .. } = *picture;
    let mut gray = vec![0; pixels.len() / format.bytes_per_pixel()];
    let input = Image::tight(format, width, height, pixels)?;
    let mut output = ImageMut::tight(PixelFormat::Gray8, width, height, &mut gray)?;
    let mut tell = |_| if stop.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let result = session.confidence(params, &input, &mut output, &mut tell);
    stop.check()?;
    result.context("could not compute the confidence map")?;
    Ok(Picture::new(PixelFormat::Gray8, width, height, gray))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_counts_every_pixel_alike() {
        let map = |width: u32, value: u8| {
            Picture::new(PixelFormat::Gray8, width, 1, vec![value; usize::try_from(width).unwrap()])
        };
        let mut mean = Mean::default();
        assert_eq!(mean.add(&map(1, 255)), 1.0);
        assert_eq!(mean.add(&map(3, 0)), 0.25);
        assert_eq!(mean.add(&map(2, 51)), 0.2333);
    }
}
