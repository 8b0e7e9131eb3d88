//! Batched generation with a slotted key-value cache and continuous batching.
//!
//! Apart from the tape: rows `(slot, position, token)` let prompts of any length and new tokens share one pass,
//! and a finished slot is refilled at once. Prompts that start alike are read once: later ones copy the cached
//! start. A completion depends on its request and the weights only, not on the other requests, the slots or
//! the threads. (The reference implementation's engine batches by load, so its samples vary with it.)

mod cache;
mod forward;
mod lane;
mod sampler;
mod serving;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rayon::prelude::*;

use crate::error::{ModelError, Result};
use crate::generate::{Completion, FinishReason, Generate, GenerateRequest};
use crate::kernels::rope::RopeTable;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

use cache::{Cache, CacheShape};
use forward::Model;
use lane::{Context, Job, Lane, Queue};

pub use serving::{Served, Serving, ServingRequest};

/// Settings of an engine; none changes a completion, but for the bound on its length.
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
    rope: RopeTable,
    lanes: Vec<Lane>,
}

impl Engine {
    /// An engine over these weights.
    pub fn new(weights: Arc<Weights>, tokenizer: Arc<Tokenizer>, config: EngineConfig) -> Result<Self> {
        if config.slots == 0 || config.max_context == 0 {
            return Err(ModelError::Config("slots and max_context must be at least 1".to_owned()));
        }
        Ok(Self { weights, tokenizer, config, rope: RopeTable::default(), lanes: Vec::new() })
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

    /// Tokens that a sequence may have.
    fn context(&self) -> usize {
        self.config.max_context.min(self.weights.config().max_position_embeddings)
    }

    fn job(&self, index: usize, request: &GenerateRequest) -> Result<Job> {
        let prompt = self.tokenizer.encode(&request.prompt)?;
        let refuse = |reason: String| Err(ModelError::Request { index, reason });
        if prompt.is_empty() {
            return refuse("the prompt has no tokens".to_owned());
        }
        let vocabulary = self.weights.config().vocab_size;
        if let Some(token) = prompt.iter().find(|&&token| token as usize >= vocabulary) {
            return refuse(format!(
                "token {token} of the prompt is outside the model's vocabulary of {vocabulary}"
            ));
        }
        let room = request.max_new_tokens.min(self.context().saturating_sub(prompt.len()));
        Ok(Job::new(request, prompt, room))
    }

    /// Makes lanes and tables fit the longest sequence to come.
    fn fit(&mut self, longest: usize, lanes: usize, slots: usize) {
        let model = self.weights.config();
        if self.rope.len() < longest {
            let frequencies = model.rope.frequencies(model.head_dim);
            self.rope = RopeTable::new(self.context().min(2 * longest), &frequencies);
        }
        let fits = |lane: &Lane| lane.cache.shape().capacity >= longest && lane.cache.shape().slots >= slots;
        if self.lanes.len() < lanes || !self.lanes.iter().all(fits) {
            let shape = CacheShape {
                layers: model.num_hidden_layers,
                slots,
                heads: model.num_key_value_heads,
                width: model.head_dim,
                capacity: longest,
            };
            self.lanes = (0..lanes).map(|_| Lane::new(Cache::new(shape))).collect();
        }
        for lane in &mut self.lanes {
            lane.clear();
        }
    }
}

impl Generate for Engine {
    type Error = ModelError;

    /// A prompt that fills the context gets an empty completion of finish reason `Length`.
    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>> {
        let encoded: Vec<Job> = requests
            .iter()
            .enumerate()
            .map(|(index, request)| self.job(index, request))
            .collect::<Result<_>>()?;
        let mut completions: Vec<Completion> = encoded
            .iter()
            .map(|job| Completion {
                text: String::new(),
                prompt_tokens: job.prompt.clone(),
                tokens: Vec::new(),
                logprobs: Vec::new(),
                finish: FinishReason::Length,
            })
            .collect();
        let (indices, jobs): (Vec<usize>, Vec<Job>) =
            encoded.into_iter().enumerate().filter(|(_, job)| job.room > 0).unzip();
        let longest = jobs.iter().map(|job| job.prompt.len() + job.room).max().unwrap_or(0);
        let lanes = rayon::current_num_threads().min(jobs.len()).min(self.config.slots).max(1);
        let slots = self.config.slots.div_ceil(lanes).min(jobs.len().div_ceil(lanes)).max(1);
        self.fit(longest, lanes, slots);
        let snapshot = self.weights.snapshot();
        let next_job = AtomicUsize::new(0);
        let Self { lanes: engine_lanes, rope, weights, tokenizer, .. } = self;
        let served: Vec<Result<Vec<(usize, Completion)>>> = snapshot.read(|parameters| {
            let (config, layout) = (weights.config(), weights.layout());
            let model = Model { config, layout, parameters, packed: snapshot.packed(), rope };
            let context = Context { model, tokenizer };
            let queue = Queue { jobs: &jobs, next_job: &next_job };
            engine_lanes[..lanes].par_iter_mut().map(|lane| lane.run(context, queue, slots)).collect()
        });
        for lane in served {
            for (job, completion) in lane? {
                completions[indices[job]] = completion;
            }
        }
        Ok(completions)
    }

    fn version(&self) -> u64 {
        self.weights.version()
    }
}
