//! `autochrome-trainer train`: the loop.
//!
//! The idea: **the loop decides nothing**; what a batch is, what a step does and what a checkpoint holds live in
//! `data`, `run` and `checkpoint`, so that stopping and going on is only a matter of where the loop begins.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use autochrome_models::device::{self, DeviceRequest};
use indicatif::{ProgressBar, ProgressStyle};

use crate::data::{self, Batch, Batches, DataSet, DataStamp, Screen, held_out_batches};
use crate::files::{csv_quoted, write_whole};
use crate::run::config::{DataConfig, RunConfig};
use crate::run::lock::RunLock;
use crate::run::log::{Line, Log};
use crate::run::minutes::{self, Clock};
use crate::run::optim::Cooldown;
use crate::run::{Run, checkpoint_path};

/// Trains a network as a configuration says, into a run folder (checkpoint, log, curves).
#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// The configuration.
    pub config: PathBuf,
    /// Run folder; default: runs/NAME, by the configuration's name.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Folder that relative paths in the configuration lie under.
    #[arg(long, default_value = ".")]
    pub data: PathBuf,
    /// Learns from these classes only, separated by commas, instead of the configuration's.
    #[arg(long, value_delimiter = ',', value_name = "CLASS")]
    pub classes: Vec<String>,
    /// Goes on from the checkpoint in the run folder.
    #[arg(long)]
    pub resume: bool,
    /// Device: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: DeviceRequest,
    /// Threads libtorch computes on; 0: all.
    #[arg(long, default_value_t = 0)]
    pub threads: i32,
    /// Stops after this step, as SIGINT would.
    #[arg(long)]
    pub stop_after: Option<u64>,
    /// Ends well after so many minutes: in the last 15% of them the learning rate falls to 0, however many steps are left.
    #[arg(long, value_name = "N", value_parser = minutes::parse)]
    pub minutes: Option<Duration>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All steps done.
    Finished,
    /// Interrupted; the checkpoint holds everything.
    Stopped,
}

/// Batches of held-out photographs the loss is measured on: the same at every measurement.
const HELD_OUT_BATCHES: usize = 8;
/// Batches made ahead of the training step.
const AHEAD: usize = 4;

/// Runs the command.
///
/// # Errors
/// What the configuration, the data, the device or the disk refuse.
pub fn run(args: &TrainArgs) -> Result<Ended> {
    let begun = Instant::now();
    let mut config = RunConfig::read(&args.config)?;
    if !args.classes.is_empty() {
        config.data.classes.clone_from(&args.classes);
    }
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("runs").join(args.config.file_stem().unwrap_or_default()));
    std::fs::create_dir_all(&folder).with_context(|| format!("run folder {}", folder.display()))?;
    // Held until the run ends: two runs in one folder would write each other's checkpoint.
    let _lock = RunLock::take(&folder)?;
    let device = device::resolve(&args.device)?;
    if let Some(reason) = &device.fallback {
        eprintln!("{reason}");
    }
    if args.threads > 0 {
        tch::set_num_threads(args.threads);
    }
    let sets = Sets::open(&config.data, &args.data)?;
    let run = open_run(args, config, &folder, device.device, sets.stamps)?;
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // A second handler cannot be set; the library user who calls this twice keeps the first.
    let _ = ctrlc::set_handler(move || seen.store(true, Ordering::SeqCst));
    let mut training = Training::new(run, sets.train, sets.held_out, &folder)?;
    let clock = args.minutes.map(|total| Clock::new(begun, total, training.run.step));
    let ended = training.run(args.stop_after.unwrap_or(u64::MAX), clock, &stop);
    let closed = ended.and_then(|ended| training.close().map(|()| ended));
    // Also of a run that failed: they may be why.
    let told = training.tell_passed_over();
    closed.and_then(|ended| told.map(|()| ended))
}

/// The photographs of a run.
struct Sets {
    train: Arc<DataSet>,
    held_out: Option<DataSet>,
    stamps: Vec<DataStamp>,
}

impl Sets {
    fn open(config: &DataConfig, root: &Path) -> Result<Self> {
        let opened = data::open_each(&config.paths(root), &config.selection())?;
        let stamps = opened.iter().map(data::Opened::stamp).collect::<Result<_>>()?;
        let all = data::join(opened).screened(Screen::TRAINING);
        if !all.empty_classes.is_empty() {
            eprintln!("classes without a photograph: {}", all.empty_classes.join(", "));
        }
        if config.held_out == 0 {
            return Ok(Sets { train: Arc::new(all), held_out: None, stamps });
        }
        let (train, held_out) = all.hold_out(config.held_out)?;
        Ok(Sets { train: Arc::new(train), held_out: Some(held_out), stamps })
    }
}

fn open_run(
    args: &TrainArgs,
    config: RunConfig,
    folder: &Path,
    device: tch::Device,
    data: Vec<DataStamp>,
) -> Result<Run> {
    let checkpoint = checkpoint_path(folder);
    if !args.resume {
        if checkpoint.exists() {
            let place = folder.display();
            bail!(
                "run folder {place}: expected a new one, found a checkpoint; add --resume or name another --out"
            );
        }
        return Run::start(config, data, &args.data, device);
    }
    if !checkpoint.exists() {
        bail!(
            "run folder {}: expected a checkpoint to resume, found none; leave out --resume",
            folder.display()
        );
    }
    let mut run = Run::resume(&checkpoint, &args.data, device)?;
    let Some(config) = continued(&run.config, config, run.step) else {
        bail!(
            "{}: expected the configuration of its checkpoint, got a changed one; name another --out",
            folder.display()
        );
    };
    if run.data != data {
        let (place, changed) = (folder.display(), changed_names(&run.data, &data));
        bail!(
            "{place}: expected the data of its checkpoint, got other photographs in {changed}; name another --out"
        );
    }
    run.follow(config);
    Ok(run)
}

/// What a run goes on under that has done `step` steps under `old` and is given `new`; `None` where it would not have done the
/// same so far. The end that `--minutes` chose stays.
fn continued(old: &RunConfig, new: RunConfig, step: u64) -> Option<RunConfig> {
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

/// Names of the data sets that are not what they were.
fn changed_names(old: &[DataStamp], new: &[DataStamp]) -> String {
    let changed = new.iter().filter(|stamp| !old.contains(stamp));
    changed.map(|stamp| stamp.name.as_str()).collect::<Vec<_>>().join(", ")
}

struct Training {
    run: Run,
    data: Arc<DataSet>,
    held_out_data: Option<DataSet>,
    held_out: Vec<Batch>,
    folder: PathBuf,
    log: Log,
    bar: ProgressBar,
}

impl Training {
    fn new(run: Run, data: Arc<DataSet>, held_out: Option<DataSet>, folder: &Path) -> Result<Self> {
        let config = &run.config;
        let batches = |set| held_out_batches(set, config.data.augment.size, config.batch, HELD_OUT_BATCHES);
        let held_out_batches = held_out.as_ref().map(batches).transpose()?;
        let log = Log::open(&folder.join("log.csv"), run.step)?;
        let bar = ProgressBar::new(config.optim.end()).with_position(run.step);
        let style = "{bar:32} step {pos}/{len}  {msg}  {elapsed} gone, {eta} left";
        bar.set_style(ProgressStyle::with_template(style)?);
        bar.reset_eta();
        let (held_out_data, held_out) = (held_out, held_out_batches.unwrap_or_default());
        Ok(Training { run, data, held_out_data, held_out, folder: folder.to_owned(), log, bar })
    }

    fn run(&mut self, stop_after: u64, clock: Option<Clock>, stop: &AtomicBool) -> Result<Ended> {
        let config = self.run.config.clone();
        let batches = Batches::new(Arc::clone(&self.data), config.data.augment, config.batch, config.seed);
        let stream = batches.stream(self.run.step, config.optim.end().min(stop_after), AHEAD);
        let mut since = Since::now();
        while self.run.step < self.end().min(stop_after) && !stop.load(Ordering::SeqCst) {
            let batch = stream.recv().context("the data thread ended early")??;
            let report = self.run.train_step(&batch)?;
            since.add(report.loss, batch.count);
            let step = self.run.step;
            let last = step == self.end();
            let epoch_ends = ends_epoch(step, config.batch, self.data.items.len());
            let measure = !self.held_out.is_empty()
                && (last || epoch_ends || step.is_multiple_of(config.log.held_out_every));
            if last || measure || epoch_ends || step.is_multiple_of(config.log.every) {
                let held_out_loss =
                    if measure { Some(self.run.held_out_loss(&self.held_out)?) } else { None };
                let line = Line {
                    step,
                    epoch: ratio(step * u64::try_from(config.batch)?, self.data.items.len()),
                    loss: since.mean_loss(),
                    held_out_loss,
                    lr_factor: self.run.config.optim.schedule(step),
                    gradient_norm: report.gradient_norm,
                    images_per_s: since.rate(),
                    batch: batch.fingerprint(),
                };
                self.tell(&line)?;
                since = Since::now();
            }
            if !last && step.is_multiple_of(config.log.checkpoint_every) {
                self.run.save(&checkpoint_path(&self.folder))?;
            }
            if let Some(cooldown) = clock.and_then(|clock| clock.cooldown(step, &self.run.config.optim)) {
                self.cool(cooldown)?;
            }
        }
        Ok(if self.run.step >= self.end() { Ended::Finished } else { Ended::Stopped })
    }

    /// The step that the run ends at.
    fn end(&self) -> u64 {
        self.run.config.optim.end()
    }

    /// Begins the early end that the clock chose, and writes it down before a step is taken under it.
    fn cool(&mut self, cooldown: Cooldown) -> Result<()> {
        let mut config = self.run.config.clone();
        config.optim.cooldown = Some(cooldown);
        self.run.follow(config);
        self.run.save(&checkpoint_path(&self.folder))?;
        self.bar.set_length(self.end());
        eprintln!("step {}: the learning rate falls to 0 in {} steps", cooldown.from, cooldown.steps);
        Ok(())
    }

    fn tell(&mut self, line: &Line) -> Result<()> {
        if let Err(error) = self.log.write(line) {
            // The steps since the last checkpoint are not to be lost with a line.
            self.run.save(&checkpoint_path(&self.folder))?;
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
        self.run.save(&checkpoint_path(&self.folder))?;
        self.bar.abandon();
        let title = self.folder.file_name().unwrap_or_default().to_string_lossy();
        crate::draw::plot::draw_log(&self.folder.join("log.csv"), &self.folder.join("curves.png"), &title)?;
        crate::draw::plot::draw_epochs(&self.folder, &title)?;
        Ok(())
    }

    /// Names the photographs of no use that were met.
    fn tell_passed_over(&self) -> Result<()> {
        let sets = std::iter::once(self.data.as_ref()).chain(&self.held_out_data);
        let mut corrupt: Vec<(String, String)> = sets.flat_map(|set| set.corrupt()).collect();
        corrupt.sort();
        tell_passed_over(&corrupt, &self.folder)
    }
}

/// At most this many photographs are named on the terminal.
const MOST_NAMED: usize = 20;

/// Says which photographs were of no use: all of them in `passed-over.csv`, the first on the terminal.
fn tell_passed_over(photographs: &[(String, String)], folder: &Path) -> Result<()> {
    let path = folder.join("passed-over.csv");
    if photographs.is_empty() {
        return Ok(());
    }
    eprintln!("{} photographs were of no use and passed over:", photographs.len());
    photographs.iter().take(MOST_NAMED).for_each(|(name, reason)| eprintln!("  {name}: {reason}"));
    if photographs.len() > MOST_NAMED {
        eprintln!("  and {} more, in {}", photographs.len() - MOST_NAMED, path.display());
    }
    let lines =
        photographs.iter().map(|(name, reason)| format!("{},{}\n", csv_quoted(name), csv_quoted(reason)));
    let text = "name,reason\n".to_owned() + &lines.collect::<String>();
    write_whole(&path, text.as_bytes())
}

/// Whether a pass over `total` photographs ends with step `step`, the first being 1.
fn ends_epoch(step: u64, batch: usize, total: usize) -> bool {
    let passes = |steps: u64| u128::from(steps) * batch as u128 / total.max(1) as u128;
    step > 0 && passes(step) > passes(step - 1)
}

/// Loss and rate since the last line of the log.
struct Since {
    start: Instant,
    sum: f64,
    steps: u32,
    images: usize,
}

impl Since {
    fn now() -> Self {
        Since { start: Instant::now(), sum: 0.0, steps: 0, images: 0 }
    }

    fn add(&mut self, loss: f64, images: usize) {
        self.sum += loss;
        self.steps += 1;
        self.images += images;
    }

    fn mean_loss(&self) -> f64 {
        self.sum / f64::from(self.steps.max(1))
    }

    fn rate(&self) -> f64 {
        ratio(u64::try_from(self.images).unwrap_or(0), 1) / self.start.elapsed().as_secs_f64().max(1e-9)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(a: u64, b: usize) -> f64 {
    a as f64 / b as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(cooldown: Option<(u64, u64)>, by_time: bool) -> RunConfig {
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
            let on = continued(old, written(new), step)?;
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
        assert!(continued(&chosen, other, 45).is_none());
        // It is in the checkpoint's text.
        assert_eq!(RunConfig::parse(&chosen.to_text().unwrap()).unwrap(), chosen);
    }

    #[test]
    fn held_out_batches_are_those_of_every_other_configuration() {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..12_u8 {
            let pixel =
                |x: u32, y: u32| image::Rgb([u8::try_from(x + y).unwrap(), 90 + index, 250 - 9 * index]);
            image::RgbImage::from_fn(40, 30, pixel).save(folder.path().join(format!("{index}.png"))).unwrap();
        }
        let held_out = |change: &dyn Fn(&mut RunConfig)| {
            let mut config = config(None, false);
            config.data.train = vec![folder.path().to_owned()];
            config.data.held_out = 5;
            change(&mut config);
            let sets = Sets::open(&config.data, folder.path()).unwrap();
            let run = Run::start(config, sets.stamps, folder.path(), tch::Device::Cpu).unwrap();
            Training::new(run, sets.train, sets.held_out, folder.path()).unwrap().held_out
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
