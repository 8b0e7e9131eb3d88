//! `azr report`: the page and the table of finished or running runs.

use crate::failure::Outcome;
use crate::{output, run_record};
use anyhow::Context;
use azr_reports::Comparison;
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
        let run = run_record::load(folder)?;
        let page =
            azr_reports::write_report(&run).map_err(|error| run_record::report_failure(folder, error))?;
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
