//! `autochrome`: colorizes photographs and folders from the command line.
//!
//! The idea: **a batch is a plan, then one job per file**. The plan says what is written where before anything is
//! touched; a job decodes, has the plugin colorize, encodes and renames into place, and its failure is one line.
//! The program knows files and people; predicting colors is the plugin's business.
//!
//! | module | |
//! |---|---|
//! | `args`, `plan`, `batch`, `job` | what is asked for, what is written where, all files, one file |
//! | `hints` | colors that a person knows |
//! | `format` | one file per file format |
//! | `metadata` | EXIF, XMP, IPTC, profiles: what is preserved, and what changes |
//! | `analysis` | what looks at colors: palette, layer, spread, the confidence map |
//! | `decode`, `encode`, `partial`, `picture` | from a file to upright sRGB and back, whole or not at all |
//! | `manifest` | what was made from what, and going on where a batch stopped |
//! | `report`, `summary`, `doctor`, `exit`, `names`, `stop` | what people and programs see, and Ctrl-C |

mod analysis;
mod args;
mod batch;
mod decode;
mod doctor;
mod encode;
mod exit;
mod format;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hints;
mod job;
mod manifest;
mod metadata;
mod names;
mod partial;
mod picture;
mod plan;
mod report;
mod stop;
mod summary;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use exit::{FAILED, USAGE, print};

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => batch::run(&cli.colorize),
        Some(Command::Models(args)) => doctor::models(&args),
        Some(Command::Doctor(args)) => doctor::doctor(&args),
        Some(Command::Formats) => print(|out| out.write_all(format::table().as_bytes())),
        Some(Command::Completions { shell }) => print(|out| {
            clap_complete::generate(shell, &mut Cli::command(), "autochrome", out);
            Ok(())
        }),
        Some(Command::Man) => print(|out| clap_mangen::Man::new(Cli::command()).render(out)),
    };
    ExitCode::from(result.unwrap_or_else(|error| {
        // Where stderr cannot be written, the exit status still tells.
        drop(writeln!(io::stderr(), "autochrome: {error:#}"));
        if error.is::<plan::UsageError>() { USAGE } else { FAILED }
    }))
}
