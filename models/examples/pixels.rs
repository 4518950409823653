//! The pixels' way without a network, against copying the same bytes, each the least of several interleaved runs.
//!
//! `cargo run --release -p autochrome-models --example pixels -- [MEGAPIXELS] [RUNS] [CASE]`. The least of many short runs is
//! what the work costs; other programs on the machine only add to it. One thread is timed by what it ran, two by the clock on
//! the wall. With a CASE only that one runs, which is what a
//! profiler wants: `valgrind --tool=callgrind target/release/examples/pixels 1 1 rgb8`.
#![allow(missing_docs, reason = "a program")]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use autochrome_models::pipeline::{
    Ab, AbPredictor, ImageView, ImageViewMut, Params, PixelFormat, PredictError, colorize,
};

/// Gives smooth chroma at a quarter of the working size; `reach` is the largest value.
struct Fake {
    reach: f32,
}

impl AbPredictor for Fake {
    fn predict_ab(
        &self,
        _l: &[f32],
        width: usize,
        height: usize,
        _temperature: Option<f32>,
        _threads: usize,
    ) -> Result<Ab, PredictError> {
        let (width, height) = (width / 4, height / 4);
        let plane = |phase: f32| -> Vec<f32> {
            (0..width * height).map(|at| self.reach * (at as f32 * 0.01 + phase).sin()).collect()
        };
        Ok(Ab { width, height, a: plane(0.0), b: plane(1.0) })
    }
}

struct Case {
    name: &'static str,
    from: PixelFormat,
    to: PixelFormat,
    reach: f32,
}

const CASES: [Case; 6] = [
    Case { name: "gray8", from: PixelFormat::Gray8, to: PixelFormat::Rgb8, reach: 15.0 },
    Case { name: "rgb8", from: PixelFormat::Rgb8, to: PixelFormat::Rgb8, reach: 15.0 },
    Case { name: "rgba8", from: PixelFormat::Rgba8, to: PixelFormat::Rgba8, reach: 15.0 },
    Case { name: "gray16", from: PixelFormat::Gray16, to: PixelFormat::Rgb16, reach: 15.0 },
    Case { name: "rgb16", from: PixelFormat::Rgb16, to: PixelFormat::Rgb16, reach: 15.0 },
    Case { name: "rgb8-out-of-gamut", from: PixelFormat::Rgb8, to: PixelFormat::Rgb8, reach: 150.0 },
];

/// A clock that stands still while other programs have the core, for work on this thread alone; where the system has
/// none, the time of day.
struct Clock(Instant);

impl Clock {
    fn now(&self) -> Duration {
        let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let ran = ran.and_then(|text| text.split_whitespace().next()?.parse().ok()).map(Duration::from_nanos);
        ran.unwrap_or_else(|| self.0.elapsed())
    }
}

/// A gradient with texture, so that every code occurs and neighbours differ.
fn picture(width: usize, height: usize, bytes_per_pixel: usize) -> Vec<u8> {
    (0..width * height)
        .flat_map(|at| {
            let (x, y) = (at % width, at / width);
            let code = u8::try_from((x / 20 + (x * 7 + y * 13) % 40 + y / 300) % 256).unwrap_or(u8::MAX);
            std::iter::repeat_n(code, bytes_per_pixel)
        })
        .collect()
}

fn run(
    case: &Case,
    (width, height): (u32, u32),
    source: &[u8],
    target: &mut [u8],
    threads: usize,
) -> Duration {
    let stride = |format: PixelFormat| {
        isize::try_from(width).expect("small") * isize::try_from(format.bytes_per_pixel()).expect("small")
    };
    let params = Params { working_size: 256, strength: 1.0, temperature: None, threads };
    let input = ImageView::new(case.from, width, height, stride(case.from), source).expect("a whole picture");
    let mut output =
        ImageViewMut::new(case.to, width, height, stride(case.to), target).expect("a whole picture");
    let (clock, start) = (Clock(Instant::now()), Instant::now());
    let before = clock.now();
    let predictor = Fake { reach: case.reach };
    colorize(&predictor, &input, &mut output, &params, &mut |_| ControlFlow::Continue(()))
        .expect("it colorizes");
    if threads == 1 { clock.now() - before } else { start.elapsed() }
}

fn copy(bytes: usize) -> impl FnMut() -> Duration {
    let (source, mut target) = (vec![1_u8; bytes], vec![0_u8; bytes]);
    move || {
        let start = Instant::now();
        black_box(&mut target).copy_from_slice(black_box(&source));
        start.elapsed()
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = |default: u32| args.next().map_or(default, |arg| arg.parse().expect("a whole number"));
    let (megapixels, runs) = (number(12), number(7));
    let only = args.next();
    // 4:3.
    let side = (f64::from(megapixels) * 1e6 / 12.0).sqrt().round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a side in pixels")]
    let (width, height) = (4 * side as u32, 3 * side as u32);
    let (columns, rows) = (width as usize, height as usize);
    println!("{columns} x {rows} pixels, the least of {runs} runs, ms (times copying the same bytes)");
    for case in CASES.iter().filter(|case| only.as_deref().is_none_or(|only| only == case.name)) {
        let source = picture(columns, rows, case.from.bytes_per_pixel());
        let mut target = vec![0_u8; columns * rows * case.to.bytes_per_pixel()];
        let mut floor = copy((source.len() + target.len()) / 2);
        let mut least = [Duration::MAX; 3];
        for _ in 0..runs {
            let threads = |threads, target: &mut [u8]| run(case, (width, height), &source, target, threads);
            let times = [floor(), threads(1, &mut target), threads(2, &mut target)];
            least.iter_mut().zip(times).for_each(|(least, time)| *least = (*least).min(time));
        }
        let [copied, one, two] = least.map(|time| time.as_secs_f64() * 1e3);
        println!(
            "{:<18} copy {copied:6.1}   1 thread {one:7.1} ({:.0})   2 threads {two:7.1} ({:.0})",
            case.name,
            one / copied,
            two / copied
        );
    }
}
