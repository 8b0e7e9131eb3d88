//! One optimizer step at a time over the shared weights.
//!
//! The gradient is the sum over fixed chunks of `chunk_sequences` sequences, in chunk order. Chunks run side by
//! side on the threads of the pool, each on one thread, and their gradients are added in order: neither the
//! number of threads nor how many chunks are in memory at once changes a bit. (The reference implementation sums
//! over micro-batches sized by token count and over ranks, so its result depends on both.)

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::batch::{PackedBatch, check_sequence};
use crate::config::ModelConfig;
use crate::error::{ModelError, Result};
use crate::kernels::rope::RopeTable;
use crate::kernels::{Threads, math};
use crate::layout::Layout;
use crate::lora::Lora;
use crate::loss::{
    CrossEntropyTerm, LossSums, PolicyLoss, PolicySequence, PolicyTerm, TokenTerm, WeightedSequence,
};
use crate::network::{Keep, Network, Workspace};
use crate::ops::{GradientSink, Score, TokenLoss};
use crate::optimizer::{OptimizerConfig, OptimizerState, square_sum};
use crate::state_file;
use crate::weights::{Snapshot, Weights};

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

/// A step that was refused because something was not finite, for the record.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedStep {
    /// The loss of the batch.
    pub loss: f64,
    /// Global norm of its gradient.
    pub gradient_norm: f64,
    /// First parameter, by HF name, whose gradient is not finite.
    pub parameter: Option<String>,
    /// What went through the model, sequence by sequence (each up to its last token that was learned from).
    pub sequences: Vec<Vec<u32>>,
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
    model: Arc<ModelConfig>,
    config: TrainerConfig,
    optimizer: OptimizerState,
    gradient: Vec<f32>,
    lora: Option<Lora>,
    refused: Option<RefusedStep>,
    rope: Mutex<Arc<RopeTable>>,
    spare: Spare,
}

/// Buffers waiting for the next chunk.
#[derive(Debug, Default)]
struct Spare {
    workspaces: Mutex<Vec<Arc<Mutex<Workspace>>>>,
    sinks: Mutex<Vec<GradientSink>>,
}

/// A chunk of the batch, ready to run.
struct Chunk<T> {
    batch: Arc<PackedBatch>,
    terms: Arc<[T]>,
}

fn take<T: Default>(pool: &Mutex<Vec<T>>) -> T {
    pool.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
}

fn give<T>(pool: &Mutex<Vec<T>>, value: T) {
    pool.lock().unwrap_or_else(PoisonError::into_inner).push(value);
}

impl Trainer {
    /// A trainer with fresh optimizer state. A packed form of the weights is dropped: what the engine draws and what the
    /// trainer scores must be the same numbers.
    pub fn new(weights: Arc<Weights>, config: TrainerConfig) -> Result<Self> {
        if config.chunk_sequences == 0 {
            return Err(ModelError::Config("chunk_sequences must be at least 1".to_owned()));
        }
        weights.forget_packed()?;
        let len = weights.parameter_count();
        Ok(Self {
            model: Arc::new(weights.config().clone()),
            weights,
            config,
            optimizer: OptimizerState::new(len),
            gradient: vec![0.0; len],
            lora: None,
            refused: None,
            rope: Mutex::default(),
            spare: Spare::default(),
        })
    }

    /// A trainer of an adapter over these weights, which stay as they are but for the addition.
    pub fn with_lora(weights: Arc<Weights>, config: TrainerConfig, lora: Lora) -> Result<Self> {
        let optimizer = OptimizerState::new(lora.parameter_count());
        Ok(Self { optimizer, lora: Some(lora), ..Self::new(weights, config)? })
    }

    /// The adapter it trains, where it trains one.
    pub fn lora(&self) -> Option<&Lora> {
        self.lora.as_ref()
    }

    /// The last step that was refused because something was not finite.
    pub fn refused(&self) -> Option<&RefusedStep> {
        self.refused.as_ref()
    }

    /// What the optimizer state belongs to.
    fn trained_layout(&self) -> &Layout {
        self.lora.as_ref().map_or(self.weights.layout(), Lora::layout)
    }

    /// The weights it changes.
    pub fn weights(&self) -> &Arc<Weights> {
        &self.weights
    }

    /// Settings.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// One step on `sum(weight * -logprob) / normalizer`. Tokens of weight 0 are not looked at.
    pub fn cross_entropy_step(
        &mut self,
        batch: &[WeightedSequence],
        normalizer: f32,
        learning_rate: f32,
    ) -> Result<StepStats> {
        let chunks = self.cross_entropy_chunks(batch, normalizer)?;
        self.step_on(&chunks, learning_rate)
    }

    /// One step on the clipped policy gradient.
    pub fn policy_step(
        &mut self,
        batch: &[PolicySequence],
        loss: &PolicyLoss,
        learning_rate: f32,
    ) -> Result<StepStats> {
        let chunks = self.policy_chunks(batch, loss)?;
        self.step_on(&chunks, learning_rate)
    }

    /// Loss and gradient of [`Self::cross_entropy_step`] by HF name, without a step.
    pub fn cross_entropy_gradient(
        &mut self,
        batch: &[WeightedSequence],
        normalizer: f32,
    ) -> Result<(f64, BTreeMap<String, Tensor>)> {
        let chunks = self.cross_entropy_chunks(batch, normalizer)?;
        self.gradient_on(&chunks)
    }

    /// Loss and gradient of [`Self::policy_step`] by HF name, without a step.
    pub fn policy_gradient(
        &mut self,
        batch: &[PolicySequence],
        loss: &PolicyLoss,
    ) -> Result<(f64, BTreeMap<String, Tensor>)> {
        let chunks = self.policy_chunks(batch, loss)?;
        self.gradient_on(&chunks)
    }

    fn gradient_on<T: TokenTerm>(&mut self, chunks: &[Chunk<T>]) -> Result<(f64, BTreeMap<String, Tensor>)> {
        let sums = self.accumulate(chunks)?;
        let tensors = self.weights.layout().parameters.iter().map(|parameter| {
            let values = self.gradient[parameter.range.clone()].to_vec();
            Ok((parameter.name.clone(), Tensor::from_vec(values, parameter.shape.as_slice(), &Device::Cpu)?))
        });
        Ok((sums.loss, tensors.collect::<Result<_>>()?))
    }

    fn cross_entropy_chunks(
        &self,
        batch: &[WeightedSequence],
        normalizer: f32,
    ) -> Result<Vec<Chunk<CrossEntropyTerm>>> {
        for (index, sequence) in batch.iter().enumerate() {
            check_sequence(&self.model, index, &sequence.tokens)?;
            if sequence.weights.len() != sequence.tokens.len() {
                let reason =
                    format!("{} weights for {} tokens", sequence.weights.len(), sequence.tokens.len());
                return Err(ModelError::Sequence { index, reason });
            }
        }
        Ok(self.chunks(batch, |packed, terms, sequence| {
            let wanted = |i: usize| sequence.weights[i] != 0.0;
            packed.push(&sequence.tokens, wanted);
            let weights = sequence.weights.iter().skip(1).filter(|&&weight| weight != 0.0);
            terms.extend(weights.map(|weight| CrossEntropyTerm { weight: weight / normalizer }));
        }))
    }

    fn policy_chunks(&self, batch: &[PolicySequence], loss: &PolicyLoss) -> Result<Vec<Chunk<PolicyTerm>>> {
        for (index, sequence) in batch.iter().enumerate() {
            check_sequence(&self.model, index, &sequence.tokens)?;
            check_policy_sequence(index, sequence, loss)?;
        }
        let counts: Vec<usize> = batch.iter().map(|sequence| sequence.old_logprobs.len()).collect();
        let weights = loss.aggregation.weights(&counts);
        let mut next = 0;
        Ok(self.chunks(batch, |packed, terms, sequence| {
            packed.push(&sequence.tokens, |i| i >= sequence.prompt_len);
            let weight = weights[next];
            next += 1;
            terms.extend((0..sequence.old_logprobs.len()).map(|i| PolicyTerm {
                weight,
                old_logprob: sequence.old_logprobs[i],
                advantage: sequence.advantages[i],
                reference_logprob: sequence.reference_logprobs.get(i).copied(),
                loss: *loss,
            }));
        }))
    }

    fn chunks<S, T>(
        &self,
        batch: &[S],
        mut add: impl FnMut(&mut PackedBatch, &mut Vec<T>, &S),
    ) -> Vec<Chunk<T>> {
        let mut chunks = Vec::new();
        for sequences in batch.chunks(self.config.chunk_sequences) {
            let (mut packed, mut terms) = (PackedBatch::default(), Vec::new());
            for sequence in sequences {
                add(&mut packed, &mut terms, sequence);
            }
            if !terms.is_empty() {
                chunks.push(Chunk { batch: Arc::new(packed), terms: terms.into() });
            }
        }
        chunks
    }

    fn rope(&self, len: usize) -> Arc<RopeTable> {
        let mut rope = self.rope.lock().unwrap_or_else(PoisonError::into_inner);
        if rope.len() < len {
            let len = len.next_power_of_two().min(self.model.max_position_embeddings.max(len));
            *rope = Arc::new(RopeTable::new(len, &self.model.rope.frequencies(self.model.head_dim)));
        }
        Arc::clone(&rope)
    }

    fn step_on<T: TokenTerm>(&mut self, chunks: &[Chunk<T>], learning_rate: f32) -> Result<StepStats> {
        let sums = self.accumulate(chunks)?;
        let of_factors = self.lora.as_ref().map(|lora| lora.gradient(&self.gradient));
        let norm = square_sum(of_factors.as_ref().unwrap_or(&self.gradient)).sqrt();
        let mut stats = step_stats(&sums, norm);
        stats.tokens = chunks.iter().map(|chunk| chunk.batch.tokens.len()).sum();
        let finite = sums.loss.is_finite() && norm.is_finite();
        stats.applied = !chunks.is_empty() && finite;
        if stats.applied {
            let bound = f64::from(self.config.max_gradient_norm);
            let scale = if bound > 0.0 && norm > bound { (bound / (norm + 1e-6)) as f32 } else { 1.0 };
            self.apply(of_factors.as_deref(), scale, learning_rate)?;
        } else if !finite {
            self.refused = Some(self.refusal(&sums, norm, chunks));
        }
        Ok(stats)
    }

    /// One step of the optimizer, on the factors of the adapter where there is one.
    fn apply(&mut self, of_factors: Option<&[f32]>, scale: f32, learning_rate: f32) -> Result<()> {
        let Self { optimizer, config, gradient, weights, lora, .. } = self;
        if let (Some(lora), Some(gradient)) = (lora, of_factors) {
            let layout = lora.layout().clone();
            optimizer.apply(&config.optimizer, &layout, lora.values_mut(), gradient, scale, learning_rate);
            return weights.update(|parameters| lora.merge_into(parameters));
        }
        let layout = Arc::clone(weights.layout());
        weights.update(|parameters| {
            optimizer.apply(&config.optimizer, &layout, parameters, gradient, scale, learning_rate);
        })
    }

    fn refusal<T>(&self, sums: &LossSums, gradient_norm: f64, chunks: &[Chunk<T>]) -> RefusedStep {
        let finite =
            |range: std::ops::Range<usize>| self.gradient[range].iter().all(|value| value.is_finite());
        let mut parameters = self.weights.layout().parameters.iter();
        let sequences = chunks.iter().flat_map(|chunk| {
            chunk.batch.sequences.iter().map(|range| chunk.batch.tokens[range.clone()].to_vec())
        });
        RefusedStep {
            loss: sums.loss,
            gradient_norm,
            parameter: parameters
                .find(|parameter| !finite(parameter.range.clone()))
                .map(|parameter| parameter.name.clone()),
            sequences: sequences.collect(),
        }
    }

    /// The batch's gradient into `self.gradient`, chunk by chunk in order.
    fn accumulate<T: TokenTerm>(&mut self, chunks: &[Chunk<T>]) -> Result<LossSums> {
        let mut gradient = std::mem::take(&mut self.gradient);
        gradient.clear();
        gradient.resize(self.weights.parameter_count(), 0.0);
        let mut sums = LossSums::default();
        let snapshot = self.weights.snapshot();
        let longest = chunks.iter().map(|chunk| chunk.batch.longest).max().unwrap_or(0);
        let rope = self.rope(longest);
        for wave in chunks.chunks(rayon::current_num_threads()) {
            let threads = if wave.len() == 1 { Threads::All } else { Threads::One };
            let run = |chunk: &Chunk<T>| self.chunk_gradient(&snapshot, &rope, chunk, threads);
            let results: Vec<Result<(LossSums, GradientSink)>> = if wave.len() == 1 {
                wave.iter().map(run).collect()
            } else {
                wave.par_iter().map(run).collect()
            };
            for result in results {
                let (chunk_sums, sink) = result?;
                sums.add(&chunk_sums);
                {
                    let chunk_gradient = sink.lock().unwrap_or_else(PoisonError::into_inner);
                    gradient
                        .par_chunks_mut(1 << 16)
                        .zip(chunk_gradient.par_chunks(1 << 16))
                        .for_each(|(sum, part)| math::add_assign(sum, part));
                }
                give(&self.spare.sinks, sink);
            }
        }
        self.gradient = gradient;
        Ok(sums)
    }

    fn chunk_gradient<T: TokenTerm>(
        &self,
        snapshot: &Snapshot,
        rope: &Arc<RopeTable>,
        chunk: &Chunk<T>,
        threads: Threads,
    ) -> Result<(LossSums, GradientSink)> {
        let (workspace, sink) = (take(&self.spare.workspaces), take(&self.spare.sinks));
        let sums = Arc::new(Mutex::new(LossSums::default()));
        let scores = snapshot.variable().apply_op1(Score {
            config: Arc::clone(&self.model),
            layout: Arc::clone(self.weights.layout()),
            rope: Arc::clone(rope),
            batch: Arc::clone(&chunk.batch),
            threads,
            workspace: Arc::clone(&workspace),
            sink: Some(Arc::clone(&sink)),
        })?;
        let loss =
            scores.apply_op1(TokenLoss { terms: Arc::clone(&chunk.terms), sums: Arc::clone(&sums) })?;
        loss.backward()?;
        give(&self.spare.workspaces, workspace);
        let sums = *sums.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((sums, sink))
    }

    /// Log-probabilities and entropies of given sequences; changes nothing.
    pub fn score(&self, sequences: &[&[u32]]) -> Result<Vec<TokenScores>> {
        self.score_under(&self.weights, sequences)
    }

    /// [`Self::score`] under other weights of the same shape, such as the frozen reference of a KL term.
    pub fn score_under(&self, weights: &Weights, sequences: &[&[u32]]) -> Result<Vec<TokenScores>> {
        if weights.parameter_count() != self.weights.parameter_count() {
            return Err(ModelError::Config("weights of another shape".to_owned()));
        }
        for (index, tokens) in sequences.iter().enumerate() {
            check_sequence(&self.model, index, tokens)?;
        }
        let chunks: Vec<&[&[u32]]> = sequences.chunks(self.config.chunk_sequences).collect();
        let longest = sequences.iter().map(|tokens| tokens.len()).max().unwrap_or(0);
        let (rope, snapshot) = (self.rope(longest), weights.snapshot());
        let threads = if chunks.len() == 1 { Threads::All } else { Threads::One };
        let run = |chunk: &&[&[u32]]| self.score_chunk(&snapshot, &rope, chunk, threads);
        let scores: Vec<Vec<TokenScores>> = if chunks.len() == 1 {
            chunks.iter().map(run).collect()
        } else {
            chunks.par_iter().map(run).collect()
        };
        Ok(scores.into_iter().flatten().collect())
    }

    fn score_chunk(
        &self,
        snapshot: &Snapshot,
        rope: &RopeTable,
        sequences: &[&[u32]],
        threads: Threads,
    ) -> Vec<TokenScores> {
        let mut batch = PackedBatch::default();
        for tokens in sequences {
            batch.push(tokens, |_| true);
        }
        let workspace = take(&self.spare.workspaces);
        let mut work = workspace.lock().unwrap_or_else(PoisonError::into_inner);
        snapshot.read(|parameters| {
            let network =
                Network { config: &self.model, layout: self.weights.layout(), parameters, rope, threads };
            network.forward(&batch, Keep::Nothing, &mut work);
        });
        let mut start = 0;
        let scores = sequences
            .iter()
            .map(|tokens| {
                let range = start..start + tokens.len().saturating_sub(1);
                start = range.end;
                TokenScores {
                    logprobs: work.logprobs[range.clone()].to_vec(),
                    entropies: work.entropies[range].to_vec(),
                }
            })
            .collect();
        drop(work);
        give(&self.spare.workspaces, workspace);
        scores
    }

    /// Steps applied so far.
    pub fn step(&self) -> u64 {
        self.optimizer.step
    }

    /// Writes the optimizer state (safetensors), for exact resume.
    pub fn save_state(&self, path: &Path) -> Result<()> {
        state_file::save(path, &self.optimizer, self.trained_layout())
    }

    /// Reads the optimizer state; the weights must be those saved with it.
    pub fn load_state(&mut self, path: &Path) -> Result<()> {
        self.optimizer = state_file::load(path, self.trained_layout())?;
        Ok(())
    }
}

fn step_stats(sums: &LossSums, gradient_norm: f64) -> StepStats {
    let tokens = sums.tokens.max(1) as f64;
    StepStats {
        loss: sums.loss,
        gradient_norm,
        applied: false,
        loss_tokens: sums.tokens,
        tokens: 0,
        entropy: sums.entropy / tokens,
        mean_ratio: sums.ratio / tokens,
        clip_fraction: sums.clipped as f64 / tokens,
        dual_clip_fraction: sums.dual_clipped as f64 / tokens,
        policy_kl: sums.policy_kl / tokens,
        reference_kl: sums.reference_kl / tokens,
    }
}

fn check_policy_sequence(index: usize, sequence: &PolicySequence, loss: &PolicyLoss) -> Result<()> {
    let refuse = |reason: String| Err(ModelError::Sequence { index, reason });
    if sequence.prompt_len == 0 || sequence.prompt_len > sequence.tokens.len() {
        return refuse(format!(
            "prompt_len is {}, it must be between 1 and the {} tokens",
            sequence.prompt_len,
            sequence.tokens.len()
        ));
    }
    let response = sequence.tokens.len() - sequence.prompt_len;
    let mut lengths =
        vec![("old_logprobs", sequence.old_logprobs.len()), ("advantages", sequence.advantages.len())];
    if loss.kl_coefficient != 0.0 || !sequence.reference_logprobs.is_empty() {
        lengths.push(("reference_logprobs", sequence.reference_logprobs.len()));
    }
    match lengths.into_iter().find(|&(_, len)| len != response) {
        Some((name, len)) => refuse(format!("{len} {name} for {response} response tokens")),
        None => Ok(()),
    }
}
