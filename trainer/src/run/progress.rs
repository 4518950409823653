//! How far along a run is: loss and rate since the last line of the log, and where an epoch ends.

use std::time::Instant;

/// Whether a pass over `total` photographs ends with step `step`, the first being 1.
pub(super) fn ends_epoch(step: u64, batch: usize, total: usize) -> bool {
    let passes = |steps: u64| u128::from(steps) * batch as u128 / total.max(1) as u128;
    step > 0 && passes(step) > passes(step - 1)
}

/// Loss and rate since the last line of the log.
pub(super) struct Since {
    start: Instant,
    sum: f64,
    steps: u32,
    images: usize,
}

impl Since {
    pub fn now() -> Self {
        Since { start: Instant::now(), sum: 0.0, steps: 0, images: 0 }
    }

    pub fn add(&mut self, loss: f64, images: usize) {
        self.sum += loss;
        self.steps += 1;
        self.images += images;
    }

    pub fn mean_loss(&self) -> f64 {
        self.sum / f64::from(self.steps.max(1))
    }

    pub fn rate(&self) -> f64 {
        ratio(u64::try_from(self.images).unwrap_or(0), 1) / self.start.elapsed().as_secs_f64().max(1e-9)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn ratio(a: u64, b: usize) -> f64 {
    a as f64 / b as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_where_the_samples_cross_a_multiple_of_the_photographs() {
        let ends =
            |batch, total| (1..=10).filter(|&step| ends_epoch(step, batch, total)).collect::<Vec<u64>>();
        assert_eq!(ends(4, 10), [3, 5, 8, 10]);
        assert_eq!(ends(5, 10), [2, 4, 6, 8, 10]);
        assert_eq!(ends(4, 100), Vec::<u64>::new());
        // A step of more than a pass ends one every time.
        assert_eq!(ends(25, 10).len(), 10);
    }
}
