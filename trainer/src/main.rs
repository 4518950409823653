//! `autochrome-trainer`: trains, measures and exports models.

use std::process::ExitCode;
use std::sync::LazyLock;

use autochrome_models::torch_error;
use autochrome_trainer::{bench, config, eval, export, figures, inspect, prior, train, turing};
use clap::{Parser, Subcommand};

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

#[derive(Debug, Subcommand)]
enum Command {
    Train(train::TrainArgs),
    Eval(eval::EvalArgs),
    Export(export::ExportArgs),
    Figures(figures::FiguresArgs),
    Prior(prior::PriorArgs),
    Turing(turing::TuringArgs),
    Data(inspect::DataArgs),
    Config(config::ShowArgs),
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    autochrome_trainer::memory::keep_freed();
    let outcome = match Args::parse().command {
        Command::Train(args) => train::run(&args).map(|ended| match ended {
            train::Ended::Finished => ExitCode::SUCCESS,
            // As a shell reports a program that SIGINT ended.
            train::Ended::Stopped => ExitCode::from(130),
        }),
        Command::Eval(args) => eval::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Export(args) => export::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Figures(args) => figures::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Prior(args) => prior::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Turing(args) => turing::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Config(args) => config::show(&args).map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Data(args) => {
            inspect::run(&args).map(|fine| if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("autochrome-trainer: {}", torch_error::chain(error.as_ref()));
        ExitCode::FAILURE
    })
}
