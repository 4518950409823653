//! Whether a photograph has colours already: how far the (a, b) of its parts lie from their mean.
//!
//! The distance from the mean, not from gray: a toned print (sepia, cyanotype) has one hue everywhere and is to be
//! colorized, and so is a scan with a cast. CIELAB as in CIE 15:2004, from sRGB, D65.

use autochrome_loader::Format;

use crate::decode::Picture;

/// Parts a side that the picture is averaged to: noise goes, colours stay.
const PARTS: usize = 64;
/// Samples a side that a part is averaged from.
const SAMPLES: usize = 4;
/// Mean distance from the mean (a, b), in units of CIELAB, from which a picture counts as coloured.
pub const THRESHOLD: f32 = 4.0;

/// Mean distance of the parts' (a, b) from their mean; 0 for a gray picture.
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
    let mut parts = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        for column in 0..columns {
            let mut sum = [0.0; 3];
            for sample in 0..SAMPLES * SAMPLES {
                let x = (column * SAMPLES + sample % SAMPLES) * width / (columns * SAMPLES);
                let y = (row * SAMPLES + sample / SAMPLES) * height / (rows * SAMPLES);
                let pixel = &picture.pixels[(y * width + x) * bytes..][..bytes];
                for (channel, sum) in sum.iter_mut().enumerate() {
                    *sum += level(&pixel[channel * depth..][..depth]);
                }
            }
            parts.push(ab(sum.map(|sum| sum / 16.0)));
        }
    }
    mean_distance(&parts)
}

/// A sample, 0..1.
fn level(sample: &[u8]) -> f32 {
    match *sample {
        [high, low] => f32::from(u16::from_ne_bytes([high, low])) / 65_535.0,
        [byte] => f32::from(byte) / 255.0,
        _ => 0.0,
    }
}

fn mean_distance(points: &[[f32; 2]]) -> f32 {
    let mean_of = |value: &dyn Fn(&[f32; 2]) -> f32| {
        #[expect(clippy::cast_precision_loss, reason = "at most 4096 points")]
        let count = points.len() as f32;
        points.iter().map(value).sum::<f32>() / count
    };
    let (a, b) = (mean_of(&|point| point[0]), mean_of(&|point| point[1]));
    mean_of(&|point| (point[0] - a).hypot(point[1] - b))
}

/// (a, b) of an sRGB-encoded colour, 0..1.
fn ab(rgb: [f32; 3]) -> [f32; 2] {
    let [red, green, blue] =
        rgb.map(|v| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) });
    let x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47;
    let y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83;
    let [x, y, z] =
        [x, y, z].map(|t| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 });
    [500.0 * (x - y), 200.0 * (y - z)]
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
        let two = spread_of(|x| if x < 100 { [150, 120, 90] } else { [100, 130, 160] });
        assert!(two > THRESHOLD, "{two}");
    }

    #[test]
    fn primaries_have_the_ab_of_the_literature() {
        for (rgb, expected) in [([1.0, 0.0, 0.0], [80.1, 67.2]), ([0.0, 0.0, 1.0], [79.2, -107.9])] {
            let found = ab(rgb);
            assert!(
                (found[0] - expected[0]).abs() < 0.1 && (found[1] - expected[1]).abs() < 0.1,
                "{found:?}"
            );
        }
    }
}
