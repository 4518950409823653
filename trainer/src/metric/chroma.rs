//! Mean chroma: how much color a picture has.
//!
//! The idea: **the mean distance from gray in ab**; outputs below their truths are timid, above them garish.
//!
//! ```text
//! C = mean(sqrt(a^2 + b^2))        chroma of a set = mean of C over outputs / mean of C over truths
//! ```

use super::{LabPlanes, mean};

/// Mean chroma of one picture, in units of ab; NaN when it is empty.
pub fn mean_chroma(picture: &LabPlanes) -> f64 {
    mean(picture.ab().map(|(a, b)| a.hypot(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        // Chroma 5, 0 and 13: mean 6.
        let picture = LabPlanes { l: vec![50.0; 3], a: vec![3.0, 0.0, -12.0], b: vec![-4.0, 0.0, 5.0] };
        assert!((mean_chroma(&picture) - 6.0).abs() < 1e-12);
    }
}
