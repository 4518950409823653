//! CIEDE2000, a color difference that follows human perception.
//!
//! The idea: **the formula as Sharma, Wu and Dalal published it** ("The CIEDE2000 color-difference formula:
//! implementation notes, supplementary test data, and mathematical observations", Color Research and Application
//! 30, 2005), tested on their 34 pairs. Computed in f64: the hue terms lose too much precision in f32.

use std::f64::consts::TAU;

/// Difference of two `[L, a, b]` colors, with all three weights 1: 0 for equal colors, about 1 where people begin
/// to see a difference, 100 from black to white.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "rounded to f32 once, at the end")]
pub fn ciede2000(left: [f32; 3], right: [f32; 3]) -> f32 {
    let ([l1, a1, b1], [l2, a2, b2]) = (left.map(f64::from), right.map(f64::from));

    // Stretch a where chroma is low (equations 2 to 7).
    let stretch = 1.0 + 0.5 * (1.0 - saturation(0.5 * (a1.hypot(b1) + a2.hypot(b2))));
    let (a1, a2) = (a1 * stretch, a2 * stretch);
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));

    let (turn, mean_hue) = if c1 * c2 == 0.0 { (0.0, h1 + h2) } else { hue_turn_and_mean(h1, h2) };
    let (mean_l, mean_c) = (0.5 * (l1 + l2), 0.5 * (c1 + c2));

    // Weights of the three differences, and the rotation term for blue (equations 15 to 21).
    let t = 1.0 - 0.17 * (mean_hue - degrees(30.0)).cos()
        + 0.24 * (2.0 * mean_hue).cos()
        + 0.32 * (3.0 * mean_hue + degrees(6.0)).cos()
        - 0.20 * (4.0 * mean_hue - degrees(63.0)).cos();
    let from_middle = (mean_l - 50.0) * (mean_l - 50.0);
    let weight_l = 1.0 + 0.015 * from_middle / (20.0 + from_middle).sqrt();
    let weight_c = 1.0 + 0.045 * mean_c;
    let weight_h = 1.0 + 0.015 * mean_c * t;
    let from_blue = (mean_hue.to_degrees() - 275.0) / 25.0;
    let rotation = -2.0 * saturation(mean_c) * degrees(60.0 * (-from_blue * from_blue).exp()).sin();

    let dl = (l2 - l1) / weight_l;
    let dc = (c2 - c1) / weight_c;
    let dh = 2.0 * (c1 * c2).sqrt() * (0.5 * turn).sin() / weight_h;
    (dl * dl + dc * dc + dh * dh + rotation * dc * dh).max(0.0).sqrt() as f32
}

/// Rises from 0 for gray to 1 for vivid colors.
fn saturation(chroma: f64) -> f64 {
    let seventh = chroma.powi(7);
    (seventh / (seventh + 25_f64.powi(7))).sqrt()
}

/// Hue angle in 0..2 pi; 0 for neutral colors.
fn hue(a: f64, b: f64) -> f64 {
    let angle = b.atan2(a);
    if angle < 0.0 { angle + TAU } else { angle }
}

/// The shorter turn from one hue to the other, and the mean hue (equations 10 and 14).
fn hue_turn_and_mean(h1: f64, h2: f64) -> (f64, f64) {
    let (turn, sum) = (h2 - h1, h1 + h2);
    // Opposite hues lie on the boundary of two branches; the paper's pair 10 must not depend on the last bit.
    if turn.abs() <= 0.5 * TAU + 1e-9 {
        (turn, 0.5 * sum)
    } else {
        let shorter = if turn > 0.0 { turn - TAU } else { turn + TAU };
        (shorter, 0.5 * if sum < TAU { sum + TAU } else { sum - TAU })
    }
}

fn degrees(angle: f64) -> f64 {
    angle.to_radians()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_34_pairs_of_sharma_wu_and_dalal() {
        let table = include_str!("../../../../tests/parity/ciede2000_sharma2005.csv");
        let mut pairs = 0;
        for line in table.lines().skip(1) {
            let values: Vec<f32> = line.split(',').map(|value| value.parse().expect("a number")).collect();
            let [l1, a1, b1, l2, a2, b2, expected] = values[..] else { panic!("7 columns: {line}") };
            let (left, right) = ([l1, a1, b1], [l2, a2, b2]);
            let forth = ciede2000(left, right);
            assert!((forth - expected).abs() < 1e-4, "{line}: {forth}");
            assert!((ciede2000(right, left) - forth).abs() < 1e-5, "{line}: not symmetric");
            pairs += 1;
        }
        assert_eq!(pairs, 34);
    }

    #[test]
    fn black_to_white_is_100_and_equal_is_0() {
        assert!((ciede2000([0.0; 3], [100.0, 0.0, 0.0]) - 100.0).abs() < 1e-3);
        assert_eq!(ciede2000([31.0, 4.0, -50.0], [31.0, 4.0, -50.0]).to_bits(), 0.0_f32.to_bits());
    }
}
