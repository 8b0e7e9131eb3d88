//! `azr compare`: two runs item by item. A drop whose paired 95 % interval excludes zero is exit code 1.
//!
//! Items are aligned by name; all samples of an item count as one value. Flips are the items whose value changed. Where a
//! group has a single item there is no interval, and nothing is significant.

use crate::failure::{Failure, Outcome};
use crate::files::read_json_lines;
use crate::{output, run_record};
use anyhow::Context;
use azr_benchmarks::ItemRecord;
use azr_benchmarks::statistics::{IntervalMethod, Pair, PairedDifference, pair_by_item, paired_difference};
use azr_reports::html::escaped;
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
    /// How the 95 % interval is made: 1.96 standard errors, or a percentile bootstrap over items (2,000 fixed draws).
    #[arg(long, value_enum, default_value_t = Interval::Normal)]
    interval: Interval,
    /// Print the differences as JSON.
    #[arg(long)]
    json: bool,
    /// Form of the comparison [default: by the name of --out, else text].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Where it goes [default: the terminal].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How the interval is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Interval {
    Normal,
    Bootstrap,
}

impl From<Interval> for IntervalMethod {
    fn from(interval: Interval) -> Self {
        match interval {
            Interval::Normal => Self::Normal,
            Interval::Bootstrap => Self::Bootstrap { seed: 0, resamples: 2_000 },
        }
    }
}

/// Form of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Html,
    Json,
}

/// An item whose value changed.
#[derive(Debug, Serialize)]
struct Flip {
    item: String,
    /// Share of right answers in each run, 0 to 1.
    first: f64,
    second: f64,
}

/// One suite and decoding in both runs.
#[derive(Debug, Serialize)]
struct Line {
    suite: String,
    decoding: String,
    #[serde(flatten)]
    difference: PairedDifference,
    significant: bool,
    /// Items whose value changed, in the order of their names.
    flips: Vec<Flip>,
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
            if let Some(difference) = paired_difference(&pairs, args.interval.into()) {
                lines.push(Line {
                    flips: flips(&pairs),
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
    let format =
        if args.json { Format::Json } else { args.format.unwrap_or_else(|| by_name(args.out.as_deref())) };
    let text = match format {
        Format::Text => lines.iter().map(|line| describe(line) + "\n").collect(),
        Format::Markdown => markdown(args, &lines),
        Format::Html => html(args, &lines),
        Format::Json => serde_json::to_string_pretty(&lines)? + "\n",
    };
    match &args.out {
        Some(out) => {
            std::fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))?;
            output::say(format!("comparison: {}", out.display()))?;
        }
        None => output::say(text.trim_end())?,
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
    let interval = difference.interval.map_or_else(
        || "no interval: a group has one item".to_owned(),
        |(low, high)| format!("95 % interval {low:+.1} to {high:+.1}"),
    );
    format!(
        "{} {}: {:.1} % -> {:.1} % ({:+.1} points, {interval}, {} items): {finding}",
        line.suite,
        line.decoding,
        difference.first,
        difference.second,
        difference.difference,
        difference.n_items
    )
}

fn by_name(out: Option<&Path>) -> Format {
    match out.and_then(|out| out.extension()?.to_str()) {
        Some("md") => Format::Markdown,
        Some("html") => Format::Html,
        Some("json") => Format::Json,
        _ => Format::Text,
    }
}

/// Items whose share of right answers differs.
fn flips(pairs: &[Pair]) -> Vec<Flip> {
    let changed = pairs.iter().filter(|pair| pair.first != pair.second);
    let flip = |pair: &Pair| Flip { item: pair.item.clone(), first: pair.first, second: pair.second };
    let mut flips: Vec<Flip> = changed.map(flip).collect();
    flips.sort_by(|one, other| one.item.cmp(&other.item));
    flips
}

/// Items that got better and worse, in words.
fn flip_count(line: &Line) -> String {
    let better = line.flips.iter().filter(|flip| flip.second > flip.first).count();
    format!("{better} items better, {} worse", line.flips.len() - better)
}

fn markdown(args: &Args, lines: &[Line]) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('`', "'");
    let mut text = format!(
        "# {} and {}\n\n",
        cell(&args.run_a.display().to_string()),
        cell(&args.run_b.display().to_string())
    );
    for line in lines {
        text.push_str(&format!("{}\n\n{}\n\n", cell(&describe(line)), flip_count(line)));
        if !line.flips.is_empty() {
            text.push_str("| item | first | second |\n| --- | ---: | ---: |\n");
            for flip in &line.flips {
                text.push_str(&format!(
                    "| {} | {:.2} | {:.2} |\n",
                    cell(&flip.item),
                    flip.first,
                    flip.second
                ));
            }
            text.push('\n');
        }
    }
    text
}

/// A page of its own; names of items come from data and are escaped.
fn html(args: &Args, lines: &[Line]) -> String {
    let mut body = format!(
        "<h1>{} and {}</h1>\n",
        escaped(&args.run_a.display().to_string()),
        escaped(&args.run_b.display().to_string())
    );
    for line in lines {
        body.push_str(&format!(
            "<p>{}</p>\n<p>{}</p>\n<table>\n",
            escaped(&describe(line)),
            flip_count(line)
        ));
        for flip in &line.flips {
            let class = if flip.second > flip.first { "better" } else { "worse" };
            body.push_str(&format!(
                "<tr class=\"{class}\"><td>{}</td><td>{:.2}</td><td>{:.2}</td></tr>\n",
                escaped(&flip.item),
                flip.first,
                flip.second
            ));
        }
        body.push_str("</table>\n");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Comparison</title>\n\
         <style>body{{font:15px system-ui,sans-serif;margin:2rem;color-scheme:light dark}}td{{padding:.1rem .6rem}}\
         .worse{{color:#c33}}.better{{color:#393}}</style></head>\n<body>\n{body}</body></html>\n"
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
