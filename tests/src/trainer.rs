//! Runs the trainer on small photographs: fast enough that a test may train, kill and resume.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};

use crate::built;

/// A folder `photos` in `root` with `count` (below 128) small photographs whose halves differ in lightness and color.
///
/// # Panics
/// If they cannot be written.
pub fn photographs(root: &Path, count: u8) -> PathBuf {
    let folder = root.join("photos");
    std::fs::create_dir_all(folder.join("deeper")).expect("makes the folder");
    for index in 0..count {
        let image = RgbImage::from_fn(48, 40, |x, y| {
            let shade = u8::try_from((x * 3 + y + u32::from(index) * 7) % 128).expect("below 128");
            if y < 20 {
                Rgb([shade / 2, shade, 255 - shade / 3])
            } else {
                Rgb([90 + shade, 60 + shade / 2, shade / 4])
            }
        });
        let place = if index % 3 == 0 { folder.join("deeper") } else { folder.clone() };
        image.save(place.join(format!("photo{index:03}.png"))).expect("saves");
    }
    folder
}

/// The smallest network there is, with a regression codec.
pub const SEED_REPORT: &str = r#"
[network]
name = "seed-report"
[codec]
name = "regression"
"#;

/// The same with a distribution for each of a and b.
pub const TWO_DISTRIBUTIONS: &str = r#"
[network]
name = "seed-report"
[codec]
name = "bins1d"
"#;

/// The shipped model's network, narrowed, with its codec.
pub const LITE_UNET: &str = r#"
[network]
name = "lite-unet"
widths = [8, 8, 8, 8]
[codec]
name = "bins2d"
gamma = 0.5
"#;

/// A configuration of small, quick steps: `root/name.toml`, with the `model`'s tables and one data set.
///
/// # Panics
/// If it cannot be written.
#[must_use]
pub fn config(root: &Path, name: &str, model: &str, steps: u32, data: &str) -> PathBuf {
    let path = root.join(format!("{name}.toml"));
    let text = format!(
        r#"seed = 3
batch = 4
{model}
[data]
train = ["{data}"]
held_out = 4
[data.augment]
size = 32
crop_min = 24
crop_max = 40
[optim]
lr = 2e-3
steps = {steps}
warmup = 5
ema = 0.9
[log]
every = 1
held_out_every = 20
checkpoint_every = 5
"#
    );
    std::fs::write(&path, text).expect("writes the configuration");
    path
}

/// The trainer in `root`, on one thread.
#[must_use]
pub fn trainer(root: &Path) -> Command {
    let mut command = Command::new(built().join("autochrome-trainer"));
    command.current_dir(root).env("OMP_NUM_THREADS", "1").env("RAYON_NUM_THREADS", "1").stdin(Stdio::null());
    command
}

/// Runs `train` into the folder `out` of `root`.
///
/// # Panics
/// If the trainer cannot be started.
#[must_use]
pub fn train(root: &Path, config: &Path, out: &str, more: &[&str]) -> Output {
    let config = config.to_str().expect("a path of the test");
    let arguments = ["train", config, "--out", out, "--device", "cpu", "--threads", "1"];
    trainer(root).args(arguments).args(more).output().expect("starts")
}

/// A program's standard error.
#[must_use]
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// (step, loss, batch) of every line of a run's log.
#[must_use]
pub fn log(root: &Path, out: &str) -> Vec<(u64, f64, String)> {
    let text = std::fs::read_to_string(root.join(out).join("log.csv")).unwrap_or_default();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        Some((fields.first()?.parse().ok()?, fields.get(2)?.parse().ok()?, (*fields.get(7)?).to_owned()))
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// Starts a run and waits until it has logged `step`.
///
/// # Panics
/// If the run ends before that, or two minutes pass.
#[must_use]
pub fn start_and_wait(root: &Path, config: &Path, out: &str, step: u64) -> std::process::Child {
    let config = config.to_str().expect("a path of the test");
    let arguments = ["train", config, "--out", out, "--device", "cpu", "--threads", "1"];
    let mut child = trainer(root).args(arguments).stderr(Stdio::null()).spawn().expect("starts");
    let begun = Instant::now();
    while log(root, out).last().is_none_or(|(last, _, _)| *last < step) {
        assert!(begun.elapsed() < Duration::from_secs(120), "no step {step} within two minutes");
        assert!(child.try_wait().expect("waits").is_none(), "the run ended before step {step}");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

/// Sends the signal of that name (`INT`, `KILL`).
///
/// # Panics
/// If it cannot be sent.
pub fn signal(child: &std::process::Child, name: &str) {
    assert!(crate::signal(child.id().into(), name));
}
