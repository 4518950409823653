//! Colorization by optimization (Levin, Lischinski and Weiss 2004): what hints give without a model.
//!
//! The idea: **neighbors of similar lightness have similar colors.** Each pixel without a hint has the mean color of its
//! eight neighbors, weighted by exp(-(L_r - L_s)² / 0.6 s_r²), s_r² the variance of L around r. The equations are solved
//! from coarse to fine, each size starting from the one below. A baseline for `eval --hints`; no host uses it.

use autochrome_models::color::{lab_to_srgb, srgb8_to_lab, unit_to_u8};
use image::{GrayImage, Rgb, RgbImage, RgbaImage};

/// Sides up to this are the coarsest size.
const COARSEST: usize = 16;
/// Rounds over all pixels at each size, half of them backward.
const ROUNDS: usize = 120;
/// Least variance of L, in squared units of L.
const LEAST_VARIANCE: f32 = 0.5;

/// A picture's L, its known colors and how much of each pixel is known.
struct Size {
    width: usize,
    height: usize,
    l: Vec<f32>,
    ab: Vec<[f32; 2]>,
    known: Vec<f32>,
}

/// Colors `gray` from `hints` alone; without a hint it stays gray.
pub fn colorize(gray: &GrayImage, hints: &RgbaImage) -> RgbImage {
    let (width, height) = gray.dimensions();
    let whole = Size {
        width: width as usize,
        height: height as usize,
        l: gray.pixels().map(|pixel| srgb8_to_lab([pixel.0[0]; 3])[0]).collect(),
        ab: hints.pixels().map(|p| srgb8_to_lab([p.0[0], p.0[1], p.0[2]])).map(|[_, a, b]| [a, b]).collect(),
        known: hints.pixels().map(|pixel| if pixel.0[3] > 0 { 1.0 } else { 0.0 }).collect(),
    };
    let ab = solve(&whole);
    let color = |at: usize| lab_to_srgb([whole.l[at], ab[at][0], ab[at][1]]).map(unit_to_u8);
    RgbImage::from_fn(width, height, |x, y| Rgb(color(y as usize * whole.width + x as usize)))
}

fn solve(size: &Size) -> Vec<[f32; 2]> {
    let mut ab = if size.width.max(size.height) <= COARSEST {
        vec![mean(size); size.l.len()]
    } else {
        let half = size.halved();
        let coarse = solve(&half);
        let at = |at: usize| {
            let (x, y) = (at % size.width / 2, at / size.width / 2);
            coarse[y.min(half.height - 1) * half.width + x.min(half.width - 1)]
        };
        (0..size.l.len()).map(at).collect()
    };
    let known = |at: usize| size.known[at] > 0.0;
    (0..ab.len()).filter(|at| known(*at)).for_each(|at| ab[at] = size.ab[at]);
    let weights: Vec<[f32; 9]> = (0..ab.len()).map(|at| size.weights(at)).collect();
    for round in 0..ROUNDS {
        for step in 0..ab.len() {
            let at = if round % 2 == 0 { step } else { ab.len() - 1 - step };
            if !known(at) {
                ab[at] = size.around(at).zip(weights[at]).fold([0.0; 2], |[a, b], (near, weight)| {
                    let [near_a, near_b] = near.map_or([0.0; 2], |near| ab[near]);
                    [a + weight * near_a, b + weight * near_b]
                });
            }
        }
    }
    ab
}

/// The mean of the known colors, gray where none is.
fn mean(size: &Size) -> [f32; 2] {
    let known: f32 = size.known.iter().sum();
    let sum =
        |channel: usize| size.ab.iter().zip(&size.known).map(|(ab, known)| ab[channel] * known).sum::<f32>();
    if known > 0.0 { [sum(0) / known, sum(1) / known] } else { [0.0; 2] }
}

impl Size {
    /// The 3 x 3 pixels around one, row by row; `None` outside.
    fn around(&self, at: usize) -> impl Iterator<Item = Option<usize>> + '_ {
        let (x, y) = (at % self.width, at / self.width);
        (0..9).map(move |index| {
            let (u, v) = ((x + index % 3).checked_sub(1)?, (y + index / 3).checked_sub(1)?);
            (u < self.width && v < self.height).then_some(v * self.width + u)
        })
    }

    /// Weights of the 3 x 3 pixels, which sum to 1; the middle's is 0.
    fn weights(&self, at: usize) -> [f32; 9] {
        let here: Vec<f32> = self.around(at).flatten().map(|near| self.l[near]).collect();
        let count = here.len() as f32;
        let mean = here.iter().sum::<f32>() / count;
        let variance = here.iter().map(|l| (l - mean).powi(2)).sum::<f32>() / count;
        let mut weights = [0.0; 9];
        for (weight, near) in weights.iter_mut().zip(self.around(at)) {
            let Some(near) = near.filter(|near| *near != at) else { continue };
            *weight = (-(self.l[near] - self.l[at]).powi(2) / (0.6 * variance.max(LEAST_VARIANCE))).exp();
        }
        let sum: f32 = weights.iter().sum();
        weights.map(|weight| weight / sum.max(f32::MIN_POSITIVE))
    }

    /// Half as large: means of 2 x 2 pixels; a color is known where one of them is.
    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut half = Size { width, height, l: Vec::new(), ab: Vec::new(), known: Vec::new() };
        for at in 0..width * height {
            let (x, y) = (2 * (at % width), 2 * (at / width));
            let inside =
                (y..(y + 2).min(self.height)).flat_map(|v| (x..(x + 2).min(self.width)).map(move |u| (u, v)));
            let cells: Vec<usize> = inside.map(|(u, v)| v * self.width + u).collect();
            let known: f32 = cells.iter().map(|cell| self.known[*cell]).sum();
            let sum = |channel: usize| {
                cells.iter().map(|cell| self.ab[*cell][channel] * self.known[*cell]).sum::<f32>()
            };
            half.l.push(cells.iter().map(|cell| self.l[*cell]).sum::<f32>() / cells.len() as f32);
            half.ab.push([0, 1].map(|channel| sum(channel) / known.max(1.0)));
            half.known.push(known.min(1.0));
        }
        half
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    #[test]
    fn each_side_of_an_edge_gets_its_hint() {
        let gray = GrayImage::from_fn(48, 32, |x, _| Luma([if x < 24 { 90 } else { 170 }]));
        let mut hints = RgbaImage::new(48, 32);
        for y in 10..14 {
            hints.put_pixel(10, y, image::Rgba([150, 70, 60, 255]));
            hints.put_pixel(40, y, image::Rgba([150, 170, 230, 255]));
        }
        let result = colorize(&gray, &hints);
        let ab = |x, y| srgb8_to_lab(result.get_pixel(x, y).0);
        let (left, right) = (srgb8_to_lab([150, 70, 60]), srgb8_to_lab([150, 170, 230]));
        for (x, y, [_, a, b]) in [(2, 2, left), (20, 30, left), (28, 2, right), (46, 30, right)] {
            let [_, got_a, got_b] = ab(x, y);
            assert!((got_a - a).hypot(got_b - b) < 3.0, "({x}, {y}): {got_a} {got_b}, expected {a} {b}");
        }
        let plain = colorize(&gray, &RgbaImage::new(48, 32));
        assert!(plain.pixels().all(|p| p.0[0].abs_diff(p.0[2]) <= 1));
    }
}
