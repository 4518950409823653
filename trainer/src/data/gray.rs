//! A photograph without its colors, as a host would hand it over.

use autochrome_models::color;
use image::{GrayImage, Luma, Rgb, RgbImage};

/// The 8-bit gray whose L is that of the photograph, rounded.
pub fn gray_of(photograph: &RgbImage) -> GrayImage {
    GrayImage::from_fn(photograph.width(), photograph.height(), |x, y| {
        let [lightness, ..] = color::srgb8_to_lab(photograph.get_pixel(x, y).0);
        Luma([color::unit_to_u8(color::linear_to_srgb(color::lightness_to_luminance(lightness)))])
    })
}

/// The same picture in three equal channels: the output of a colorizer that finds no color.
pub fn gray_as_rgb(gray: &GrayImage) -> RgbImage {
    RgbImage::from_fn(gray.width(), gray.height(), |x, y| Rgb([gray.get_pixel(x, y).0[0]; 3]))
}
