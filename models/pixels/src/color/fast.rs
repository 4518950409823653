//! The Lab and sRGB curves for whole blocks of pixels.
//!
//! The idea: **no branch, no table, no call, so loops over them vectorize**. Both curves are smooth in the fourth
//! root of light, which is two square roots; there a polynomial of degree 7 fits them within 4e-7 (Remez exchange;
//! the tests bound the error). Errors are below 1e-6, a tenth of a 16-bit step.

use super::lab::{CURVE_KNEE, LINE_OFFSET, LINE_SLOPE};

/// `a * b + c`: fused, rounded once, where the CPU has the instruction; otherwise rounded twice, to avoid a call.
#[inline(always)]
pub(crate) fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The Lab curve above its knee, in increasing powers of the fourth root; error below 1.5e-7.
const CURVE: [f32; 8] = [
    -0.008_720_742,
    0.439_784_3,
    1.158_067_8,
    -1.321_557_9,
    1.379_585_3,
    -0.982_021_6,
    0.410_209_36,
    -0.075_346_59,
];

/// The sRGB curve above its linear part, in increasing powers of the fourth root; error below 3.3e-7.
const ENCODED: [f32; 8] = [
    -0.058_446_59,
    0.123_575_87,
    1.461_526,
    -1.155_896_5,
    1.209_152,
    -0.898_414_85,
    0.394_714_4,
    -0.076_210_55,
];

#[inline(always)]
fn polynomial<const FMA: bool>(powers: &[f32; 8], x: f32) -> f32 {
    // In pairs (Estrin's scheme): halves the dependency chain.
    let pair = |at: usize| fma::<FMA>(powers[at + 1], x, powers[at]);
    let square = x * x;
    let high = fma::<FMA>(pair(6), square, pair(4));
    fma::<FMA>(fma::<FMA>(high, square, pair(2)), square, pair(0))
}

/// The Lab curve at luminance `y`, 0..=1: (L + 16) / 116.
#[inline(always)]
pub(crate) fn lab_curve<const FMA: bool>(y: f32) -> f32 {
    let root = polynomial::<FMA>(&CURVE, y.sqrt().sqrt());
    if y > CURVE_KNEE { root } else { fma::<FMA>(LINE_SLOPE, y, LINE_OFFSET) }
}

/// sRGB-encoded value of linear light, which must not be much above 1; negative values give 0.
#[inline(always)]
pub(crate) fn encode<const FMA: bool>(linear: f32) -> f32 {
    let x = if linear > 0.0 { linear } else { 0.0 };
    let curve = polynomial::<FMA>(&ENCODED, x.sqrt().sqrt());
    if x > 0.003_130_8 { curve } else { 12.92 * x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{luminance_to_lightness, srgb_to_linear, unit_to_u8, unit_to_u16};

    #[test]
    fn every_code_of_8_and_16_bits_survives() {
        for code in 0..=u16::MAX {
            let encoded = f32::from(code) / 65535.0;
            for ours in [encode::<true>, encode::<false>].map(|encode| encode(srgb_to_linear(encoded))) {
                assert!((ours - encoded).abs() < 1e-6, "{encoded}: {ours}");
                assert_eq!(unit_to_u16(ours), code);
            }
        }
        for code in 0..=u8::MAX {
            assert_eq!(unit_to_u8(encode::<true>(srgb_to_linear(f32::from(code) / 255.0))), code);
        }
        assert_eq!(encode::<true>(-0.25).to_bits(), 0);
    }

    #[test]
    fn the_lab_curve_gives_lightness() {
        for step in 0_u16..=10_000 {
            let y = f32::from(step) / 10_000.0;
            for fy in [lab_curve::<true>(y), lab_curve::<false>(y)] {
                assert!((116.0 * fy - 16.0 - luminance_to_lightness(y)).abs() < 1e-4, "{y}");
            }
        }
    }
}
