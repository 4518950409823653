//! Within-image spread: is the picture more than one flat tint?
//!
//! The idea: **the standard deviation of ab inside one image**. A network that has learned only the average color
//! has a plausible chroma and a spread of 0.
//!
//! ```text
//! S = sqrt(var a + var b)          spread of a set = mean of S over outputs / mean of S over truths
//! ```

use super::{LabPlanes, mean_and_variance};

/// Spread of ab within one picture, in units of ab; NaN when it is empty.
pub fn spread(picture: &LabPlanes) -> f64 {
    let (_, a) = mean_and_variance(picture.ab().map(|(a, _)| a));
    let (_, b) = mean_and_variance(picture.ab().map(|(_, b)| b));
    (a + b).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tint_has_none_and_two_tints_have_half_their_distance() {
        let flat = LabPlanes { l: vec![10.0, 90.0], a: vec![25.0; 2], b: vec![-30.0; 2] };
        assert_eq!(spread(&flat), 0.0);
        // (0, 0) and (6, 8): each is 5 from the mean.
        let two = LabPlanes { l: vec![50.0; 2], a: vec![0.0, 6.0], b: vec![0.0, 8.0] };
        assert!((spread(&two) - 5.0).abs() < 1e-12);
    }
}
