//! `cargo xtask`: everything one does with a checkout besides plain cargo.
//!
//! The idea: each command does all of the set-up it needs, and does nothing that is already done.

mod checks;
mod demo;
mod deny;
mod doctor;
mod elf;
mod files;
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

/// Sets Autochrome up, shows it, tests it and installs it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Puts libtorch into .libtorch/: fetched once, or your own
    Setup(setup::Args),
    /// Builds, colors a photograph and says where the result is
    Demo(demo::Args),
    /// Runs every check and test of the project, cheapest first
    Test(test::Args),
    /// Trains a package that ships again, from its recipe
    Retrain(retrain::Args),
    /// Makes a folder that trains on a machine without Rust
    Pack(pack::Args),
    /// Says what is found on this machine and what to do about what is not
    Doctor,
    /// Builds and installs the programs, the plugin, libtorch and the models
    Install(install::Args),
    /// Removes what `install` put there, and nothing else
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
