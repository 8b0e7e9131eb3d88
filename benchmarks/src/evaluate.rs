//! Runs a suite on a model and keeps the record.

use crate::{BenchmarkError, ItemRecord, Metrics, Suite};
use azr_executor::Sandbox;
use azr_model::{Generate, Sampling};
use std::path::Path;

/// One way of drawing answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoding {
    /// Name in the records, e.g. `greedy`.
    pub name: &'static str,
    /// Sampling.
    pub sampling: Sampling,
    /// Samples an item.
    pub n: usize,
}

impl Decoding {
    /// One greedy answer an item.
    pub const GREEDY: Self = Self { name: "greedy", sampling: Sampling::GREEDY, n: 1 };

    /// `n` answers an item at temperature 1.
    pub fn sampled(n: usize) -> Self {
        Self { name: "sampled", sampling: Sampling::TEMPERATURE_1, n }
    }
}

/// Settings of an evaluation.
#[derive(Clone, Debug)]
pub struct EvaluateConfig {
    /// Name of the model for the record.
    pub model: Option<String>,
    /// The decodings, in order; the first gives the headline figure.
    pub decodings: Vec<Decoding>,
    /// Seed of the draws.
    pub seed: u64,
    /// Only so many items; with groups so many in all, taken from the groups in turn.
    pub limit: Option<usize>,
    /// Bound on new tokens below the suite's own.
    pub max_new_tokens: Option<usize>,
    /// Items generated and graded between two writes of the record.
    pub batch: usize,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        Self {
            model: None,
            decodings: vec![Decoding::GREEDY],
            seed: 0,
            limit: None,
            max_new_tokens: None,
            batch: 128,
        }
    }
}

/// How far an evaluation is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Samples graded.
    pub done: usize,
    /// Samples in all.
    pub total: usize,
    /// Right among `done`.
    pub right: usize,
    /// New tokens so far.
    pub tokens: usize,
}

/// What an evaluation gives.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The figures.
    pub metrics: Metrics,
    /// Every graded sample, in the order of `items.jsonl`.
    pub records: Vec<ItemRecord>,
}

/// Runs `suite` on `model`. With `folder` (`eval/<suite>`), `items.jsonl` grows batch by batch and an
/// interrupted evaluation goes on where it stopped; records made with other settings or weights are replaced.
/// `on_progress` returns false to stop after the current batch: then the result is `Ok(None)`.
pub fn evaluate<G: Generate>(
    suite: &dyn Suite,
    model: &mut G,
    sandbox: &Sandbox,
    config: &EvaluateConfig,
    folder: Option<&Path>,
    on_progress: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Option<Evaluation>, BenchmarkError> {
    let _ = (suite, model, sandbox, config, folder, on_progress);
    Err(BenchmarkError::Options("evaluate: being written".into()))
}
