//! The main tables as plain text, for the end of `azr reproduce` and for `azr report`.

use crate::Run;
use crate::compare::{Comparison, Spread};
use crate::tables::{self, Between, Change, GainTable};
use std::fmt::Write as _;

/// Width of the column of a figure with its interval.
const WIDTH: usize = 27;

/// One table a suite, with a line on what self-play changed besides accuracy. Empty if no suite was
/// scored twice.
pub fn report(run: &Run) -> String {
    let mut text = String::new();
    for table in tables::gains(run) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&gain_table(&table));
    }
    text
}

/// One suite as aligned columns. No line is wider than 100 characters.
pub fn gain_table(table: &GainTable) -> String {
    let after = table.after_step.map_or_else(|| "at the end".into(), |step| format!("after step {step}"));
    let mut text = format!(
        "Suite {}: base model (step {}) and {after}, % right; ± is half of the paired 95 % interval\n\n",
        table.suite, table.before_step
    );
    let mut header = format!("{:<10} {:>6}", "", "items");
    let with_samples = table.samples > 0;
    let _ = write!(header, "  {:<WIDTH$}", "greedy");
    if with_samples {
        let _ = write!(header, "  {:<WIDTH$}", "temperature 1");
    }
    if table.samples > 1 {
        let _ = write!(header, "  {}", pass_title(table));
    }
    text.push_str(header.trim_end());
    text.push('\n');
    for row in &table.rows {
        let mut line = format!("{:<10} {:>6}", row.label, row.n_items);
        let _ = write!(line, "  {:<WIDTH$}", figure(row.greedy));
        if with_samples {
            let _ = write!(line, "  {:<WIDTH$}", figure(row.sampled));
        }
        if let Some(change) = row.pass_at_k {
            let _ = write!(line, "  {:5.1} -> {:5.1}", change.before, change.after);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if let Some(between) = &table.between {
        let _ = writeln!(text, "\n{}", on_a_part(between));
    }
    text
}

/// What the evaluations on the way were made on.
pub(crate) fn on_a_part(between: &Between) -> String {
    let steps = match between.steps.as_slice() {
        [step] => format!("step {step}"),
        [first, .., last] => format!("steps {first} to {last}"),
        [] => "the run".into(),
    };
    format!("The evaluations after {steps} answered {} of these {} items.", between.n_items, between.of)
}

/// Heading of the column of pass@k.
fn pass_title(table: &GainTable) -> String {
    format!("pass@{}", table.samples)
}

/// Before, after, difference and half of its interval.
fn figure(change: Option<Change>) -> String {
    let Some(change) = change else { return "-".into() };
    let interval = change.difference;
    let half = interval.high - interval.value;
    format!("{:5.1} -> {:5.1} {:>+6.1} ± {half:4.1}", change.before, change.after, interval.value)
}

/// Several runs on one suite: a line a run, then the mean over runs.
pub fn comparison(comparison: &Comparison) -> String {
    let width = comparison.runs.iter().map(|run| run.name.chars().count()).max().unwrap_or(0).max(4);
    let mut text = format!(
        "Suite {}: mean over task types, % right; ± is half of the paired 95 % interval\n\n{:<width$}  {:>5} {:>5} {:>7}  {:<WIDTH$}  {}\n",
        comparison.suite, "run", "seed", "steps", "minutes", "greedy", "temperature 1"
    );
    for run in &comparison.runs {
        let seed = run.seed.as_deref().unwrap_or("-");
        let steps = run.steps.map_or_else(|| "-".into(), |steps| steps.to_string());
        let minutes = run.minutes.map_or_else(|| "-".into(), |minutes| format!("{minutes:.1}"));
        let row = run.mean();
        let _ = writeln!(
            text,
            "{:<width$}  {seed:>5} {steps:>5} {minutes:>7}  {:<WIDTH$}  {}",
            run.name,
            figure(row.greedy),
            figure(row.sampled)
        );
    }
    for (how, spread) in [("greedy", comparison.greedy), ("temperature 1", comparison.sampled)] {
        if let Some(spread) = spread {
            let _ = writeln!(text, "{}", mean_gain(how, spread));
        }
    }
    text
}

fn mean_gain(how: &str, spread: Spread) -> String {
    format!(
        "mean gain, {how}: {:+.1} points ({:+.1} to {:+.1}); {} interval lies above zero",
        spread.mean,
        spread.smallest,
        spread.largest,
        if spread.all_above_zero { "every" } else { "not every" }
    )
}
