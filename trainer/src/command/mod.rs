//! The subcommands of `autochrome-trainer`, one file each.
//!
//! To add one: its file and its row in [`Command`].

pub mod bench;
pub mod config;
pub mod data;
pub mod eval;
pub mod export;
pub mod figures;
pub mod prior;
pub mod train;
pub mod turing;

use std::process::ExitCode;

use anyhow::Result;

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
#[expect(missing_docs, reason = "the text of a variant is its arguments'")]
pub enum Command {
    Train(train::TrainArgs),
    Eval(eval::EvalArgs),
    Export(export::ExportArgs),
    Figures(figures::FiguresArgs),
    Prior(prior::PriorArgs),
    Turing(turing::TuringArgs),
    Data(data::DataArgs),
    Config(config::ShowArgs),
    Bench(bench::BenchArgs),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// As the command says.
    pub fn run(&self) -> Result<ExitCode> {
        let done = match self {
            Command::Train(args) => {
                return train::run(args).map(|ended| match ended {
                    train::Ended::Finished => ExitCode::SUCCESS,
                    // As a shell reports a program that SIGINT ended.
                    train::Ended::Stopped => ExitCode::from(130),
                });
            }
            Command::Data(args) => {
                return data::run(args).map(|fine| if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Command::Eval(args) => eval::run(args),
            Command::Export(args) => export::run(args),
            Command::Figures(args) => figures::run(args),
            Command::Prior(args) => prior::run(args),
            Command::Turing(args) => turing::run(args),
            Command::Config(args) => config::run(args),
            Command::Bench(args) => bench::run(args),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}
