//! Handles: what a host holds for a session or a list.
//!
//! The idea: **a handle is a number that looks like a pointer, and nobody looks through it.** A table says what
//! each number stands for, numbers are never used twice, and each call keeps what it found alive: a handle that
//! was freed, or made up, is a clear error instead of broken memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use autochrome_abi::{AUTOCHROME_BAD_HANDLE, AUTOCHROME_NULL_ARGUMENT};

use crate::failure::Failure;

/// The next number, for all tables: a list's handle is no session. It is even and not small, as pointers are.
static NEXT: AtomicUsize = AtomicUsize::new(0x1_0000);

/// What the handles of one kind stand for.
pub struct Handles<T> {
    kind: &'static str,
    live: Mutex<BTreeMap<usize, Arc<T>>>,
}

impl<T> Handles<T> {
    /// An empty table of things that errors call `kind`.
    pub const fn new(kind: &'static str) -> Self {
        Self { kind, live: Mutex::new(BTreeMap::new()) }
    }

    /// Keeps `value` and gives its handle.
    pub fn insert<C>(&self, value: T) -> *mut C {
        let number = NEXT.fetch_add(16, Ordering::Relaxed);
        self.table().insert(number, Arc::new(value));
        std::ptr::without_provenance_mut(number)
    }

    /// What a handle stands for.
    pub fn get<C>(&self, handle: *const C) -> Result<Arc<T>, Failure> {
        let kind = self.kind;
        if handle.is_null() {
            return Err(Failure::new(AUTOCHROME_NULL_ARGUMENT, format!("{kind} is NULL; make one first")));
        }
        self.table().get(&handle.addr()).cloned().ok_or_else(|| {
            let text = format!("{kind} is no live {kind} of this library; was it freed before?");
            Failure::new(AUTOCHROME_BAD_HANDLE, text)
        })
    }

    /// Forgets a handle. What it stood for goes when the last call that uses it returns.
    pub fn remove<C>(&self, handle: *const C) {
        let removed = self.table().remove(&handle.addr());
        // Dropped here, after the table was unlocked: freeing a model must not hold up other sessions.
        drop(removed);
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<T>>> {
        // Map operations leave a whole map behind even if they panic.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_handle_is_refused_and_its_number_not_used_again() {
        static TABLE: Handles<u8> = Handles::new("thing");
        let first: *mut u8 = TABLE.insert(1);
        let second: *mut u8 = TABLE.insert(2);
        assert_ne!(first, second);
        let kept = TABLE.get(first).expect("live");
        TABLE.remove(first);
        TABLE.remove(first);
        assert_eq!(*kept, 1, "a call that still uses it keeps it");
        assert_eq!(TABLE.get(first).expect_err("freed").status, AUTOCHROME_BAD_HANDLE);
        assert_eq!(*TABLE.get(second).expect("live"), 2);
        assert_ne!(TABLE.insert::<u8>(3), first);
    }
}
