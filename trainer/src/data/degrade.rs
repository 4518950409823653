//! The gray of an old photograph, made from the gray of a new one.
//!
//! The idea: **only the input ages; the colors to be learned stay true**. Scans of historic photographs are faded,
//! soft, grainy, scratched or badly compressed, and a network that has seen only clean ones mistakes these flaws for
//! things.
//!
//! | flaw | share of samples | how much |
//! |---|---|---|
//! | tone | 70% | lo + (hi - lo) v^g, g 0.7 to 1.4, lo up to 0.15, hi from 0.85 |
//! | blur | 50% | Gaussian, sigma 0.4 to 1.2 pixels |
//! | grain | 60% | normal, sigma 0.01 to 0.05 of white, in half of them over 2 x 2 pixels |
//! | scratches, dust | 20% | up to 2 lines from top to bottom and 8 specks, bright or dark |
//! | JPEG | 40% | quality 30 to 75 |
//!
//! Paper tone needs no handling: the product takes L, which has none.

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, Luma, imageops};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The gray with a random choice of flaws.
pub fn degrade(gray: &GrayImage, rng: &mut ChaCha8Rng) -> GrayImage {
    let mut aged = gray.clone();
    if rng.random_bool(0.7) {
        fade(&mut aged, rng);
    }
    if rng.random_bool(0.5) {
        aged = imageops::blur(&aged, rng.random_range(0.4..1.2));
    }
    if rng.random_bool(0.6) {
        grain(&mut aged, rng);
    }
    if rng.random_bool(0.2) {
        scratch(&mut aged, rng);
    }
    if rng.random_bool(0.4) {
        aged = compress(aged, rng.random_range(30..=75));
    }
    aged
}

fn fade(picture: &mut GrayImage, rng: &mut ChaCha8Rng) {
    let power: f32 = rng.random_range(-0.35_f32..0.35).exp();
    let (low, high): (f32, f32) = (rng.random_range(0.0..0.15), rng.random_range(0.85..1.0));
    each(picture, |_, _, v| low + (high - low) * v.powf(power));
}

fn grain(picture: &mut GrayImage, rng: &mut ChaCha8Rng) {
    let sigma: f32 = rng.random_range(0.01..0.05);
    let size: u32 = if rng.random_bool(0.5) { 2 } else { 1 };
    let (width, height) = (picture.width().div_ceil(size), picture.height().div_ceil(size));
    // Four uniform numbers of variance 1/12: near enough to a normal one of variance 1/3.
    let mut normal = || (0..4).map(|_| rng.random_range(-0.5_f32..0.5)).sum::<f32>() * 3.0_f32.sqrt();
    let noise: Vec<f32> = (0..width * height).map(|_| sigma * normal()).collect();
    let at = |x: u32, y: u32| noise.get((y / size * width + x / size) as usize).copied().unwrap_or(0.0);
    each(picture, |x, y, v| v + at(x, y));
}

fn scratch(picture: &mut GrayImage, rng: &mut ChaCha8Rng) {
    let (width, height) = picture.dimensions();
    let mut shade = || if rng.random_bool(0.7) { 235 } else { 25 };
    let (bright, dark) = (shade(), shade());
    for _ in 0..rng.random_range(0..=2) {
        let (x, lean) = (rng.random_range(0..width), rng.random_range(0..4_u32));
        for y in 0..height {
            picture.put_pixel((x + y * lean / height.max(1)) % width, y, Luma([bright]));
        }
    }
    for _ in 0..rng.random_range(0..=8) {
        let (x, y) = (rng.random_range(0..width), rng.random_range(0..height));
        picture.put_pixel(x, y, Luma([dark]));
        picture.put_pixel((x + 1).min(width - 1), y, Luma([dark]));
    }
}

/// The picture as a JPEG of this quality shows it; as it is where that cannot be made, which memory never refuses.
fn compress(picture: GrayImage, quality: u8) -> GrayImage {
    let mut bytes = Vec::new();
    match JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&picture) {
        Ok(()) => image::load_from_memory(&bytes).map_or(picture, image::DynamicImage::into_luma8),
        Err(_) => picture,
    }
}

/// Replaces each value, 0 to 1, by what `change` makes of its place and itself.
fn each(picture: &mut GrayImage, change: impl Fn(u32, u32, f32) -> f32) {
    for (x, y, Luma([v])) in picture.enumerate_pixels_mut() {
        *v = autochrome_models::color::unit_to_u8(change(x, y, f32::from(*v) / 255.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn is_of_the_same_size_another_picture_and_a_function_of_the_seed() {
        let gray = GrayImage::from_fn(40, 24, |x, y| Luma([u8::try_from(3 * x + 4 * y).unwrap()]));
        let aged = |seed| degrade(&gray, &mut ChaCha8Rng::seed_from_u64(seed));
        for seed in 0..40 {
            assert_eq!(aged(seed).dimensions(), gray.dimensions());
            assert_eq!(aged(seed), aged(seed));
        }
        let changed = (0..40).filter(|&seed| aged(seed) != gray).count();
        assert!(changed >= 36, "{changed} of 40");
    }

    #[test]
    fn what_is_shown_can_still_be_made_out() {
        let gray = GrayImage::from_fn(32, 32, |x, _| Luma([if x < 16 { 60 } else { 190 }]));
        let mean = |picture: &GrayImage, columns: std::ops::Range<u32>| {
            let sum: u32 = columns
                .flat_map(|x| (0..32).map(move |y| (x, y)))
                .map(|(x, y)| u32::from(picture.get_pixel(x, y).0[0]))
                .sum();
            sum / 512
        };
        for seed in 0..40 {
            let aged = degrade(&gray, &mut ChaCha8Rng::seed_from_u64(seed));
            assert!(mean(&aged, 0..16) + 40 < mean(&aged, 16..32), "seed {seed}");
        }
    }
}
