//! Converts a run of pixels in any format to luminance and back.
//!
//! The idea: **only this file knows the formats**: everything between reading and writing is planes of f32.

use super::shade::BLOCK;
use crate::PixelFormat;
use crate::color::{srgb8_to_linear, srgb16_to_linear, unit_to_u8, unit_to_u16};

/// Luminance weights.
const RED: f32 = crate::color::LUMINANCE[0];
const GREEN: f32 = crate::color::LUMINANCE[1];
const BLUE: f32 = crate::color::LUMINANCE[2];

/// Writes the luminance (0..1) of the pixels in `source` to `y`, one each.
#[inline(always)]
pub(super) fn luminance(format: PixelFormat, source: &[u8], y: &mut [f32]) {
    let (table8, table16) = (srgb8_to_linear(), srgb16_to_linear());
    let at8 = |code: u8| table8[usize::from(code)];
    let at16 = |low: u8, high: u8| table16[usize::from(u16::from_ne_bytes([low, high]))];
    let mix = |r: f32, g: f32, b: f32| RED * r + GREEN * g + BLUE * b;
    match format {
        PixelFormat::Gray8 => each::<1>(source, y, |[v]| at8(*v)),
        PixelFormat::Rgb8 => each::<3>(source, y, |[r, g, b]| mix(at8(*r), at8(*g), at8(*b))),
        PixelFormat::Rgba8 => each::<4>(source, y, |[r, g, b, _]| mix(at8(*r), at8(*g), at8(*b))),
        PixelFormat::Gray16 => each::<2>(source, y, |p| at16(p[0], p[1])),
        PixelFormat::Rgb16 => {
            each::<6>(source, y, |p| mix(at16(p[0], p[1]), at16(p[2], p[3]), at16(p[4], p[5])));
        }
        PixelFormat::Rgba16 => {
            each::<8>(source, y, |p| mix(at16(p[0], p[1]), at16(p[2], p[3]), at16(p[4], p[5])));
        }
        PixelFormat::GrayF32 => each::<4>(source, y, |p| decode(table16, *p)),
        PixelFormat::RgbaF32 => each::<16>(source, y, |p| {
            let sample = |at: usize| decode(table16, [p[at], p[at + 1], p[at + 2], p[at + 3]]);
            mix(sample(0), sample(4), sample(8))
        }),
    }
}

#[inline(always)]
fn each<const N: usize>(source: &[u8], y: &mut [f32], value: impl Fn(&[u8; N]) -> f32) {
    for (y, pixel) in y.iter_mut().zip(source.as_chunks::<N>().0) {
        *y = value(pixel);
    }
}

/// Linear light of an encoded f32, interpolated from the 16-bit table (error below 1e-8 plus rounding). Values
/// outside 0..1 are clamped; NaN reads as 0.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is within 0..=65535")]
#[expect(clippy::manual_clamp, reason = "`max` turns NaN into 0, `clamp` keeps it")]
fn decode(table: &[f32; 65536], bytes: [u8; 4]) -> f32 {
    let position = f32::from_ne_bytes(bytes).max(0.0).min(1.0) * 65535.0;
    let index = (position as usize).min(65534);
    let (low, high) = (table[index], table[index + 1]);
    low + (high - low) * (position - index as f32)
}

/// Encoded color (0..1) and alpha (above 0, up to 1) of a pixel in a format with alpha; `None` where it is transparent.
#[inline(always)]
pub(super) fn hint(format: PixelFormat, pixel: &[u8]) -> Option<([f32; 3], f32)> {
    let eight = |at: usize| f32::from(pixel[at]) / 255.0;
    let sixteen = |at: usize| f32::from(u16::from_ne_bytes([pixel[2 * at], pixel[2 * at + 1]])) / 65535.0;
    let float = |at: usize| {
        let value =
            f32::from_ne_bytes([pixel[4 * at], pixel[4 * at + 1], pixel[4 * at + 2], pixel[4 * at + 3]]);
        if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
    };
    let [r, g, b, alpha] = match format {
        PixelFormat::Rgba8 if pixel[3] == 0 => return None,
        PixelFormat::Rgba8 => [0, 1, 2, 3].map(eight),
        PixelFormat::Rgba16 => [0, 1, 2, 3].map(sixteen),
        PixelFormat::RgbaF32 => [0, 1, 2, 3].map(float),
        _ => return None,
    };
    (alpha > 0.0).then_some(([r, g, b], alpha))
}

/// Writes encoded `rgb` (within 0..=1, whole blocks) to the pixels of `target`, rounded to its bit depth. Alpha is
/// left alone.
#[inline(always)]
pub(super) fn store(format: PixelFormat, target: &mut [u8], rgb: [&[f32]; 3]) {
    match format {
        PixelFormat::Rgb8 => put_pixels(target, rgb, code8, |pixel, rgb| *pixel = rgb),
        PixelFormat::Rgba8 => {
            put_pixels::<4, _>(target, rgb, code8, |pixel, [r, g, b]| *pixel = [r, g, b, pixel[3]]);
        }
        PixelFormat::Rgb16 => put_pixels::<6, u16>(target, rgb, code16, put16),
        PixelFormat::Rgba16 => put_pixels::<8, u16>(target, rgb, code16, put16),
        PixelFormat::RgbaF32 => put_pixels::<16, f32>(
            target,
            rgb,
            |value| value,
            |pixel, rgb| {
                for (bytes, value) in pixel.as_chunks_mut::<4>().0.iter_mut().zip(rgb) {
                    *bytes = value.to_ne_bytes();
                }
            },
        ),
        PixelFormat::Gray8 | PixelFormat::Gray16 | PixelFormat::GrayF32 => {
            unreachable!("gray outputs are refused before the first row")
        }
    }
}

/// Maps 0..=100 linearly to the full range of a gray `target`; values outside are clamped.
#[inline(always)]
pub(super) fn store_percent(format: PixelFormat, target: &mut [u8], values: &[f32]) {
    let unit = |value: &f32| (value * 0.01).clamp(0.0, 1.0);
    match format {
        PixelFormat::Gray8 => {
            target.iter_mut().zip(values).for_each(|(pixel, value)| *pixel = code8(unit(value)));
        }
        PixelFormat::Gray16 => {
            let pixels = target.as_chunks_mut::<2>().0.iter_mut().zip(values);
            pixels.for_each(|(pixel, value)| *pixel = code16(unit(value)).to_ne_bytes());
        }
        PixelFormat::GrayF32 => {
            let pixels = target.as_chunks_mut::<4>().0.iter_mut().zip(values);
            pixels.for_each(|(pixel, value)| *pixel = unit(value).to_ne_bytes());
        }
        _ => unreachable!("outputs with color are refused before the first row"),
    }
}

/// Added to a number from 0 to 2^16, it puts the nearest integer into the lowest bits.
const WHOLE: f32 = 8_388_608.0;

/// The code of 0..=1, taken from the lowest bits of a sum: a checked conversion does not vectorize.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the code is in the lowest 8 bits")]
fn code8(value: f32) -> u8 {
    (value * 255.0 + WHOLE).to_bits() as u8
}

/// Like [`code8`], with 16 bits.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the code is in the lowest 16 bits")]
fn code16(value: f32) -> u16 {
    (value * 65535.0 + WHOLE).to_bits() as u16
}

#[inline(always)]
fn put16<const N: usize>(pixel: &mut [u8; N], rgb: [u16; 3]) {
    for (bytes, value) in pixel.as_chunks_mut::<2>().0.iter_mut().zip(rgb) {
        *bytes = value.to_ne_bytes();
    }
}

/// First the codes of a block of each plane, then the pixels from them: two loops that vectorize.
#[inline(always)]
fn put_pixels<const N: usize, T: Copy + Default>(
    target: &mut [u8],
    rgb: [&[f32]; 3],
    code: impl Fn(f32) -> T,
    put: impl Fn(&mut [u8; N], [T; 3]),
) {
    let [red, green, blue] = rgb.map(|plane| plane.as_chunks::<BLOCK>().0);
    let pixels = target.as_chunks_mut::<N>().0.chunks_mut(BLOCK);
    for (((red, green), blue), pixels) in red.iter().zip(green).zip(blue).zip(pixels) {
        let [red, green, blue] = [red, green, blue].map(|plane| plane.map(&code));
        match <&mut [[u8; N]; BLOCK]>::try_from(&mut *pixels) {
            Ok(pixels) => {
                for at in 0..BLOCK {
                    put(&mut pixels[at], [red[at], green[at], blue[at]]);
                }
            }
            Err(_) => {
                for (at, pixel) in pixels.iter_mut().enumerate() {
                    put(pixel, [red[at], green[at], blue[at]]);
                }
            }
        }
    }
}

/// Writes the alpha of `target`: bit for bit from `source` if both have the same depth, converted if not, opaque if
/// the source has none. Does nothing for a target without alpha.
pub(super) fn copy_alpha(from: PixelFormat, source: &[u8], to: PixelFormat, target: &mut [u8]) {
    use PixelFormat::{Rgba8, Rgba16, RgbaF32};
    match (from, to) {
        (_, to) if !to.has_alpha() => {}
        (Rgba8, Rgba8) => alpha::<4, 4, 1>(source, target, |p| [p[3]]),
        (Rgba16, Rgba16) => alpha::<8, 8, 2>(source, target, |p| [p[6], p[7]]),
        (RgbaF32, RgbaF32) => alpha::<16, 16, 4>(source, target, |p| [p[12], p[13], p[14], p[15]]),
        (Rgba8, Rgba16) => alpha::<4, 8, 2>(source, target, |p| (u16::from(p[3]) * 257).to_ne_bytes()),
        (Rgba8, _) => alpha::<4, 16, 4>(source, target, |p| (f32::from(p[3]) / 255.0).to_ne_bytes()),
        (Rgba16, Rgba8) => alpha::<8, 4, 1>(source, target, |p| [unit_to_u8(unit16(p))]),
        (Rgba16, _) => alpha::<8, 16, 4>(source, target, |p| unit16(p).to_ne_bytes()),
        (RgbaF32, Rgba8) => alpha::<16, 4, 1>(source, target, |p| [unit_to_u8(float(p))]),
        (RgbaF32, _) => alpha::<16, 8, 2>(source, target, |p| unit_to_u16(float(p)).to_ne_bytes()),
        (_, Rgba8) => target.as_chunks_mut::<4>().0.iter_mut().for_each(|p| p[3] = u8::MAX),
        (_, Rgba16) => target.as_chunks_mut::<8>().0.iter_mut().for_each(|p| p[6..].fill(u8::MAX)),
        _ => {
            let opaque = 1.0_f32.to_ne_bytes();
            target.as_chunks_mut::<16>().0.iter_mut().for_each(|p| p[12..].copy_from_slice(&opaque));
        }
    }
}

fn unit16(pixel: &[u8; 8]) -> f32 {
    f32::from(u16::from_ne_bytes([pixel[6], pixel[7]])) / 65535.0
}

fn float(pixel: &[u8; 16]) -> f32 {
    f32::from_ne_bytes([pixel[12], pixel[13], pixel[14], pixel[15]])
}

#[inline(always)]
fn alpha<const FROM: usize, const TO: usize, const BYTES: usize>(
    source: &[u8],
    target: &mut [u8],
    value: impl Fn(&[u8; FROM]) -> [u8; BYTES],
) {
    for (pixel, source) in target.as_chunks_mut::<TO>().0.iter_mut().zip(source.as_chunks::<FROM>().0) {
        pixel[TO - BYTES..].copy_from_slice(&value(source));
    }
}
