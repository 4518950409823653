//! The lock on libtorch's random number generator.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// libtorch has one generator per process: whoever seeds it holds this lock until everything is drawn, or two runs
/// that start at the same time would draw each other's numbers.
pub(crate) fn generator() -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}
