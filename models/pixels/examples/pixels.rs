//! Times the pipeline without a network against copying the same bytes, each as the minimum of several interleaved
//! runs.
//!
//! `cargo run --release -p autochrome-pixels --example pixels -- [MEGAPIXELS] [RUNS] [CASE]`. The minimum of many
//! short runs is the cost of the work; other programs only add to it. One thread is measured in CPU time, two in
//! wall-clock time. With a CASE only that one runs, for a profiler:
//! `valgrind --tool=callgrind target/release/examples/pixels 1 1 rgb8`.
#![allow(missing_docs, reason = "a program")]

#[path = "../benches/shared/fake.rs"]
mod fake;

use std::hint::black_box;
use std::time::{Duration, Instant};

use fake::{CASES, Job};

/// CPU time of this thread, which excludes other programs. Updated once per tick, every few milliseconds.
fn ran() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Time of `job`: CPU time on one thread; wall-clock time on several, or where the system has no CPU time.
fn run(job: &mut Job, threads: usize) -> Duration {
    let (start, before) = (Instant::now(), ran());
    job.run(threads);
    let wall = start.elapsed();
    let alone = before.zip(ran()).map(|(before, after)| after - before);
    if threads == 1 { alone.unwrap_or(wall) } else { wall }
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
    println!("{width} x {height} pixels, minimum of {runs} runs, ms (times copying the same bytes)");
    for case in CASES.iter().filter(|case| only.as_deref().is_none_or(|only| only == case.name)) {
        let mut job = Job::new(case, (width, height));
        let mut floor = copy(job.bytes());
        let mut least = [Duration::MAX; 3];
        for _ in 0..runs {
            let times = [floor(), run(&mut job, 1), run(&mut job, 2)];
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
