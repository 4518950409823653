//! Measures of a colorized photograph against the photograph it was made from: one file each.
//!
//! The idea: **every measure reads what a viewer gets, 8-bit sRGB, and sums in f64**, so that a number depends on
//! the two pictures alone and not on the network, the device or the order of the images. A file here measures
//! one image; combining images (mean, ratio of means, share of all pixels) and the 95% interval are up to [`set`], with
//! [`bootstrap`].
//!
//! | file | measure |
//! |---|---|
//! | [`auc`] | AuC and rebalanced AuC: the share of pixels within a distance in ab |
//! | [`psnr`], [`ssim`] | fidelity of the RGB picture |
//! | [`colorfulness`], [`chroma`], [`spread`] | how much color, and whether it is one flat tint |
//! | [`blot`] | clouds of color where the photograph is calm |
//! | [`lightness`], [`ciede2000`] | what became of L; the visible difference |
//! | [`lpips`] | the difference a network sees |
//! | [`classifier`] | does a network that knows objects recognize the colorized photograph |

pub mod auc;
pub mod blot;
pub mod bootstrap;
pub mod chroma;
pub mod ciede2000;
pub mod classifier;
pub mod colorfulness;
pub mod lightness;
pub mod lpips;
pub mod psnr;
pub mod set;
pub mod spread;
pub mod ssim;

use autochrome_models::color;

/// A picture in CIELAB (D65, 2 degrees), one plane a coordinate, rows from the top, all planes of one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LabPlanes {
    /// Lightness, 0 to 100.
    pub l: Vec<f32>,
    /// Green to red, about -87 to 99 within sRGB.
    pub a: Vec<f32>,
    /// Blue to yellow, about -108 to 95 within sRGB.
    pub b: Vec<f32>,
}

impl LabPlanes {
    /// Converts interleaved 8-bit sRGB (three bytes per pixel, no padding).
    pub fn from_rgb8(rgb: &[u8]) -> Self {
        let pixels = rgb.len() / 3;
        let mut planes = Self {
            l: Vec::with_capacity(pixels),
            a: Vec::with_capacity(pixels),
            b: Vec::with_capacity(pixels),
        };
        for pixel in rgb.chunks_exact(3) {
            let [l, a, b] = color::srgb8_to_lab([pixel[0], pixel[1], pixel[2]]);
            planes.l.push(l);
            planes.a.push(a);
            planes.b.push(b);
        }
        planes
    }

    /// Pixels in the picture.
    pub fn len(&self) -> usize {
        self.l.len()
    }

    /// Whether the picture has no pixel.
    pub fn is_empty(&self) -> bool {
        self.l.is_empty()
    }

    /// One pixel.
    pub(crate) fn lab(&self, index: usize) -> [f32; 3] {
        [self.l[index], self.a[index], self.b[index]]
    }

    /// The (a, b) of every pixel, as f64.
    pub(crate) fn ab(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.a.iter().zip(&self.b).map(|(&a, &b)| (f64::from(a), f64::from(b)))
    }
}

/// The mean of a sequence in f64; NaN for an empty one.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Mean and population variance (divided by n) of a sequence, in one pass about its first value.
pub(crate) fn mean_and_variance(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let mut values = values.into_iter().peekable();
    let shift = values.peek().copied().unwrap_or(f64::NAN);
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        let value = value - shift;
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean = sum / count;
    (mean + shift, (squares / count - mean * mean).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_variance_of_three_numbers() {
        // 2, 4, 9: mean 5, deviations -3, -1, 4, squares 9 + 1 + 16 = 26, over 3.
        let (mean, variance) = mean_and_variance([2.0, 4.0, 9.0]);
        assert!((mean - 5.0).abs() < 1e-12);
        assert!((variance - 26.0 / 3.0).abs() < 1e-12);
        assert!(mean_and_variance([]).0.is_nan());
    }

    #[test]
    fn gray_has_no_ab_and_white_has_l_100() {
        let planes = LabPlanes::from_rgb8(&[255, 255, 255, 128, 128, 128]);
        assert_eq!(planes.len(), 2);
        assert!((planes.l[0] - 100.0).abs() < 0.01);
        assert!((planes.l[1] - 53.585).abs() < 0.01);
        assert!(planes.ab().all(|(a, b)| a.abs() < 0.02 && b.abs() < 0.02));
    }
}
