//! Batched generation with a slotted key-value cache and continuous batching.

use std::sync::Arc;

use crate::error::ModelError;
use crate::generate::{Completion, Generate, GenerateRequest};
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

/// Settings of an engine; none changes a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Completions generated at the same time.
    pub slots: usize,
    /// Longest prompt plus completion, in tokens (at most the model's context).
    pub max_context: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { slots: 64, max_context: 1024 }
    }
}

/// Generates text from the shared weights.
#[derive(Debug)]
pub struct Engine {
    weights: Arc<Weights>,
    tokenizer: Arc<Tokenizer>,
    config: EngineConfig,
}

impl Engine {
    /// An engine over these weights.
    pub fn new(
        weights: Arc<Weights>,
        tokenizer: Arc<Tokenizer>,
        config: EngineConfig,
    ) -> Result<Self, ModelError> {
        Ok(Self { weights, tokenizer, config })
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }

    /// The weights it reads.
    pub fn weights(&self) -> &Arc<Weights> {
        &self.weights
    }

    /// Settings.
    pub fn config(&self) -> EngineConfig {
        self.config
    }
}

impl Generate for Engine {
    type Error = ModelError;

    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, ModelError> {
        let _ = requests;
        unimplemented!()
    }

    fn version(&self) -> u64 {
        self.weights.version()
    }
}
