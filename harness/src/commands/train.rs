//! `azr train`: self-play from presets and configuration files.

use crate::failure::Outcome;
use crate::output;
use crate::session::{Plan, RunArgs, execute, write_report};
use std::path::Path;

/// Arguments of `azr train`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Presets and TOML files, merged left to right.
    #[arg(value_name = "CONFIG|PRESET", required = true)]
    sources: Vec<String>,
    #[command(flatten)]
    run: RunArgs,
    /// Print the resolved configuration and stop.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.dry_run {
        output::say(args.run.config(&args.sources)?.to_toml()?.trim_end())?;
        return Ok(Outcome::Done);
    }
    let plan = Plan::new(&args.run, &args.sources, &run_name(&args.sources))?;
    let outcome = execute(&plan, false)?;
    if outcome == Outcome::Done {
        let (_, page) = write_report(&plan.folder)?;
        output::say(format!("run: {}\nreport: {}", plan.folder.display(), page.display()))?;
    }
    Ok(outcome)
}

/// The last source names the run: `configs/mine.toml` gives `mine`.
fn run_name(sources: &[String]) -> String {
    let last = sources.last().map_or("run", String::as_str);
    let path = Path::new(last);
    let is_file = path.extension().is_some_and(|extension| extension == "toml");
    let stem = path.file_stem().filter(|_| is_file).and_then(|stem| stem.to_str());
    stem.unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::run_name;

    #[test]
    fn the_last_source_names_the_run() {
        assert_eq!(run_name(&["tiny".into(), "configs/mine.toml".into()]), "mine");
        assert_eq!(run_name(&["qwen2.5-7b".into()]), "qwen2.5-7b");
    }
}
