//! The recipe of `azr-tiny`: everything that decides its weights, and what came of it.

use super::corpus::Mixture;
use super::program::Shape;
use azr_model::{
    AdamWConfig, MuonConfig, OptimizerConfig, Qwen2Config, Qwen2Shape, TrainerConfig,
};
use serde::{Deserialize, Serialize};

/// What decides the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Seed of corpus and initial weights.
    pub seed: u64,
    /// Optimizer steps.
    pub steps: u64,
    /// Documents a step: many small steps learn to copy, few large ones do not.
    pub documents_per_step: usize,
    /// Width of the model.
    pub hidden_size: usize,
    /// Width of its MLP.
    pub intermediate_size: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Longest context in tokens.
    pub context: usize,
    /// Peak learning rate of `AdamW` (embedding, norms, biases).
    pub learning_rate: f32,
    /// Muon's learning rate over `AdamW`'s.
    pub muon_factor: f32,
    /// Steps of linear warm-up.
    pub warmup_steps: u64,
    /// Share of the peak left at the end; linear in between.
    pub final_learning_rate: f32,
    /// Share of the steps that see short programs only.
    pub short_programs_first: f64,
    /// Share of solver documents that think, in percent.
    pub think: u32,
    /// Weight of prompt tokens in the loss; answers weigh 1.
    pub prompt_weight: f32,
    /// Weight of the proposer's tokens.
    pub proposal_weight: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            seed: 1,
            steps: 16_000,
            documents_per_step: 48,
            hidden_size: 160,
            intermediate_size: 480,
            layers: 5,
            heads: 5,
            kv_heads: 5,
            context: 512,
            learning_rate: 2e-3,
            muon_factor: 5.0,
            warmup_steps: 100,
            final_learning_rate: 0.05,
            short_programs_first: 0.2,
            think: 25,
            prompt_weight: 0.03,
            proposal_weight: 0.3,
        }
    }
}

impl Recipe {
    /// Shape of the model.
    pub fn model(&self, vocab_size: usize, end_of_text: u32) -> Qwen2Config {
        let mut config = Qwen2Config::from(Qwen2Shape {
            vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.layers,
            num_attention_heads: self.heads,
            num_key_value_heads: self.kv_heads,
            max_position_embeddings: self.context,
            tie_word_embeddings: true,
        });
        config.eos_token_id = Some(azr_model::EosTokens::One(end_of_text));
        config
    }

    /// Settings of the trainer.
    pub fn trainer(&self) -> TrainerConfig {
        TrainerConfig {
            chunk_sequences: self.documents_per_step,
            max_gradient_norm: 1.0,
            optimizer: OptimizerConfig::Muon {
                muon: MuonConfig {
                    learning_rate_factor: self.muon_factor,
                    weight_decay: 0.01,
                    ..MuonConfig::default()
                },
                adamw: AdamWConfig { beta2: 0.98, weight_decay: 0.0, ..AdamWConfig::default() },
            },
        }
    }

    /// Learning rate of a step (0-based).
    pub fn learning_rate_at(&self, step: u64) -> f32 {
        let warm = ((step + 1) as f32 / self.warmup_steps.max(1) as f32).min(1.0);
        let done = step as f32 / self.steps.max(1) as f32;
        self.learning_rate * warm * (1.0 - (1.0 - self.final_learning_rate) * done)
    }

    /// Documents of a step.
    pub fn mixture_at(&self, step: u64) -> Mixture {
        let short = (step as f64) < self.short_programs_first * self.steps as f64;
        let (program, induction_program) = if short {
            (Shape::statements(1, 3), Shape::induction(1, 2))
        } else {
            (Shape::statements(1, 5), Shape::induction(1, 3))
        };
        Mixture {
            deduction: 31,
            abduction: 22,
            induction: 25,
            propose: 8,
            think: self.think,
            program,
            induction_program,
        }
    }
}

/// A point of the loss curve: means since the point before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Steps done.
    pub step: u64,
    /// Tokens seen.
    pub tokens: u64,
    /// Weighted loss per document.
    pub loss: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
}

/// Recipe and result: the file `recipe.json` beside the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeRecord {
    /// The recipe.
    pub recipe: Recipe,
    /// Number of parameters.
    pub parameters: usize,
    /// Hash of the sandbox guest that ran the corpus.
    pub guest: String,
    /// Steps after which `early_weights` was taken.
    pub early_steps: u64,
    /// Hash of the weights after `early_steps`: what `azr pretrain --verify` makes again.
    pub early_weights: String,
    /// Hash of the final weights, as trained (before rounding to the stored format).
    pub weights: String,
    /// Loss curve.
    pub curve: Vec<CurvePoint>,
}
