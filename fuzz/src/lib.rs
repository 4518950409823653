//! What every target shares: how much memory an input may take, and whose panic is a find.
//!
//! The idea: **a panic of ours is a find, and so is memory that an input merely claims.** The command line turns a panic
//! into one file's failure; a decoder of others that panics is thus a refusal with a bad sentence. It is printed once
//! per place and the run goes on.

#[cfg(feature = "libtorch")]
pub mod package;

use std::alloc::System;
use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::Mutex;

use cap::Cap;

/// Bytes that an input may take, far below what a mere claim can ask for.
const MEMORY: usize = 512 << 20;

/// Ends the process where more is asked for, whether or not anything is written to it.
#[global_allocator]
static MEMORY_LEFT: Cap<System> = Cap::new(System, MEMORY);

/// Where crates of others panicked, each printed once.
static OTHERS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Replaces the panic hook of libFuzzer, which ends the process whoever panics.
pub fn set_up() {
    panic::set_hook(Box::new(|panic| {
        let Some(place) = panic.location().filter(|place| is_of_others(place)) else {
            eprintln!("{panic}");
            std::process::abort();
        };
        let mut known = OTHERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.insert(place.to_string()) {
            eprintln!("a crate of others panics: {panic}");
        }
    }));
}

fn is_of_others(place: &Location<'_>) -> bool {
    place.file().contains("/registry/src/")
}

/// Runs one input; a panic that reaches this was of others.
pub fn run(input: impl FnOnce()) {
    let _ = panic::catch_unwind(AssertUnwindSafe(input));
}
