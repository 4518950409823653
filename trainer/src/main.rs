//! `autochrome-trainer`: trains, measures and exports models.

use std::process::ExitCode;
use std::sync::LazyLock;

use autochrome_models::torch_error;
use autochrome_trainer::command::Command;
use clap::Parser;

/// Trains, measures and exports the models that Autochrome colorizes with.
#[derive(Debug, Parser)]
#[command(name = "autochrome-trainer", version = version())]
struct Args {
    #[command(subcommand)]
    command: Command,
}

/// The version and the commit it was built from, where that is known.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| match autochrome_trainer::COMMIT {
        "" => env!("CARGO_PKG_VERSION").to_owned(),
        commit => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
    });
    &VERSION
}

fn main() -> ExitCode {
    autochrome_trainer::memory::keep_freed();
    Args::parse().command.run().unwrap_or_else(|error| {
        eprintln!("autochrome-trainer: {}", torch_error::chain(error.as_ref()));
        ExitCode::FAILURE
    })
}
