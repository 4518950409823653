//! A clock for a machine that has other work too.

use std::time::{Duration, Instant};

/// What `work` takes: of one thread what the thread itself ran, so that other programs do not count; of several, or where the
/// system does not tell, the time on the wall.
pub fn time<T>(threads: usize, work: impl FnOnce() -> T) -> (Duration, T) {
    let (start, before) = (Instant::now(), ran());
    let result = work();
    let wall = start.elapsed();
    let alone = before.zip(ran()).map(|(before, after)| after - before);
    (if threads == 1 { alone.unwrap_or(wall) } else { wall }, result)
}

/// How long this thread has run.
fn ran() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
