//! The model in training: engine and trainer over one weight storage.

use super::{Policy, TrainSequence, UpdateBatch, UpdateStats};
use crate::config::{LossAggregation, UpdateConfig};
use azr_model::{
    AdamWConfig, Aggregation, Completion, Engine, EngineConfig, Generate, GenerateRequest, ModelError,
    ModelFolder, OptimizerConfig, PolicyLoss, PolicySequence, Trainer, TrainerConfig, WeightFormat, Weights,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Name of the optimizer state within a checkpoint.
const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// Name of the file that says how many updates the weights have seen.
const VERSION_FILE: &str = "policy.json";

/// Name of the weights that the run began with, within a checkpoint of a run whose loss has a KL term.
const REFERENCE_FILE: &str = "reference.safetensors";

/// Engine and trainer over the same weights.
#[derive(Debug)]
pub struct CandlePolicy {
    model: ModelFolder,
    engine: Engine,
    trainer: Trainer,
    /// The weights that the run began with, where the loss has a KL term.
    reference: Option<Arc<Weights>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    version: u64,
}

impl CandlePolicy {
    /// A policy that starts from `model` with a fresh optimizer.
    pub fn new(model: ModelFolder, engine: EngineConfig, update: &UpdateConfig) -> Result<Self, ModelError> {
        let optimizer = OptimizerConfig::AdamW(AdamWConfig {
            beta1: update.beta1 as f32,
            beta2: update.beta2 as f32,
            weight_decay: update.weight_decay as f32,
            ..AdamWConfig::default()
        });
        let trainer = TrainerConfig {
            chunk_sequences: update.chunk_sequences,
            max_gradient_norm: update.gradient_clip as f32,
            optimizer,
        };
        Ok(Self {
            engine: Engine::new(model.weights.clone(), model.tokenizer.clone(), engine)?,
            trainer: Trainer::new(model.weights.clone(), trainer)?,
            reference: if update.kl_coefficient > 0.0 { Some(model.weights.copy()?) } else { None },
            model,
        })
    }

    /// The model with its present weights.
    pub fn model(&self) -> &ModelFolder {
        &self.model
    }

    /// Log-probability of each response token under `weights`.
    fn score_under(
        &self,
        weights: &Weights,
        sequences: &[TrainSequence],
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let joined: Vec<Vec<u32>> = sequences.iter().map(joined).collect();
        let tokens: Vec<&[u32]> = joined.iter().map(Vec::as_slice).collect();
        let scores = self.trainer.score_under(weights, &tokens)?;
        // Entry i of the scores is about token i + 1.
        let response = |(sequence, scores): (&TrainSequence, azr_model::TokenScores)| {
            scores.logprobs[sequence.prompt_tokens.len().saturating_sub(1)..].to_vec()
        };
        Ok(sequences.iter().zip(scores).map(response).collect())
    }
}

impl Generate for CandlePolicy {
    type Error = ModelError;

    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, ModelError> {
        self.engine.generate(requests)
    }

    fn version(&self) -> u64 {
        self.model.weights.version()
    }
}

impl Policy for CandlePolicy {
    fn update(&mut self, batch: &UpdateBatch<'_>) -> Result<UpdateStats, ModelError> {
        let config = batch.config;
        let loss = PolicyLoss {
            clip_low: config.clip_low as f32,
            clip_high: config.clip_high as f32,
            dual_clip: if config.dual_clip > 0.0 { config.dual_clip as f32 } else { f32::INFINITY },
            entropy_coefficient: config.entropy_coefficient as f32,
            kl_coefficient: if self.reference.is_some() { config.kl_coefficient as f32 } else { 0.0 },
            aggregation: match config.loss_aggregation {
                LossAggregation::GroupTokenMean => Aggregation::GroupTokenMean { group: config.loss_group },
                LossAggregation::TokenMean => Aggregation::TokenMean,
                LossAggregation::SequenceMean => Aggregation::SequenceMean,
            },
        };
        let reference = match &self.reference {
            Some(weights) => self.score_under(weights, batch.sequences)?,
            None => vec![Vec::new(); batch.sequences.len()],
        };
        let sequences: Vec<PolicySequence> = batch
            .sequences
            .iter()
            .zip(reference)
            .map(|(sequence, reference_logprobs)| PolicySequence {
                tokens: joined(sequence),
                prompt_len: sequence.prompt_tokens.len(),
                old_logprobs: sequence.old_logprobs.clone(),
                advantages: sequence.advantages.clone(),
                reference_logprobs,
            })
            .collect();
        let stats = self.trainer.policy_step(&sequences, &loss, batch.learning_rate as f32)?;
        Ok(UpdateStats {
            loss: stats.loss,
            grad_norm: stats.gradient_norm,
            entropy: stats.entropy,
            clip_fraction: stats.clip_fraction,
            reference_kl: self.reference.as_ref().map(|_| stats.reference_kl),
            tokens: stats.loss_tokens as u64,
        })
    }

    fn score(&mut self, sequences: &[TrainSequence]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.score_under(&self.model.weights, sequences)
    }

    fn count_tokens(&self, text: &str) -> usize {
        // A text that the tokenizer refuses fits nowhere.
        self.model.tokenizer.encode(text).map_or(usize::MAX, |tokens| tokens.len())
    }

    fn context_tokens(&self) -> usize {
        self.engine.config().max_context.min(self.model.weights.config().max_position_embeddings)
    }

    fn save(&self, folder: &Path) -> Result<(), ModelError> {
        self.model.save(folder, WeightFormat::F32)?;
        self.trainer.save_state(&folder.join(OPTIMIZER_FILE))?;
        if let Some(reference) = &self.reference {
            reference.save(&folder.join(REFERENCE_FILE))?;
        }
        let version =
            serde_json::to_string(&Version { version: self.version() }).expect("a number serialises");
        let path = folder.join(VERSION_FILE);
        std::fs::write(&path, version).map_err(|source| ModelError::File { path, action: "writing", source })
    }

    fn load(&mut self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join(VERSION_FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| ModelError::File {
            path: path.clone(),
            action: "reading",
            source,
        })?;
        let version: Version = serde_json::from_str(&text)
            .map_err(|error| ModelError::Format { path, reason: error.to_string() })?;
        let saved = ModelFolder::load(folder)?;
        if self.reference.is_some() {
            let config = self.model.weights.config().clone();
            self.reference = Some(Weights::load(&folder.join(REFERENCE_FILE), config)?);
        }
        self.model.weights.restore(&saved.weights, version.version)?;
        self.trainer.load_state(&folder.join(OPTIMIZER_FILE))
    }

    fn weights_hash(&self) -> Result<String, ModelError> {
        Ok(self.model.weights.hash())
    }
}

fn joined(sequence: &TrainSequence) -> Vec<u32> {
    [sequence.prompt_tokens.as_slice(), &sequence.response_tokens].concat()
}
