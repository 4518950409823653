//! Lab to encoded sRGB for a stretch of pixels, at constant L and hue.
//!
//! The idea: **the gamut is tested for a block at once and searched only where a block needs it**, every pixel of
//! the block in step, so that both loops are vector instructions.

use crate::color::fast::encode;
use crate::color::gamut::{is_inside, linear_light};

/// Pixels tested together.
const BLOCK: usize = 32;
/// Halvings when searching the gamut's edge: chroma is found to one part in 1,024 of the predicted one.
const HALVINGS: u32 = 10;

/// Planes of a stretch of pixels. `fy` is (L + 16) / 116 and `y` luminance; a and b go in as chroma and the three
/// colours come out in place of `y`, `a` and `b`.
pub(super) struct Stretch<'a> {
    pub(super) fy: &'a [f32],
    pub(super) y: &'a mut [f32],
    pub(super) a: &'a mut [f32],
    pub(super) b: &'a mut [f32],
}

/// Replaces `y`, `a`, `b` by encoded red, green and blue.
#[inline(always)]
pub(super) fn shade(stretch: Stretch<'_>) {
    let Stretch { fy, y, a, b } = stretch;
    let blocks = fy.chunks(BLOCK).zip(y.chunks_mut(BLOCK)).zip(a.chunks_mut(BLOCK)).zip(b.chunks_mut(BLOCK));
    for (((fy, y), a), b) in blocks {
        if !all_inside(fy, y, a, b) {
            fit(fy, y, a, b);
        }
        for ((fy, y), (a, b)) in fy.iter().zip(y.iter_mut()).zip(a.iter_mut().zip(b.iter_mut())) {
            let [red, green, blue] = linear_light(*fy, *y, *a, *b).rgb;
            *y = clip(encode(red));
            *a = clip(encode(green));
            *b = clip(encode(blue));
        }
    }
}

/// What rounding leaves above 1.
#[inline(always)]
fn clip(value: f32) -> f32 {
    if value < 1.0 { value } else { 1.0 }
}

#[inline(always)]
fn all_inside(fy: &[f32], y: &[f32], a: &[f32], b: &[f32]) -> bool {
    let mut outside = 0_u32;
    for ((fy, y), (a, b)) in fy.iter().zip(y).zip(a.iter().zip(b)) {
        outside |= u32::from(!is_inside(linear_light(*fy, *y, *a, *b)));
    }
    outside == 0
}

/// Scales a and b of each pixel of a block down to the gamut's edge; pixels inside keep theirs bit for bit.
#[inline(always)]
fn fit(fy: &[f32], y: &[f32], a: &mut [f32], b: &mut [f32]) {
    let mut inside = [0.0_f32; BLOCK];
    // The first probe is the colour itself: where it is inside, every later probe is too.
    let mut probe = [1.0_f32; BLOCK];
    let mut width = 1.0_f32;
    for _ in 0..=HALVINGS {
        width *= 0.5;
        let pixels = fy.iter().zip(y).zip(a.iter().zip(b.iter()));
        for (((fy, y), (a, b)), (inside, probe)) in pixels.zip(inside.iter_mut().zip(&mut probe)) {
            let fits = is_inside(linear_light(*fy, *y, *a * *probe, *b * *probe));
            *inside = if fits { *probe } else { *inside };
            let next = *inside + width;
            *probe = if next < 1.0 { next } else { 1.0 };
        }
    }
    for ((a, b), inside) in a.iter_mut().zip(b.iter_mut()).zip(&inside) {
        *a *= inside;
        *b *= inside;
    }
}
