//! `--color-only`: the colors as a layer of their own, to be placed over the photograph in an editor.
//!
//! An editor's mode *LCh Color* takes hue and chroma (CIELAB) from the layer and lightness from what lies below. So
//! each pixel keeps the result's (a, b) and gets one lightness for all, or the nearest to it at which sRGB can show
//! that (a, b): nothing of the photograph's detail is in the layer, and retouching below it leaves no ghost. It is
//! opaque wherever the photograph is not fully transparent; the photograph's own transparency is left to the
//! photograph.

use autochrome_loader::PixelFormat;
use autochrome_pixels::color::{lab_to_srgb, srgb_to_lab};

use super::colors::Colors;
use crate::picture::{Depth, Picture, narrowed, quantised};

/// The lightness of the layer wherever possible: sRGB has the most colors near it.
const LIGHTNESS: f32 = 60.0;
/// How far out of 0..1 a sample may be and still be rounding.
const ROUNDING: f32 = 1e-3;

/// The layer of `result`, RGBA of 8 or 16 bits.
pub fn of(result: &Picture) -> Picture {
    let deep = result.depth() != Depth::Eight;
    let format = if deep { PixelFormat::Rgba16 } else { PixelFormat::Rgba8 };
    let width = usize::try_from(result.width).unwrap_or(0);
    let count = result.pixels.len() / result.format.bytes_per_pixel();
    let mut pixels = Vec::with_capacity(count * format.bytes_per_pixel());
    let colors = Colors::of(result);
    let mut last = ([f32::NAN; 3], [0; 4]);
    for index in 0..count {
        let color = colors.as_ref().map_or([0.5; 3], |colors| colors.at(index % width, index / width));
        if color != last.0 {
            let [red, green, blue] = flattened(color).map(quantised);
            last = (color, [red, green, blue, u16::MAX]);
        }
        let [red, green, blue, _] = last.1;
        let alpha = if is_clear(result, index) { 0 } else { u16::MAX };
        for sample in [red, green, blue, alpha] {
            if deep { pixels.extend(sample.to_ne_bytes()) } else { pixels.push(narrowed(sample)) }
        }
    }
    Picture::new(format, result.width, result.height, pixels)
}

/// Whether a pixel is fully transparent.
fn is_clear(result: &Picture, index: usize) -> bool {
    let bytes = result.format.bytes_per_pixel();
    let pixel = &result.pixels[index * bytes..][..bytes];
    result.alpha && pixel[bytes / 4 * 3..].iter().all(|byte| *byte == 0)
}

/// The color at the layer's lightness, or at the nearest one where sRGB has it.
fn flattened(color: [f32; 3]) -> [f32; 3] {
    let [own, a, b] = srgb_to_lab(color);
    let fits = |lightness| {
        let color = lab_to_srgb([lightness, a, b]);
        color.iter().all(|sample| (-ROUNDING..=1.0 + ROUNDING).contains(sample)).then_some(color)
    };
    if let Some(flat) = fits(LIGHTNESS) {
        return flat;
    }
    // The result's own lightness fits, as the result is in sRGB; the nearest is between the two.
    let (mut right, mut wrong, mut best) = (own, LIGHTNESS, color);
    for _ in 0..10 {
        let middle = f32::midpoint(right, wrong);
        match fits(middle) {
            Some(flat) => (right, best) = (middle, flat),
            None => wrong = middle,
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What GIMP's LCh Color gives.
    fn laid_over(layer: [f32; 3], below: [f32; 3]) -> [f32; 3] {
        let [_, a, b] = srgb_to_lab(layer);
        lab_to_srgb([srgb_to_lab(below)[0], a, b])
    }

    #[test]
    fn laid_over_the_photograph_it_gives_the_result() {
        let mut pixels = Vec::new();
        for index in 0..4096_u16 {
            pixels.extend(
                [index % 16, index / 16 % 16, index / 256].map(|level| level * 4369).map(u16::to_ne_bytes),
            );
        }
        let result = Picture::new(PixelFormat::Rgb16, 64, 64, pixels.concat());
        let layer = of(&result);
        let (colors, flat) = (Colors::of(&result).unwrap(), Colors::of(&layer).unwrap());
        let mut flattest = 0;
        for index in 0..4096 {
            let (x, y) = (index % 64, index / 64);
            let below = [srgb_to_lab(colors.at(x, y))[0], 0.0, 0.0];
            let found = laid_over(flat.at(x, y), lab_to_srgb(below));
            let off =
                srgb_to_lab(found).into_iter().zip(srgb_to_lab(colors.at(x, y))).map(|(a, b)| (a - b).abs());
            assert!(off.fold(0.0, f32::max) < 0.3, "{:?} became {found:?}", colors.at(x, y));
            flattest += usize::from((srgb_to_lab(flat.at(x, y))[0] - LIGHTNESS).abs() < 0.1);
        }
        assert!(flattest > 1500, "{flattest} of 4096 at one lightness");
    }

    #[test]
    fn it_is_clear_only_where_the_photograph_is() {
        let picture = Picture::new(PixelFormat::Rgba8, 3, 1, vec![9, 90, 9, 0, 9, 90, 9, 1, 9, 90, 9, 255]);
        let alphas: Vec<u8> = of(&picture).pixels.iter().skip(3).step_by(4).copied().collect();
        assert_eq!(alphas, [0, 255, 255]);
    }
}
