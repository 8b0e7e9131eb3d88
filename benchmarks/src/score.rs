//! `azr score`: grades samples that another tool made.

use crate::{BenchmarkError, DataFolder, Mode, TimeRules};
use azr_executor::Sandbox;
use std::collections::BTreeMap;
use std::path::Path;

/// Settings of a scoring.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScoreConfig {
    /// Grading mode.
    pub mode: Mode,
    /// Time rules of the code suites.
    pub limits: TimeRules,
    /// Code suites: extract the program from the text first.
    pub sanitize: bool,
}

/// What a scoring gives: the object of `azr score --json`, but for the seconds.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ScoreSummary {
    /// Name of the suite.
    pub suite: String,
    /// Items that have samples.
    pub n_items: usize,
    /// pass@1 in percent.
    #[serde(rename = "pass@1")]
    pub pass_at_1: f64,
    /// All figures.
    pub metrics: BTreeMap<String, f64>,
    /// Samples by status.
    pub counts: BTreeMap<String, usize>,
}

/// Grades `samples` (JSON lines, gzip'ed or not) and writes one line out per line in, in input order, to `out`.
pub fn score(
    suite: &str,
    data: &DataFolder,
    sandbox: &Sandbox,
    config: &ScoreConfig,
    samples: &Path,
    out: &Path,
) -> Result<ScoreSummary, BenchmarkError> {
    let _ = (suite, data, sandbox, config, samples, out);
    Err(BenchmarkError::Options("score: being written".into()))
}
