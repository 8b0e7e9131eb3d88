//! `azr report`: the page and the table of finished or running runs, and the paper's table beside them.

use crate::failure::{Failure, Outcome};
use crate::{output, run_record};
use anyhow::Context;
use azr_reports::Comparison;
use azr_reports::paper::{self, MeasuredRun, PaperTable};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Arguments of `azr report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run folders; with several, a page that compares them is written as well. `paper RUN...` shows the paper's main
    /// table with the runs' rows; there a RUN may also be a folder of `azr score --json` outputs.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Where the comparison of several runs, or the paper's table, goes [default: comparison.html; the terminal].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Suite that the comparison is about.
    #[arg(long, default_value = "tiny")]
    suite: String,
    /// `paper`: form of the table [default: by the name of --out, else text].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// `paper`: published row that the runs are set against, e.g. 'AZR Base' [default: the model's own, else AZR Coder].
    #[arg(long, value_name = "ROW")]
    against: Option<String>,
}

/// Form of the paper's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Latex,
    Csv,
    Parquet,
    Html,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.runs.first().is_some_and(|first| first.as_os_str() == "paper") {
        return run_paper(args);
    }
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
        let out = args.out.clone().unwrap_or_else(|| "comparison.html".into());
        let comparison = Comparison::of(&runs, &args.suite);
        azr_reports::html::write_comparison(&comparison, &out).context("cannot write the comparison")?;
        output::say(format!("comparison: {}", out.display()))?;
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

fn run_paper(args: &Args) -> anyhow::Result<Outcome> {
    let mut runs = Vec::new();
    for folder in &args.runs[1..] {
        if folder.join("eval").is_dir() {
            // Damaged records are refused here as in every other report.
            run_record::load(folder)?;
        }
        runs.push(MeasuredRun::load(folder).map_err(|error| run_record::report_failure(folder, error))?);
    }
    let table = PaperTable::new(&runs, args.against.as_deref()).map_err(|message| {
        Failure::new(message, "name a row as the table shows it, e.g. --against 'AZR Base'")
    })?;
    let format = args.format.unwrap_or_else(|| by_name(args.out.as_deref()));
    let text = match (format, &args.out) {
        (Format::Parquet, Some(out)) => {
            paper::parquet(&table, out).context("cannot write the table")?;
            output::say(format!("table: {}", out.display()))?;
            return Ok(Outcome::Done);
        }
        (Format::Parquet, None) => {
            return Err(Failure::new(
                "a Parquet table cannot go to the terminal",
                "give a file with --out FILE",
            )
            .into());
        }
        (Format::Text, _) => paper::terminal(&table),
        (Format::Markdown, _) => paper::markdown(&table),
        (Format::Latex, _) => paper::latex(&table),
        (Format::Csv, _) => paper::csv(&table),
        (Format::Html, _) => paper::html(&table),
    };
    match &args.out {
        Some(out) => {
            std::fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))?;
            output::say(format!("table: {}", out.display()))?;
        }
        None => output::say(text.trim_end())?,
    }
    Ok(Outcome::Done)
}

fn by_name(out: Option<&Path>) -> Format {
    match out.and_then(|out| out.extension()?.to_str()) {
        Some("md") => Format::Markdown,
        Some("tex") => Format::Latex,
        Some("csv") => Format::Csv,
        Some("parquet") => Format::Parquet,
        Some("html") => Format::Html,
        _ => Format::Text,
    }
}
