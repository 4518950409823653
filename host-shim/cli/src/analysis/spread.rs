//! Whether a photograph already has color: how far the (a, b) of its parts are from the mean of equally light parts.
//!
//! Distance from gray would not do: in a toned print (sepia, cyanotype) the hue follows from the lightness, so equally
//! light parts look alike, and such a print should be colorized. CIELAB from sRGB, D65.

use autochrome_pixels::color::srgb_to_lab;

use super::colors::Colors;
use crate::picture::Picture;

/// Parts per side that the picture is averaged to: noise goes, colors stay.
const PARTS: usize = 64;
/// Samples per side that a part is averaged from.
const SAMPLES: usize = 4;
/// Steps of lightness within which parts are compared.
const STEPS: usize = 40;
/// Mean distance in units of CIELAB from which a picture counts as colored.
pub const THRESHOLD: f32 = 2.0;

/// Mean distance of the parts' (a, b) from the mean of the parts as light; 0 for a gray picture.
pub fn spread(picture: &Picture) -> f32 {
    let Some(pixels) = Colors::of(picture) else { return 0.0 };
    let width = usize::try_from(picture.width).unwrap_or(usize::MAX);
    let height = usize::try_from(picture.height).unwrap_or(usize::MAX);
    let (columns, rows) = (width.min(PARTS), height.min(PARTS));
    let mut steps = vec![Vec::new(); STEPS];
    for part in 0..rows * columns {
        let mut sum = [0.0; 3];
        for sample in 0..SAMPLES * SAMPLES {
            let x = (part % columns * SAMPLES + sample % SAMPLES) * width / (columns * SAMPLES);
            let y = (part / columns * SAMPLES + sample / SAMPLES) * height / (rows * SAMPLES);
            for (sum, sample) in sum.iter_mut().zip(pixels.at(x, y)) {
                *sum += sample;
            }
        }
        let [lightness, a, b] = srgb_to_lab(sum.map(|sum| sum / 16.0));
        steps[step(lightness)].push([a, b]);
    }
    let total: f32 = steps.iter().map(|points| distance_from_mean(points)).sum();
    total / count(rows * columns)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 first")]
fn step(lightness: f32) -> usize {
    (lightness.clamp(0.0, 100.0) as usize * STEPS / 100).min(STEPS - 1)
}

#[expect(clippy::cast_precision_loss, reason = "at most 4096 parts")]
fn count(parts: usize) -> f32 {
    parts as f32
}

/// Sum of the points' distances from their mean.
fn distance_from_mean(points: &[[f32; 2]]) -> f32 {
    let mean = |axis: usize| points.iter().map(|point| point[axis]).sum::<f32>() / count(points.len().max(1));
    let (a, b) = (mean(0), mean(1));
    points.iter().map(|point| (point[0] - a).hypot(point[1] - b)).sum()
}

#[cfg(test)]
mod tests {
    use autochrome_loader::PixelFormat;

    use super::*;

    fn spread_of(color: impl Fn(u8) -> [u8; 3]) -> f32 {
        let pixels = (0..200 * 100_usize).flat_map(|i| color(u8::try_from(i % 200).unwrap())).collect();
        spread(&Picture::new(PixelFormat::Rgb8, 200, 100, pixels))
    }

    #[test]
    fn gray_and_toned_pictures_have_no_colors() {
        assert!(spread_of(|x| [x; 3]) < 0.1);
        let sepia = spread_of(|x| [x.saturating_add(12), x, x / 8 * 7]);
        assert!(sepia < THRESHOLD, "{sepia}");
    }

    #[test]
    fn a_picture_of_two_colors_has_colors() {
        let two = spread_of(|x| {
            let level = x % 100 + 80;
            if x < 100 { [level, level / 4 * 3, level / 2] } else { [level / 2, level / 4 * 3, level] }
        });
        assert!(two > THRESHOLD, "{two}");
    }
}
