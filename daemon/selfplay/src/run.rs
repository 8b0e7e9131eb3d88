//! A whole run in its folder: seeding, steps, records, checkpoints, evaluation, stop and resume.

use crate::config::SelfPlayConfig;
use crate::error::SelfPlayError;
use crate::observe::{Clock, Evaluate, Observer};
use crate::policy::Policy;
use crate::prompt::ReferenceTexts;
use azr_executor::Sandbox;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Everything a run needs from outside.
pub struct RunContext<'a, P: Policy> {
    /// What to do.
    pub config: &'a SelfPlayConfig,
    /// The model.
    pub policy: &'a mut P,
    /// Runs the programs.
    pub sandbox: &'a Sandbox,
    /// The run folder; created where it does not exist.
    pub folder: &'a Path,
    /// Go on from the last complete checkpoint.
    pub resume: bool,
    /// Texts of the prompt profile `reference`.
    pub reference_texts: Option<ReferenceTexts>,
    /// What `run.json` says beside seed and hashes: code version, machine, model (any JSON object).
    pub info: serde_json::Value,
    /// Receives events.
    pub observer: &'a mut dyn Observer,
    /// Scores the policy every `evaluate_every` steps.
    pub evaluate: &'a mut dyn Evaluate<P>,
    /// Set to stop after the current step, with a checkpoint.
    pub stop: &'a AtomicBool,
    /// Seconds since any fixed point.
    pub clock: Clock<'a>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Finished {
        /// Steps of the run.
        steps: u64,
        /// Hash of the last line of `steps.jsonl`.
        chain: String,
    },
    /// Stopped by the flag; a checkpoint of this step is complete.
    Stopped {
        /// The last step done.
        step: u64,
    },
}
