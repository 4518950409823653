//! One call from a host: the panic boundary and the last error.
//!
//! The idea: **nothing leaves but a value.** Whatever a body returns or panics with ends here, as a status for the
//! host and a message kept for `last_error`: in the session if the call has one that is free, otherwise in the
//! thread.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use autochrome_abi::{
    AUTOCHROME_INTERNAL_PANIC, AUTOCHROME_OK, AUTOCHROME_SESSION_BUSY, AutochromeSession, AutochromeStatus,
};

use crate::failure::{Failure, c_text};
use crate::handles::Handles;
use crate::{Backend, Session};

/// Every live session.
pub static SESSIONS: Handles<Seat> = Handles::new("session");

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::new(CString::default());
}

/// A session with what calls need around it: a lock, and its last error.
pub struct Seat {
    session: Mutex<Box<dyn Session>>,
    last_error: Mutex<CString>,
}

impl Seat {
    /// A seat for a new session.
    pub fn new(session: Box<dyn Session>) -> Self {
        Self { session: Mutex::new(session), last_error: Mutex::default() }
    }

    /// The session, unless another call is using it.
    fn take(&self) -> Option<MutexGuard<'_, Box<dyn Session>>> {
        match self.session.try_lock() {
            Ok(session) => Some(session),
            // Panics are caught while the lock is held, and then the session is reset.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn error(&self) -> MutexGuard<'_, CString> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a body whose failure is stored in the thread.
pub fn status<B: Backend>(name: &str, body: impl FnOnce() -> Result<(), Failure>) -> AutochromeStatus {
    match catch::<B, _>(name, body) {
        Ok(()) => AUTOCHROME_OK,
        Err(failure) => remember(&failure),
    }
}

/// Runs a body on the session of a handle, which stores the failure. A body that panics leaves the session without
/// models, like a new one.
pub fn on_session<B: Backend>(
    name: &str,
    handle: *const AutochromeSession,
    body: impl FnOnce(&mut dyn Session) -> Result<(), Failure>,
) -> AutochromeStatus {
    let outcome = contain(name, || {
        let seat = SESSIONS.get(handle)?;
        let Some(mut session) = seat.take() else {
            let text = format!("{name}: the session is in use by another call; use one session per thread");
            return Err(Failure::new(AUTOCHROME_SESSION_BUSY, text));
        };
        let Err(failure) = catch::<B, _>(name, || body(&mut **session)) else {
            return Ok(AUTOCHROME_OK);
        };
        *seat.error() = c_text(&failure.text);
        if failure.status == AUTOCHROME_INTERNAL_PANIC {
            session.reset();
        }
        Ok(failure.status)
    });
    outcome.unwrap_or_else(|failure| remember(&failure))
}

/// Runs a body that returns a value and cannot fail; `fallback` if it panics.
pub fn value<B: Backend, T>(name: &str, fallback: T, body: impl FnOnce() -> T) -> T {
    catch::<B, _>(name, || Ok(body())).unwrap_or_else(|failure| {
        remember(&failure);
        fallback
    })
}

/// What `last_error` returns: the session's message; for NULL or a session that is freed or busy, the thread's,
/// since this thread's calls have not written that session's message.
pub fn last_error<B: Backend>(handle: *const AutochromeSession) -> *const c_char {
    value::<B, _>("last_error", c"".as_ptr(), || match SESSIONS.get(handle) {
        Ok(seat) if seat.take().is_some() => seat.error().as_ptr(),
        _ => LAST_ERROR.try_with(|text| text.borrow().as_ptr()).unwrap_or(CStr::as_ptr(c"")),
    })
}

/// Keeps the message for `last_error(NULL)` on this thread.
fn remember(failure: &Failure) -> AutochromeStatus {
    // A thread that is exiting has no place for it any more; the status still says what happened.
    let _ = LAST_ERROR.try_with(|text| *text.borrow_mut() = c_text(&failure.text));
    failure.status
}

/// Contains a body, and what the backend does before it.
fn catch<B: Backend, T>(name: &str, body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    contain(name, || {
        B::enter(name);
        body()
    })
}

fn contain<T>(name: &str, body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // All a body can leave half done is its session, which is reset after a panic.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(Failure::panicked(name, payload)))
}
