//! `autochrome-trainer figures`: the pictures of a paper, from runs, packages and photographs.

use anyhow::Result;

use crate::draw::figure::Figure;

/// Draws figures for a paper.
#[derive(Debug, clap::Args)]
pub struct FiguresArgs {
    #[command(subcommand)]
    figure: Figure,
}

/// Runs the command.
///
/// # Errors
/// What the figure is made of cannot be used, or the picture not be written.
pub fn run(args: &FiguresArgs) -> Result<()> {
    args.figure.draw()
}
