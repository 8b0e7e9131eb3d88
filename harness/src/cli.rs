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
    /// Evaluate the embedded model, train it by self-play, evaluate again and write the report.
    Reproduce(commands::reproduce::Args),
    /// Train a model by self-play from a preset or configuration files.
    Train(commands::train::Args),
    /// Run the ablations of the paper, and ours, each with several seeds.
    Ablate(commands::ablate::Args),
    /// Check the record of a run, and play its steps again; exit code 1 when they differ.
    Replay(commands::replay::Args),
    /// Write a run for other tools: TensorBoard, JSON lines, a model folder with its card.
    Export(commands::export::Args),
    /// Score a model on a benchmark suite.
    Eval(commands::eval::Args),
    /// Grade completions that were generated elsewhere.
    Score(commands::score::Args),
    /// Show one item of an evaluation: prompt, output, what was extracted, verdict, first failing input.
    Explain(commands::explain::Args),
    /// Write the report of one or more runs; `report paper RUN...` sets them beside the paper's table.
    Report(commands::report::Args),
    /// Serve a page that shows runs as they go: curves, proposals, verdicts, warnings.
    Dashboard(commands::dashboard::Args),
    /// Compare two runs item by item; exit code 1 when the second is significantly worse.
    Compare(commands::compare::Args),
    /// Say what a function of a Python file returns: by execution, and what the model thinks.
    Deduce(commands::deduce::Args),
    /// Find an input for which a function of a Python file returns a given value.
    Abduce(commands::abduce::Args),
    /// Write a function from examples of its inputs and outputs.
    Induce(commands::induce::Args),
    /// Measure how many questions about real functions get a verified answer in time, and from whom.
    ReasonBench(commands::reason_bench::Args),
    /// Run programs in the sandbox, check it on recorded programs, or build its guest anew.
    Sandbox(commands::sandbox::Args),
    /// Make the embedded model from its recipe, or check that the recipe is reproducible.
    Pretrain(commands::pretrain::Args),
    /// Start, stop and look at the process that serves the user's editors.
    Daemon(commands::daemon::Args),
    /// What editors start: a language server that finds or starts the daemon.
    Lsp(commands::lsp::Args),
    /// Get, read, convert and try models.
    Model(commands::model::Args),
    /// Check that this machine has what azr needs, and say what is missing.
    Doctor(commands::doctor::Args),
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Reproduce(args) => commands::reproduce::run(&args),
            Command::Train(args) => commands::train::run(&args),
            Command::Ablate(args) => commands::ablate::run(&args),
            Command::Replay(args) => commands::replay::run(&args),
            Command::Export(args) => commands::export::run(&args),
            Command::Eval(args) => commands::eval::run(&args),
            Command::Score(args) => commands::score::run(&args),
            Command::Explain(args) => commands::explain::run(&args),
            Command::Report(args) => commands::report::run(&args),
            Command::Dashboard(args) => commands::dashboard::run(&args),
            Command::Compare(args) => commands::compare::run(&args),
            Command::Deduce(args) => commands::deduce::run(&args),
            Command::Abduce(args) => commands::abduce::run(&args),
            Command::Induce(args) => commands::induce::run(&args),
            Command::ReasonBench(args) => commands::reason_bench::run(&args),
            Command::Sandbox(args) => commands::sandbox::run(args),
            Command::Pretrain(args) => commands::pretrain::run(&args),
            Command::Daemon(args) => commands::daemon::run(&args),
            Command::Lsp(args) => commands::lsp::run(&args),
            Command::Model(args) => commands::model::run(args),
            Command::Doctor(args) => commands::doctor::run(&args),
        }
    }
}
