//! `azr score`: grades completions that were made elsewhere.

use super::eval::{GradingMode, LimitRules};
use crate::clock::Stopwatch;
use crate::failure::Outcome;
use crate::{data, output, sandbox};
use azr_benchmarks::{ScoreConfig, score};
use std::path::PathBuf;

/// Arguments of `azr score`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Suite that the samples answer.
    suite: String,
    /// JSON lines with the samples (plain or .gz).
    #[arg(long, value_name = "FILE")]
    samples: PathBuf,
    /// Where the graded lines go [default: beside the samples].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Folder with the data sets [default: $AZR_DATA, else a download].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Grading: sound (clean), or as the paper's tools grade (paper).
    #[arg(long, value_enum, default_value_t = GradingMode::Clean)]
    mode: GradingMode,
    /// Time rules of the code suites.
    #[arg(long, value_enum, default_value_t = LimitRules::Evalplus)]
    limits: LimitRules,
    /// Code suites: find the program in the text first.
    #[arg(long)]
    sanitize: bool,
    /// Print the metrics as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let out = args.out.clone().unwrap_or_else(|| args.samples.with_extension("graded.jsonl"));
    let sandbox = sandbox::open()?;
    let clock = Stopwatch::start();
    let config = ScoreConfig {
        mode: args.mode.into(),
        limits: args.limits.into(),
        sanitize: args.sanitize,
        expected_cache: sandbox::expected_cache(),
    };
    let summary =
        score(&args.suite, &data::folder(args.data.clone()), &sandbox, &config, &args.samples, &out)
            .map_err(|error| data::suite_failure(&args.suite, error))?;
    if args.json {
        let mut value = serde_json::to_value(&summary)?;
        value["seconds"] = serde_json::json!((clock.seconds() * 10.0).round() / 10.0);
        output::say_json(&value)?;
    } else {
        output::say(format!(
            "{}: {:.1} % right on {} items; graded lines in {}",
            summary.suite,
            summary.pass_at_1,
            summary.n_items,
            out.display()
        ))?;
        for (status, count) in &summary.counts {
            output::say(format!("  {count:>6} {status}"))?;
        }
    }
    Ok(Outcome::Done)
}
