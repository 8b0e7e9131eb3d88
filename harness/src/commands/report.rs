//! `azr report`: the page and the table of finished or running runs.

use crate::failure::{Failure, Outcome};
use crate::output;
use anyhow::Context;
use azr_reports::{Comparison, Run};
use std::path::PathBuf;

/// Arguments of `azr report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run folders; with several, a page that compares them is written as well.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Where the comparison of several runs goes.
    #[arg(long, value_name = "FILE", default_value = "comparison.html")]
    out: PathBuf,
    /// Suite that the comparison is about.
    #[arg(long, default_value = "tiny")]
    suite: String,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut runs = Vec::new();
    for folder in &args.runs {
        let run = load(folder)?;
        let page = azr_reports::write_report(&run).context("cannot write the report")?;
        let table = azr_reports::terminal::report(&run);
        if !table.is_empty() {
            output::say(table.trim_end())?;
        }
        output::say(format!("report: {}", page.display()))?;
        runs.push(run);
    }
    if runs.len() > 1 {
        let comparison = Comparison::of(&runs, &args.suite);
        azr_reports::html::write_comparison(&comparison, &args.out).context("cannot write the comparison")?;
        output::say(format!("comparison: {}", args.out.display()))?;
    }
    Ok(Outcome::Done)
}

/// Loads a run folder for reading.
pub fn load(folder: &std::path::Path) -> anyhow::Result<Run> {
    Run::load(folder).map_err(|error| {
        Failure::new(
            format!("cannot read the run: {error}"),
            "pass the folder of a run, such as runs/tiny-seed1",
        )
        .into()
    })
}
