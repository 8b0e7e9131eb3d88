//! Several runs side by side: the gain of each and the mean over seeds.
//!
//! The mean over seeds has two sources of error, the items (the same in every run) and the seeds. The
//! interval of each run covers the first; the spread over runs, given as the smallest and the largest
//! gain, shows the second. With three seeds no more than that can be said.

use crate::tables::{self, Change, GainRow};
use crate::{Run, statistics};
use serde::Serialize;

/// The gains of several runs on one suite.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The suite.
    pub suite: String,
    /// One row a run.
    pub runs: Vec<RunGain>,
    /// Mean over runs, greedy.
    pub greedy: Option<Spread>,
    /// Mean over runs, temperature 1.
    pub sampled: Option<Spread>,
}

/// One run in a comparison.
#[derive(Clone, Debug, Serialize)]
pub struct RunGain {
    /// Name of the run.
    pub name: String,
    /// Its seed, as `run.json` has it.
    pub seed: Option<String>,
    /// Step of the last state.
    pub steps: Option<u64>,
    /// Minutes of self-play.
    pub minutes: Option<f64>,
    /// All rows of the run's table, the mean last.
    pub rows: Vec<GainRow>,
}

/// Gains over runs, in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Smallest.
    pub smallest: f64,
    /// Largest.
    pub largest: f64,
    /// Whether every run's interval lies above zero.
    pub all_above_zero: bool,
}

impl RunGain {
    /// The row that sums the run up.
    pub fn mean(&self) -> &GainRow {
        self.rows.last().expect("a table has at least one row")
    }
}

impl Comparison {
    /// Compares the runs that were scored twice on a suite. Runs that were not are left out.
    pub fn of(runs: &[Run], suite: &str) -> Self {
        let gains: Vec<RunGain> = runs
            .iter()
            .filter_map(|run| {
                let table = tables::gains(run).into_iter().find(|table| table.suite == suite)?;
                Some(RunGain {
                    name: run.name.clone(),
                    seed: run.provenance_text("seed"),
                    steps: table.after_step,
                    minutes: run.seconds().map(|seconds| seconds / 60.0),
                    rows: table.rows,
                })
            })
            .collect();
        Self {
            suite: suite.into(),
            greedy: spread(&gains, |row| row.greedy),
            sampled: spread(&gains, |row| row.sampled),
            runs: gains,
        }
    }
}

fn spread(gains: &[RunGain], figure: fn(&GainRow) -> Option<Change>) -> Option<Spread> {
    let intervals: Vec<_> =
        gains.iter().filter_map(|gain| figure(gain.mean())).map(|change| change.difference).collect();
    let values: Vec<f64> = intervals.iter().map(|interval| interval.value).collect();
    (!values.is_empty()).then(|| Spread {
        mean: statistics::mean(&values),
        smallest: values.iter().copied().fold(f64::INFINITY, f64::min),
        largest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        all_above_zero: intervals.iter().all(|interval| interval.low > 0.0),
    })
}
