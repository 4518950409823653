//! What earlier runs did, one entry an output, and whether that still stands.
//!
//! The rule: **a result stands when its photograph, its options and its own bytes are what the line says.** A result
//! that someone changed since is theirs: it is replaced only with --overwrite.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::line::{Line, Maker};
use super::stamp::{Outside, Stamp};
use crate::plan::Item;
use crate::report::FileStatus;
use crate::stop::Stop;

/// What to do with a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done, or was skipped, and still stands.
    Stands,
    /// It is to be done.
    Do { overwrite: bool, again: Option<String> },
    /// Something is there that must not be replaced, and needs no work.
    Skip(String),
    /// The same, but work would be due.
    Refuse(String),
}

/// What earlier runs did.
#[derive(Default)]
pub struct Known {
    outputs: HashMap<PathBuf, State>,
    /// Each text once.
    changes: HashMap<String, Arc<str>>,
}

struct State {
    status: FileStatus,
    /// Hash of the photograph's path.
    path: u64,
    source: Option<Stamp>,
    output: Option<Stamp>,
    map: Option<Stamp>,
    /// What else decides the result and is different now.
    change: Option<Arc<str>>,
}

impl Known {
    /// Takes one line; a later one replaces an earlier.
    pub fn take(&mut self, line: Line, now: &Maker) {
        let Some(output) = line.output else { return };
        let change = line.maker.change(now).map(|text| match self.changes.get(&text) {
            Some(known) => known.clone(),
            None => self.changes.entry(text.clone()).or_insert(text.into()).clone(),
        });
        let state = State {
            status: line.status,
            path: hash(&PathBuf::from(&line.source.path)),
            source: line.source.stamp,
            output: output.stamp,
            map: line.map.and_then(|map| map.stamp),
            change,
        };
        match self.outputs.entry(key(&PathBuf::from(&output.path))) {
            Slot::Vacant(slot) => drop(slot.insert(state)),
            Slot::Occupied(mut slot) => {
                let old = slot.insert(state);
                // A later failure leaves the earlier result where it is, and it is still ours.
                let state = slot.get_mut();
                state.output = state.output.take().or(old.output);
                state.map = state.map.take().or(old.map);
            }
        }
    }

    /// Whether what is there stands; `overwrite`: whether the command line allows to replace files.
    pub fn verdict(&self, item: &Item, overwrite: bool, stop: &Stop) -> io::Result<Verdict> {
        let Ok(output) = &item.output else { return Ok(Verdict::Do { overwrite, again: None }) };
        let state = self.outputs.get(&key(output));
        let there = place(output, state.and_then(|state| state.output.as_ref()), stop)?;
        let Some(state) = state else {
            return Ok(match there {
                Place::Theirs if !overwrite => Verdict::Skip(format!(
                    "the output {} exists, and the manifest does not know it; pass --overwrite to make it again",
                    output.display()
                )),
                _ => Verdict::Do { overwrite, again: None },
            });
        };
        let map = match &item.map {
            Some(map) => place(map, state.map.as_ref(), stop)?,
            None => Place::Ours,
        };
        let theirs = [(there, Some(output)), (map, item.map.as_ref())];
        if let Some((_, Some(changed))) = theirs.iter().find(|(place, _)| *place == Place::Theirs)
            && !overwrite
        {
            return Ok(Verdict::Refuse(format!(
                "the output {} is not as it was written; pass --overwrite to replace it, or move it away",
                changed.display()
            )));
        }
        let again = state.again(&item.input, there, map, stop)?;
        Ok(match again {
            Some(again) => Verdict::Do { overwrite: true, again: Some(again) },
            None => Verdict::Stands,
        })
    }
}

impl State {
    /// Why the file is to be done again, if it is.
    fn again(&self, input: &Path, output: Place, map: Place, stop: &Stop) -> io::Result<Option<String>> {
        if self.status == FileStatus::Failed {
            return Ok(Some("failed before".into()));
        }
        if let Some(change) = &self.change {
            return Ok(Some(change.to_string()));
        }
        if self.source_changed(input, stop)? {
            return Ok(Some("the photograph changed".into()));
        }
        let done = self.status == FileStatus::Done;
        Ok(match (output, map) {
            (Place::Nothing, _) if done => Some("the output was missing".into()),
            (Place::Theirs, _) => Some("the output was changed".into()),
            (_, Place::Nothing | Place::Theirs) if done => Some("the confidence map was missing".into()),
            _ => None,
        })
    }

    /// A photograph that cannot be looked at is left to its job, which says why.
    fn source_changed(&self, input: &Path, stop: &Stop) -> io::Result<bool> {
        let (Some(stamp), Ok(outside)) = (&self.source, Outside::at(input)) else { return Ok(true) };
        Ok(self.path != hash(input) || !stamp.is_of(input, outside, stop)?)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Nothing,
    /// The file that was written there.
    Ours,
    /// Another.
    Theirs,
}

fn place(path: &Path, stamp: Option<&Stamp>, stop: &Stop) -> io::Result<Place> {
    let Ok(outside) = Outside::at(path) else {
        let dangling = std::fs::symlink_metadata(path).is_ok();
        return Ok(if dangling { Place::Theirs } else { Place::Nothing });
    };
    let ours = stamp.map_or(Ok(false), |stamp| stamp.is_of(path, outside, stop))?;
    Ok(if ours { Place::Ours } else { Place::Theirs })
}

/// One path for one file, as far as that can be said without asking the file system.
fn key(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

fn hash(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    key(path).hash(&mut hasher);
    hasher.finish()
}
