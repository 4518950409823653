//! Hints as a person might give them: squares of the photograph's own colors at random places.
//!
//! The idea: **the same photograph and count give the same hints**, so that models are compared on equal terms, and a
//! larger count keeps the hints of a smaller one. Squares of 7 x 7 pixels are what ideepcolor (Zhang et al. 2017) and
//! iColoriT (Yun et al. 2023) report their figures for.

use image::{RgbImage, Rgba, RgbaImage};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Pixels per side of a hint, or the photograph's side where that is less.
pub const SIDE: u32 = 7;

/// `count` squares of `truth` at places drawn from `seed`, each in its mean color; transparent elsewhere.
pub fn drawn(truth: &RgbImage, count: usize, seed: u64) -> RgbaImage {
    let (width, height) = truth.dimensions();
    let (across, down) = (SIDE.min(width), SIDE.min(height));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut hints = RgbaImage::new(width, height);
    for _ in 0..count {
        let (x, y) = (place(&mut rng, width - across), place(&mut rng, height - down));
        let inside = || (y..y + down).flat_map(move |v| (x..x + across).map(move |u| (u, v)));
        let mut sum = [0_u32; 3];
        for (u, v) in inside() {
            sum.iter_mut().zip(truth.get_pixel(u, v).0).for_each(|(sum, value)| *sum += u32::from(value));
        }
        let area = across * down;
        let [r, g, b] = sum.map(|sum| u8::try_from((sum + area / 2) / area).unwrap_or(u8::MAX));
        inside().for_each(|(u, v)| hints.put_pixel(u, v, Rgba([r, g, b, u8::MAX])));
    }
    hints
}

fn place(rng: &mut impl Rng, most: u32) -> u32 {
    rng.random_range(0..=most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_hints_keep_the_fewer_and_have_the_colors_of_their_squares() {
        let truth = RgbImage::from_fn(64, 48, |x, y| {
            image::Rgb([u8::try_from(4 * x).unwrap(), u8::try_from(5 * y).unwrap(), 9])
        });
        let hinted = |count| {
            let hints = drawn(&truth, count, 5);
            hints
                .enumerate_pixels()
                .filter(|(.., p)| p.0[3] > 0)
                .map(|(x, y, p)| (x, y, p.0))
                .collect::<Vec<_>>()
        };
        assert!(hinted(0).is_empty());
        let (one, three) = (hinted(1), hinted(3));
        assert_eq!(one.len(), 49);
        // The mean of a square of a gradient is its middle.
        let (x, y, [r, g, b, _]) = one[24];
        assert!(
            r.abs_diff(truth.get_pixel(x, y).0[0]) <= 1
                && g.abs_diff(truth.get_pixel(x, y).0[1]) <= 1
                && b == 9
        );
        let places: Vec<_> = three.iter().map(|(x, y, _)| (x, y)).collect();
        assert!(three.len() > 49 && one.iter().all(|(x, y, _)| places.contains(&(x, y))));
        assert_eq!(drawn(&RgbImage::new(3, 2), 1, 1).pixels().filter(|p| p.0[3] > 0).count(), 6);
    }
}
