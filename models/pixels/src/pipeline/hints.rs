//! Hints: colors that a person knows, and what follows from them elsewhere.
//!
//! The idea: **a hint measures the error of the prediction there, and alike places err alike.** The error is taken as a
//! Gaussian process over the cells of a grid (Rasmussen and Williams 2006, ch. 2; kriging), whose kernel says how alike
//! two cells are in place, in L and in predicted color:
//!
//! k(p, q) = Σ_t v_t exp(-|p - q|² / 2 r_t² - (L_p - L_q)² / 2 l_t² - |ab_p - ab_q|² / 2 c_t²)
//!
//! Its mean, given the hints, is added to the prediction: d(p) = Σ_i k(p, i) w_i with (K + s² I) w = hint - prediction.
//! It is 0 far from every hint, so a picture without hints stays as predicted. The hinted pixels themselves get their
//! hint, whatever the cells say. How the numbers were chosen, and other ways: docs/research/hints.md.

use super::frame::{Frame, Line};
use super::rows;
use crate::color::{luminance_to_lightness, srgb_to_lab};
use crate::{ImageView, PixelFormat};

/// Working pixels per side of a cell.
const CELL: usize = 4;
/// Most cells that hints are read from; of more, evenly spread ones are kept.
const MOST: usize = 256;
/// Hints on more than this share of the image are taken for a mistake.
const MOST_COVERED: f64 = 0.5;
/// s²: variance of a hint, in squared units of ab.
const NOISE: f64 = 4.4;
/// The kernel's terms.
const TERMS: [Term; 3] = [
    Term { variance: 97.0, reach: 3.2, lightness: 9.3, color: 40.0 },
    Term { variance: 80.0, reach: 0.4, lightness: 10.1, color: 24.8 },
    Term { variance: 25.0, reach: 0.049, lightness: 31.0, color: 49.0 },
];

/// One scale on which cells are alike.
struct Term {
    /// v, in squared units of ab.
    variance: f32,
    /// r, as a fraction of the image's longer side.
    reach: f32,
    /// l, in units of L.
    lightness: f32,
    /// c, in units of ab.
    color: f32,
}

/// Why hints cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HintError {
    /// No alpha, so it cannot say where there is a hint.
    #[error("the hints are {0:?}; expected a format with alpha, where transparent means no hint")]
    NoAlpha(PixelFormat),
    /// Another size than the image.
    #[error("the hints are {} x {} pixels; expected the image's {} x {}", got.0, got.1, expected.0, expected.1)]
    Size {
        /// Width and height of the image.
        expected: (u32, u32),
        /// Width and height of the hints.
        got: (u32, u32),
    },
    /// Nearly everything is a hint.
    #[error(
        "the hints cover {percent:.0}% of the image; expected strokes on a transparent picture, at most 50%: erase the rest"
    )]
    Covered {
        /// How much.
        percent: f64,
    },
}

/// Colors that a person knows: a picture of the image's size, transparent where there is no hint. Of a hint's color, a
/// and b are used; partial alpha mixes it with what is there without it.
#[derive(Debug, Clone, Copy)]
pub struct Hints<'a>(ImageView<'a>);

impl<'a> Hints<'a> {
    /// The hints in `picture`.
    ///
    /// # Errors
    /// [`HintError::NoAlpha`].
    pub fn new(picture: ImageView<'a>) -> Result<Self, HintError> {
        match picture.format().has_alpha() {
            true => Ok(Self(picture)),
            false => Err(HintError::NoAlpha(picture.format())),
        }
    }

    /// Checks that they are for an image of this size.
    pub(super) fn fit(&self, expected: (u32, u32)) -> Result<(), HintError> {
        let got = self.0.size();
        if got == expected { Ok(()) } else { Err(HintError::Size { expected, got }) }
    }

    /// Moves `a` and `b` of the pixels from (`begin`, `y`) on to their hints.
    pub(super) fn stamp(&self, y: usize, begin: usize, a: &mut [f32], b: &mut [f32]) {
        let size = self.0.format().bytes_per_pixel();
        let row = &self.0.row(y)[begin * size..];
        for ((pixel, a), b) in row.chunks_exact(size).zip(a).zip(b) {
            let Some((rgb, alpha)) = rows::hint(self.0.format(), pixel) else { continue };
            let [_, hint_a, hint_b] = srgb_to_lab(rgb);
            *a += alpha * (hint_a - *a);
            *b += alpha * (hint_b - *b);
        }
    }

    /// Whether a row has any.
    fn row(&self, y: usize) -> Option<&'a [u8]> {
        let (row, format) = (self.0.row(y), self.0.format());
        row.chunks_exact(format.bytes_per_pixel())
            .any(|pixel| rows::hint(format, pixel).is_some())
            .then_some(row)
    }

    /// The hints of each cell that has any.
    fn gather(
        &self,
        input: &ImageView<'_>,
        frame: &Frame,
        cells: (usize, usize),
    ) -> Result<Vec<Hint>, HintError> {
        let (across, down) = frame.lines(cells);
        let size = self.0.format().bytes_per_pixel();
        let mut sums = vec![[0.0_f64; 4]; cells.0 * cells.1];
        let mut luminance = vec![0.0; input.layout.width];
        let mut covered = 0_u64;
        for y in 0..input.layout.height {
            let Some(row) = self.row(y) else { continue };
            rows::luminance(input.format(), input.row(y), &mut luminance);
            let start = nearest(down, y, cells.1) * cells.0;
            for (x, (pixel, luminance)) in row.chunks_exact(size).zip(&luminance).enumerate() {
                let Some((rgb, alpha)) = rows::hint(self.0.format(), pixel) else { continue };
                covered += 1;
                let [_, a, b] = srgb_to_lab(rgb);
                let sum = &mut sums[start + nearest(across, x, cells.0)];
                let weighed =
                    [1.0, luminance_to_lightness(*luminance), a, b].map(|value| f64::from(alpha * value));
                sum.iter_mut().zip(weighed).for_each(|(sum, value)| *sum += value);
            }
        }
        let share = covered as f64 / (input.layout.width as f64 * input.layout.height as f64);
        if share > MOST_COVERED && covered > 1 {
            return Err(HintError::Covered { percent: 100.0 * share });
        }
        let found = sums.iter().enumerate().filter(|(_, [weight, ..])| *weight > 0.0);
        Ok(found
            .map(|(cell, [weight, rest @ ..])| Hint { cell, lab: rest.map(|sum| narrow(sum / weight)) })
            .collect())
    }
}

/// A cell's hint: the mean of its hinted pixels' L, and of their hints' a and b.
struct Hint {
    cell: usize,
    lab: [f32; 3],
}

/// Columns and rows of the grid that hints spread on.
pub(super) fn grid(frame: &Frame) -> (usize, usize) {
    let (width, height) = frame.padded();
    (width / CELL, height / CELL)
}

/// What is added to the predicted a and b in each cell of the grid; `lightness`, `a` and `b` are those of the cells.
pub(super) fn difference(
    hints: &Hints<'_>,
    input: &ImageView<'_>,
    frame: &Frame,
    [lightness, a, b]: [&[f32]; 3],
) -> Result<[Vec<f32>; 2], HintError> {
    let cells = grid(frame);
    let found = spread_evenly(hints.gather(input, frame, cells)?);
    let place =
        |cell: usize| [cell % cells.0, cell / cells.0].map(|at| at as f32 / cells.0.max(cells.1) as f32);
    let point = |cell: usize, l: f32| Point { place: place(cell), l, ab: [a[cell], b[cell]] };
    let known: Vec<Point> = found.iter().map(|hint| point(hint.cell, hint.lab[0])).collect();
    let error = |channel: usize| {
        let predicted = if channel == 0 { a } else { b };
        found.iter().map(|hint| f64::from(hint.lab[1 + channel] - predicted[hint.cell])).collect::<Vec<f64>>()
    };
    let weights = solve(&known, [error(0), error(1)]);
    let at = |cell: usize| {
        let here = point(cell, lightness[cell]);
        let alike = known.iter().map(|point| kernel(&here, point));
        alike.zip(&weights).fold([0.0; 2], |[a, b], (k, [wa, wb])| [a + k * wa, b + k * wb])
    };
    let both: Vec<[f32; 2]> = (0..lightness.len()).map(at).collect();
    Ok([0, 1].map(|channel| both.iter().map(|ab| ab[channel]).collect()))
}

/// At most [`MOST`] of the hints.
fn spread_evenly(hints: Vec<Hint>) -> Vec<Hint> {
    let step = hints.len().div_ceil(MOST).max(1);
    hints.into_iter().step_by(step).collect()
}

/// What the kernel looks at.
struct Point {
    place: [f32; 2],
    l: f32,
    ab: [f32; 2],
}

fn kernel(p: &Point, q: &Point) -> f32 {
    let squares = |p: [f32; 2], q: [f32; 2]| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
    let (place, l, ab) = (squares(p.place, q.place), (p.l - q.l).powi(2), squares(p.ab, q.ab));
    let term = |term: &Term| {
        let far = place / term.reach.powi(2) + l / term.lightness.powi(2) + ab / term.color.powi(2);
        term.variance * (-0.5 * far).exp()
    };
    TERMS.iter().map(term).sum()
}

/// w of each point, for both channels: Cholesky's method, which the noise on the diagonal keeps sound.
fn solve(points: &[Point], mut sides: [Vec<f64>; 2]) -> Vec<[f32; 2]> {
    let count = points.len();
    let mut lower = vec![0.0_f64; count * count];
    for i in 0..count {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[i * count + k] * lower[j * count + k]).sum();
            let value = f64::from(kernel(&points[i], &points[j])) - dot;
            lower[i * count + j] =
                if i == j { (value + NOISE).max(NOISE).sqrt() } else { value / lower[j * count + j] };
        }
    }
    for side in &mut sides {
        for i in 0..count {
            let known: f64 = (0..i).map(|k| lower[i * count + k] * side[k]).sum();
            side[i] = (side[i] - known) / lower[i * count + i];
        }
        for i in (0..count).rev() {
            let known: f64 = (i + 1..count).map(|k| lower[k * count + i] * side[k]).sum();
            side[i] = (side[i] - known) / lower[i * count + i];
        }
    }
    (0..count).map(|i| [narrow(sides[0][i]), narrow(sides[1][i])]).collect()
}

/// Which of `cells` a pixel lies in.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the cells")]
fn nearest(line: Line, pixel: usize, cells: usize) -> usize {
    (line.at(pixel).round().max(0.0) as usize).min(cells - 1)
}

#[expect(clippy::cast_possible_truncation, reason = "f32 precision is enough")]
fn narrow(value: f64) -> f32 {
    value as f32
}
