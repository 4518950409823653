//! Fits a color into the sRGB gamut without changing its lightness or hue.
//!
//! The idea: **at constant luminance, linear RGB is the gray of that luminance plus something that vanishes with
//! chroma**, so shrinking (a, b) toward 0 always reaches the gamut, and bisection finds where. Clipping channels
//! would be shorter, but would change L, chroma and hue.

use super::fast::fma;
use super::lab::{INVERSE_KNEE, LINE_OFFSET, LINE_SLOPE};

/// How far linear light may lie outside 0..1 and still count as inside, relative to the largest of X, Y, Z: the
/// constants of [`lab_to_srgb`](super::lab_to_srgb) put white itself 8e-5 away from (1, 1, 1).
const TOLERANCE: f32 = 1e-4;

/// Bisection steps: chroma is found to one part in 2^20.
const HALVINGS: u32 = 20;

/// Whether `[L, a, b]` is in the sRGB gamut, to within 1e-4 of linear light. NaN and infinities are outside.
#[must_use]
pub fn contains(lab: [f32; 3]) -> bool {
    let fy = (lab[0] + 16.0) / 116.0;
    is_inside(linear_light::<false>(fy, inverse_curve::<false>(fy), lab[1], lab[2]))
}

/// The color with the same L and hue and the largest chroma, up to its own, that is in gamut. A color inside the
/// gamut comes back bit for bit. L outside 0..=100, or an `a` or `b` that is not finite, gives zero chroma.
#[must_use]
pub fn fit_chroma(lab: [f32; 3]) -> [f32; 3] {
    let [lightness, a, b] = lab;
    if contains(lab) {
        return lab;
    }
    if !(0.0..=100.0).contains(&lightness) || !a.is_finite() || !b.is_finite() {
        return [lightness, 0.0, 0.0];
    }
    let (mut inside, mut outside) = (0.0_f32, 1.0_f32);
    for _ in 0..HALVINGS {
        let scale = 0.5 * (inside + outside);
        if contains([lightness, a * scale, b * scale]) { inside = scale } else { outside = scale }
    }
    [lightness, a * inside, b * inside]
}

/// Linear light of a color, and the largest of its X, Y, Z relative to white.
#[derive(Clone, Copy)]
pub(crate) struct LinearLight {
    pub(crate) rgb: [f32; 3],
    pub(crate) scale: f32,
}

/// Linear light from the Lab curve at Y (`fy`), Y itself, and a, b. Neutral colors come out exactly gray and
/// luminance stays exactly `y`; scikit-image's constants are off by 8e-5. Branch-free.
#[inline(always)]
pub(crate) fn linear_light<const FMA: bool>(fy: f32, y: f32, a: f32, b: f32) -> LinearLight {
    let x = inverse_curve::<FMA>(fma::<FMA>(a, 1.0 / 500.0, fy));
    let z = inverse_curve::<FMA>(fma::<FMA>(b, -1.0 / 200.0, fy));
    let (dx, dz) = (x - y, z - y);
    let rgb = [
        fma::<FMA>(-0.542_821_3, dz, fma::<FMA>(3.079_980_3, dx, y)),
        fma::<FMA>(0.045_247_34, dz, fma::<FMA>(-0.921_247_7, dx, y)),
        fma::<FMA>(1.151_232, dz, fma::<FMA>(0.052_890_46, dx, y)),
    ];
    LinearLight { rgb, scale: larger(larger(x, z), y) }
}

/// Whether linear light is in gamut, within the tolerance above; NaN is outside.
fn is_inside(light: LinearLight) -> bool {
    excess(light) <= 0.0 && light.rgb.iter().all(|channel| channel.is_finite())
}

/// How far linear light exceeds the gamut, less the tolerance above: 0 or less inside. Branch-free.
#[inline(always)]
pub(crate) fn excess(light: LinearLight) -> f32 {
    let [r, g, b] = light.rgb;
    let below = -smaller(smaller(r, g), b);
    let above = larger(larger(r, g), b) - 1.0;
    larger(below, above) - TOLERANCE * light.scale
}

/// The inverse of the Lab curve as a select, so that it vectorizes.
#[inline(always)]
fn inverse_curve<const FMA: bool>(f: f32) -> f32 {
    let line = fma::<FMA>(f, 1.0 / LINE_SLOPE, -LINE_OFFSET / LINE_SLOPE);
    if f > INVERSE_KNEE { f * f * f } else { line }
}

/// The larger of two, as one instruction (`f32::max` must also order NaN).
#[inline(always)]
fn larger(left: f32, right: f32) -> f32 {
    if left > right { left } else { right }
}

/// The smaller of two, as one instruction.
#[inline(always)]
fn smaller(left: f32, right: f32) -> f32 {
    if left < right { left } else { right }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{lab_to_srgb, srgb_to_lab};
    use proptest::prelude::*;

    fn chroma(lab: [f32; 3]) -> f32 {
        lab[1].hypot(lab[2])
    }

    proptest! {
        #[test]
        fn fitted_colors_are_in_gamut_with_the_same_lightness_and_hue(
            l in 0.0_f32..=100.0, a in -160.0_f32..160.0, b in -160.0_f32..160.0,
        ) {
            let fitted = fit_chroma([l, a, b]);
            prop_assert!(contains(fitted));
            for channel in lab_to_srgb(fitted) {
                prop_assert!((-0.003..=1.001).contains(&channel), "{channel} of {fitted:?}");
            }
            prop_assert_eq!(fitted[0].to_bits(), l.to_bits());
            prop_assert!(chroma(fitted) <= chroma([l, a, b]));
            // The cross product vanishes when the hue is the same, the dot product is negative when it is opposite.
            prop_assert!((fitted[1] * b - fitted[2] * a).abs() <= 1e-4 * chroma([l, a, b]) * chroma(fitted) + 1e-6);
            prop_assert!(fitted[1] * a + fitted[2] * b >= 0.0);
        }

        #[test]
        fn colors_of_the_gamut_come_back_untouched(r in 0.0_f32..=1.0, g in 0.0_f32..=1.0, b in 0.0_f32..=1.0) {
            let lab = srgb_to_lab([r, g, b]);
            prop_assert_eq!(fit_chroma(lab).map(f32::to_bits), lab.map(f32::to_bits));
        }

        #[test]
        fn no_chroma_is_given_away(l in 1.0_f32..99.0, hue in 0.0_f32..std::f32::consts::TAU) {
            let fitted = fit_chroma([l, 200.0 * hue.cos(), 200.0 * hue.sin()]);
            prop_assert!(!contains([l, fitted[1] * 1.01, fitted[2] * 1.01]));
        }
    }

    #[test]
    fn the_corners_of_the_cube_are_in_the_gamut() {
        for corner in 0_u8..8 {
            let rgb = [0, 1, 2].map(|channel| f32::from((corner >> channel) & 1));
            assert!(contains(srgb_to_lab(rgb)), "{rgb:?}");
        }
    }

    #[test]
    fn black_white_and_senseless_colors_are_neutral() {
        assert_eq!(fit_chroma([0.0, 50.0, -20.0])[0].to_bits(), 0.0_f32.to_bits());
        assert!(chroma(fit_chroma([0.0, 50.0, -20.0])) < 0.01);
        assert!(chroma(fit_chroma([100.0, 50.0, -20.0])) < 0.1);
        assert_eq!(fit_chroma([50.0, f32::NAN, 3.0]), [50.0, 0.0, 0.0]);
        assert_eq!(fit_chroma([50.0, 1.0, f32::INFINITY]), [50.0, 0.0, 0.0]);
        assert_eq!(fit_chroma([120.0, 1.0, 1.0]), [120.0, 0.0, 0.0]);
    }
}
