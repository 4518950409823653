//! The lock on libtorch's generator of random numbers.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// libtorch's generator, which is the process's: who seeds it keeps it until everything is drawn, or two runs that start side by
/// side would draw each other's numbers.
pub(crate) fn generator() -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}
