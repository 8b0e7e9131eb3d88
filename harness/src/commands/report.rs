//! `azr report`: the page and the table of finished or running runs.

use crate::failure::{Failure, Outcome};
use crate::{output, run_record};
use anyhow::Context;
use azr_reports::Comparison;
use std::collections::BTreeSet;
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
    let runs = args.runs.iter().map(|folder| run_record::load(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    if runs.len() > 1 {
        check_suite(&runs, &args.suite)?;
    }
    for (folder, run) in args.runs.iter().zip(&runs) {
        let page =
            azr_reports::write_report(run).map_err(|error| run_record::report_failure(folder, error))?;
        let table = azr_reports::terminal::report(run);
        if table.is_empty() {
            output::note(format!(
                "{}: no graded answers (eval/SUITE/items.jsonl) before and after: the table of gains is left out",
                folder.display()
            ));
        } else {
            output::say(table.trim_end())?;
        }
        output::say(format!("report: {}", page.display()))?;
    }
    if runs.len() > 1 {
        let comparison = Comparison::of(&runs, &args.suite);
        azr_reports::html::write_comparison(&comparison, &args.out).context("cannot write the comparison")?;
        output::say(format!("comparison: {}", args.out.display()))?;
    }
    Ok(Outcome::Done)
}

/// A comparison is about a suite that at least one of the runs was evaluated on.
fn check_suite(runs: &[azr_reports::Run], suite: &str) -> anyhow::Result<()> {
    let known: BTreeSet<&str> =
        runs.iter().flat_map(|run| &run.evaluations).map(|one| one.suite.as_str()).collect();
    // Runs that were never evaluated can still be set side by side by their steps.
    if known.is_empty() || known.contains(suite) {
        return Ok(());
    }
    let known: Vec<&str> = known.into_iter().collect();
    Err(Failure::new(
        format!("none of the runs was evaluated on the suite '{suite}'"),
        format!("use --suite with one of: {}", known.join(", ")),
    )
    .into())
}
