//! One optimizer step at a time over the shared weights.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::loss::{PolicyLoss, PolicySequence, WeightedSequence};
use crate::optimizer::OptimizerConfig;
use crate::weights::Weights;

/// Settings of a trainer.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainerConfig {
    /// Sequences in a chunk, the unit of the gradient sum (`G`): part of the run's identity.
    pub chunk_sequences: usize,
    /// Gradients of a larger global norm are scaled down to it; 0 = off.
    pub max_gradient_norm: f32,
    /// Optimizer.
    pub optimizer: OptimizerConfig,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepStats {
    /// The loss before the step.
    pub loss: f64,
    /// Global norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// False where the loss or the gradient was not finite: then nothing was changed.
    pub applied: bool,
    /// Tokens that the loss looked at.
    pub loss_tokens: usize,
    /// Tokens that went through the model.
    pub tokens: usize,
    /// Mean entropy of the predictions at the loss tokens, in nats.
    pub entropy: f64,
    /// Mean of new over old probability (policy gradient only, else 1).
    pub mean_ratio: f64,
    /// Share of tokens whose ratio was clipped (policy gradient only).
    pub clip_fraction: f64,
    /// Share of tokens held by the dual clip (policy gradient only).
    pub dual_clip_fraction: f64,
    /// Mean KL estimate between the drawing and the present policy (policy gradient only).
    pub policy_kl: f64,
    /// Mean KL estimate to the reference (where given).
    pub reference_kl: f64,
}

/// Scores of one sequence; entry `i` is about the prediction of token `i + 1`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenScores {
    /// Log-probability of the token that follows.
    pub logprobs: Vec<f32>,
    /// Entropy of the prediction, in nats.
    pub entropies: Vec<f32>,
}

/// Changes the weights.
#[derive(Debug)]
pub struct Trainer {
    weights: Arc<Weights>,
    config: TrainerConfig,
}

impl Trainer {
    /// A trainer with fresh optimizer state.
    pub fn new(weights: Arc<Weights>, config: TrainerConfig) -> Result<Self> {
        Ok(Self { weights, config })
    }

    /// The weights it changes.
    pub fn weights(&self) -> &Arc<Weights> {
        &self.weights
    }

    /// Settings.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// One step on `sum(weight * -logprob) / normalizer`.
    pub fn cross_entropy_step(
        &mut self,
        batch: &[WeightedSequence],
        normalizer: f32,
        learning_rate: f32,
    ) -> Result<StepStats> {
        let _ = (batch, normalizer, learning_rate);
        unimplemented!()
    }

    /// One step on the clipped policy gradient.
    pub fn policy_step(
        &mut self,
        batch: &[PolicySequence],
        loss: &PolicyLoss,
        learning_rate: f32,
    ) -> Result<StepStats> {
        let _ = (batch, loss, learning_rate);
        unimplemented!()
    }

    /// Log-probabilities and entropies of given sequences; changes nothing.
    pub fn score(&self, sequences: &[&[u32]]) -> Result<Vec<TokenScores>> {
        let _ = sequences;
        unimplemented!()
    }

    /// Steps applied so far.
    pub fn step(&self) -> u64 {
        0
    }

    /// Writes the optimizer state (safetensors), for exact resume.
    pub fn save_state(&self, path: &Path) -> Result<()> {
        let _ = path;
        unimplemented!()
    }

    /// Reads the optimizer state; the weights must be those saved with it.
    pub fn load_state(&mut self, path: &Path) -> Result<()> {
        let _ = path;
        unimplemented!()
    }
}
