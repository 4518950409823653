//! The photographs of a run: those it learns from, and those held out to measure the loss on.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::config::DataConfig;
use crate::data::{self, DataSet, DataStamp, Screen};
use crate::files::{csv_quoted, write_whole};

/// The photographs of a run.
pub(super) struct Photographs {
    pub train: Arc<DataSet>,
    pub held_out: Option<DataSet>,
    /// What they are known by.
    pub stamps: Vec<DataStamp>,
}

impl Photographs {
    /// Opens the data sets of a configuration, whose relative paths start from `root`.
    pub fn open(config: &DataConfig, root: &Path) -> Result<Self> {
        let opened = data::open_each(&config.paths(root), &config.selection())?;
        let stamps = opened.iter().map(data::Opened::stamp).collect::<Result<_>>()?;
        let all = data::join(opened).screened(Screen::TRAINING);
        if !all.empty_classes.is_empty() {
            eprintln!("classes without a photograph: {}", all.empty_classes.join(", "));
        }
        if config.held_out == 0 {
            return Ok(Photographs { train: Arc::new(all), held_out: None, stamps });
        }
        let (train, held_out) = all.hold_out(config.held_out)?;
        Ok(Photographs { train: Arc::new(train), held_out: Some(held_out), stamps })
    }

    /// Reports the unusable photographs met so far.
    pub fn tell_passed_over(&self, folder: &Path) -> Result<()> {
        let sets = std::iter::once(self.train.as_ref()).chain(&self.held_out);
        let mut corrupt: Vec<(String, String)> = sets.flat_map(DataSet::corrupt).collect();
        corrupt.sort();
        tell_passed_over(&corrupt, folder)
    }
}

/// At most this many are named on the terminal.
const MOST_NAMED: usize = 20;

/// Reports the unusable photographs: all of them in `passed-over.csv`, the first on the terminal.
fn tell_passed_over(photographs: &[(String, String)], folder: &Path) -> Result<()> {
    let path = folder.join("passed-over.csv");
    if photographs.is_empty() {
        return Ok(());
    }
    eprintln!("{} unusable photographs were skipped:", photographs.len());
    photographs.iter().take(MOST_NAMED).for_each(|(name, reason)| eprintln!("  {name}: {reason}"));
    if photographs.len() > MOST_NAMED {
        eprintln!("  and {} more, in {}", photographs.len() - MOST_NAMED, path.display());
    }
    let lines =
        photographs.iter().map(|(name, reason)| format!("{},{}\n", csv_quoted(name), csv_quoted(reason)));
    let text = "name,reason\n".to_owned() + &lines.collect::<String>();
    write_whole(&path, text.as_bytes())
}
