//! What a run tells the outside while it goes, and what it asks of it: events, evaluation, stop, time.

use crate::policy::Policy;
use crate::record::{RolloutRecord, StepRecord};
use std::collections::BTreeMap;
use std::path::Path;

/// A thing that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Seeds found so far of those wanted.
    Seeding {
        /// What kind of seed: `triplet` or `induction`.
        kind: &'a str,
        /// Found.
        have: usize,
        /// Wanted.
        want: usize,
    },
    /// A step begins (counted from 1).
    StepStarted {
        /// The step.
        step: u64,
        /// Steps of the run.
        steps: u64,
    },
    /// A part of the step begins.
    Phase {
        /// The step.
        step: u64,
        /// Name of the part: `propose`, `validate`, `learnability`, `solve`, `grade`, `update`, `evaluate`.
        name: &'a str,
    },
    /// A step is recorded.
    StepFinished {
        /// Its record.
        record: &'a StepRecord,
        /// Its prompts and responses.
        rollouts: &'a [RolloutRecord],
        /// Wall-clock seconds of its parts.
        seconds: &'a BTreeMap<String, f64>,
    },
    /// A checkpoint is complete.
    Checkpoint {
        /// The step.
        step: u64,
        /// Its folder.
        folder: &'a Path,
    },
    /// The run went on from a checkpoint.
    Resumed {
        /// The checkpoint's step.
        step: u64,
        /// Lines after it that are recomputed and compared.
        lines_to_verify: u64,
    },
    /// Something a person may want to know.
    Note(&'a str),
}

/// Receives events, e.g. a progress bar or a daemon session.
pub trait Observer {
    /// Called for every event, in order, on the training thread.
    fn event(&mut self, event: Event<'_>);
}

/// Ignores everything.
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _event: Event<'_>) {}
}

/// Scores the policy during a run; filled by the harness.
pub trait Evaluate<P: Policy> {
    /// Metrics of the weights after `step`, by name. They enter the hash chain: no wall-clock values.
    fn evaluate(&mut self, policy: &mut P, step: u64) -> Result<BTreeMap<String, f64>, String>;
}

/// Evaluates nothing.
pub struct NoEvaluation;

impl<P: Policy> Evaluate<P> for NoEvaluation {
    fn evaluate(&mut self, _policy: &mut P, _step: u64) -> Result<BTreeMap<String, f64>, String> {
        Ok(BTreeMap::new())
    }
}

/// Seconds since any fixed point, for `timings.jsonl`; the core reads no clock itself.
pub type Clock<'a> = &'a dyn Fn() -> f64;
