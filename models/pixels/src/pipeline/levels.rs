//! Auto levels: the engine sees a faded photograph with its contrast restored.
//!
//! The idea: **a faded print is not a pale scene**. Its blacks have turned brown-gray and its whites paper-colored,
//! and a network that knows scenes takes a black coat at half lightness for a red one. So the network sees the
//! range of a photograph that has not faded; the output keeps its own lightness.
//!
//! L' = low' + g (L - low), with g = 85 / (high - low) clamped to 1..2 and L' to 0..=100, where low and high are
//! the 0.5th and 99.5th percentiles of L. The remaining room below and above keeps its proportions. In
//! photos-eval-public 72% have a range of 85 or more, 4% one below 64.

/// Fraction of pixels ignored at each end: dust, frames, glare.
const OUTSIDE: f64 = 0.005;
/// A smaller range is stretched to this.
const RANGE: f32 = 85.0;
/// But by at most this factor: fog may really be fog.
const MOST: f32 = 2.0;

/// The map from L to what the engine sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Levels {
    low: f32,
    factor: f32,
    shift: f32,
}

impl Levels {
    /// The levels of an image's L, 0 to 100.
    pub(super) fn of(lightness: &[f32]) -> Self {
        let (low, high) = ends(lightness);
        let range = (high - low).max(1.0);
        let factor = (RANGE / range).clamp(1.0, MOST);
        let (room, left) = (low + 100.0 - high, (100.0 - factor * range).max(0.0));
        let shift = if room > 0.0 { left * low / room } else { 0.0 };
        Self { low, factor, shift }
    }

    /// What the engine sees of `lightness`.
    pub(super) fn shown(&self, lightness: &[f32]) -> Vec<f32> {
        let shown = |l: &f32| ((l - self.low).mul_add(self.factor, self.shift)).clamp(0.0, 100.0);
        lightness.iter().map(shown).collect()
    }
}

/// The low and high percentiles.
fn ends(lightness: &[f32]) -> (f32, f32) {
    let Some(last) = lightness.len().checked_sub(1) else { return (0.0, 100.0) };
    let mut sorted = lightness.to_vec();
    // Cheap: no more values than the network's plane has.
    sorted.sort_unstable_by(f32::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of a length")]
    let outside = (last as f64 * OUTSIDE) as usize;
    (sorted[outside], sorted[last - outside])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(low: f32, high: f32) -> Vec<f32> {
        (0..=1000).map(|at| low + (high - low) * at as f32 / 1000.0).collect()
    }

    fn shown(low: f32, high: f32) -> (f32, f32) {
        let l = ramp(low, high);
        ends(&Levels::of(&l).shown(&l))
    }

    #[test]
    fn a_faded_picture_is_shown_with_its_blacks_and_whites() {
        // 15 remain, of which 25/45 lie below.
        let (low, high) = shown(25.0, 80.0);
        assert!((low - 8.3).abs() < 0.3 && (high - 93.3).abs() < 0.3, "{low} to {high}");
    }

    #[test]
    fn a_picture_with_blacks_and_whites_is_shown_as_it_is() {
        for (low, high) in [(0.0, 100.0), (0.0, 90.0), (12.0, 98.0)] {
            let l = ramp(low, high);
            let most =
                Levels::of(&l).shown(&l).iter().zip(&l).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(most < 0.1, "{most}");
        }
    }

    #[test]
    fn a_fog_stays_pale_and_a_flat_picture_where_it_is() {
        // 60 to 80 becomes twice as wide; 60/80 of the room is below.
        let (low, high) = shown(60.0, 80.0);
        assert!((high - low - 39.6).abs() < 0.2, "{low} to {high}");
        assert!((low - 45.0).abs() < 1.0, "{low}");
        let flat = vec![30.0; 64];
        let shown = Levels::of(&flat).shown(&flat);
        assert!(shown.iter().all(|l| (l - 29.7).abs() < 1.0), "{}", shown[0]);
        assert!(Levels::of(&[]).shown(&[]).is_empty());
    }

    #[test]
    fn dust_does_not_count() {
        let mut l = ramp(30.0, 70.0);
        l[0] = 0.0;
        l[1000] = 100.0;
        let shown = Levels::of(&l).shown(&l);
        assert!((shown[500] - 50.0).abs() < 1.0 && shown.iter().all(|l| (0.0..=100.0).contains(l)));
        let (low, high) = ends(&shown);
        assert!((high - low - 80.0).abs() < 1.0, "{low} to {high}");
    }
}
