//! dL: what colorizing did to the lightness it was given.
//!
//! The idea: **the output must be the same black-and-white picture**. The mean absolute difference of L between
//! output and truth; the input's own rounding to 8 bits and the output's leave a few tenths.
//!
//! ```text
//! dL = mean(|L - L*|)
//! ```

use super::{LabPlanes, mean};

/// Mean |L - L*| of two pictures of one size, in units of L; NaN when they are empty.
pub fn lightness_difference(truth: &LabPlanes, output: &LabPlanes) -> f64 {
    debug_assert_eq!(truth.len(), output.len());
    mean(truth.l.iter().zip(&output.l).map(|(&x, &y)| (f64::from(x) - f64::from(y)).abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_do_not_cancel() {
        let truth = LabPlanes { l: vec![50.0, 50.0], a: vec![0.0; 2], b: vec![0.0; 2] };
        let output = LabPlanes { l: vec![52.0, 49.0], ..truth.clone() };
        assert!((lightness_difference(&truth, &output) - 1.5).abs() < 1e-12);
    }
}
