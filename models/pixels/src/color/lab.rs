//! sRGB to CIELAB and back (CIE 15; D65, 2 degree observer; scikit-image's constants).
//!
//! The idea: **Lab is a cube root of linear light, and its inverse needs none**: the way back is three cubes and a
//! matrix.

use std::sync::LazyLock;

use super::srgb::{linear_to_srgb, srgb_to_linear, srgb8_to_linear};

/// XYZ of linear sRGB, each row already divided by the white point (0.95047, 1, 1.08883).
const WHITE_RELATIVE_XYZ: [[f32; 3]; 3] = [
    [0.412_453 / 0.950_47, 0.357_580 / 0.950_47, 0.180_423 / 0.950_47],
    [LUMINANCE[0], LUMINANCE[1], LUMINANCE[2]],
    [0.019_334 / 1.088_83, 0.119_193 / 1.088_83, 0.950_227 / 1.088_83],
];

/// Linear sRGB of white-relative XYZ: the inverse of scikit-image's matrix, each column times the white point.
const LINEAR_RGB: [[f32; 3]; 3] = [
    [3.079_980_3, -1.537_151_5, -0.542_821_3],
    [-0.921_247_7, 1.875_99, 0.045_247_34],
    [0.052_890_46, -0.204_041_34, 1.151_232],
];

/// Weights of linear red, green and blue in luminance; they sum to 1.
pub(crate) const LUMINANCE: [f32; 3] = [0.212_671, 0.715_160, 0.072_169];

/// Above this luminance the Lab curve is a cube root, below it linear.
pub(crate) const CURVE_KNEE: f32 = 0.008_856;
/// Value of the Lab curve at the knee.
pub(crate) const INVERSE_KNEE: f32 = 0.206_896_6;
/// Slope of the linear part.
pub(crate) const LINE_SLOPE: f32 = 7.787;
/// Value of the linear part at 0.
pub(crate) const LINE_OFFSET: f32 = 16.0 / 116.0;

/// Luminance Y (0..1) of an encoded sRGB color; not clamped.
#[must_use]
pub fn srgb_to_luminance(rgb: [f32; 3]) -> f32 {
    dot(LUMINANCE, rgb.map(srgb_to_linear))
}

/// L (0..100) of luminance Y (0..1).
#[must_use]
pub fn luminance_to_lightness(y: f32) -> f32 {
    116.0 * curve(y) - 16.0
}

/// Luminance Y (0..1) of L (0..100).
#[must_use]
pub fn lightness_to_luminance(lightness: f32) -> f32 {
    inverse_curve((lightness + 16.0) / 116.0)
}

/// L of every 8-bit gray value, 0..100.
#[must_use]
pub fn gray8_to_lightness() -> &'static [f32; 256] {
    static TABLE: LazyLock<[f32; 256]> = LazyLock::new(|| srgb8_to_linear().map(luminance_to_lightness));
    &TABLE
}

/// `[L, a, b]` of an encoded sRGB color (0..1 each). Within 0.01 of scikit-image on the whole cube.
#[must_use]
pub fn srgb_to_lab(rgb: [f32; 3]) -> [f32; 3] {
    linear_to_lab(rgb.map(srgb_to_linear))
}

/// `[L, a, b]` of an 8-bit sRGB color, like [`srgb_to_lab`], with the transfer function from a table.
#[must_use]
pub fn srgb8_to_lab(rgb: [u8; 3]) -> [f32; 3] {
    let table = srgb8_to_linear();
    linear_to_lab(rgb.map(|code| table[usize::from(code)]))
}

/// Encoded sRGB of `[L, a, b]`. Not clamped: a color out of gamut has a channel outside 0..1;
/// [`gamut::fit_chroma`](super::gamut::fit_chroma) prevents that.
#[must_use]
pub fn lab_to_srgb(lab: [f32; 3]) -> [f32; 3] {
    let fy = (lab[0] + 16.0) / 116.0;
    let xyz = [fy + lab[1] / 500.0, fy, fy - lab[2] / 200.0].map(inverse_curve);
    LINEAR_RGB.map(|row| linear_to_srgb(dot(row, xyz)))
}

fn linear_to_lab(linear: [f32; 3]) -> [f32; 3] {
    let [fx, fy, fz] = WHITE_RELATIVE_XYZ.map(|row| curve(dot(row, linear)));
    [116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)]
}

fn dot(row: [f32; 3], column: [f32; 3]) -> f32 {
    row[0] * column[0] + row[1] * column[1] + row[2] * column[2]
}

fn curve(t: f32) -> f32 {
    if t > CURVE_KNEE { t.cbrt() } else { LINE_SLOPE * t + LINE_OFFSET }
}

fn inverse_curve(f: f32) -> f32 {
    if f > INVERSE_KNEE { f * f * f } else { (f - LINE_OFFSET) / LINE_SLOPE }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every color of the reference grid and its Lab: see tests/parity/make_color_fixtures.py.
    fn reference() -> impl Iterator<Item = ([u8; 3], [f32; 3])> {
        let bytes = include_bytes!("../../../../tests/parity/lab_grid.bin");
        let (floats, rest) = bytes.as_chunks::<4>();
        assert!(rest.is_empty());
        let axis: Vec<u8> = (0_u8..32).map(|step| step * 8).chain([255]).collect();
        let colors: Vec<[u8; 3]> = axis
            .iter()
            .flat_map(|&r| axis.iter().map(move |&g| (r, g)))
            .flat_map(|(r, g)| axis.iter().map(move |&b| [r, g, b]).collect::<Vec<_>>())
            .collect();
        assert_eq!(floats.len(), colors.len() * 3);
        colors.into_iter().enumerate().map(move |(at, rgb)| {
            (rgb, [0, 1, 2].map(|channel| f32::from_le_bytes(floats[at * 3 + channel])))
        })
    }

    fn largest_difference(left: [f32; 3], right: [f32; 3]) -> f32 {
        (0..3).map(|channel| (left[channel] - right[channel]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn lab_is_scikit_images() {
        for (rgb, lab) in reference() {
            let unit = rgb.map(|code| f32::from(code) / 255.0);
            let ours = srgb_to_lab(unit);
            assert!(largest_difference(ours, lab) < 0.01, "{rgb:?}: {ours:?}, expected {lab:?}");
            assert!(largest_difference(srgb8_to_lab(rgb), lab) < 0.01, "{rgb:?}");
            let lightness = luminance_to_lightness(srgb_to_luminance(unit));
            assert!((lightness - lab[0]).abs() < 0.01, "{rgb:?}");
        }
    }

    #[test]
    fn srgb_comes_back_from_scikit_images_lab() {
        for (rgb, lab) in reference() {
            let back = lab_to_srgb(lab);
            let unit = rgb.map(|code| f32::from(code) / 255.0);
            assert!(largest_difference(back, unit) < 1e-4, "{rgb:?}: {back:?}");
        }
    }

    #[test]
    fn lightness_and_luminance_are_inverse() {
        for step in 0_u16..=1000 {
            let lightness = f32::from(step) / 10.0;
            let back = luminance_to_lightness(lightness_to_luminance(lightness));
            assert!((back - lightness).abs() < 1e-3, "{lightness}: {back}");
        }
    }
}
