//! `autochrome`: colorizes photographs and folders from the command line.
//!
//! The idea: **a batch is a plan, then one job a file**. The plan says what is written where before anything is
//! touched; a job decodes, has the plugin colorize, encodes and renames into place, and its failure is one line.
//! The program knows files and people; everything about pictures and color is the plugin's.

mod args;
mod batch;
mod codec;
mod color;
mod confidence;
mod decode;
mod doctor;
mod encode;
mod job;
mod metadata;
mod partial;
mod picture;
mod plan;
mod report;
mod stop;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};

/// Everything asked for was done.
const DONE: u8 = 0;
/// At least one file, or the whole work, failed.
const FAILED: u8 = 1;
/// The command line cannot be right; nothing was done. The number clap uses.
const USAGE: u8 = 2;
/// Interrupted, as shells number it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => batch::run(&cli.colorize),
        Some(Command::Models(args)) => doctor::models(&args),
        Some(Command::Doctor(args)) => doctor::doctor(&args),
        Some(Command::Completions { shell }) => print(|out| {
            clap_complete::generate(shell, &mut Cli::command(), "autochrome", out);
            Ok(())
        }),
        Some(Command::Man) => print(|out| clap_mangen::Man::new(Cli::command()).render(out)),
    };
    ExitCode::from(result.unwrap_or_else(|error| {
        eprintln!("autochrome: {error:#}");
        if error.is::<plan::UsageError>() { USAGE } else { FAILED }
    }))
}

/// Writes to stdout as a whole. A reader that has left (`| head`) is no failure.
fn print(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> anyhow::Result<u8> {
    let mut text = Vec::new();
    write(&mut text)?;
    match io::stdout().lock().write_all(&text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(DONE),
    }
}
