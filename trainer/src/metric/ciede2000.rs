//! CIEDE2000: the mean visible difference of two pictures.
//!
//! The idea: **a step of 1 is about what people begin to see, in every part of Lab**, which Euclidean distance in ab
//! is not. The formula (Sharma, Wu and Dalal 2005) is `autochrome_models::color::ciede2000`.
//!
//! ```text
//! mean over pixels of dE00(Lab, Lab*)
//! ```

use autochrome_models::color;

use super::{LabPlanes, mean};

/// Mean CIEDE2000 of two pictures of one size; NaN when they are empty.
pub fn mean_ciede2000(truth: &LabPlanes, output: &LabPlanes) -> f64 {
    debug_assert_eq!(truth.len(), output.len());
    mean((0..truth.len()).map(|i| f64::from(color::ciede2000(truth.lab(i), output.lab(i)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_pairs_of_sharma() {
        // Pairs 1 and 7 of the paper's table: 2.0425 and 0; and 17: 27.1492.
        let truth = LabPlanes { l: vec![50.0; 3], a: vec![2.6772, 0.0, 2.5], b: vec![-79.7751, 0.0, 0.0] };
        let output =
            LabPlanes { l: vec![50.0, 50.0, 73.0], a: vec![0.0, 0.0, 25.0], b: vec![-82.7485, 0.0, -18.0] };
        let expected = (2.0425 + 27.1492) / 3.0;
        assert!((mean_ciede2000(&truth, &output) - expected).abs() < 1e-4);
    }
}
