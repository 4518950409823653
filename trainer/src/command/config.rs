//! `autochrome-trainer config`: a configuration as one text.

use std::path::PathBuf;

use anyhow::Result;

use crate::run::config::{self, RunConfig};

/// Prints a configuration with everything it extends, as one self-contained file.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The configuration.
    pub config: PathBuf,
}

/// Runs the command. Keys that are left to their defaults stay unnamed.
///
/// # Errors
/// As [`RunConfig::read`].
pub fn run(args: &ShowArgs) -> Result<()> {
    RunConfig::read(&args.config)?;
    print!("{}", toml::to_string_pretty(&config::whole(&args.config)?)?);
    Ok(())
}
