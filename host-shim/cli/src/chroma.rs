//! Whether a photograph has colours already: how far the (a, b) of its parts lie from the mean of the parts that
//! are as light.
//!
//! Not how far they lie from gray: in a toned print (sepia, cyanotype) the hue follows from the lightness, so parts as
//! light as each other look alike, and such a print is to be colorized. CIELAB from sRGB, D65.

use autochrome_loader::Format;

use crate::decode::Picture;

/// Parts a side that the picture is averaged to: noise goes, colours stay.
const PARTS: usize = 64;
/// Samples a side that a part is averaged from.
const SAMPLES: usize = 4;
/// Steps of lightness within which parts are compared.
const STEPS: usize = 40;
/// Mean distance in units of CIELAB from which a picture counts as coloured.
pub const THRESHOLD: f32 = 2.0;

/// Mean distance of the parts' (a, b) from the mean of the parts as light; 0 for a gray picture.
pub fn spread(picture: &Picture) -> f32 {
    let depth = match picture.format {
        Format::Rgb8 | Format::Rgba8 => 1,
        Format::Rgb16 | Format::Rgba16 => 2,
        _ => return 0.0,
    };
    let bytes = picture.format.bytes_per_pixel();
    let width = usize::try_from(picture.width).unwrap_or(usize::MAX);
    let height = usize::try_from(picture.height).unwrap_or(usize::MAX);
    let (columns, rows) = (width.min(PARTS), height.min(PARTS));
    let mut steps = vec![Vec::new(); STEPS];
    for part in 0..rows * columns {
        let mut sum = [0.0; 3];
        for sample in 0..SAMPLES * SAMPLES {
            let x = (part % columns * SAMPLES + sample % SAMPLES) * width / (columns * SAMPLES);
            let y = (part / columns * SAMPLES + sample / SAMPLES) * height / (rows * SAMPLES);
            let pixel = &picture.pixels[(y * width + x) * bytes..][..bytes];
            for (channel, sum) in sum.iter_mut().enumerate() {
                *sum += level(&pixel[channel * depth..][..depth]);
            }
        }
        let [lightness, a, b] = lab(sum.map(|sum| sum / 16.0));
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

/// A sample, 0..1.
fn level(sample: &[u8]) -> f32 {
    match *sample {
        [high, low] => f32::from(u16::from_ne_bytes([high, low])) / 65_535.0,
        [byte] => f32::from(byte) / 255.0,
        _ => 0.0,
    }
}

/// Sum of the points' distances from their mean.
fn distance_from_mean(points: &[[f32; 2]]) -> f32 {
    let mean = |axis: usize| points.iter().map(|point| point[axis]).sum::<f32>() / count(points.len().max(1));
    let (a, b) = (mean(0), mean(1));
    points.iter().map(|point| (point[0] - a).hypot(point[1] - b)).sum()
}

/// CIELAB (CIE 15:2004) of an sRGB-encoded colour, 0..1.
fn lab(rgb: [f32; 3]) -> [f32; 3] {
    let [red, green, blue] =
        rgb.map(|v| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) });
    let x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47;
    let y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83;
    let [x, y, z] =
        [x, y, z].map(|t| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread_of(colour: impl Fn(u8) -> [u8; 3]) -> f32 {
        let pixels = (0..200 * 100_usize).flat_map(|i| colour(u8::try_from(i % 200).unwrap())).collect();
        spread(&Picture { format: Format::Rgb8, width: 200, height: 100, pixels, profile: None })
    }

    #[test]
    fn gray_and_toned_pictures_have_no_colours() {
        assert!(spread_of(|x| [x; 3]) < 0.1);
        let sepia = spread_of(|x| [x.saturating_add(12), x, x / 8 * 7]);
        assert!(sepia < THRESHOLD, "{sepia}");
    }

    #[test]
    fn a_picture_of_two_colours_has_colours() {
        let two = spread_of(|x| {
            let level = x % 100 + 80;
            if x < 100 { [level, level / 4 * 3, level / 2] } else { [level / 2, level / 4 * 3, level] }
        });
        assert!(two > THRESHOLD, "{two}");
    }

    #[test]
    fn primaries_have_the_lab_of_the_literature() {
        for (rgb, expected) in
            [([1.0, 0.0, 0.0], [53.2, 80.1, 67.2]), ([0.0, 0.0, 1.0], [32.3, 79.2, -107.9])]
        {
            let found = lab(rgb);
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() < 0.1, "{found}, expected {expected}");
            }
        }
    }
}
