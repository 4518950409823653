//! Blots: clouds of color where the photograph is calm.
//!
//! The idea: **where the truth hardly changes from one place to the next, the output should not either**. Means over
//! cells leave out texture and grain, so that what is summed is what a person sees as a blot on a wall or a coat.
//!
//! ```text
//! cell   mean (a, b) of 8 x 8 pixels, whole cells only
//! pairs  neighboring cells, right and below, whose true (a, b) are less than 3 apart
//! step   Euclidean distance of the two cells of a pair
//! blot of a set = sum of steps over outputs / sum of steps over truths
//! ```
//!
//! 1 is as calm as the photographs, 0 is gray. Less chroma lowers it, so compare outputs of equal colorfulness.

use super::LabPlanes;

/// Pixels along a side of a cell.
const CELL: usize = 8;
/// Neighboring cells of the truth this far apart in ab, or farther, are an edge and not a calm place.
const CALM: f64 = 3.0;

/// Sums of steps over the calm pairs of [output, truth], in units of ab; zeros where there is no calm pair.
///
/// Both pictures have rows of `width` pixels and are of one size.
pub fn steps(output: &LabPlanes, truth: &LabPlanes, width: usize) -> [f64; 2] {
    let across = width / CELL;
    let [output, truth] = [output, truth].map(|picture| cells(picture, width));
    let mut sums = [0.0, 0.0];
    for index in 0..truth.len() {
        let right = ((index + 1) % across != 0).then_some(index + 1);
        let below = Some(index + across).filter(|&below| below < truth.len());
        for neighbor in [right, below].into_iter().flatten() {
            let step = |cells: &[(f64, f64)]| {
                (cells[neighbor].0 - cells[index].0).hypot(cells[neighbor].1 - cells[index].1)
            };
            let true_step = step(&truth);
            if true_step < CALM {
                sums[0] += step(&output);
                sums[1] += true_step;
            }
        }
    }
    sums
}

/// Mean (a, b) of the whole cells, rows from the top.
fn cells(picture: &LabPlanes, width: usize) -> Vec<(f64, f64)> {
    let (across, down) = (width / CELL, picture.len().checked_div(width).unwrap_or(0) / CELL);
    let mut sums = vec![(0.0, 0.0); across * down];
    for (index, (a, b)) in picture.ab().enumerate() {
        let (x, y) = (index % width / CELL, index / width / CELL);
        if x < across && y < down {
            let sum = &mut sums[y * across + x];
            *sum = (sum.0 + a, sum.1 + b);
        }
    }
    let pixels = (CELL * CELL) as f64;
    sums.into_iter().map(|(a, b)| (a / pixels, b / pixels)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of `width` pixels a row and `height` rows, (a, b) by place.
    fn picture(width: usize, height: usize, ab: impl Fn(usize, usize) -> (f32, f32)) -> LabPlanes {
        let places = (0..width * height).map(|index| ab(index % width, index / width));
        let (a, b) = places.unzip();
        LabPlanes { l: vec![50.0; width * height], a, b }
    }

    #[test]
    fn worked_by_hand() {
        // Cells of the truth, two rows of three:  (0, 0) (1, 0) (9, 0)
        //                                         (0, 2) (1, 0) (9, 0)
        // Calm pairs: top left to its right, 1, and below it, 2; bottom left to its right, sqrt 5; the middle ones, 0;
        // the right ones, 0. The steps of 8 are edges.
        let truth = picture(24, 16, |x, y| match (x / 8, y / 8) {
            (0, 0) => (0.0, 0.0),
            (0, _) => (0.0, 2.0),
            (1, _) => (1.0, 0.0),
            _ => (9.0, 0.0),
        });
        // The output has (3, 4) in the middle of the top row only: three calm pairs touch it or do not:
        // top left to it, 5; below it, 5; the others, 0.
        let output = picture(24, 16, |x, y| if (x / 8, y / 8) == (1, 0) { (3.0, 4.0) } else { (0.0, 0.0) });
        let [output, truth] = steps(&output, &truth, 24);
        assert!((output - 10.0).abs() < 1e-9, "{output}");
        assert!((truth - (3.0 + 5.0_f64.sqrt())).abs() < 1e-9, "{truth}");
    }

    #[test]
    fn a_step_of_3_is_an_edge_and_one_below_it_is_calm() {
        let two = |step: f32| picture(16, 8, |x, _| if x < 8 { (0.0, 0.0) } else { (step, 0.0) });
        assert_eq!(steps(&two(20.0), &two(3.0), 16), [0.0, 0.0]);
        assert_eq!(steps(&two(20.0), &two(2.5), 16), [20.0, 2.5]);
    }

    #[test]
    fn texture_within_a_cell_and_pixels_beyond_whole_cells_do_not_count() {
        // A checkerboard has the mean of its two colors in every cell; columns from 16 and rows from 8 are left over.
        let board = picture(23, 15, |x, y| match (x < 16 && y < 8, (x + y) % 2) {
            (true, 0) => (10.0, -20.0),
            (true, _) => (-10.0, 20.0),
            _ => (99.0, 99.0),
        });
        let calm = picture(23, 15, |_, _| (5.0, 5.0));
        assert_eq!(steps(&board, &calm, 23), [0.0, 0.0]);
        // Smaller than a cell, and nothing at all.
        assert_eq!(
            steps(&picture(7, 30, |_, _| (1.0, 1.0)), &picture(7, 30, |_, _| (1.0, 1.0)), 7),
            [0.0; 2]
        );
        assert_eq!(steps(&LabPlanes::default(), &LabPlanes::default(), 0), [0.0; 2]);
    }
}
