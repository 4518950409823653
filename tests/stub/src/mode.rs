//! What the stub was asked to do: one word in the environment variable `AUTOCHROME_STUB`.

use std::time::Duration;

/// How the stub behaves. Unset means [`Mode::Ok`]; an unknown word too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `ok`: paints, and tells progress as it should.
    Ok,
    /// `slow`: as `ok`, in no less than `AUTOCHROME_STUB_MS` milliseconds (default 3000).
    Slow,
    /// `plain`: copies the picture as fast as memory goes and adds no color, so that decoding and encoding are what is left.
    Plain,
    /// `fail`: every picture fails with `AUTOCHROME_INTERNAL_ERROR`.
    Fail,
    /// `memory`: every picture fails with `AUTOCHROME_OUT_OF_MEMORY`.
    Memory,
    /// `panic-status`: every picture fails with `AUTOCHROME_INTERNAL_PANIC`.
    PanicStatus,
    /// `cancel`: every picture ends as cancelled, though nobody asked for it.
    Cancel,
    /// `unknown-status`: every picture fails with a number that no header names.
    UnknownStatus,
    /// `crash`: the process is aborted in the middle of a picture.
    Crash,
    /// `crash-later`: as `crash`, in the second picture of a session.
    CrashLater,
    /// `cancel-probe`: calls progress again after it asked to stop, as a plugin must not.
    CancelProbe,
    /// `no-session`: `session_new` fails.
    NoSession,
    /// `old-abi`: has no table for the major version asked for.
    OldAbi,
    /// `other-major`: gives a table that says another major version.
    OtherMajor,
    /// `short-table`: the table's `struct_size` covers half of version 1.0.
    ShortTable,
    /// `hollow-table`: the table's functions are NULL.
    HollowTable,
}

impl Mode {
    /// The mode in the environment at this moment.
    #[must_use]
    pub fn current() -> Self {
        match std::env::var("AUTOCHROME_STUB").as_deref() {
            Ok("slow") => Self::Slow,
            Ok("plain") => Self::Plain,
            Ok("fail") => Self::Fail,
            Ok("memory") => Self::Memory,
            Ok("panic-status") => Self::PanicStatus,
            Ok("cancel") => Self::Cancel,
            Ok("unknown-status") => Self::UnknownStatus,
            Ok("crash") => Self::Crash,
            Ok("crash-later") => Self::CrashLater,
            Ok("cancel-probe") => Self::CancelProbe,
            Ok("no-session") => Self::NoSession,
            Ok("old-abi") => Self::OldAbi,
            Ok("other-major") => Self::OtherMajor,
            Ok("short-table") => Self::ShortTable,
            Ok("hollow-table") => Self::HollowTable,
            _ => Self::Ok,
        }
    }
}

/// How long a picture takes in [`Mode::Slow`].
#[must_use]
pub fn slow_time() -> Duration {
    let ms = std::env::var("AUTOCHROME_STUB_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(3000);
    Duration::from_millis(ms)
}
