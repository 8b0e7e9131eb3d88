//! `azr reason-bench`: how many questions about real functions get a verified answer within one and five seconds, and
//! who gives it. The questions are rows of CRUXEval, asked one at a time as an editor would.

use crate::clock::{Stopwatch, processor_seconds};
use crate::failure::Outcome;
use crate::numbers::{ITEMS, check_flag};
use crate::reasoning::ReasonArgs;
use crate::{data, output};
use anyhow::Context;
use azr_daemon::Claim;
use azr_daemon::reason::protocol::{AbduceQuestion, Budget, DeduceQuestion};
use azr_daemon::reason::{Caller, Reasoner, Source};
use azr_selfplay::config::ranges::Given;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the rows lie in the data folder.
const ROWS: &str = "cruxeval/cruxeval.jsonl.gz";
/// The times that the table is about, in milliseconds.
const WITHIN_MS: [f64; 2] = [1_000.0, 5_000.0];

/// Arguments of `azr reason-bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Questions of each kind: rows spread evenly over the set.
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
    /// Folder of the data sets [default: $AZR_DATA].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    reason: ReasonArgs,
}

#[derive(Deserialize)]
struct Row {
    code: String,
    input: String,
    output: String,
}

/// Milliseconds until each source had a verified answer, a list a (question, source).
#[derive(Default, Serialize)]
struct Times(BTreeMap<String, Vec<f64>>);

impl Times {
    fn add(&mut self, question: &str, source: &str, ms: f64) {
        self.0.entry(format!("{question}.{source}")).or_default().push(ms);
    }

    fn share(&self, key: &str, within: f64, of: usize) -> f64 {
        let count = self.0.get(key).map_or(0, |times| times.iter().filter(|ms| **ms <= within).count());
        100.0 * count as f64 / of.max(1) as f64
    }
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    check_flag("--limit", &ITEMS, &Given::Whole(args.limit as i128))?;
    let budget = args.reason.budget()?;
    let text =
        data::folder(args.data.clone()).text(ROWS).map_err(|error| data::suite_failure("cruxeval", error))?;
    let rows: Vec<Row> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot read the rows of {ROWS}"))?;
    let limit = args.limit.min(rows.len()).max(1);
    let step = (rows.len() / limit).max(1);
    let rows: Vec<&Row> = rows.iter().step_by(step).take(limit).collect();
    let reasoner = args.reason.open()?;
    let mut times = Times::default();
    let (watch, processor) = (Stopwatch::start(), processor_seconds());
    for row in &rows {
        deduce(&reasoner, row, budget, args.reason.seed, &mut times)?;
        abduce(&reasoner, row, budget, args.reason.seed, &mut times)?;
    }
    let seconds = watch.seconds();
    if args.reason.json {
        output::say_json(
            &serde_json::json!({ "questions": rows.len(), "seconds": seconds, "times_ms": times }),
        )?;
        return Ok(Outcome::Done);
    }
    output::say("| question | source | verified within 1 s | within 5 s |")?;
    output::say("|---|---|---|---|")?;
    for (question, sources) in
        [("deduce", &["executor", "model"][..]), ("abduce", &["search", "model", "any"][..])]
    {
        for source in sources {
            let key = format!("{question}.{source}");
            let [one, five] = WITHIN_MS.map(|within| times.share(&key, within, rows.len()));
            output::say(format!("| {question} | {source} | {one:.1} % | {five:.1} % |"))?;
        }
    }
    output::say(format!(
        "\n{} questions of each kind, {seconds:.0} s, {:.0} s of processor time",
        rows.len(),
        processor_seconds() - processor
    ))?;
    Ok(Outcome::Done)
}

fn deduce(
    reasoner: &Reasoner,
    row: &Row,
    budget: Budget,
    seed: u64,
    times: &mut Times,
) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    let question = DeduceQuestion {
        program: row.code.clone(),
        input: row.input.clone(),
        budget: Some(budget),
        seed: Some(seed),
        ..DeduceQuestion::default()
    };
    let mut executed = None;
    let answer = reasoner
        .deduce(&question, &Caller::default(), &mut |partial| {
            if partial.verdict == Claim::Verified {
                executed = Some(watch.seconds() * 1e3);
            }
        })
        .map_err(crate::reasoning::failure)?;
    if let Some(ms) = executed {
        times.add("deduce", "executor", ms);
    }
    if answer.predicted.is_some() && answer.verdict == Claim::Verified {
        times.add("deduce", "model", watch.seconds() * 1e3);
    }
    Ok(())
}

fn abduce(
    reasoner: &Reasoner,
    row: &Row,
    budget: Budget,
    seed: u64,
    times: &mut Times,
) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    let question = AbduceQuestion {
        program: row.code.clone(),
        output: row.output.clone(),
        budget: Some(budget),
        seed: Some(seed),
        ..AbduceQuestion::default()
    };
    let mut searched = None;
    let answer = reasoner
        .abduce(&question, &Caller::default(), &mut |_| searched = Some(watch.seconds() * 1e3))
        .map_err(crate::reasoning::failure)?;
    let end = watch.seconds() * 1e3;
    let by_model =
        answer.inputs.iter().any(|input| input.verdict == Claim::Verified && input.source == Source::Model);
    if let Some(ms) = searched {
        times.add("abduce", "search", ms);
    }
    if by_model {
        times.add("abduce", "model", end);
    }
    if let Some(ms) = searched.or(by_model.then_some(end)) {
        times.add("abduce", "any", ms);
    }
    Ok(())
}
