//! `azr reproduce`: the whole story on one model: base evaluation, self-play, evaluation, report.

use crate::config::presets;
use crate::failure::{Failure, Outcome, nearest};
use crate::output;
use crate::session::{Plan, RunArgs, execute, write_report};
use azr_reports::tables;

/// Arguments of `azr reproduce`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to reproduce: `tiny`, the gain of the embedded model in minutes on a processor.
    #[arg(value_name = "PRESET")]
    preset: String,
    #[command(flatten)]
    run: RunArgs,
    /// Print the final table as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if !presets::names().any(|name| name == args.preset) {
        let advice = nearest(&args.preset, presets::names())
            .map_or_else(|| "try `azr reproduce tiny`".to_owned(), |name| format!("did you mean '{name}'?"));
        return Err(Failure::new(format!("unknown preset '{}'", args.preset), advice).into());
    }
    let plan = Plan::new(&args.run, std::slice::from_ref(&args.preset), &args.preset)?;
    let outcome = execute(&plan, true)?;
    if outcome != Outcome::Done {
        return Ok(outcome);
    }
    let (run, page) = write_report(&plan.folder)?;
    if args.json {
        let value = serde_json::json!({
            "run": plan.folder,
            "seed": plan.config.selfplay.run.seed,
            "steps": plan.config.selfplay.run.steps,
            "tables": tables::gains(&run),
            "report": page,
        });
        output::say_json(&value)?;
    } else {
        output::say(azr_reports::terminal::report(&run).trim_end())?;
        output::say(format!("\nreport: {}", page.display()))?;
    }
    Ok(Outcome::Done)
}
