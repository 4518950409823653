//! Which of the 313 bins can be among the k nearest of a point: a table over small cells of the ab plane.
//!
//! The idea: **the bins lie on a grid, so only a few around a point can matter, and which ones can be said for a whole
//! cell at once.** Let D be the k-th least of the greatest distances from bins to any point of the cell: k bins are
//! within D of every point in it. So a bin whose least distance to the cell is above D is never among the k nearest. What
//! is left are some 15 of 313, and the result is exactly that of comparing all.

use tch::{Kind, TchError, Tensor};

use super::bins2d::bins;

/// Side of a cell, half the distance of neighbouring bins.
const CELL: f32 = 5.0;
/// The table covers -EDGE to EDGE both ways; points beyond are taken as on its edge, where no 8-bit colour is.
const EDGE: f32 = 130.0;
/// Cells a side.
const SIDE: u16 = 52;

/// The candidates of every cell, each list as long as the longest need be.
#[derive(Debug)]
pub(super) struct Candidates {
    /// Cell by cell, rows of a, then b.
    table: Vec<i64>,
    count: usize,
}

impl Candidates {
    /// The table for the `k` nearest bins.
    pub(super) fn new(k: i64) -> Self {
        let k = usize::try_from(k).unwrap_or(1).max(1);
        let centres: Vec<[f32; 2]> = bins().into_iter().map(|(a, b)| [f32::from(a), f32::from(b)]).collect();
        let corner = |n: u16| f32::from(n) * CELL - EDGE;
        let cells = (0..SIDE).flat_map(|a| (0..SIDE).map(move |b| [corner(a), corner(b)]));
        let cells: Vec<(Vec<usize>, usize)> = cells.map(|low| by_distance(&centres, low, k)).collect();
        let count = cells.iter().map(|(_, needed)| *needed).max().unwrap_or(0);
        let table = cells
            .iter()
            .flat_map(|(bins, _)| bins[..count].iter().map(|&bin| i64::try_from(bin).unwrap_or(0)));
        Candidates { table: table.collect(), count }
    }

    /// Candidates `[P, C]`, int64, of points `[P, 2]`.
    pub(super) fn of(&self, points: &Tensor) -> Result<Tensor, TchError> {
        let side = i64::from(SIDE);
        let cell = points.f_add_scalar(f64::from(EDGE))?.f_div_scalar(f64::from(CELL))?.f_floor()?;
        let cell = cell.f_clamp(0, side - 1)?.f_to_kind(Kind::Int64)?;
        let row = cell.f_select(1, 0)?.f_mul_scalar(side)?.f_add(&cell.f_select(1, 1)?)?;
        let count = i64::try_from(self.count).map_err(|error| TchError::Torch(error.to_string()))?;
        let table = Tensor::f_from_slice(&self.table)?.f_view([-1, count])?;
        table.f_to_device(points.device())?.f_index_select(0, &row)
    }
}

/// Bins by their distance to the cell whose least corner is `low`, and how many of them can be among the `k` nearest of
/// a point in it.
fn by_distance(centres: &[[f32; 2]], low: [f32; 2], k: usize) -> (Vec<usize>, usize) {
    let least_and_greatest = |centre: &[f32; 2]| {
        let (mut least, mut greatest) = (0.0_f32, 0.0_f32);
        for (c, low) in centre.iter().zip(low) {
            let (below, above) = (low - c, c - (low + CELL));
            least += below.max(above).max(0.0).powi(2);
            greatest += below.abs().max(above.abs()).powi(2);
        }
        (least, greatest)
    };
    let distances: Vec<(f32, f32)> = centres.iter().map(least_and_greatest).collect();
    let mut greatest: Vec<f32> = distances.iter().map(|(_, greatest)| *greatest).collect();
    greatest.sort_by(f32::total_cmp);
    let within = greatest[k.min(greatest.len()) - 1];
    let mut order: Vec<usize> = (0..centres.len()).collect();
    order.sort_by(|&a, &b| distances[a].0.total_cmp(&distances[b].0));
    let needed = distances.iter().filter(|(least, _)| *least <= within).count();
    (order, needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Squared distances to the k nearest bins, from all of them.
    fn brute_force(a: f32, b: f32, k: usize) -> Vec<f32> {
        let squared = |(ca, cb): (i16, i16)| (a - f32::from(ca)).powi(2) + (b - f32::from(cb)).powi(2);
        let mut all: Vec<f32> = bins().into_iter().map(squared).collect();
        all.sort_by(f32::total_cmp);
        all.truncate(k);
        all
    }

    #[test]
    fn the_nearest_bins_are_always_among_the_candidates_and_these_are_few() {
        for k in [1, 5, 16_u8] {
            let candidates = Candidates::new(i64::from(k));
            assert!(candidates.count <= 24 + 3 * usize::from(k), "{k}: {}", candidates.count);
            let (k, all) = (usize::from(k), bins());
            let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2000));
            let points = (-128.0_f32..127.0, -128.0_f32..127.0);
            let check = |(a, b): (f32, f32)| {
                let list = candidates.of(&Tensor::from_slice(&[a, b]).view([1, 2])).expect("looks up");
                let list = Vec::<i64>::try_from(list.view([-1])).expect("bins");
                let mut squared: Vec<f32> = list
                    .iter()
                    .map(|&bin| all[usize::try_from(bin).expect("a bin")])
                    .map(|(ca, cb)| (a - f32::from(ca)).powi(2) + (b - f32::from(cb)).powi(2))
                    .collect();
                squared.sort_by(f32::total_cmp);
                prop_assert_eq!(&squared[..k], &brute_force(a, b, k)[..]);
                Ok(())
            };
            runner.run(&points, check).expect("holds for every point");
        }
    }
}
