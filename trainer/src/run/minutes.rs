//! `train --minutes N`: a run that finishes its schedule when its time is up.
//!
//! The idea: **what the clock decides is decided once and recorded.** When little time is left, the steps that fit into it
//! become the [`Cooldown`] of the run's configuration; from then on the clock is not consulted, so a run that is killed and
//! resumed continues as if it had not been.

use std::time::{Duration, Instant};

use super::optim::OptimConfig;
use super::schedule::Cooldown;

/// Share of the time left when the rate starts to decay.
const LAST: f64 = 0.15;

/// The time a run has.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    since: Instant,
    total: Duration,
    /// The step it began at.
    first: u64,
}

impl Clock {
    /// A clock that started at `since`, for a run that has done `first` steps before.
    #[must_use]
    pub fn new(since: Instant, total: Duration, first: u64) -> Self {
        Clock { since, total, first }
    }

    /// The early end of a run that has done `step` steps, once it is time for it: no later than it would end anyway, and none
    /// where its rate falls already.
    #[must_use]
    pub fn cooldown(&self, step: u64, optim: &OptimConfig) -> Option<Cooldown> {
        let falls = optim.cooldown.is_some_and(|end| end.by_time || end.from <= step);
        if falls || step >= optim.end() {
            return None;
        }
        let chosen = cooldown(self.since.elapsed(), self.total, step, step.saturating_sub(self.first))?;
        Some(Cooldown { steps: chosen.steps.min(optim.end() - step), ..chosen })
    }
}

/// The early end of a run that has done `step` steps, `done` of them in the time `elapsed` of `total`: from here on, over the
/// steps that fit into what is left, one at least; `None` while more than the last 15% is left.
#[must_use]
pub fn cooldown(elapsed: Duration, total: Duration, step: u64, done: u64) -> Option<Cooldown> {
    if elapsed.as_secs_f64() < (1.0 - LAST) * total.as_secs_f64() {
        return None;
    }
    let left = total.saturating_sub(elapsed);
    // Whole nanoseconds: a count of steps is not a matter of rounding.
    let steps = u128::from(done) * left.as_nanos() / elapsed.as_nanos().max(1);
    Some(Cooldown { from: step, steps: u64::try_from(steps).unwrap_or(u64::MAX).max(1), by_time: true })
}

/// Reads a number of minutes above 0, at most a year.
///
/// # Errors
/// Anything else.
pub fn parse(text: &str) -> Result<Duration, String> {
    const YEAR: f64 = 366.0 * 24.0 * 60.0;
    let minutes = text.parse::<f64>().ok().filter(|minutes| *minutes > 0.0 && *minutes <= YEAR);
    let minutes = minutes.ok_or("expected a number of minutes above 0, such as 90 or 0.5")?;
    Duration::try_from_secs_f64(60.0 * minutes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64, step: u64, done: u64) -> Option<(u64, u64)> {
        let (elapsed, total) = (Duration::from_secs(seconds), Duration::from_secs(1000));
        cooldown(elapsed, total, step, done).map(|cooldown| (cooldown.from, cooldown.steps))
    }

    #[test]
    fn the_rate_falls_over_the_steps_that_fit_into_the_last_of_the_time() {
        assert_eq!(after(0, 0, 0), None);
        assert_eq!(after(849, 700, 700), None);
        // Two steps a second, 150 seconds left.
        assert_eq!(after(850, 1700, 1700), Some((1700, 300)));
        // A resumed run counts the steps of its own time.
        assert_eq!(after(850, 5000, 1700), Some((5000, 300)));
        // The last step was a long one.
        assert_eq!(after(900, 1800, 1800), Some((1800, 200)));
    }

    #[test]
    fn a_run_whose_time_is_up_takes_one_more_step() {
        assert_eq!(after(1000, 30, 30), Some((30, 1)));
        assert_eq!(after(5000, 1, 1), Some((1, 1)));
        assert_eq!(after(850, 7, 1), Some((7, 1)));
    }

    #[test]
    fn minutes_are_a_number_above_nothing() {
        assert_eq!(parse("1.5"), Ok(Duration::from_secs(90)));
        for text in ["0", "-1", "nan", "inf", "1e9", "soon"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
