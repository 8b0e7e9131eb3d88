//! `azr compare`: two runs item by item. A drop whose paired 95 % interval excludes zero is exit code 1.

use crate::failure::{Failure, Outcome};
use crate::files::read_json_lines;
use crate::{output, run_record};
use azr_benchmarks::ItemRecord;
use azr_benchmarks::statistics::{IntervalMethod, PairedDifference, pair_by_item, paired_difference};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Arguments of `azr compare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run that is the measure.
    run_a: PathBuf,
    /// The run that is compared with it.
    run_b: PathBuf,
    /// Print the differences as JSON.
    #[arg(long)]
    json: bool,
}

/// One suite and decoding in both runs.
#[derive(Debug, Serialize)]
struct Line {
    suite: String,
    decoding: String,
    #[serde(flatten)]
    difference: PairedDifference,
    significant: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let first = last_evaluations(&args.run_a)?;
    let second = last_evaluations(&args.run_b)?;
    let mut lines = Vec::new();
    for (suite, records) in &first {
        let Some(others) = second.get(suite) else { continue };
        for decoding in decodings(records) {
            let pairs = pair_by_item(records, others, &decoding);
            if let Some(difference) = paired_difference(&pairs, IntervalMethod::Normal) {
                lines.push(Line {
                    suite: suite.clone(),
                    decoding,
                    significant: difference.is_significant(),
                    difference,
                });
            }
        }
    }
    if lines.is_empty() {
        let what =
            format!("{} and {} have no evaluated item in common", args.run_a.display(), args.run_b.display());
        return Err(Failure::new(
            what,
            "evaluate both runs on the same suite first (azr eval SUITE --model RUN --run-dir RUN)",
        )
        .into());
    }
    if args.json {
        output::say_json(&lines)?;
    } else {
        for line in &lines {
            output::say(describe(line))?;
        }
    }
    let dropped = lines.iter().any(|line| line.significant && line.difference.difference < 0.0);
    Ok(if dropped { Outcome::Negative } else { Outcome::Done })
}

fn describe(line: &Line) -> String {
    let difference = &line.difference;
    let finding = match (line.significant, difference.difference < 0.0) {
        (false, _) => "no significant difference",
        (true, true) => "significantly worse",
        (true, false) => "significantly better",
    };
    format!(
        "{} {}: {:.1} % -> {:.1} % ({:+.1} points, 95 % interval {:+.1} to {:+.1}, {} items): {finding}",
        line.suite,
        line.decoding,
        difference.first,
        difference.second,
        difference.difference,
        difference.low,
        difference.high,
        difference.n_items
    )
}

fn decodings(records: &[ItemRecord]) -> Vec<String> {
    let mut names: Vec<String> = records.iter().map(|record| record.decoding.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The records of the last evaluation of every suite in a run.
fn last_evaluations(run: &Path) -> anyhow::Result<BTreeMap<String, Vec<ItemRecord>>> {
    // Reading the run first gives the right message for what is not one.
    let run_record = run_record::load(run)?;
    let mut last = BTreeMap::new();
    for evaluation in &run_record.evaluations {
        // Evaluations come ordered by step, so later ones replace earlier ones.
        let suite = run.join("eval").join(&evaluation.suite);
        let file = match evaluation.step {
            Some(step) => suite.join(format!("step-{step}")).join("items.jsonl"),
            None => suite.join("items.jsonl"),
        };
        last.insert(evaluation.suite.clone(), read_json_lines(&file)?);
    }
    Ok(last)
}
