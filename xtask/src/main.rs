//! `cargo xtask`: everything you do with a checkout besides plain cargo.
//!
//! The idea: each command does all the setup it needs, and repeats nothing that is done.

mod checks;
mod demo;
mod deny;
mod doctor;
mod elf;
mod files;
mod fuzz;
mod gimp;
mod install;
mod libtorch;
mod manifest;
mod pack;
mod retrain;
mod setup;
mod test;
mod tools;
mod wheels;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Workspace;

/// Set up, try, test and install Autochrome
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch libtorch into .libtorch/, or link your own
    Setup(setup::Args),
    /// Build, colorize a photograph and print where the result is
    Demo(demo::Args),
    /// Run every check and test of the project, cheapest first
    Test(test::Args),
    /// Retrain a shipped package from its recipe
    Retrain(retrain::Args),
    /// Make a folder that trains on a machine without Rust
    Pack(pack::Args),
    /// Report what is found on this machine and how to fix what is not
    Doctor,
    /// Build and install the programs, the plugin, libtorch and the models
    Install(install::Args),
    /// Remove what `install` put there, and nothing else
    Uninstall {
        /// The prefix given to `install` [default: ~/.local]
        #[arg(long, value_name = "DIR")]
        prefix: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let outcome = Workspace::find().and_then(|workspace| match Cli::parse().command {
        Command::Setup(args) => setup::run(&workspace, &args).map(|()| true),
        Command::Demo(args) => demo::run(&workspace, &args).map(|()| true),
        Command::Test(args) => test::run(&workspace, &args),
        Command::Retrain(args) => retrain::run(&workspace, &args).map(|()| true),
        Command::Pack(args) => pack::run(&workspace, &args).map(|()| true),
        Command::Doctor => doctor::run(&workspace).map(|()| true),
        Command::Install(args) => install::run(&workspace, &args).map(|()| true),
        Command::Uninstall { prefix } => install::uninstall(prefix).map(|()| true),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
