//! The configurations a run may be resumed under: its own, or one that ends differently.

use super::config::RunConfig;
use super::schedule::Cooldown;
use crate::data::DataStamp;

/// The configuration under which a run resumes that has done `step` steps under `old` and is given `new`; `None`
/// where `new` would have trained differently so far. The end that `--minutes` chose stays.
pub(super) fn resumed(old: &RunConfig, new: RunConfig, step: u64) -> Option<RunConfig> {
    let mut with_new_end = old.clone();
    with_new_end.optim.cooldown = new.optim.cooldown;
    if with_new_end != new {
        return None;
    }
    let begins_later = |end: Option<Cooldown>| end.is_none_or(|cooldown| cooldown.from >= step);
    let (chosen, asked) = (old.optim.cooldown, new.optim.cooldown);
    if chosen == asked || (chosen.is_some_and(|end| end.by_time) && begins_later(asked)) {
        return Some(old.clone());
    }
    (begins_later(chosen) && begins_later(asked)).then_some(new)
}

/// Names of the data sets that changed.
pub(super) fn changed_names(old: &[DataStamp], new: &[DataStamp]) -> String {
    let changed = new.iter().filter(|stamp| !old.contains(stamp));
    changed.map(|stamp| stamp.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn config(cooldown: Option<(u64, u64)>, by_time: bool) -> RunConfig {
        let text = "seed = 1\nbatch = 2\nnetwork = { name = \"seed-report\" }\ncodec = { name = \"regression\" }\n\
            data = { train = [\"none\"], augment = { size = 16 } }\noptim = { lr = 1e-3, steps = 100 }\n";
        let mut config = RunConfig::parse(text).unwrap();
        config.optim.cooldown = cooldown.map(|(from, steps)| Cooldown { from, steps, by_time });
        config
    }

    #[test]
    fn an_end_may_be_added_before_it_begins_and_the_clocks_stays() {
        let written = |cooldown| config(cooldown, false);
        let end = |old: &RunConfig, new, step| {
            let on = resumed(old, written(new), step)?;
            Some(on.optim.cooldown.map(|cooldown| cooldown.from))
        };
        let (early, late) = (Some((40, 10)), Some((60, 10)));
        assert_eq!(end(&written(None), early, 40), Some(Some(40)));
        assert_eq!(end(&written(None), early, 41), None, "a step was taken at another rate");
        assert_eq!(end(&written(early), late, 30), Some(Some(60)));
        assert_eq!(end(&written(early), None, 45), None);
        // What the clock chose: the file does not know of it, whether a step was taken under it or not.
        let chosen = config(early, true);
        for step in [40, 45, 50] {
            assert_eq!(end(&chosen, None, step), Some(Some(40)), "{step}");
        }
        let mut other = config(None, false);
        other.seed = 2;
        assert!(resumed(&chosen, other, 45).is_none());
        // It is in the checkpoint's text.
        assert_eq!(RunConfig::parse(&chosen.to_text().unwrap()).unwrap(), chosen);
    }
}
