//! `azr`: the command line of the Absolute Zero Reasoner.
//!
//! This crate is the edge: it reads arguments, files, clock and environment, prints, and turns results
//! into exit codes (0 done, 1 negative finding, 2 usage or failure, 85 stopped after a checkpoint). The
//! work is done by the crates below it.

mod cli;
mod clock;
mod commands;
mod config;
mod daemon_places;
mod daemon_run;
mod data;
mod evaluation;
mod failure;
mod files;
mod hub;
mod interrupt;
mod memory;
mod models;
mod numbers;
mod output;
mod plan;
mod pretrain;
mod progress;
mod provenance;
mod published;
mod reasoning;
mod registry;
mod run_folder;
mod run_record;
mod sandbox;
mod seed_files;
mod session;
mod telemetry;
mod tensorboard;
mod toys;

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;

fn main() -> ExitCode {
    let parsed = negative_numbers_are_values(cli::Cli::command())
        .try_get_matches()
        .and_then(|matches| cli::Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results, the rest is a usage error; a closed pipe concerns neither.
            let _ = error.print();
            return if error.use_stderr() { failure::FAILURE.into() } else { ExitCode::SUCCESS };
        }
    };
    match cli.run() {
        Ok(outcome) => outcome.into(),
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(failure::describe(&error));
            failure::FAILURE.into()
        }
    }
}

/// `--temperature -1` is a temperature out of its range, not an unknown option `-1`.
fn negative_numbers_are_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let takes = arg.get_action().takes_values();
            arg.allow_negative_numbers(takes)
        })
        .mut_subcommands(negative_numbers_are_values)
}
