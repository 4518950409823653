//! The same curves for whole rows of pixels.
//!
//! The idea: **no branch, no table, no call, so that a loop over them becomes vector instructions**. Cube root and
//! the sRGB curve come from one reciprocal cube root by Newton's method; x^(5/12) is the fourth root of x times
//! x^(2/3). Errors are below 1e-6, a tenth of a 16-bit step.

use super::lab::{CURVE_KNEE, LINE_OFFSET, LINE_SLOPE};

/// Cube root of a finite `x` >= 0; relative error below 5e-7.
#[inline(always)]
pub(crate) fn cbrt(x: f32) -> f32 {
    // A third of the exponent, by shifts: vector units have no integer division.
    let bits = x.to_bits();
    let third = (bits >> 2).wrapping_add(bits >> 4);
    let third = third.wrapping_add(third >> 4);
    let third = third.wrapping_add(third >> 8);
    let mut r = f32::from_bits(0x54a2_0000_u32.wrapping_sub(third));
    // Newton's method for r = x^(-1/3): an error e becomes 2 e^2, so 3.5% becomes 2e-3, 1e-5, 2e-7 (rounding).
    for _ in 0..3 {
        r *= (4.0 / 3.0) - (x * (1.0 / 3.0)) * r * r * r;
    }
    x * r * r
}

/// The Lab curve at luminance `y` >= 0: (L + 16) / 116.
#[inline(always)]
pub(crate) fn lab_curve(y: f32) -> f32 {
    let root = cbrt(y);
    if y > CURVE_KNEE { root } else { LINE_SLOPE * y + LINE_OFFSET }
}

/// Encoded sRGB of finite linear light; negative values give 0.
#[inline(always)]
pub(crate) fn encode(linear: f32) -> f32 {
    let x = if linear > 0.0 { linear } else { 0.0 };
    let root = cbrt(x);
    let power = (x * root * root).sqrt().sqrt();
    if x > 0.003_130_8 { 1.055 * power - 0.055 } else { 12.92 * x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{luminance_to_lightness, srgb_to_linear, unit_to_u8, unit_to_u16};

    #[test]
    fn the_cube_root_is_one() {
        for step in 0_u32..=200_000 {
            let x = (f64::from(step) / 200_000.0).powi(3);
            let expected = f64::from(step) / 200_000.0;
            #[expect(clippy::cast_possible_truncation, reason = "the value to test")]
            let ours = f64::from(cbrt(x as f32));
            assert!((ours - expected).abs() <= 5e-7 * expected.max(1e-7), "{x}: {ours}");
        }
        assert_eq!(cbrt(0.0).to_bits(), 0);
    }

    #[test]
    fn every_code_of_8_and_16_bits_survives() {
        for code in 0..=u16::MAX {
            let encoded = f32::from(code) / 65535.0;
            let ours = encode(srgb_to_linear(encoded));
            assert!((ours - encoded).abs() < 1e-6, "{encoded}: {ours}");
            assert_eq!(unit_to_u16(ours), code);
        }
        for code in 0..=u8::MAX {
            assert_eq!(unit_to_u8(encode(srgb_to_linear(f32::from(code) / 255.0))), code);
        }
        assert_eq!(encode(-0.25).to_bits(), 0);
    }

    #[test]
    fn the_lab_curve_gives_lightness() {
        for step in 0_u16..=10_000 {
            let y = f32::from(step) / 10_000.0;
            assert!((116.0 * lab_curve(y) - 16.0 - luminance_to_lightness(y)).abs() < 1e-4, "{y}");
        }
    }
}
