//! What the stub is asked to do: one word in the environment variable `AUTOCHROME_STUB`.

use std::time::Duration;

/// How the stub behaves. Unset or unknown means [`Mode::Ok`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `ok`: paints, and reports progress as it should.
    Ok,
    /// `slow`: like `ok`, in no less than `AUTOCHROME_STUB_MS` milliseconds (default 3000).
    Slow,
    /// `plain`: copies the image as fast as memory allows and adds no color, so that only decoding and encoding
    /// remain.
    Plain,
    /// `fail`: every image fails with `AUTOCHROME_INTERNAL_ERROR`.
    Fail,
    /// `memory`: every image fails with `AUTOCHROME_OUT_OF_MEMORY`.
    Memory,
    /// `panic-status`: every image fails with `AUTOCHROME_INTERNAL_PANIC`.
    PanicStatus,
    /// `cancel`: every image ends as cancelled, though nobody asked for it.
    Cancel,
    /// `unknown-status`: every image fails with a status that no header defines.
    UnknownStatus,
    /// `crash`: the process is aborted in the middle of an image.
    Crash,
    /// `crash-later`: like `crash`, in the second image of a session.
    CrashLater,
    /// `cancel-probe`: calls progress again after it asked to stop, as a plugin must not.
    CancelProbe,
    /// `no-session`: `session_new` fails.
    NoSession,
    /// `old-abi`: has no table for the requested major version.
    OldAbi,
    /// `other-major`: returns a table that states another major version.
    OtherMajor,
    /// `short-table`: the table's `struct_size` covers half of version 1.0.
    ShortTable,
    /// `hollow-table`: the table's functions are NULL.
    HollowTable,
}

impl Mode {
    /// The mode currently set in the environment.
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

/// How long an image takes in [`Mode::Slow`].
#[must_use]
pub fn slow_time() -> Duration {
    let ms = std::env::var("AUTOCHROME_STUB_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(3000);
    Duration::from_millis(ms)
}
