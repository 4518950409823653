//! The pixels' way without a network, against copying the same bytes, each the least of several interleaved runs.
//!
//! `cargo run --release -p autochrome-models --example pixels -- [MEGAPIXELS] [RUNS] [CASE]`. The least of many short runs is
//! what the work costs; other programs on the machine only add to it. One thread is timed by what it ran, two by the clock on
//! the wall. With a CASE only that one runs, which is what a
//! profiler wants: `valgrind --tool=callgrind target/release/examples/pixels 1 1 rgb8`.
#![allow(missing_docs, reason = "a program")]

#[path = "../benches/shared/clock.rs"]
mod clock;
#[path = "../benches/shared/fake.rs"]
mod fake;

use std::hint::black_box;
use std::time::Duration;

use clock::time;
use fake::{CASES, Job};

fn copy(bytes: usize) -> impl FnMut() -> Duration {
    let (source, mut target) = (vec![1_u8; bytes], vec![0_u8; bytes]);
    move || time(1, || black_box(&mut target).copy_from_slice(black_box(&source))).0
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
    println!("{width} x {height} pixels, the least of {runs} runs, ms (times copying the same bytes)");
    for case in CASES.iter().filter(|case| only.as_deref().is_none_or(|only| only == case.name)) {
        let mut job = Job::new(case, (width, height));
        let mut floor = copy(job.bytes());
        let mut least = [Duration::MAX; 3];
        for _ in 0..runs {
            let [one, two] = [1, 2].map(|threads| time(threads, || job.run(threads)).0);
            let times = [floor(), one, two];
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
