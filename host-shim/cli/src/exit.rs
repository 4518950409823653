//! How the program ends: exit statuses, and text on stdout.

use std::io::{self, Write};

/// Everything asked for was done.
pub const DONE: u8 = 0;
/// At least one file failed, or the whole run.
pub const FAILED: u8 = 1;
/// The command line is invalid; nothing was done. The number that clap uses.
pub const USAGE: u8 = 2;
/// Interrupted, as shells number it.
pub const INTERRUPTED: u8 = 130;

/// Writes to stdout as a whole. A reader that has gone away (`| head`) is not a failure.
pub fn print(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> anyhow::Result<u8> {
    let mut text = Vec::new();
    write(&mut text)?;
    match io::stdout().lock().write_all(&text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(DONE),
    }
}
