//! The engine one token at a time, for a process that serves requests as they come.
//!
//! [`Engine::generate`] takes all its requests at once and returns when the last one is done. Here a request begins
//! while others are in work, each pass tells what became of every one, and any can be ended between two passes. A
//! completion is the same either way. Requests in work keep the weights they began with: the next version is
//! taken up when no request of the one before is left.

use std::sync::Arc;

use rayon::prelude::*;

use crate::error::Result;
use crate::generate::{Completion, FinishReason, GenerateRequest};
use crate::kernels::rope::RopeTable;
use crate::tokenizer::Tokenizer;
use crate::weights::{Snapshot, Weights};

use super::cache::{Cache, CacheShape};
use super::forward::Model;
use super::lane::{Context, Lane};
use super::{Engine, EngineConfig};

/// A request, and what to tell beside its text.
#[derive(Clone, Debug)]
pub struct ServingRequest {
    /// The prompt and how to go on from it.
    pub request: GenerateRequest,
    /// So many of the most probable tokens are told with each new one.
    pub top_logprobs: usize,
}

/// What a pass did for one request.
#[derive(Clone, Debug)]
pub struct Served {
    /// The number that [`Serving::begin`] was given.
    pub id: u64,
    /// The new token; `None` where the context has no room for one.
    pub token: Option<u32>,
    /// Its log-probability at temperature 1.
    pub logprob: f32,
    /// The most probable tokens at this place with their log-probabilities, most probable first.
    pub top: Vec<(u32, f32)>,
    /// The completion, where it has ended.
    pub end: Option<Completion>,
}

/// An engine that serves requests as they come.
#[derive(Debug)]
pub struct Serving {
    engine: Engine,
    lanes: Vec<Lane>,
    rope: RopeTable,
    /// The weights of the requests in work.
    snapshot: Arc<Snapshot>,
    /// Requests that ended before their first pass.
    ended: Vec<Served>,
}

impl Serving {
    /// An engine over these weights; `config.slots` requests are in work at most.
    pub fn new(weights: Arc<Weights>, tokenizer: Arc<Tokenizer>, config: EngineConfig) -> Result<Self> {
        let snapshot = weights.snapshot();
        let engine = Engine::new(weights, tokenizer, config)?;
        let model = engine.weights.config();
        let lanes = rayon::current_num_threads().min(config.slots).max(1);
        let shape = CacheShape {
            layers: model.num_hidden_layers,
            slots: config.slots.div_ceil(lanes),
            heads: model.num_key_value_heads,
            width: model.head_dim,
            capacity: engine.context(),
        };
        let frequencies = model.rope.frequencies(model.head_dim);
        let rope = RopeTable::new(engine.context(), &frequencies);
        let lanes = (0..lanes).map(|_| Lane::new(Cache::new(shape))).collect();
        Ok(Self { engine, lanes, rope, snapshot, ended: Vec::new() })
    }

    /// The weights.
    pub fn weights(&self) -> &Arc<Weights> {
        self.engine.weights()
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        self.engine.tokenizer()
    }

    /// Tokens that a prompt and its completion may have together.
    pub fn context(&self) -> usize {
        self.engine.context()
    }

    /// Version of the weights that a request begun now would have, or `None` while requests of an older one are in work.
    pub fn ready_version(&self) -> Option<u64> {
        let current = self.engine.weights.version();
        (self.active() == 0 || current == self.snapshot.version()).then_some(current)
    }

    /// Requests in work.
    pub fn active(&self) -> usize {
        self.lanes.iter().map(Lane::active).sum()
    }

    /// Begins a request under a number of the caller's. `Ok(None)`: no slot is free, or the weights have changed and
    /// requests of the version before are still in work; ask again after a pass. Else the version it is served with.
    pub fn begin(&mut self, id: u64, request: &ServingRequest) -> Result<Option<u64>> {
        if self.ready_version().is_none() {
            return Ok(None);
        }
        let Some(lane) = (0..self.lanes.len()).min_by_key(|&lane| self.lanes[lane].active()) else {
            return Ok(None);
        };
        if self.lanes[lane].is_full() {
            return Ok(None);
        }
        let mut job = self.engine.job(0, &request.request)?;
        job.top = request.top_logprobs;
        if self.active() == 0 {
            let current = self.engine.weights.snapshot();
            // What is cached belongs to the weights it was computed with.
            if !Arc::ptr_eq(&current, &self.snapshot) {
                self.lanes.iter_mut().for_each(Lane::clear);
                self.snapshot = current;
            }
        }
        if job.room == 0 {
            let end = Completion {
                text: String::new(),
                prompt_tokens: job.prompt,
                tokens: Vec::new(),
                logprobs: Vec::new(),
                finish: FinishReason::Length,
            };
            self.ended.push(Served { id, token: None, logprob: 0.0, top: Vec::new(), end: Some(end) });
        } else {
            self.lanes[lane].begin(id, job);
        }
        Ok(Some(self.snapshot.version()))
    }

    /// Ends a request early; nothing more is told about it.
    pub fn cancel(&mut self, id: u64) {
        self.ended.retain(|served| served.id != id);
        self.lanes.iter_mut().for_each(|lane| lane.cancel(id));
    }

    /// One pass: what became of the requests in work, those of the first lane first.
    pub fn advance(&mut self) -> Result<Vec<Served>> {
        let mut served = std::mem::take(&mut self.ended);
        let Self { engine, lanes, rope, snapshot, .. } = self;
        let passes: Vec<Result<_>> = snapshot.read(|parameters| {
            let (config, layout) = (engine.weights.config(), engine.weights.layout());
            let model = Model { config, layout, parameters, packed: snapshot.packed(), rope };
            let context = Context { model, tokenizer: &engine.tokenizer };
            lanes.par_iter_mut().filter(|lane| lane.is_busy()).map(|lane| lane.pass(context)).collect()
        });
        for progress in passes {
            served.extend(progress?.into_iter().map(|one| Served {
                id: one.id,
                token: Some(one.token),
                logprob: one.logprob,
                top: one.top,
                end: one.end,
            }));
        }
        Ok(served)
    }

    /// Tokens of a prompt; an error where the request could never be served.
    pub fn check(&self, request: &GenerateRequest) -> Result<usize> {
        self.engine.job(0, request).map(|job| job.prompt.len())
    }
}
