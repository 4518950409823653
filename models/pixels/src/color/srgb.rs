//! The sRGB transfer function (IEC 61966-2-1).
//!
//! The idea: **encoded samples of 8 or 16 bits have few values, so decoding is a table lookup**; encoding has no
//! such luck and is computed.

use std::sync::LazyLock;

/// Linear light of an encoded sRGB value. 0..1 maps to 0..1; outside, the curve continues (negative values along
/// the linear part) without clamping.
#[must_use]
pub fn srgb_to_linear(encoded: f32) -> f32 {
    if encoded > 0.040_45 { ((encoded + 0.055) / 1.055).powf(2.4) } else { encoded / 12.92 }
}

/// Encoded sRGB value of linear light, the inverse of [`srgb_to_linear`]; not clamped.
#[must_use]
pub fn linear_to_srgb(linear: f32) -> f32 {
    if linear > 0.003_130_8 { 1.055 * linear.powf(1.0 / 2.4) - 0.055 } else { 12.92 * linear }
}

/// Linear light of every 8-bit encoded value.
#[must_use]
pub fn srgb8_to_linear() -> &'static [f32; 256] {
    static TABLE: LazyLock<[f32; 256]> = LazyLock::new(|| {
        let mut table = [0.0; 256];
        for (value, encoded) in table.iter_mut().zip(0_u8..=255) {
            *value = decode(f64::from(encoded) / 255.0);
        }
        table
    });
    &TABLE
}

/// Linear light of every 16-bit encoded value; 65,536 entries, 256 KiB.
#[must_use]
pub fn srgb16_to_linear() -> &'static [f32; 65536] {
    static TABLE: LazyLock<Box<[f32; 65536]>> = LazyLock::new(|| {
        let values: Vec<f32> = (0_u16..=u16::MAX).map(|code| decode(f64::from(code) / 65535.0)).collect();
        values.into_boxed_slice().try_into().expect("a u16 has 65,536 values")
    });
    &TABLE
}

/// The transfer function in f64, rounded once; the tables are built with it.
#[expect(clippy::cast_possible_truncation, reason = "rounded to f32 once, at the end")]
fn decode(encoded: f64) -> f32 {
    (if encoded > 0.040_45 { ((encoded + 0.055) / 1.055).powf(2.4) } else { encoded / 12.92 }) as f32
}

/// Rounds 0..1 to 0..=255, half up. Values outside are clamped; NaN gives 0.
#[inline(always)]
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates; NaN gives 0"
)]
pub fn unit_to_u8(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

/// Rounds 0..1 to 0..=65535, half up. Values outside are clamped; NaN gives 0.
#[inline(always)]
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates; NaN gives 0"
)]
pub fn unit_to_u16(value: f32) -> u16 {
    (value * 65535.0 + 0.5) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{gray8_to_lightness, luminance_to_lightness};

    #[test]
    fn every_16_bit_value_survives_the_round_trip() {
        for code in 0..=u16::MAX {
            let linear = srgb_to_linear(f32::from(code) / 65535.0);
            assert_eq!(unit_to_u16(linear_to_srgb(linear)), code);
        }
    }

    #[test]
    fn tables_agree_with_the_function() {
        for code in 0..=u8::MAX {
            let expected = srgb_to_linear(f32::from(code) / 255.0);
            assert!((srgb8_to_linear()[usize::from(code)] - expected).abs() <= 2e-7);
            assert!((srgb16_to_linear()[usize::from(code) * 257] - expected).abs() <= 2e-7);
            let lightness = luminance_to_lightness(expected);
            assert!((gray8_to_lightness()[usize::from(code)] - lightness).abs() <= 1e-4);
        }
    }

    #[test]
    fn rounding_clamps_and_reads_nan_as_zero() {
        assert_eq!([f32::NAN, -1.0, 0.5, 2.0, f32::INFINITY].map(unit_to_u8), [0, 0, 128, 255, 255]);
        assert_eq!([f32::NAN, -1.0, 0.5, 2.0, f32::INFINITY].map(unit_to_u16), [0, 0, 32768, 65535, 65535]);
    }
}
