//! The CSV log of a run: `step,epoch,loss,held_out_loss,lr_factor,gradient_norm,images_per_s,batch`.
//!
//! There is a line at the end of each epoch, whatever the step; `epochs.csv` is made of them.
//! A resumed run drops the lines after its checkpoint, so the log reads as one unbroken run.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// First line of the log.
pub const HEADER: &str = "step,epoch,loss,held_out_loss,lr_factor,gradient_norm,images_per_s,batch";

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Steps done.
    pub step: u64,
    /// Passes over the training photographs.
    pub epoch: f64,
    /// Mean training loss since the line before.
    pub loss: f64,
    /// Loss of the averaged weights on the photographs held out, where it was measured.
    pub held_out_loss: Option<f64>,
    /// Learning rate over its peak.
    pub lr_factor: f64,
    /// Norm of the last gradient.
    pub gradient_norm: f64,
    /// Samples per second since the line before.
    pub images_per_s: f64,
    /// Fingerprint of the last batch.
    pub batch: String,
}

/// The log file, open at its end.
#[derive(Debug)]
pub struct Log(File);

impl Log {
    /// Opens the log of a run that has done `step` steps.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path, step: u64) -> Result<Self> {
        let old = if path.exists() { std::fs::read_to_string(path)? } else { String::new() };
        // A line that a full disk cut has no end, and may look like one of an earlier step.
        let old = &old[..old.rfind('\n').map_or(0, |end| end + 1)];
        let known = |line: &&str| {
            line.split(',').next().and_then(|s| s.parse::<u64>().ok()).is_some_and(|s| s <= step)
        };
        let kept: Vec<&str> = std::iter::once(HEADER).chain(old.lines().skip(1).filter(known)).collect();
        crate::files::write_whole(path, (kept.join("\n") + "\n").as_bytes())?;
        let file =
            OpenOptions::new().append(true).open(path).with_context(|| format!("{}", path.display()))?;
        Ok(Log(file))
    }

    /// Appends a line.
    ///
    /// # Errors
    /// The file cannot be written, as on a full disk.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let held_out = line.held_out_loss.map(|loss| format!("{loss:.5}")).unwrap_or_default();
        let Line { step, epoch, loss, lr_factor, gradient_norm, images_per_s, batch, .. } = line;
        writeln!(
            self.0,
            "{step},{epoch:.6},{loss:.5},{held_out},{lr_factor:.5},{gradient_norm:.4},{images_per_s:.1},{batch}"
        )
        .context("log.csv: a line cannot be written; free space, then resume with --resume")
    }
}
