//! Smooths colors where the picture is smooth.
//!
//! The idea: **what is alike has one color.** A network decides cell by cell, so an even wall comes out in clouds.
//! Each cell takes the mean color of the cells around it, weighted by how near they are, how alike in lightness, and
//! how alike in color they already are:
//!
//! x_i' = Σ_j w_ij x_j / Σ_j w_ij,  w_ij = exp(-|p_i - p_j|² / 2 r² - (L_i - L_j)² / 2 s² - |x_i - x_j|² / 2 c²)
//!
//! p is a cell's place, x its (a, b), L its mean lightness. Small steps away from edges disappear; edges of lightness
//! or of color stay. This is the joint bilateral filter (Tomasi and Manduchi 1998; Petschnigg et al. 2004), cut off
//! at two r.

use serde::{Deserialize, Serialize};

/// How far a cell's color reaches, as it stands in `model.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smoothing {
    /// r, in cells of the network's output; 0.5 to 8.
    pub reach: f32,
    /// s, in units of L; 0.5 to 100.
    pub lightness: f32,
    /// c, in units of ab; 0.5 to 100.
    pub color: f32,
    /// How often it is done, 1 to 4.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub passes: u32,
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_once(passes: &u32) -> bool {
    *passes == 1
}

impl Smoothing {
    /// Name, range and value of the first number out of bounds.
    pub(crate) fn out_of_bounds(&self) -> Option<(&'static str, &'static str, String)> {
        let within = |value: f32, most: f32| (0.5..=most).contains(&value);
        [
            ("reach", "0.5 to 8", within(self.reach, 8.0), self.reach.to_string()),
            ("lightness", "0.5 to 100", within(self.lightness, 100.0), self.lightness.to_string()),
            ("color", "0.5 to 100", within(self.color, 100.0), self.color.to_string()),
            ("passes", "1 to 4", (1..=4).contains(&self.passes), self.passes.to_string()),
        ]
        .into_iter()
        .find_map(|(name, range, fits, value)| (!fits).then_some((name, range, value)))
    }

    /// Smooths planes of `width` columns: a and b of each cell, and its mean L. All three are of one length, a
    /// multiple of `width`.
    pub(crate) fn smooth(&self, a: &mut Vec<f32>, b: &mut Vec<f32>, l: &[f32], width: usize) {
        let near = self.near();
        for _ in 0..self.passes {
            let smooth = |index| self.cell(&near, [a, b, l], width, index);
            (*a, *b) = (0..l.len()).map(smooth).unzip();
        }
    }

    /// Offset and squared distance over 2 r² of every place around a cell.
    fn near(&self) -> Vec<(isize, isize, f32)> {
        // The bounds keep it below 16.
        #[expect(clippy::cast_possible_truncation, reason = "at most 16")]
        let radius = (2.0 * self.reach).min(16.0).floor() as i16;
        let around = (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy)));
        let far = |d: i16| (f32::from(d) / self.reach).powi(2) / 2.0;
        around.map(|(dx, dy)| (isize::from(dx), isize::from(dy), far(dx) + far(dy))).collect()
    }

    /// The new (a, b) of a cell.
    fn cell(
        &self,
        near: &[(isize, isize, f32)],
        [a, b, l]: [&[f32]; 3],
        width: usize,
        at: usize,
    ) -> (f32, f32) {
        let (height, x, y) = (l.len() / width, at % width, at / width);
        let (light, color) = (0.5 / self.lightness.powi(2), 0.5 / self.color.powi(2));
        let (mut sum, mut sum_a, mut sum_b) = (0.0, 0.0, 0.0);
        for &(dx, dy, far) in near {
            let Some((u, v)) = x.checked_add_signed(dx).zip(y.checked_add_signed(dy)) else { continue };
            if u >= width || v >= height {
                continue;
            }
            let other = v * width + u;
            let apart = (a[at] - a[other]).powi(2) + (b[at] - b[other]).powi(2);
            let weight = (-far - light * (l[at] - l[other]).powi(2) - color * apart).exp();
            sum += weight;
            sum_a += weight * a[other];
            sum_b += weight * b[other];
        }
        // A cell is all of itself: the sum is at least 1.
        (sum_a / sum, sum_b / sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMOOTHING: Smoothing = Smoothing { reach: 2.0, lightness: 8.0, color: 12.0, passes: 1 };

    /// A row of cells: a and b after smoothing.
    fn row(a: &[f32], l: &[f32], how: Smoothing) -> Vec<f32> {
        let (mut a, mut b) = (a.to_vec(), a.iter().map(|a| -a).collect::<Vec<_>>());
        how.smooth(&mut a, &mut b, l, l.len());
        assert!(a.iter().zip(&b).all(|(a, b)| (a + b).abs() < 1e-4), "both planes are treated alike");
        a
    }

    #[test]
    fn is_the_formula_worked_by_hand() {
        // Two cells one apart, alike in L; a differs by 10 and b by 10: w = exp(-1/8 - 200/288).
        let weight = (-1.0_f32 / 8.0 - 200.0 / 288.0).exp();
        let smooth = row(&[0.0, 10.0], &[50.0, 50.0], SMOOTHING);
        assert!((smooth[0] - 10.0 * weight / (1.0 + weight)).abs() < 1e-4, "{smooth:?}");
    }

    #[test]
    fn clouds_go_and_edges_of_lightness_or_color_stay() {
        let clouds = [10.0, 14.0, 9.0, 15.0, 10.0, 13.0];
        let even = row(&clouds, &[50.0; 6], SMOOTHING);
        let steps = |a: &[f32]| a.windows(2).map(|pair| (pair[0] - pair[1]).abs()).sum::<f32>();
        assert!(steps(&even) < 0.4 * steps(&clouds), "{even:?}");
        let lit = row(&[10.0, 10.0, 20.0, 20.0], &[20.0, 20.0, 80.0, 80.0], SMOOTHING);
        assert!((lit[1] - 10.0).abs() < 0.01 && (lit[2] - 20.0).abs() < 0.01, "{lit:?}");
        let painted = row(&[-40.0, -40.0, 40.0, 40.0], &[50.0; 4], SMOOTHING);
        assert!((painted[1] + 40.0).abs() < 0.01 && (painted[2] - 40.0).abs() < 0.01, "{painted:?}");
    }

    #[test]
    fn one_color_stays_and_passes_go_further() {
        assert!(
            row(&[7.0; 5], &[0.0, 25.0, 50.0, 75.0, 100.0], SMOOTHING).iter().all(|a| (a - 7.0).abs() < 1e-5)
        );
        let bump = [0.0, 0.0, 8.0, 0.0, 0.0];
        let twice = row(&bump, &[50.0; 5], Smoothing { passes: 2, ..SMOOTHING });
        assert!(twice[2] < row(&bump, &[50.0; 5], SMOOTHING)[2]);
    }

    #[test]
    fn numbers_out_of_bounds_are_named() {
        assert_eq!(SMOOTHING.out_of_bounds(), None);
        let wide = Smoothing { reach: 9.0, ..SMOOTHING };
        assert_eq!(wide.out_of_bounds(), Some(("reach", "0.5 to 8", "9".to_owned())));
        let never = Smoothing { passes: 0, ..SMOOTHING };
        assert_eq!(never.out_of_bounds(), Some(("passes", "1 to 4", "0".to_owned())));
    }
}
