//! The training run: configuration, learner, checkpoint, log; and its loop.
//!
//! The idea: **the loop decides nothing**: batches are made in `data`, steps in [`learner`], and [`checkpoint`] has the whole
//! state, so stopping and resuming only decide where the loop starts.

pub mod checkpoint;
pub mod config;
pub mod inherited;
pub mod init;
pub mod learner;
pub mod lock;
pub mod log;
pub mod minutes;
pub mod optim;
mod photographs;
pub mod precision;
mod progress;
mod resume;
pub mod schedule;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::data::{Batch, Batches, held_out_batches};
use crate::draw::plot;
use config::RunConfig;
use lock::RunLock;
use log::{Line, Log};
use minutes::Clock;
use photographs::Photographs;
use progress::{Since, ends_epoch, ratio};
use resume::{changed_names, resumed};
use schedule::Cooldown;

pub use checkpoint::checkpoint_path;
pub use learner::Learner;

/// Where a run works.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The run folder.
    pub folder: &'a Path,
    /// Folder that relative paths of the configuration start from.
    pub data_root: &'a Path,
    /// Where it computes.
    pub device: tch::Device,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All steps done.
    Finished,
    /// Interrupted; the checkpoint has everything.
    Stopped,
}

/// Batches of held-out photographs the loss is measured on: the same at every measurement.
const HELD_OUT_BATCHES: usize = 8;
/// Batches made ahead of the training step.
const AHEAD: usize = 4;

/// A run, complete: its learner, its photographs, its folder and its log.
pub struct Run {
    learner: Learner,
    photographs: Photographs,
    held_out: Vec<Batch>,
    folder: PathBuf,
    log: Log,
    bar: ProgressBar,
    /// Two runs in one folder would write each other's checkpoint.
    _lock: RunLock,
}

impl Run {
    /// Starts a run in a folder that has none yet.
    ///
    /// # Errors
    /// The folder has a checkpoint or another run is using it; or what the configuration, the data or the disk refuse.
    pub fn start(config: RunConfig, place: Place<'_>) -> Result<Self> {
        let lock = RunLock::take(place.folder)?;
        let subject = place.folder.display();
        if checkpoint_path(place.folder).exists() {
            bail!(
                "run folder {subject}: expected a new one, found a checkpoint; add --resume or name another --out"
            );
        }
        let photographs = Photographs::open(&config.data, place.data_root)?;
        let learner = Learner::start(config, photographs.stamps.clone(), place.data_root, place.device)?;
        Self::assemble(learner, photographs, place.folder, lock)
    }

    /// Resumes the run of a folder from its checkpoint.
    ///
    /// # Errors
    /// The folder has no checkpoint, or one of another configuration or other photographs; otherwise as [`start`](Self::start).
    pub fn resume(config: RunConfig, place: Place<'_>) -> Result<Self> {
        let lock = RunLock::take(place.folder)?;
        let (subject, path) = (place.folder.display(), checkpoint_path(place.folder));
        if !path.exists() {
            bail!("run folder {subject}: expected a checkpoint to resume, found none; leave out --resume");
        }
        let photographs = Photographs::open(&config.data, place.data_root)?;
        let mut learner = Learner::resume(&path, place.data_root, place.device)?;
        let Some(config) = resumed(&learner.config, config, learner.step) else {
            bail!(
                "{subject}: expected the configuration of its checkpoint, got a changed one; name another --out"
            );
        };
        if learner.data != photographs.stamps {
            let changed = changed_names(&learner.data, &photographs.stamps);
            bail!(
                "{subject}: expected the data of its checkpoint, got other photographs in {changed}; name another --out"
            );
        }
        learner.follow(config);
        Self::assemble(learner, photographs, place.folder, lock)
    }

    fn assemble(learner: Learner, photographs: Photographs, folder: &Path, lock: RunLock) -> Result<Self> {
        let config = &learner.config;
        let batches = |set| held_out_batches(set, config.data.augment.size, config.batch, HELD_OUT_BATCHES);
        let held_out = photographs.held_out.as_ref().map(batches).transpose()?.unwrap_or_default();
        let log = Log::open(&folder.join("log.csv"), learner.step)?;
        let bar = ProgressBar::new(config.optim.end()).with_position(learner.step);
        let style = "{bar:32} step {pos}/{len}  {msg}  {elapsed} gone, {eta} left";
        bar.set_style(ProgressStyle::with_template(style)?);
        bar.reset_eta();
        Ok(Run { learner, photographs, held_out, folder: folder.to_owned(), log, bar, _lock: lock })
    }

    /// Steps done.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.learner.step
    }

    /// Trains to the end, or after `stop_after` steps, or until `stop` is true; then saves, draws the curves and reports
    /// the unusable photographs, also after an error, which they may have caused.
    ///
    /// # Errors
    /// A step fails, or a file cannot be written.
    pub fn train(&mut self, stop_after: u64, clock: Option<Clock>, stop: &AtomicBool) -> Result<Ended> {
        let ended = self.steps(stop_after, clock, stop);
        let closed = ended.and_then(|ended| self.close().map(|()| ended));
        let told = self.photographs.tell_passed_over(&self.folder);
        closed.and_then(|ended| told.map(|()| ended))
    }

    fn steps(&mut self, stop_after: u64, clock: Option<Clock>, stop: &AtomicBool) -> Result<Ended> {
        let config = self.learner.config.clone();
        let data = Arc::clone(&self.photographs.train);
        let total = data.items.len();
        let batches = Batches::new(data, config.data.augment, config.batch, config.seed);
        let stream = batches.stream(self.step(), config.optim.end().min(stop_after), AHEAD);
        let mut since = Since::now();
        while self.step() < self.end().min(stop_after) && !stop.load(Ordering::SeqCst) {
            let batch = stream.recv().context("the data thread ended early")??;
            let report = self.learner.train_step(&batch)?;
            since.add(report.loss, batch.count);
            let step = self.step();
            let last = step == self.end();
            let epoch_ends = ends_epoch(step, config.batch, total);
            let measure = !self.held_out.is_empty()
                && (last || epoch_ends || step.is_multiple_of(config.log.held_out_every));
            if last || measure || epoch_ends || step.is_multiple_of(config.log.every) {
                let held_out_loss =
                    if measure { Some(self.learner.held_out_loss(&self.held_out)?) } else { None };
                self.tell(&Line {
                    step,
                    epoch: ratio(step * u64::try_from(config.batch)?, total),
                    loss: since.mean_loss(),
                    held_out_loss,
                    lr_factor: self.learner.config.optim.schedule(step),
                    gradient_norm: report.gradient_norm,
                    images_per_s: since.rate(),
                    batch: batch.fingerprint(),
                })?;
                since = Since::now();
            }
            if !last && step.is_multiple_of(config.log.checkpoint_every) {
                self.save()?;
            }
            if let Some(cooldown) = clock.and_then(|clock| clock.cooldown(step, &self.learner.config.optim)) {
                self.cool(cooldown)?;
            }
        }
        Ok(if self.step() >= self.end() { Ended::Finished } else { Ended::Stopped })
    }

    /// The step that the run ends at.
    fn end(&self) -> u64 {
        self.learner.config.optim.end()
    }

    fn save(&self) -> Result<()> {
        self.learner.save(&checkpoint_path(&self.folder))
    }

    /// Starts the cooldown that the clock chose, and saves it before a step is taken under it.
    fn cool(&mut self, cooldown: Cooldown) -> Result<()> {
        let mut config = self.learner.config.clone();
        config.optim.cooldown = Some(cooldown);
        self.learner.follow(config);
        self.save()?;
        self.bar.set_length(self.end());
        eprintln!("step {}: the learning rate falls to 0 in {} steps", cooldown.from, cooldown.steps);
        Ok(())
    }

    fn tell(&mut self, line: &Line) -> Result<()> {
        if let Err(error) = self.log.write(line) {
            // The steps since the last checkpoint must not be lost with a line.
            self.save()?;
            return Err(error);
        }
        let held_out = line.held_out_loss.map(|loss| format!(", held-out {loss:.4}")).unwrap_or_default();
        let text = format!("loss {:.4}{held_out}, {:.1} images/s", line.loss, line.images_per_s);
        self.bar.set_position(line.step);
        self.bar.set_message(text.clone());
        if self.bar.is_hidden() && (line.held_out_loss.is_some() || line.step.is_multiple_of(100)) {
            let left = self.bar.eta().as_secs();
            eprintln!("step {}/{}: {text}, {left} s left", line.step, self.end());
        }
        Ok(())
    }

    /// Saves and draws the curves.
    fn close(&self) -> Result<()> {
        self.save()?;
        self.bar.abandon();
        let title = self.folder.file_name().unwrap_or_default().to_string_lossy();
        plot::draw_log(&self.folder.join("log.csv"), &self.folder.join("curves.png"), &title)?;
        plot::draw_epochs(&self.folder, &title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_batches_are_those_of_every_other_configuration() {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..12_u8 {
            let pixel =
                |x: u32, y: u32| image::Rgb([u8::try_from(x + y).unwrap(), 90 + index, 250 - 9 * index]);
            image::RgbImage::from_fn(40, 30, pixel).save(folder.path().join(format!("{index}.png"))).unwrap();
        }
        let held_out = |change: &dyn Fn(&mut RunConfig)| {
            let mut config = resume::tests::config(None, false);
            config.data.train = vec![folder.path().to_owned()];
            config.data.held_out = 5;
            change(&mut config);
            let (run, data_root) = (tempfile::tempdir().unwrap(), Path::new("."));
            let place = Place { folder: run.path(), data_root, device: tch::Device::Cpu };
            Run::start(config, place).unwrap().held_out
        };
        let plain = held_out(&|_| {});
        assert_eq!(plain.len(), HELD_OUT_BATCHES);
        let other = held_out(&|config| {
            config.seed = 77;
            let augment = &mut config.data.augment;
            (augment.crop_min, augment.crop_max) = (Some(8), Some(24));
            (augment.flip, augment.degrade) = (false, 1.0);
        });
        assert!(plain == other);
        let resized = held_out(&|config| config.data.augment.fit = crate::data::Fit::Resize);
        assert!(plain == resized);
    }
}
