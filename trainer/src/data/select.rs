//! The part of a data set that is used: a split, some classes; and paths that stand for many.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::Item;

/// A part that the makers of a data set gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// For training.
    Train,
    /// For evaluation: CIFAR-10's test batch, ImageNet's `val`.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Split::Train => "train",
            Split::Test => "test",
        })
    }
}

/// The part of a data set that is used.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args)]
pub struct Selection {
    /// The split; default: train, where a data set has splits.
    #[arg(long)]
    pub split: Option<Split>,
    /// These classes only, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "CLASS")]
    pub classes: Vec<String>,
}

impl Selection {
    /// Keeps the photographs of the selected classes.
    ///
    /// # Errors
    /// A class that no photograph has.
    pub(super) fn keep(&self, items: &mut Vec<Item>) -> Result<()> {
        if self.classes.is_empty() {
            return Ok(());
        }
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for class in items.iter().filter_map(|item| item.class.as_deref()) {
            *known.entry(class).or_default() += 1;
        }
        if let Some(absent) = self.classes.iter().find(|class| !known.contains_key(class.as_str())) {
            bail!("class `{absent}`: expected photographs of it, found none; {}", named(&known));
        }
        items.retain(|item| item.class.as_ref().is_some_and(|class| self.wants(class)));
        Ok(())
    }

    /// Whether a class is selected.
    pub(super) fn wants(&self, class: &str) -> bool {
        self.classes.is_empty() || self.classes.iter().any(|wanted| wanted == class)
    }
}

/// At most this many classes are named in an error.
const MOST_NAMED: usize = 12;

fn named(classes: &BTreeMap<&str, usize>) -> String {
    if classes.is_empty() {
        return "this data set has no classes".to_owned();
    }
    let first: Vec<&str> = classes.keys().take(MOST_NAMED).copied().collect();
    let more = classes.len().saturating_sub(MOST_NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("available: {}{rest}", first.join(", "))
}

/// Most paths that one pattern may stand for.
const MOST_PATHS: u64 = 100_000;

/// The paths that `shard-{000..012}.tar` stands for, with leading zeros as written; a path without braces is itself.
///
/// # Errors
/// Braces that hold no range of numbers, or a range that is empty or absurd.
pub fn expand_braces(path: &Path) -> Result<Vec<PathBuf>> {
    let Some(text) = path.to_str() else { return Ok(vec![path.to_owned()]) };
    let Some((before, rest)) = text.split_once('{') else { return Ok(vec![path.to_owned()]) };
    // A file that really has such a name is meant.
    if path.exists() {
        return Ok(vec![path.to_owned()]);
    }
    let numbers = rest.split_once('}').and_then(|(range, after)| {
        let (first, last) = range.split_once("..")?;
        Some((first, first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, after))
    });
    let Some((written, first, last, after)) = numbers else {
        bail!("data set {text}: expected a range such as {{000..012}} in the braces");
    };
    if last < first || last - first >= MOST_PATHS {
        bail!("data set {text}: expected a range that rises, over at most {MOST_PATHS} numbers");
    }
    let digits = written.len();
    Ok((first..=last).map(|n| PathBuf::from(format!("{before}{n:0digits$}{after}"))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_numbers_with_their_zeros() {
        let paths = expand_braces(Path::new("a/shard-{008..011}.tar")).unwrap();
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        assert_eq!(names, ["a/shard-008.tar", "a/shard-009.tar", "a/shard-010.tar", "a/shard-011.tar"]);
        assert_eq!(expand_braces(Path::new("plain.tar")).unwrap(), [PathBuf::from("plain.tar")]);
        for wrong in ["x{1,2}.tar", "x{3..1}.tar", "x{a..b}", "x{0..99999999}", "x{1..2"] {
            assert!(expand_braces(Path::new(wrong)).is_err(), "{wrong}");
        }
    }
}
