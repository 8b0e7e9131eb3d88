//! What a run writes down: one line a step in `steps.jsonl`, chained by hashes; one Parquet file a step with every
//! rollout; times apart, so that the chain is a function of seed, configuration and weights alone.

use crate::health::Health;
use crate::policy::UpdateStats;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

mod rollouts;

pub use rollouts::{RolloutRecord, read_rollouts, write_rollouts};
pub(crate) use rollouts::{hash_of as rollouts_hash, rollout_steps};

/// Statistics of one (task type, role) group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupStats {
    /// Rollouts.
    pub n: usize,
    /// Share of valid proposals, or of right answers.
    pub valid: f64,
    /// Mean reward.
    pub reward_mean: f64,
    /// Share of well-formed responses.
    pub format: f64,
    /// Mean response length in tokens.
    pub response_tokens_mean: f64,
    /// Share of responses whose thought is not empty.
    pub traced: f64,
    /// Proposer: different valid proposals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<usize>,
    /// Counts by verdict.
    pub verdicts: BTreeMap<String, usize>,
}

/// How hard the valid proposals of a step are for the solver, one type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnabilityStats {
    /// Task type.
    pub task_type: String,
    /// `histogram[k]` = proposals that the solver got right k times of n.
    pub histogram: Vec<usize>,
    /// Share of proposals always solved.
    pub too_easy: f64,
    /// Share never solved.
    pub unsolved: f64,
    /// Mean accuracy.
    pub accuracy_mean: f64,
}

/// One line of `steps.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Step, counted from 1.
    pub step: u64,
    /// Version of the weights after the step.
    pub version: u64,
    /// Hash of the line before (of `run.json`'s chain start for the first).
    pub prev: String,
    /// Hash of this line without its own hash.
    pub hash: String,
    /// By group, e.g. `deduction_propose`.
    pub groups: BTreeMap<String, GroupStats>,
    /// By task type.
    pub learnability: Vec<LearnabilityStats>,
    /// Entries by buffer, after the step.
    pub buffers: BTreeMap<String, usize>,
    /// Loss, mean over the step's updates.
    pub loss: f64,
    /// Norm of the gradient, mean over the step's updates.
    pub grad_norm: f64,
    /// Entropy in nats a token.
    pub entropy: f64,
    /// Share of clipped tokens.
    pub clip_fraction: f64,
    /// KL estimate to the weights that the run began with, in nats a token, where it is in the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_kl: Option<f64>,
    /// Learning rate.
    pub learning_rate: f64,
    /// Updates made.
    pub updates: usize,
    /// Tokens generated in the step, learnability included.
    pub tokens: u64,
    /// Programs run by the sandbox.
    pub sandbox_runs: u64,
    /// Hash of all rollouts of the step.
    pub rollouts_hash: String,
    /// What is known to go wrong in self-play, in figures. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Metrics of the evaluation hook, in steps that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval: Option<BTreeMap<String, f64>>,
}

impl StepRecord {
    /// Fills in the means of the step's updates.
    pub fn set_updates(&mut self, stats: &[UpdateStats]) {
        let mean = |value: fn(&UpdateStats) -> f64| {
            if stats.is_empty() { 0.0 } else { stats.iter().map(value).sum::<f64>() / stats.len() as f64 }
        };
        self.updates = stats.len();
        self.loss = mean(|one| one.loss);
        self.grad_norm = mean(|one| one.grad_norm);
        self.entropy = mean(|one| one.entropy);
        self.clip_fraction = mean(|one| one.clip_fraction);
        let in_the_loss = stats.iter().any(|one| one.reference_kl.is_some());
        self.reference_kl = in_the_loss.then(|| mean(|one| one.reference_kl.unwrap_or_default()));
    }

    /// Links the record to the line before and computes its hash.
    pub fn seal(&mut self, prev: &str) {
        prev.clone_into(&mut self.prev);
        self.hash = self.computed_hash();
    }

    /// The hash that the line should carry.
    pub fn computed_hash(&self) -> String {
        let unsealed = Self { hash: String::new(), ..self.clone() };
        let line = serde_json::to_string(&unsealed).expect("a record is plain data");
        hex(&Sha256::digest(line.as_bytes()))
    }

    /// Does the line carry its own hash and follow `prev`?
    pub fn follows(&self, prev: &str) -> bool {
        self.prev == prev && self.hash == self.computed_hash()
    }
}

/// Lower-case hexadecimal text of a digest.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_breaks_the_chain() {
        let mut first = StepRecord { step: 1, loss: 0.5, ..StepRecord::default() };
        first.seal("start");
        let mut second = StepRecord { step: 2, ..StepRecord::default() };
        second.seal(&first.hash);
        assert!(first.follows("start") && second.follows(&first.hash));
        let line = serde_json::to_string(&first).unwrap();
        let read: StepRecord = serde_json::from_str(&line).unwrap();
        assert!(read.follows("start"), "a line read back keeps its hash");
        first.loss = 0.25;
        assert!(!first.follows("start"));
    }
}
