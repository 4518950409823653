//! `--palette`: the dominant colors of a result, by k-means in CIELAB over a grid of its pixels.
//!
//! It starts from the colors that are farthest apart (maximin), so that the same picture always gives the same palette,
//! and small vivid things are not lost among large dull ones.

use autochrome_pixels::color::{lab_to_srgb, srgb_to_lab};
use serde::Serialize;

use super::colors::Colors;
use crate::picture::{Picture, narrowed, quantised};

/// Grid points per side that are sampled.
const PLACES: usize = 96;
/// Rounds of k-means; it converges long before.
const ROUNDS: usize = 24;

/// One of the dominant colors.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Swatch {
    /// `#rrggbb`, sRGB.
    pub hex: String,
    /// CIELAB, D65.
    pub lab: [f32; 3],
    /// Share of the picture, 0..1.
    pub share: f32,
}

/// At most `count` dominant colors of `picture`, the most frequent first; none for a gray one.
pub fn of(picture: &Picture, count: usize) -> Vec<Swatch> {
    let Some(colors) = Colors::of(picture) else { return Vec::new() };
    let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
    let (width, height) = (side(picture.width), side(picture.height));
    let (columns, rows) = (width.min(PLACES), height.min(PLACES));
    let points: Vec<[f32; 3]> = (0..rows * columns)
        .map(|place| {
            let x = (place % columns * 2 + 1) * width / (columns * 2);
            let y = (place / columns * 2 + 1) * height / (rows * 2);
            srgb_to_lab(colors.at(x, y))
        })
        .collect();
    let mut centers = farthest(&points, count);
    let mut sizes = Vec::new();
    for _ in 0..ROUNDS {
        let before = centers.clone();
        sizes = moved(&points, &mut centers);
        if before == centers {
            break;
        }
    }
    swatches(&centers, &sizes, points.len())
}

fn distance(one: [f32; 3], other: [f32; 3]) -> f32 {
    one.into_iter().zip(other).map(|(one, other)| (one - other) * (one - other)).sum()
}

/// The mean, then repeatedly the point farthest from all chosen so far; fewer when points coincide.
fn farthest(points: &[[f32; 3]], count: usize) -> Vec<[f32; 3]> {
    let mut centers = vec![mean(points.iter())];
    let mut nearest: Vec<f32> = points.iter().map(|point| distance(*point, centers[0])).collect();
    while centers.len() < count {
        let farthest = nearest.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
        let Some((index, _)) = farthest.filter(|(_, distance)| **distance > 1.0) else { break };
        let center = points[index];
        centers.push(center);
        for (nearest, point) in nearest.iter_mut().zip(points) {
            *nearest = nearest.min(distance(*point, center));
        }
    }
    centers
}

fn mean<'a>(points: impl ExactSizeIterator<Item = &'a [f32; 3]>) -> [f32; 3] {
    let count = share(points.len(), 1);
    let sum = points.fold([0.0; 3], |sum, point| [0, 1, 2].map(|axis| sum[axis] + point[axis]));
    sum.map(|sum: f32| sum / count.max(1.0))
}

#[expect(clippy::cast_precision_loss, reason = "at most 96 x 96 places")]
fn share(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

/// One round: every center moves to the mean of the points nearest to it; returns how many those are.
fn moved(points: &[[f32; 3]], centers: &mut [[f32; 3]]) -> Vec<usize> {
    let mut members = vec![Vec::new(); centers.len()];
    for point in points {
        let distances = centers.iter().map(|center| distance(*point, *center)).enumerate();
        let nearest = distances.min_by(|one, other| one.1.total_cmp(&other.1)).map_or(0, |(index, _)| index);
        members[nearest].push(*point);
    }
    for (center, members) in centers.iter_mut().zip(&members) {
        if !members.is_empty() {
            *center = mean(members.iter());
        }
    }
    members.iter().map(Vec::len).collect()
}

fn swatches(centers: &[[f32; 3]], sizes: &[usize], points: usize) -> Vec<Swatch> {
    let mut order: Vec<(usize, [f32; 3])> = sizes.iter().copied().zip(centers.iter().copied()).collect();
    order.retain(|(size, _)| *size > 0);
    order.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let rounded = |value: f32, steps: f32| (value * steps).round() / steps;
    let swatch = |(size, center): (usize, [f32; 3])| {
        let [red, green, blue] = lab_to_srgb(center).map(|sample| narrowed(quantised(sample)));
        Swatch {
            hex: format!("#{red:02x}{green:02x}{blue:02x}"),
            lab: center.map(|value| rounded(value, 10.0)),
            share: rounded(share(size, points), 1000.0),
        }
    };
    order.into_iter().map(swatch).collect()
}

#[cfg(test)]
mod tests {
    use autochrome_loader::PixelFormat;

    use super::*;

    #[test]
    fn stripes_of_color_are_found_with_their_shares() {
        let stripes = [([200, 40, 40], 50), ([30, 60, 160], 30), ([240, 240, 235], 20)];
        let row: Vec<u8> = stripes.iter().flat_map(|(color, width)| color.repeat(*width)).collect();
        let picture = Picture::new(PixelFormat::Rgb8, 100, 100, row.repeat(100));
        let palette = of(&picture, 3);
        let found: Vec<&str> = palette.iter().map(|swatch| swatch.hex.as_str()).collect();
        assert_eq!(found, ["#c82828", "#1e3ca0", "#f0f0eb"]);
        for (swatch, (_, width)) in palette.iter().zip(stripes) {
            assert!((swatch.share - share(width, 100)).abs() < 0.02, "{swatch:?}");
        }
        // No more than there are, none of gray.
        assert_eq!(of(&picture, 8).len(), 3);
        assert_eq!(of(&Picture::new(PixelFormat::Gray8, 2, 1, vec![1, 2]), 8), []);
        assert_eq!(of(&Picture::new(PixelFormat::Rgb8, 1, 1, vec![1, 2, 3]), 8).len(), 1);
    }
}
