//! `azr train`: self-play from presets and configuration files.

use crate::config::presets;
use crate::failure::Outcome;
use crate::output;

/// Arguments of `azr train`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Presets and TOML files, merged left to right.
    #[arg(value_name = "CONFIG|PRESET", required = true)]
    sources: Vec<String>,
    /// Sets one key after all files, e.g. run.steps=20; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
    /// Print the resolved configuration and stop.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let config = presets::load(&args.sources, &args.assignments)?;
    if args.dry_run {
        output::say(config.to_toml()?.trim_end())?;
        return Ok(Outcome::Done);
    }
    Ok(Outcome::Done)
}
