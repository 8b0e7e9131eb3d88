//! The command line: what can be typed, and which command does it. One file a command.

use crate::commands;
use crate::failure::Outcome;
use clap::{Parser, Subcommand};

/// Trains an Absolute Zero Reasoner by self-play, scores it and reports what it gained.
///
/// One model proposes small Python tasks, solves them and learns from both; a sandbox that runs the
/// programs is the only judge.
#[derive(Debug, Parser)]
#[command(
    name = "azr",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model by self-play from a preset or configuration files.
    Train(commands::train::Args),
    /// Run programs in the sandbox, check it on recorded programs, or build its guest anew.
    Sandbox(commands::sandbox::Args),
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Train(args) => commands::train::run(&args),
            Command::Sandbox(args) => commands::sandbox::run(args),
        }
    }
}
