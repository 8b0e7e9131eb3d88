//! Losses: weighted cross-entropy and the clipped policy gradient.
//!
//! Both are sums over tokens of `weight * term(log-probability, entropy)`: aggregation (by token, sequence or
//! group) is only a choice of the weights, so the gradient of a chunk of sequences needs nothing from the
//! other chunks.

/// A sequence for weighted cross-entropy.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedSequence {
    /// Token ids.
    pub tokens: Vec<u32>,
    /// `weights[i]` weighs the prediction of `tokens[i]`; as long as `tokens`; the first is never predicted
    /// and its weight is ignored.
    pub weights: Vec<f32>,
}

/// A rollout for the policy gradient: a prompt and its response.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicySequence {
    /// Token ids of the prompt and the response.
    pub tokens: Vec<u32>,
    /// Number of prompt tokens (at least 1); all later tokens are learned from.
    pub prompt_len: usize,
    /// Log-probability of each response token when it was drawn (by [`crate::Trainer::score`] or the engine).
    pub old_logprobs: Vec<f32>,
    /// Advantage of each response token.
    pub advantages: Vec<f32>,
    /// Log-probability of each response token under the reference model; needed where `kl_coefficient` is
    /// not 0, else left empty.
    pub reference_logprobs: Vec<f32>,
}

/// How token losses become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// Mean over groups of `group` consecutive sequences of each group's token mean. The reference
    /// implementation averages micro-batches in this way.
    GroupTokenMean {
        /// Sequences in a group.
        group: usize,
    },
    /// Mean over all response tokens of the batch.
    TokenMean,
    /// Mean over sequences of each sequence's token mean.
    SequenceMean,
}

/// The clipped policy gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyLoss {
    /// The ratio is clipped below at `1 - clip_low`.
    pub clip_low: f32,
    /// The ratio is clipped above at `1 + clip_high`.
    pub clip_high: f32,
    /// With a negative advantage the loss of a token is at most `dual_clip * -advantage`.
    pub dual_clip: f32,
    /// Weight of the entropy bonus.
    pub entropy_coefficient: f32,
    /// Weight of the KL term (`k3` estimate) to the reference log-probabilities.
    pub kl_coefficient: f32,
    /// Aggregation.
    pub aggregation: Aggregation,
}

impl Default for PolicyLoss {
    /// The paper's run (asymmetric clip and dual clip as in the reference implementation, no entropy bonus, no KL).
    fn default() -> Self {
        Self {
            clip_low: 0.2,
            clip_high: 0.28,
            dual_clip: 3.0,
            entropy_coefficient: 0.0,
            kl_coefficient: 0.0,
            aggregation: Aggregation::TokenMean,
        }
    }
}
