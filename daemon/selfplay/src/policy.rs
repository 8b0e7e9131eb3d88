//! The policy in training: it generates, and it learns from a batch of scored rollouts.
//!
//! Update batches are cut into chunks of consecutive rollouts by the implementation; the loss
//! itself ([`crate::config::LossAggregation`]) never depends on that cut.

mod candle;
mod scripted;

pub use candle::CandlePolicy;
pub use scripted::{Script, ScriptedError, ScriptedPolicy};

use crate::config::UpdateConfig;
use azr_model::Generate;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One scored response, as the update sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSequence {
    /// Token ids of the prompt.
    pub prompt_tokens: Vec<u32>,
    /// Token ids of the response, the end-of-text token included.
    pub response_tokens: Vec<u32>,
    /// Log-probability of each response token under the weights that generated it.
    pub old_logprobs: Vec<f32>,
    /// Advantage of each response token.
    pub advantages: Vec<f32>,
}

/// One update: sequences in order, and how to learn from them.
#[derive(Clone, Debug)]
pub struct UpdateBatch<'a> {
    /// The sequences; `loss_group` consecutive ones form a group of the loss.
    pub sequences: &'a [TrainSequence],
    /// Loss and optimizer.
    pub config: &'a UpdateConfig,
    /// Learning rate of this update.
    pub learning_rate: f64,
}

/// What an update did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateStats {
    /// Loss.
    pub loss: f64,
    /// Norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Mean entropy of the token distributions, in nats.
    pub entropy: f64,
    /// Share of tokens whose ratio was clipped.
    pub clip_fraction: f64,
    /// Mean KL estimate to the weights that the run began with, in nats a token; none where it is not in the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_kl: Option<f64>,
    /// Response tokens learned from.
    pub tokens: u64,
}

/// A model that can be trained on its own rollouts.
pub trait Policy: Generate {
    /// One update of the weights; [`Generate::version`] grows by one.
    fn update(&mut self, batch: &UpdateBatch<'_>) -> Result<UpdateStats, Self::Error>;

    /// Log-probability of each response token under the present weights.
    fn score(&mut self, sequences: &[TrainSequence]) -> Result<Vec<Vec<f32>>, Self::Error>;

    /// Number of tokens of a text, special tokens written out.
    fn count_tokens(&self, text: &str) -> usize;

    /// Tokens that prompt and response may have together.
    fn context_tokens(&self) -> usize;

    /// Writes weights (HF layout), tokenizer and optimizer state into an existing empty folder.
    fn save(&self, folder: &Path) -> Result<(), Self::Error>;

    /// Restores what [`Policy::save`] wrote.
    fn load(&mut self, folder: &Path) -> Result<(), Self::Error>;

    /// Hash of the weights.
    fn weights_hash(&self) -> Result<String, Self::Error>;
}
