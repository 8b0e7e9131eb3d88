//! The policy in training as a good neighbour: before every micro-batch it lets the requests of people go first.
//!
//! A completion depends on its request and the weights alone, so cutting a batch into smaller ones changes no result:
//! a run in the daemon equals the same run on the command line.

use crate::actor::ModelActor;
use azr_model::{Completion, Generate, GenerateRequest, ModelError};
use azr_selfplay::policy::{CandlePolicy, Policy, TrainSequence, UpdateBatch, UpdateStats};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Completions of one micro-batch.
const MICRO_BATCH: usize = 32;

/// A policy that waits for its turn.
pub struct Yielding {
    policy: CandlePolicy,
    actor: ModelActor,
    stop: Arc<AtomicBool>,
}

impl Yielding {
    /// A policy that lets the requests of `actor` go first, unless `stop` is set.
    pub fn new(policy: CandlePolicy, actor: ModelActor, stop: Arc<AtomicBool>) -> Self {
        Self { policy, actor, stop }
    }

    fn turn(&self) {
        self.actor.training_turn(&self.stop);
    }
}

impl Generate for Yielding {
    type Error = ModelError;

    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, ModelError> {
        let mut completions = Vec::with_capacity(requests.len());
        for part in requests.chunks(MICRO_BATCH) {
            self.turn();
            completions.extend(self.policy.generate(part)?);
        }
        Ok(completions)
    }

    fn version(&self) -> u64 {
        self.policy.version()
    }
}

impl Policy for Yielding {
    fn update(&mut self, batch: &UpdateBatch<'_>) -> Result<UpdateStats, ModelError> {
        self.turn();
        self.policy.update(batch)
    }

    fn score(&mut self, sequences: &[TrainSequence]) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut scores = Vec::with_capacity(sequences.len());
        for part in sequences.chunks(MICRO_BATCH) {
            self.turn();
            scores.extend(self.policy.score(part)?);
        }
        Ok(scores)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.policy.count_tokens(text)
    }

    fn context_tokens(&self) -> usize {
        self.policy.context_tokens()
    }

    fn save(&self, folder: &Path) -> Result<(), ModelError> {
        self.policy.save(folder)
    }

    fn load(&mut self, folder: &Path) -> Result<(), ModelError> {
        self.policy.load(folder)
    }

    fn weights_hash(&self) -> Result<String, ModelError> {
        self.policy.weights_hash()
    }
}
