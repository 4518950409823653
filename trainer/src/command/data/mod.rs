//! `autochrome-trainer data`: checks data sets before training, and slices them for training elsewhere.
//!
//! The idea: **the code that feeds a run is the code that checks**, so what is reported of a photograph is what training does
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

/// Checks data sets before training, and slices them for training elsewhere.
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

/// Runs the command; `false` where a check under `--strict` found unusable photographs.
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
