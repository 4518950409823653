//! Lab to encoded sRGB for blocks of pixels, at constant L and hue.
//!
//! The idea: **the gamut is tested per block, and searched only where a block needs it**, with all pixels of the
//! block in lockstep and in arrays of fixed length, so that every loop vectorizes.

use crate::color::fast::encode;
use crate::color::gamut::{excess, linear_light};

/// Pixels processed together.
pub(super) const BLOCK: usize = 32;
/// Bisection steps of the gamut search, before one last linear interpolation between the two ends.
const HALVINGS: u32 = 7;

/// One value per pixel of a block.
pub(super) type Block = [f32; BLOCK];

/// Planes of a block of pixels. `fy` is (L + 16) / 116 and `y` luminance; a and b go in as chroma, and the three
/// color channels replace `y`, `a` and `b`.
pub(super) struct Planes<'a> {
    pub(super) fy: &'a Block,
    pub(super) y: &'a mut Block,
    pub(super) a: &'a mut Block,
    pub(super) b: &'a mut Block,
}

/// Replaces `y`, `a`, `b` with encoded red, green and blue.
#[inline(always)]
pub(super) fn shade<const FMA: bool>(planes: Planes<'_>) {
    let Planes { fy, y, a, b } = planes;
    let mut beyond = [0.0; BLOCK];
    let mut outside = 0_u32;
    for at in 0..BLOCK {
        beyond[at] = excess(linear_light::<FMA>(fy[at], y[at], a[at], b[at]));
        outside |= u32::from(beyond[at] > 0.0);
    }
    if outside != 0 {
        fit::<FMA>(fy, y, a, b, &beyond);
    }
    for at in 0..BLOCK {
        let [red, green, blue] = linear_light::<FMA>(fy[at], y[at], a[at], b[at]).rgb;
        y[at] = clip(encode::<FMA>(red));
        a[at] = clip(encode::<FMA>(green));
        b[at] = clip(encode::<FMA>(blue));
    }
}

/// Clips what rounding leaves above 1.
#[inline(always)]
fn clip(value: f32) -> f32 {
    if value < 1.0 { value } else { 1.0 }
}

/// Scales a and b of each pixel of a block down to the edge of the gamut; pixels inside keep theirs bit for bit.
/// `beyond` is how far each exceeds it.
///
/// Gray is inside, so there is an edge between it and the color; bisection finds one and keeps the excess at both
/// ends.
#[inline(always)]
fn fit<const FMA: bool>(fy: &Block, y: &Block, a: &mut Block, b: &mut Block, beyond: &Block) {
    let (mut scale, mut inner, mut outer) = ([0.0_f32; BLOCK], [0.0_f32; BLOCK], *beyond);
    for at in 0..BLOCK {
        inner[at] = excess(linear_light::<FMA>(fy[at], y[at], 0.0, 0.0));
    }
    let mut width = 1.0_f32;
    for _ in 0..HALVINGS {
        width *= 0.5;
        for at in 0..BLOCK {
            let probe = scale[at] + width;
            let found = excess(linear_light::<FMA>(fy[at], y[at], a[at] * probe, b[at] * probe));
            let fits = found <= 0.0;
            scale[at] = if fits { probe } else { scale[at] };
            inner[at] = if fits { found } else { inner[at] };
            outer[at] = if fits { outer[at] } else { found };
        }
    }
    for at in 0..BLOCK {
        // Rounding can put even a gray outside the gamut: then there is no slope to divide by.
        let inside = inner[at].min(0.0);
        let gap = inside - outer[at];
        let edge = scale[at] + if gap < 0.0 { width * inside / gap } else { 0.0 };
        let edge = if beyond[at] > 0.0 { edge } else { 1.0 };
        a[at] *= edge;
        b[at] *= edge;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::color::fast::lab_curve;
    use crate::color::gamut::fit_chroma;
    use crate::color::{lab_to_srgb, lightness_to_luminance, srgb_to_lab};

    fn fitted<const FMA: bool>(colors: &[[f32; 3]]) -> Vec<[f32; 3]> {
        let mut lab = [[0.0; BLOCK]; 3];
        for (at, color) in colors.iter().enumerate() {
            (0..3).for_each(|channel| lab[channel][at] = color[channel]);
        }
        let [l, mut a, mut b] = lab;
        let y = l.map(lightness_to_luminance);
        let fy = y.map(lab_curve::<FMA>);
        let mut beyond = [0.0; BLOCK];
        (0..BLOCK).for_each(|at| beyond[at] = excess(linear_light::<FMA>(fy[at], y[at], a[at], b[at])));
        fit::<FMA>(&fy, &y, &mut a, &mut b, &beyond);
        (0..colors.len()).map(|at| [l[at], a[at], b[at]]).collect()
    }

    fn shaded<const FMA: bool>(l: f32, a: f32, b: f32) -> [f32; 3] {
        let y = lightness_to_luminance(l);
        let fy = [lab_curve::<FMA>(y); BLOCK];
        let (mut y, mut a, mut b) = ([y; BLOCK], [a; BLOCK], [b; BLOCK]);
        shade::<FMA>(Planes { fy: &fy, y: &mut y, a: &mut a, b: &mut b });
        [y[7], a[7], b[7]]
    }

    #[test]
    fn a_gray_without_chroma_is_that_gray_and_black_is_black() {
        for step in 0..=1000_u16 {
            let l = f32::from(step) / 10.0;
            let gray = lab_to_srgb([l, 0.0, 0.0]);
            for chroma in [0.0, -0.0, 1e-30, 1e-6, -1e-6] {
                for shaded in [shaded::<true>(l, chroma, chroma), shaded::<false>(l, chroma, -chroma)] {
                    for (shaded, gray) in shaded.into_iter().zip(gray) {
                        assert!((shaded - gray).abs() < 1e-3, "L {l}, chroma {chroma}: {shaded}, not {gray}");
                    }
                }
            }
        }
    }

    proptest! {
        /// Half an 8-bit step is 0.00196. Half of that is allowed, because scikit-image's constants are off by 8e-5
        /// in linear light, where the curve is steep.
        #[test]
        fn colors_are_the_exact_ones(r in 0.0_f32..=1.0, g in 0.0_f32..=1.0, b in 0.0_f32..=1.0) {
            let [l, a, b] = srgb_to_lab([r, g, b]);
            let exact = lab_to_srgb([l, a, b]);
            for fast in [shaded::<true>(l, a, b), shaded::<false>(l, a, b)] {
                for (fast, exact) in fast.into_iter().zip(exact) {
                    prop_assert!((fast - exact.clamp(0.0, 1.0)).abs() < 1e-3, "{fast}, exactly {exact}");
                }
            }
        }

        #[test]
        fn chroma_is_that_of_the_exact_search(
            colors in prop::collection::vec((0.0_f32..=100.0, -120.0_f32..120.0, -120.0_f32..120.0), BLOCK),
        ) {
            let colors: Vec<[f32; 3]> = colors.into_iter().map(|(l, a, b)| [l, a, b]).collect();
            let mut sum = 0.0;
            for fitted in [fitted::<true>(&colors), fitted::<false>(&colors)] {
                for (fast, color) in fitted.into_iter().zip(&colors) {
                    let exact = fit_chroma(*color);
                    let apart = (fast[1] - exact[1]).hypot(fast[2] - exact[2]);
                    // Interpolation cuts corners, toward gray, where another channel takes over; by a lot near
                    // black, where chroma is all rounding.
                    prop_assert!(apart <= 1.0, "{color:?}: {fast:?}, exactly {exact:?}");
                    sum += apart;
                    let cross = fast[1] * color[2] - fast[2] * color[1];
                    prop_assert!(cross.abs() <= 1e-3 * (1.0 + color[1].hypot(color[2])), "another hue");
                }
            }
            prop_assert!(sum / 64.0 <= 0.1, "{}", sum / 64.0);
        }
    }
}
