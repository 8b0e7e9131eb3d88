//! A policy without a model: answers by a script, learns by hashing what it is taught. For tests of everything else:
//! its "weights" depend on every byte of every update, so equal hashes mean equal training.

use super::{Policy, TrainSequence, UpdateBatch, UpdateStats};
use crate::record::hex;
use azr_model::{Completion, FinishReason, Generate, GenerateRequest};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

/// The end-of-text token; all others are bytes.
const END: u32 = 256;
const FILE: &str = "scripted.json";

/// Answers a request, given the number of updates so far.
pub type Script = Box<dyn Fn(&GenerateRequest, u64) -> String + Send>;

/// A policy that follows a script.
pub struct ScriptedPolicy {
    script: Script,
    weights: Weights,
    context: usize,
    /// Requests answered so far.
    pub n_requests: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Weights {
    version: u64,
    hash: String,
}

/// Why a scripted policy failed: its file.
#[derive(Debug, thiserror::Error)]
#[error("scripted policy: {0}")]
pub struct ScriptedError(String);

impl ScriptedPolicy {
    /// A policy whose prompts and responses may have `context` bytes together.
    pub fn new(script: Script, context: usize) -> Self {
        Self { script, weights: Weights::default(), context, n_requests: 0 }
    }
}

impl Generate for ScriptedPolicy {
    type Error = ScriptedError;

    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, ScriptedError> {
        self.n_requests += requests.len() as u64;
        let complete = |request: &GenerateRequest| {
            let text = (self.script)(request, self.weights.version);
            let mut tokens: Vec<u32> = text.bytes().map(u32::from).collect();
            tokens.push(END);
            Completion {
                logprobs: vec![-0.5; tokens.len()],
                text,
                prompt_tokens: request.prompt.bytes().map(u32::from).collect(),
                tokens,
                finish: FinishReason::Stop,
            }
        };
        Ok(requests.iter().map(complete).collect())
    }

    fn version(&self) -> u64 {
        self.weights.version
    }
}

impl Policy for ScriptedPolicy {
    fn update(&mut self, batch: &UpdateBatch<'_>) -> Result<UpdateStats, ScriptedError> {
        let mut hash = Sha256::new();
        hash.update(&self.weights.hash);
        hash.update(batch.learning_rate.to_le_bytes());
        let mut tokens = 0;
        for sequence in batch.sequences {
            hash.update(format!(
                "{:?}{:?}{:?}{:?}",
                sequence.prompt_tokens, sequence.response_tokens, sequence.old_logprobs, sequence.advantages
            ));
            tokens += sequence.response_tokens.len() as u64;
        }
        self.weights = Weights { version: self.weights.version + 1, hash: hex(&hash.finalize()) };
        Ok(UpdateStats { grad_norm: 1.0, tokens, ..UpdateStats::default() })
    }

    fn score(&mut self, sequences: &[TrainSequence]) -> Result<Vec<Vec<f32>>, ScriptedError> {
        Ok(sequences.iter().map(|sequence| sequence.old_logprobs.clone()).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len()
    }

    fn context_tokens(&self) -> usize {
        self.context
    }

    fn save(&self, folder: &Path) -> Result<(), ScriptedError> {
        let text = serde_json::to_string(&self.weights).map_err(|error| ScriptedError(error.to_string()))?;
        std::fs::write(folder.join(FILE), text).map_err(|error| ScriptedError(error.to_string()))
    }

    fn load(&mut self, folder: &Path) -> Result<(), ScriptedError> {
        let text =
            std::fs::read_to_string(folder.join(FILE)).map_err(|error| ScriptedError(error.to_string()))?;
        self.weights = serde_json::from_str(&text).map_err(|error| ScriptedError(error.to_string()))?;
        Ok(())
    }

    fn weights_hash(&self) -> Result<String, ScriptedError> {
        Ok(self.weights.hash.clone())
    }
}
