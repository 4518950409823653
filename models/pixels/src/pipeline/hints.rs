//! Hints: colors that a person knows, and what follows from them elsewhere.
//!
//! The idea: **a color spreads until it meets an edge.** A way through the cells of a grid costs its length, and much more
//! where L or the predicted color changes; the distance D of a cell from a hint is the cheapest way to it (Yatziv and
//! Sapiro 2006). A hint's weight is w = exp(-(D / reach)³) (near / (D + near))². A cell moves from the prediction to the mean
//! of the hints, so weighted, by the share W / (W + doubt), W the sum of the weights. Far from every hint, or beyond an edge,
//! the prediction stays, so a picture without hints is as predicted. The hinted pixels themselves get their hint, whatever
//! the cells say.
//!
//! How the numbers were chosen, and what else was tried: docs/research/hints.md.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::frame::{Frame, Line};
use super::{PipelineError, rows};
use crate::color::srgb_to_lab;
use crate::{ImageView, PixelFormat};

/// Working pixels per side of a cell.
const CELL: usize = 4;
/// Most strokes, or parts of strokes, that spread; of more, evenly spread ones are kept.
const MOST: usize = 256;
/// Hints on more than this share of the image are taken for a mistake.
const MOST_COVERED: f64 = 0.5;
/// Hints of neighboring cells are one stroke up to this difference, in units of ab.
const ONE_STROKE: f32 = 10.0;
/// Cost of the image's longer side where nothing changes.
const LENGTH: f32 = 1.0;
/// Cost of a unit of L from cell to cell, above the first [`TEXTURE`].
const LIGHTNESS: f32 = 1.0 / 14.5;
/// What texture changes L by from cell to cell, at no cost.
const TEXTURE: f32 = 1.2;
/// Cost of a unit of predicted ab from cell to cell.
const COLOR: f32 = 1.0 / 100.0;
/// Distance at which a hint's weight has fallen to 1/e.
const REACH: f32 = 1.0;
/// Distance within which the nearest hint does not outweigh the others.
const NEAR: f32 = 0.05;
/// Weight of the prediction beside a hint's at its own place.
const DOUBT: f32 = 0.06;
/// Beyond this many times [`REACH`] a hint has no weight.
const END: f32 = 2.2;

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

    /// Checks that they are for an image of this size, and on no more than half of it.
    pub(super) fn check(&self, expected: (u32, u32)) -> Result<(), HintError> {
        let (got, layout) = (self.0.size(), self.0.layout);
        if got != expected {
            return Err(HintError::Size { expected, got });
        }
        let covered: usize = (0..layout.height).map(|y| self.pixels(y, 0..layout.width).count()).sum();
        let share = covered as f64 / (layout.width as f64 * layout.height as f64);
        match covered > 1 && share > MOST_COVERED {
            true => Err(HintError::Covered { percent: 100.0 * share }),
            false => Ok(()),
        }
    }

    /// The hinted pixels among `columns` of a row: which of these, encoded color, alpha.
    fn pixels(&self, y: usize, columns: Range<usize>) -> impl Iterator<Item = (usize, [f32; 3], f32)> + 'a {
        let format = self.0.format();
        let pixels = self
            .0
            .row(y)
            .chunks_exact(format.bytes_per_pixel())
            .skip(columns.start)
            .take(columns.len())
            .enumerate();
        pixels.filter_map(move |(x, pixel)| rows::hint(format, pixel).map(|(rgb, alpha)| (x, rgb, alpha)))
    }

    /// Moves `a` and `b` of the pixels from (`begin`, `y`) on to their hints.
    pub(super) fn stamp(&self, y: usize, begin: usize, a: &mut [f32], b: &mut [f32]) {
        for (x, rgb, alpha) in self.pixels(y, begin..begin + a.len()) {
            let [_, hint_a, hint_b] = srgb_to_lab(rgb);
            a[x] += alpha * (hint_a - a[x]);
            b[x] += alpha * (hint_b - b[x]);
        }
    }

    /// The hints of each cell that has any.
    fn gather(&self, frame: &Frame, cells: (usize, usize)) -> Vec<Hint> {
        let (across, down) = frame.lines(cells);
        let mut sums = vec![Sum::default(); cells.0 * cells.1];
        for y in 0..self.0.layout.height {
            let start = nearest(down, y, cells.1) * cells.0;
            for (x, rgb, alpha) in self.pixels(y, 0..self.0.layout.width) {
                sums[start + nearest(across, x, cells.0)].add(srgb_to_lab(rgb), alpha);
            }
        }
        let found = sums.iter().enumerate().filter(|(_, sum)| sum.weight > 0.0);
        found
            .map(|(cell, sum)| Hint { cell, ab: sum.ab.map(|ab| narrow(ab / sum.weight)), alpha: sum.alpha })
            .collect()
    }
}

/// What the hinted pixels of a cell add up to.
#[derive(Clone, Copy, Default)]
struct Sum {
    weight: f64,
    ab: [f64; 2],
    /// The largest alpha.
    alpha: f32,
}

impl Sum {
    fn add(&mut self, [_, a, b]: [f32; 3], alpha: f32) {
        self.weight += f64::from(alpha);
        self.ab = [self.ab[0] + f64::from(alpha * a), self.ab[1] + f64::from(alpha * b)];
        self.alpha = self.alpha.max(alpha);
    }
}

/// A cell's hint: the mean of its hints' a and b, and the largest alpha.
#[derive(Clone, Copy)]
struct Hint {
    cell: usize,
    ab: [f32; 2],
    alpha: f32,
}

/// Columns and rows of the grid that hints spread on.
pub(super) fn grid(frame: &Frame) -> (usize, usize) {
    let (width, height) = frame.padded();
    (width / CELL, height / CELL)
}

/// What is added to the predicted a and b in each cell of the grid; `lightness`, `a` and `b` are those of the cells.
/// `report` gets the fraction done, and stops the work with an error.
pub(super) fn difference(
    hints: &Hints<'_>,
    frame: &Frame,
    [lightness, a, b]: [&[f32]; 3],
    report: &mut dyn FnMut(f32) -> Result<(), PipelineError>,
) -> Result<[Vec<f32>; 2], PipelineError> {
    let land = Land { lightness, a, b, size: grid(frame) };
    let strokes = strokes(&hints.gather(frame, land.size), &land);
    let mut reached = vec![Reached::default(); lightness.len()];
    let mut distances = vec![f32::INFINITY; lightness.len()];
    for (index, stroke) in strokes.iter().enumerate() {
        report(index as f32 / strokes.len() as f32)?;
        for (cell, distance) in land.walk(&stroke.cells, &mut distances) {
            reached[cell].add(distance, stroke);
        }
    }
    let moved = |at: usize| reached[at].move_from([a[at], b[at]]);
    Ok([0, 1].map(|channel| (0..lightness.len()).map(|at| moved(at)[channel]).collect()))
}

/// Cells next to each other with hints that are alike, and the means of their a, b and alpha.
struct Stroke {
    cells: Vec<usize>,
    ab: [f32; 2],
    alpha: f32,
}

impl Stroke {
    fn new(hints: &[Hint]) -> Self {
        let mean = |value: &dyn Fn(&Hint) -> f32| hints.iter().map(value).sum::<f32>() / hints.len() as f32;
        Self {
            cells: hints.iter().map(|hint| hint.cell).collect(),
            ab: [mean(&|hint| hint.ab[0]), mean(&|hint| hint.ab[1])],
            alpha: mean(&|hint| hint.alpha),
        }
    }
}

/// At most [`MOST`] of the strokes that the hints make.
fn strokes(hints: &[Hint], land: &Land<'_>) -> Vec<Stroke> {
    let mut left: Vec<Option<Hint>> = vec![None; land.lightness.len()];
    hints.iter().for_each(|hint| left[hint.cell] = Some(*hint));
    let mut strokes = Vec::new();
    for hint in hints {
        let Some(start) = left[hint.cell].take() else { continue };
        let (mut stroke, mut next) = (vec![start], 0);
        while let Some(hint) = stroke.get(next) {
            next += 1;
            let cell = hint.cell;
            land.around(cell, |near, _| {
                stroke.extend(left[near].take_if(|hint| apart(hint.ab, start.ab) < ONE_STROKE));
            });
        }
        strokes.push(Stroke::new(&stroke));
    }
    let count = strokes.len();
    if count <= MOST {
        return strokes;
    }
    // Evenly spread.
    let mut index = 0..count;
    strokes.retain(|_| index.next().is_some_and(|index| index * MOST / count != (index + 1) * MOST / count));
    strokes
}

fn apart(p: [f32; 2], q: [f32; 2]) -> f32 {
    (p[0] - q[0]).hypot(p[1] - q[1])
}

/// The grid that hints spread on.
struct Land<'a> {
    lightness: &'a [f32],
    a: &'a [f32],
    b: &'a [f32],
    size: (usize, usize),
}

impl Land<'_> {
    /// Every cell within reach of `start`, and its distance (Dijkstra 1959). `distances` is infinite before and after.
    fn walk(&self, start: &[usize], distances: &mut [f32]) -> Vec<(usize, f32)> {
        let mut open: BinaryHeap<Reverse<(u32, usize)>> = BinaryHeap::new();
        for &cell in start {
            distances[cell] = 0.0;
            open.push(Reverse((0, cell)));
        }
        let mut reached = Vec::new();
        // The bits of floats that are not negative are in their order.
        while let Some(Reverse((bits, cell))) = open.pop() {
            let distance = f32::from_bits(bits);
            if distance > distances[cell] {
                continue;
            }
            reached.push((cell, distance));
            self.around(cell, |next, length| {
                let far = distance + self.cost(cell, next, length);
                if far < distances[next] && far < END * REACH {
                    distances[next] = far;
                    open.push(Reverse((far.to_bits(), next)));
                }
            });
        }
        reached.iter().for_each(|(cell, _)| distances[*cell] = f32::INFINITY);
        reached
    }

    /// Calls `visit` with each of the cells around `cell`, and how many cells it is away.
    fn around(&self, cell: usize, mut visit: impl FnMut(usize, f32)) {
        let ((width, height), x, y) = (self.size, cell % self.size.0, cell / self.size.0);
        for v in y.saturating_sub(1)..(y + 2).min(height) {
            for u in x.saturating_sub(1)..(x + 2).min(width) {
                match (u != x, v != y) {
                    (false, false) => {}
                    (true, true) => visit(v * width + u, std::f32::consts::SQRT_2),
                    _ => visit(v * width + u, 1.0),
                }
            }
        }
    }

    fn cost(&self, from: usize, to: usize, length: f32) -> f32 {
        let ab = apart([self.a[from], self.b[from]], [self.a[to], self.b[to]]);
        let l = (self.lightness[from] - self.lightness[to]).abs() - TEXTURE;
        LENGTH * length / self.size.0.max(self.size.1) as f32 + LIGHTNESS * l.max(0.0) + COLOR * ab
    }
}

/// What has reached a cell: the weights of the strokes, their colors and alphas times these, and the weight that the
/// nearest one's place alone gives.
#[derive(Clone, Copy, Default)]
struct Reached {
    weight: f32,
    ab: [f32; 2],
    alpha: f32,
    nearest: f32,
}

impl Reached {
    fn add(&mut self, distance: f32, &Stroke { ab, alpha, .. }: &Stroke) {
        let near = (NEAR / (distance + NEAR)).powi(2);
        let weight = near * (-(distance / REACH).powi(3)).exp();
        self.weight += weight;
        self.ab = [self.ab[0] + weight * ab[0], self.ab[1] + weight * ab[1]];
        self.alpha += weight * alpha;
        self.nearest = self.nearest.max(near);
    }

    /// How far the color `from` moves.
    fn move_from(&self, from: [f32; 2]) -> [f32; 2] {
        if self.weight <= 0.0 {
            return [0.0; 2];
        }
        // The mean alpha times the share beside the prediction.
        let share = self.alpha / (self.weight + DOUBT * self.nearest);
        [0, 1].map(|channel| share * (self.ab[channel] / self.weight - from[channel]))
    }
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
