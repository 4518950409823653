//! What the command line itself says about colours: whether there are any, which, and what they are without lightness.
//!
//! CIELAB from sRGB, D65. How colours come to be is the plugin's and not known here.

pub mod layer;
pub mod palette;
pub mod spread;

use autochrome_loader::Format;

use crate::picture::Picture;

/// The colours of a picture, 0..1, wherever they lie.
pub struct Colours<'a> {
    picture: &'a Picture,
    width: usize,
    bytes: usize,
    sample: usize,
}

impl<'a> Colours<'a> {
    /// The colours of `picture`; `None` when it is gray.
    pub fn of(picture: &'a Picture) -> Option<Self> {
        let sample = match picture.format {
            Format::Rgb8 | Format::Rgba8 => 1,
            Format::Rgb16 | Format::Rgba16 => 2,
            Format::RgbaF32 => 4,
            _ => return None,
        };
        let width = usize::try_from(picture.width).ok()?;
        Some(Self { picture, width, bytes: picture.format.bytes_per_pixel(), sample })
    }

    /// Red, green and blue at a place.
    pub fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let pixel = &self.picture.pixels[(y * self.width + x) * self.bytes..][..self.bytes];
        [0, 1, 2].map(|channel| level(&pixel[channel * self.sample..][..self.sample]))
    }
}

/// A sample, 0..1.
pub fn level(sample: &[u8]) -> f32 {
    match *sample {
        [byte] => f32::from(byte) / 255.0,
        [high, low] => f32::from(u16::from_ne_bytes([high, low])) / 65_535.0,
        [a, b, c, d] => f32::from_ne_bytes([a, b, c, d]).clamp(0.0, 1.0),
        _ => 0.0,
    }
}

/// CIELAB (CIE 15:2004) of an sRGB-encoded colour, 0..1.
pub fn lab(rgb: [f32; 3]) -> [f32; 3] {
    let [red, green, blue] =
        rgb.map(|v| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) });
    let x = (0.412_456 * red + 0.357_576 * green + 0.180_437 * blue) / 0.950_47;
    let y = 0.212_673 * red + 0.715_152 * green + 0.072_175 * blue;
    let z = (0.019_334 * red + 0.119_192 * green + 0.950_304 * blue) / 1.088_83;
    let [x, y, z] =
        [x, y, z].map(|t| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The sRGB-encoded colour of CIELAB; outside 0..1 where sRGB cannot show it.
pub fn rgb([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let y = (lightness + 16.0) / 116.0;
    let [x, y, z] = [y + a / 500.0, y, y - b / 200.0]
        .map(|f| if f > 6.0 / 29.0 { f * f * f } else { (116.0 * f - 16.0) * 27.0 / 24_389.0 });
    let (x, z) = (x * 0.950_47, z * 1.088_83);
    let linear = [
        3.240_454 * x - 1.537_139 * y - 0.498_531 * z,
        -0.969_266 * x + 1.876_011 * y + 0.041_556 * z,
        0.055_643 * x - 0.204_026 * y + 1.057_225 * z,
    ];
    linear.map(|v| if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_have_the_lab_of_the_literature() {
        for (colour, expected) in
            [([1.0, 0.0, 0.0], [53.2, 80.1, 67.2]), ([0.0, 0.0, 1.0], [32.3, 79.2, -107.9])]
        {
            for (found, expected) in lab(colour).into_iter().zip(expected) {
                assert!((found - expected).abs() < 0.1, "{found}, expected {expected}");
            }
        }
    }

    #[test]
    fn there_and_back_is_where_it_was() {
        for step in 0..1000_u16 {
            let colour = [step % 10, step / 10 % 10, step / 100].map(|level| f32::from(level) / 9.0);
            for (found, expected) in rgb(lab(colour)).into_iter().zip(colour) {
                assert!((found - expected).abs() < 2e-4, "{found}, expected {expected}");
            }
        }
    }
}
