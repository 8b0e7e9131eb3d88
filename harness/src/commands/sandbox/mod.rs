//! `azr sandbox`: the executor by hand.

mod attack;
mod bench;
mod build;
mod check;
mod run;
mod stable;

use crate::failure::Outcome;
use clap::Subcommand;

/// Arguments of `azr sandbox`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a Python program and evaluate calls after it.
    Run(run::Args),
    /// Run recorded programs and count how many give the recorded outputs.
    Check(check::Args),
    /// Measure programs per second, beside the ways in which other systems run them.
    Bench(bench::Args),
    /// Run hostile programs and show which do more than they should.
    Attack(attack::Args),
    /// Run thousands of programs on an idle and on a busy machine and compare the reports byte for byte.
    Stable(stable::Args),
    /// Build the sandbox's Python guest anew from its recipe.
    Build(build::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Attack(args) => attack::run(&args),
        Command::Stable(args) => stable::run(&args),
        Command::Build(args) => build::run(&args),
    }
}
