//! The learning rate over a run: it rises linearly, falls along a cosine, and may end early.

use serde::{Deserialize, Serialize};

use super::optim::OptimConfig;

/// The early end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cooldown {
    /// Step from which on the rate falls.
    pub from: u64,
    /// Steps until it is 0.
    pub steps: u64,
    /// Whether `--minutes` chose it; then a configuration without it still counts as that of the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_time: bool,
}

impl OptimConfig {
    /// The step at which the run ends.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.cooldown
            .map_or(self.steps, |cooldown| self.steps.min(cooldown.from.saturating_add(cooldown.steps)))
    }

    /// Factor on the learning rate at a step, counted from 0.
    #[must_use]
    pub fn schedule(&self, step: u64) -> f64 {
        match self.cooldown {
            Some(Cooldown { from, steps, .. }) if step >= from => {
                self.cosine(from) * (1.0 - float(step - from) / float(steps.max(1))).max(0.0)
            }
            _ => self.cosine(step),
        }
    }

    fn cosine(&self, step: u64) -> f64 {
        if step < self.warmup {
            return float(step + 1) / float(self.warmup);
        }
        let rest = float((self.steps - self.warmup.min(self.steps)).max(1));
        let progress = (float(step - self.warmup) / rest).min(1.0);
        0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    }
}

#[expect(clippy::cast_precision_loss, reason = "step counts are far below 2^52")]
pub(super) fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::super::optim::tests::config;
    use super::*;

    #[test]
    fn a_cooldown_leaves_the_rate_before_it_alone_and_ends_the_run_at_nothing() {
        let whole = config();
        let short =
            OptimConfig { cooldown: Some(Cooldown { from: 40, steps: 20, by_time: false }), ..config() };
        assert_eq!((whole.end(), short.end()), (100, 60));
        assert!((0..=40).all(|step| (whole.schedule(step) - short.schedule(step)).abs() < 1e-12));
        assert!((short.schedule(50) - 0.5 * whole.schedule(40)).abs() < 1e-12);
        assert!(short.schedule(60) < 1e-12);
    }

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_nothing() {
        let config = config();
        assert!((config.schedule(0) - 0.1).abs() < 1e-12);
        assert!((config.schedule(9) - 1.0).abs() < 1e-12);
        assert!((config.schedule(55) - 0.5).abs() < 1e-9);
        assert!(config.schedule(100) < 1e-9);
    }
}
