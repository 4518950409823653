//! How the program ends: exit statuses, and text on stdout.

use std::io::{self, Write};

/// Everything asked for was done.
pub const DONE: u8 = 0;
/// At least one file, or the whole work, failed.
pub const FAILED: u8 = 1;
/// The command line cannot be right; nothing was done. The number clap uses.
pub const USAGE: u8 = 2;
/// Interrupted, as shells number it.
pub const INTERRUPTED: u8 = 130;

/// Writes to stdout as a whole. A reader that has left (`| head`) is no failure.
pub fn print(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> anyhow::Result<u8> {
    let mut text = Vec::new();
    write(&mut text)?;
    match io::stdout().lock().write_all(&text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(DONE),
    }
}
