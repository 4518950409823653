//! `autochrome-trainer data`: looks at data sets before a run does, and makes them ready to be sent.
//!
//! The idea: **the same code that feeds a run looks**, so what is said here of a photograph is what training will do
//! with it.

mod archive;
mod check;
mod rate;
mod report;
mod slice;

use anyhow::Result;

pub use check::CheckArgs;
pub use rate::RateArgs;
pub use report::{Finding, Report, Sizes};
pub use slice::{Sides, SliceArgs};

/// Looks at data sets before a run does, and makes slices of them to send elsewhere.
#[derive(Debug, clap::Args)]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DataCommand {
    Check(CheckArgs),
    Rate(RateArgs),
    Slice(SliceArgs),
}

/// Runs the command; `false` where a check under `--strict` found photographs of no use.
///
/// # Errors
/// A path or the configuration cannot be used, or a file cannot be written.
pub fn run(args: &DataArgs) -> Result<bool> {
    match &args.command {
        DataCommand::Check(args) => check::run(args),
        DataCommand::Rate(args) => rate::run(args).map(|()| true),
        DataCommand::Slice(args) => slice::run(args).map(|()| true),
    }
}
