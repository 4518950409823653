//! The bins nearest to a color, without comparing all 313.
//!
//! The idea: **which of two bins is nearer changes along a straight line**, since the difference of two squared
//! distances is affine in the point. So a bin that k others beat at all four corners of a cell is beaten by them
//! everywhere in it, and cannot be among the k nearest of any color there. For k = 5, at most 12 bins remain for a 10
//! x 10 cell: a table lists them, and the choice among them is exact.

use tch::{Kind, TchError, Tensor};

/// Side of a cell, in units of ab; cells begin and end on the bins' grid.
const SIDE: i16 = 10;
/// The cells cover -REACH to REACH; the ab of sRGB lie within -108 to 99.
pub const REACH: i16 = 130;
/// Cells per side.
const CELLS: i16 = 2 * REACH / SIDE;

/// Where padding entries of a cell's list are placed: too far to be chosen.
const NOWHERE: f32 = 1e6;

/// For each cell the bins that are among the k nearest of some color in it. Plain numbers, since a codec is shared
/// between threads and tensors are not.
#[derive(Debug)]
pub struct Candidates {
    k: i64,
    /// Positions of the candidates in the list of bins, `[CELLS * CELLS, width]`, by rising a, then b.
    index: Vec<i64>,
    /// Their centers, float32 `[CELLS * CELLS, width, 2]`.
    centers: Vec<f32>,
}

impl Candidates {
    /// The table of the `k` nearest of `bins`, 1 to the number of bins.
    #[must_use]
    pub fn new(bins: &[(i16, i16)], k: i64) -> Self {
        let count = usize::try_from(k).unwrap_or(bins.len()).clamp(1, bins.len());
        let lows = || (0..CELLS).map(|index| index * SIDE - REACH);
        let cells: Vec<Vec<usize>> =
            lows().flat_map(|a| lows().map(move |b| candidates(bins, (a, b), count))).collect();
        let width = cells.iter().map(Vec::len).max().unwrap_or(0);
        let (mut index, mut centers) = (Vec::new(), Vec::new());
        for cell in &cells {
            for place in 0..width {
                let bin = cell.get(place);
                let center = |&bin: &usize| [f32::from(bins[bin].0), f32::from(bins[bin].1)];
                centers.extend(bin.map_or([NOWHERE; 2], center));
                index.push(bin.map_or(0, |&bin| i64::try_from(bin).unwrap_or(0)));
            }
        }
        Candidates { k, index, centers }
    }

    /// The `k` bins nearest to each of `points`, float32 `[P, 2]`, nearest first: positions in the list of bins, int64
    /// `[P, k]`, and squared distances, float32 `[P, k]`. Points beyond [`REACH`] count as the nearest within.
    ///
    /// # Errors
    /// Whatever libtorch reports.
    pub fn nearest(&self, points: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        let (device, rows) = (points.device(), i64::from(CELLS) * i64::from(CELLS));
        let index = Tensor::f_from_slice(&self.index)?.f_view([rows, -1])?.f_to_device(device)?;
        let centers = Tensor::f_from_slice(&self.centers)?.f_view([rows, -1, 2])?.f_to_device(device)?;
        let points = points.f_clamp(-f64::from(REACH), f64::from(REACH))?;
        let place = points.f_add_scalar(f64::from(REACH))?.f_div_scalar(f64::from(SIDE))?;
        // Clamped as whole numbers, so that not even a value that is not a number leaves the table.
        let place = place.f_to_kind(Kind::Int64)?.f_clamp(0, i64::from(CELLS) - 1)?;
        let row = place.f_select(1, 0)?.f_mul_scalar(i64::from(CELLS))?.f_add(&place.f_select(1, 1)?)?;
        let offset = centers.f_index_select(0, &row)?.f_sub(&points.f_unsqueeze(1)?)?;
        let squared = offset.f_square()?.f_sum_dim_intlist([2].as_slice(), false, Kind::Float)?;
        let (squared, chosen) = squared.f_topk(self.k, 1, false, true)?;
        Ok((index.f_index_select(0, &row)?.f_gather(1, &chosen, false)?, squared))
    }
}

/// Squared distances of a bin from the four corners of the cell that begins at (a, b).
fn from_corners((a, b): (i16, i16), bin: (i16, i16)) -> [i32; 4] {
    let square = |x: i16, y: i16| (i32::from(x) - i32::from(y)).pow(2);
    [(a, b), (a + SIDE, b), (a, b + SIDE), (a + SIDE, b + SIDE)]
        .map(|corner| square(corner.0, bin.0) + square(corner.1, bin.1))
}

/// The bins that fewer than `k` others beat everywhere in the cell.
fn candidates(bins: &[(i16, i16)], cell: (i16, i16), k: usize) -> Vec<usize> {
    let distances: Vec<[i32; 4]> = bins.iter().map(|&bin| from_corners(cell, bin)).collect();
    let beats = |d: &[i32; 4], c: &[i32; 4]| d.iter().zip(c).all(|(d, c)| d < c);
    let beaten = |c: &[i32; 4]| distances.iter().filter(|d| beats(d, c)).nth(k - 1).is_some();
    (0..bins.len()).filter(|&bin| !beaten(&distances[bin])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bins2d::bins;
    use super::*;

    /// Squared distances of the k nearest bins, by asking all of them.
    fn by_brute_force(a: f32, b: f32, k: usize) -> Vec<f32> {
        let square = |(ca, cb): (i16, i16)| (f32::from(ca) - a).powi(2) + (f32::from(cb) - b).powi(2);
        let mut all: Vec<f32> = bins().into_iter().map(square).collect();
        all.sort_by(f32::total_cmp);
        all.truncate(k);
        all
    }

    /// Compared by distance: of bins equally far either may be chosen.
    fn check(points: &[f32], k: usize) {
        let table = Candidates::new(&bins(), i64::try_from(k).expect("fits"));
        let (index, squared) = table.nearest(&Tensor::from_slice(points).view([-1, 2])).expect("finds");
        let index = Vec::<i64>::try_from(index.view([-1])).expect("positions");
        let squared = Vec::<f32>::try_from(squared.view([-1])).expect("distances");
        for (place, point) in points.as_chunks::<2>().0.iter().enumerate() {
            let (a, b) = (point[0], point[1]);
            let of_bin = |&bin: &i64| {
                let (ca, cb) = bins()[usize::try_from(bin).expect("a position")];
                (f32::from(ca) - a).powi(2) + (f32::from(cb) - b).powi(2)
            };
            let chosen = place * k..(place + 1) * k;
            let named: Vec<f32> = index[chosen.clone()].iter().map(of_bin).collect();
            let expected = by_brute_force(a, b, k);
            let near = |got: &[f32]| got.iter().zip(&expected).all(|(x, y)| (x - y).abs() <= 1e-5 * y + 1e-3);
            assert!(near(&squared[chosen]) && near(&named), "({a}, {b}), {k}: {named:?}, not {expected:?}");
            let mut distinct = index[place * k..(place + 1) * k].to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), k, "({a}, {b}): a bin twice");
        }
    }

    #[test]
    fn every_whole_ab_has_the_neighbors_of_brute_force() {
        let points = (-128_i16..128).flat_map(|a| (-128_i16..128).step_by(3).map(move |b| [a, b]));
        check(&points.flatten().map(f32::from).collect::<Vec<_>>(), 5);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_ab_has_the_neighbors_of_brute_force(
            points in proptest::collection::vec(-130.0_f32..130.0, 128),
            k in 1_usize..=16,
        ) {
            check(&points, k);
        }
    }

    #[test]
    fn a_cell_inside_the_gamut_has_its_corners_and_the_eight_bins_around_them() {
        assert_eq!(candidates(&bins(), (0, 0), 1).len(), 4);
        assert_eq!(candidates(&bins(), (0, 0), 5).len(), 12);
    }

    #[test]
    fn what_lies_beyond_the_table_counts_as_its_edge_and_nonsense_stays_nonsense() {
        let table = Candidates::new(&bins(), 2);
        let points = Tensor::from_slice(&[500.0_f32, 0.0, 130.0, 0.0, f32::NAN, 0.0]).view([3, 2]);
        let (index, squared) = table.nearest(&points).expect("finds");
        assert_eq!(index.get(0), index.get(1));
        // (100, 0) and (100, -10).
        assert_eq!(Vec::<f32>::try_from(squared.get(0)).expect("two"), [900.0, 1000.0]);
        assert!(squared.double_value(&[2, 0]).is_nan());
    }
}
