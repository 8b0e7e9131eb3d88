//! The one interface through which everything else asks a model for text.

use crate::random::DrawKey;

/// How to draw the next token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 = greedy.
    pub temperature: f32,
    /// Nucleus: the fewest most probable tokens that together reach this share; 1 = off.
    pub top_p: f32,
    /// Only so many most probable tokens; 0 = off.
    pub top_k: u32,
    /// Only tokens with at least this share of the greatest probability; 0 = off.
    pub min_p: f32,
}

impl Sampling {
    /// The most probable token each time.
    pub const GREEDY: Self = Self { temperature: 0.0, top_p: 1.0, top_k: 0, min_p: 0.0 };
    /// Plain sampling, as the method's rollouts do.
    pub const TEMPERATURE_1: Self = Self::at(1.0);

    /// The whole distribution at a temperature.
    pub const fn at(temperature: f32) -> Self {
        Self { temperature, ..Self::GREEDY }
    }
}

/// One prompt to complete.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    /// Text of the prompt (special tokens written out, as the prompt profile makes it).
    pub prompt: String,
    /// Bound on new tokens; the engine also stops where the context is full.
    pub max_new_tokens: usize,
    /// Texts that end the completion; they are cut from it. The end-of-text token always ends it.
    pub stop: Vec<String>,
    /// Sampling.
    pub sampling: Sampling,
    /// Key of this request's draws: the completion depends on it and on nothing else in the batch.
    pub key: DrawKey,
}

/// Why a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// End-of-text token or a stop text.
    Stop,
    /// `max_new_tokens` or the context is used up.
    Length,
}

/// One completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// Decoded new text, without the end-of-text token and from a stop text on.
    pub text: String,
    /// Token ids of the prompt (empty where a remote server gives none).
    pub prompt_tokens: Vec<u32>,
    /// New token ids, the end-of-text token included.
    pub tokens: Vec<u32>,
    /// Log-probability of each new token under the sampling distribution at temperature 1.
    pub logprobs: Vec<f32>,
    /// Why it ended.
    pub finish: FinishReason,
}

/// A model that completes prompts.
pub trait Generate {
    /// Why generation failed (a model's bad text is never an error).
    type Error: std::error::Error + Send + Sync + 'static;

    /// Completes all requests; results in the order of `requests`.
    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, Self::Error>;

    /// Number of updates the weights have seen.
    fn version(&self) -> u64;
}
