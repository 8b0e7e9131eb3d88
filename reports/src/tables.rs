//! The main table: accuracy before and after self-play, paired item by item.

use crate::Run;
use crate::evaluation::{Decoding, Evaluation, Tallies};
use crate::statistics::{self, Interval};
use serde::Serialize;
use std::collections::BTreeMap;

/// Order in which task types are shown; other groups follow by name.
pub const TASK_TYPES: [&str; 3] = ["deduction", "abduction", "induction"];

/// One suite before and after.
#[derive(Clone, Debug, Serialize)]
pub struct GainTable {
    /// The suite.
    pub suite: String,
    /// Step of the first state.
    pub before_step: u64,
    /// Step of the last state, `None` where the folder does not say.
    pub after_step: Option<u64>,
    /// Samples an item at temperature 1; 0 without any.
    pub samples: usize,
    /// The evaluations between the two states, where they were made on fewer items.
    pub between: Option<Between>,
    /// One row a group, then the mean if there are several groups.
    pub rows: Vec<GainRow>,
}

/// Evaluations on a part of the items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Between {
    /// Items answered.
    pub n_items: usize,
    /// Items of the table.
    pub of: usize,
    /// Steps after which they were made.
    pub steps: Vec<u64>,
}

/// One row of the table.
#[derive(Clone, Debug, Serialize)]
pub struct GainRow {
    /// Task type, or `mean`.
    pub label: String,
    /// Items answered in both states.
    pub n_items: usize,
    /// Greedy accuracy.
    pub greedy: Option<Change>,
    /// Accuracy at temperature 1.
    pub sampled: Option<Change>,
    /// Chance that at least one of `samples` answers is right.
    pub pass_at_k: Option<Change>,
}

/// A figure in percent before and after, with the paired difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// First state.
    pub before: f64,
    /// Last state.
    pub after: f64,
    /// After minus before, in points.
    pub difference: Interval,
}

/// Paired values of one group, in percent.
struct Paired {
    before: Vec<f64>,
    after: Vec<f64>,
}

impl Paired {
    fn new(before: &Tallies, after: &Tallies, value: impl Fn(crate::evaluation::Tally) -> f64) -> Self {
        let both = before.iter().filter_map(|(item, first)| after.get(item).map(|last| (*first, *last)));
        let (before, after) = both.map(|(first, last)| (100.0 * value(first), 100.0 * value(last))).unzip();
        Self { before, after }
    }

    /// Mean difference and its squared standard error.
    fn difference(&self) -> (f64, f64) {
        let differences: Vec<f64> =
            self.before.iter().zip(&self.after).map(|(before, after)| after - before).collect();
        (statistics::mean(&differences), statistics::squared_error_of_mean(&differences))
    }
}

/// The change of the mean of groups: every group weighs the same.
fn change(groups: &[Paired]) -> Option<Change> {
    let groups: Vec<&Paired> = groups.iter().filter(|group| !group.before.is_empty()).collect();
    if groups.is_empty() {
        return None;
    }
    let n = groups.len() as f64;
    let over = |value: fn(&Paired) -> f64| groups.iter().map(|group| value(group)).sum::<f64>() / n;
    let squared: f64 = groups.iter().map(|group| group.difference().1).sum();
    Some(Change {
        before: over(|group| statistics::mean(&group.before)),
        after: over(|group| statistics::mean(&group.after)),
        difference: Interval::around(over(|group| group.difference().0), squared.sqrt() / n),
    })
}

/// The table of every suite that was scored at two states or more, `tiny` first.
pub fn gains(run: &Run) -> Vec<GainTable> {
    let mut suites: BTreeMap<&str, Vec<&Evaluation>> = BTreeMap::new();
    for evaluation in &run.evaluations {
        suites.entry(&evaluation.suite).or_default().push(evaluation);
    }
    let mut suites: Vec<_> = suites.into_iter().collect();
    suites.sort_by_key(|(suite, _)| (*suite != "tiny", *suite != "tiny_hard", *suite));
    suites
        .into_iter()
        .map(|(_, states)| states)
        .filter_map(|states| match states.as_slice() {
            [first, middle @ .., last] => {
                let mut table = gain(first, last)?;
                table.between = between(middle, table.mean().n_items);
                Some(table)
            }
            _ => None,
        })
        .collect()
}

/// What the evaluations between two states say of themselves, where they have fewer items than the table.
fn between(states: &[&Evaluation], of: usize) -> Option<Between> {
    let partial: Vec<(usize, u64)> = states
        .iter()
        .map(|state| (state.n_items(), state.step.unwrap_or(0)))
        .filter(|(n_items, _)| *n_items < of)
        .collect();
    let n_items = partial.iter().map(|(n_items, _)| *n_items).min()?;
    Some(Between { n_items, of, steps: partial.into_iter().map(|(_, step)| step).collect() })
}

/// The table of one suite, from two of its evaluations; `None` if they share no item.
pub fn gain(first: &Evaluation, last: &Evaluation) -> Option<GainTable> {
    let samples = samples(first).min(samples(last));
    let greedy = (first.tallies(Decoding::Greedy), last.tallies(Decoding::Greedy));
    let sampled = (first.tallies(Decoding::Sampled), last.tallies(Decoding::Sampled));
    let mut names: Vec<&String> = greedy.0.keys().chain(sampled.0.keys()).collect();
    names.sort_by_key(|name| (rank(name), name.as_str()));
    names.dedup();

    let mut rows = Vec::new();
    let mut all: [Vec<Paired>; 3] = Default::default();
    for name in names {
        let paired = [
            pair(&greedy, name, crate::evaluation::Tally::share),
            pair(&sampled, name, crate::evaluation::Tally::share),
            pair(&sampled, name, |tally| statistics::pass_at_k(tally.n, tally.right, samples.min(tally.n))),
        ];
        let n_items = paired.iter().map(|p| p.before.len()).max().unwrap_or(0);
        if n_items == 0 {
            continue;
        }
        rows.push(row(name, n_items, [&paired[..1], &paired[1..2], &paired[2..]], samples));
        for (all, paired) in all.iter_mut().zip(paired) {
            all.push(paired);
        }
    }
    if rows.is_empty() {
        return None;
    }
    if rows.len() > 1 {
        let n_items = rows.iter().map(|row| row.n_items).sum();
        rows.push(row("mean", n_items, [&all[0], &all[1], &all[2]], samples));
    }
    Some(GainTable {
        suite: first.suite.clone(),
        before_step: first.step.unwrap_or(0),
        after_step: last.step,
        samples,
        between: None,
        rows,
    })
}

fn pair(
    states: &(BTreeMap<String, Tallies>, BTreeMap<String, Tallies>),
    group: &str,
    value: impl Fn(crate::evaluation::Tally) -> f64,
) -> Paired {
    match (states.0.get(group), states.1.get(group)) {
        (Some(before), Some(after)) => Paired::new(before, after, value),
        _ => Paired { before: Vec::new(), after: Vec::new() },
    }
}

fn row(label: &str, n_items: usize, figures: [&[Paired]; 3], samples: usize) -> GainRow {
    GainRow {
        label: label.into(),
        n_items,
        greedy: change(figures[0]),
        sampled: change(figures[1]),
        pass_at_k: if samples > 1 { change(figures[2]) } else { None },
    }
}

/// The smallest number of samples any item has at temperature 1.
fn samples(evaluation: &Evaluation) -> usize {
    evaluation
        .tallies(Decoding::Sampled)
        .values()
        .flat_map(BTreeMap::values)
        .map(|tally| tally.n)
        .min()
        .unwrap_or(0)
}

/// Place of a task type in every table and plot.
pub(crate) fn rank(group: &str) -> usize {
    TASK_TYPES.iter().position(|name| *name == group).unwrap_or(TASK_TYPES.len())
}

impl GainTable {
    /// The row that sums the suite up: the mean, or the only group.
    pub fn mean(&self) -> &GainRow {
        self.rows.last().expect("a table has at least one row")
    }
}
