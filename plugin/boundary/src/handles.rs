//! Handles: what a host holds for a session or a list.
//!
//! The idea: **a handle is a number that looks like a pointer and is never dereferenced.** A table maps numbers to
//! objects, numbers are never reused, and each call keeps its object alive: a freed or made-up handle is a clear
//! error instead of memory corruption.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use autochrome_abi::{AUTOCHROME_BAD_HANDLE, AUTOCHROME_NULL_ARGUMENT};

use crate::failure::Failure;

/// The next number, shared by all tables: a list's handle is never a session's. Even and not small, like a pointer.
static NEXT: AtomicUsize = AtomicUsize::new(0x1_0000);

/// The objects behind the handles of one kind.
pub struct Handles<T> {
    kind: &'static str,
    live: Mutex<BTreeMap<usize, Arc<T>>>,
}

impl<T> Handles<T> {
    /// An empty table of objects that errors call `kind`.
    pub const fn new(kind: &'static str) -> Self {
        Self { kind, live: Mutex::new(BTreeMap::new()) }
    }

    /// Stores `value` and returns its handle.
    pub fn insert<C>(&self, value: T) -> *mut C {
        let number = NEXT.fetch_add(16, Ordering::Relaxed);
        self.table().insert(number, Arc::new(value));
        std::ptr::without_provenance_mut(number)
    }

    /// The object behind a handle.
    pub fn get<C>(&self, handle: *const C) -> Result<Arc<T>, Failure> {
        let kind = self.kind;
        if handle.is_null() {
            return Err(Failure::new(AUTOCHROME_NULL_ARGUMENT, format!("{kind} is NULL; create one first")));
        }
        self.table().get(&handle.addr()).cloned().ok_or_else(|| {
            let text = format!("{kind} is not a live {kind} of this library; was it already freed?");
            Failure::new(AUTOCHROME_BAD_HANDLE, text)
        })
    }

    /// Forgets a handle. Its object is dropped when the last call that uses it returns.
    pub fn remove<C>(&self, handle: *const C) {
        let removed = self.table().remove(&handle.addr());
        // Dropped here, with the table unlocked: freeing a model must not block other sessions.
        drop(removed);
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<T>>> {
        // Map operations leave a valid map behind even if they panic.
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
