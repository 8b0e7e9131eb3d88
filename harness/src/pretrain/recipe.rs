//! The recipe of `azr-tiny`: everything that decides its weights, and what came of it.

use super::corpus::Mixture;
use super::program::Shape;
use azr_model::{AdamWConfig, ModelConfig, MuonConfig, OptimizerConfig, Qwen2Shape, TrainerConfig};
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
    /// The rate falls linearly from its peak, as if to reach `final_share` of it after so many steps...
    pub decay_steps: u64,
    /// ... until this step, from which on it cools down: most of what the high rate has found shows only now.
    pub cooldown_from: u64,
    /// Factor on the rate where the cool-down begins; from there linear to `final_share` of it at the end.
    pub cooldown_factor: f32,
    /// Share of a rate that is left at the end of its fall.
    pub final_share: f32,
    /// Steps that see short programs only.
    pub short_program_steps: u64,
    /// Share of solver documents that think before the cool-down, in percent.
    pub think_early: u32,
    /// The same share during the cool-down.
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
            steps: 13_500,
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
            decay_steps: 16_000,
            cooldown_from: 5_000,
            cooldown_factor: 0.5,
            final_share: 0.05,
            short_program_steps: 3_200,
            think_early: 25,
            think: 35,
            prompt_weight: 0.03,
            proposal_weight: 0.3,
        }
    }
}

impl Recipe {
    /// Shape of the model.
    pub fn model(&self, vocab_size: usize, end_of_text: u32) -> ModelConfig {
        let mut config = ModelConfig::from(Qwen2Shape {
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
        let high = |step: u64| {
            let done = step as f32 / self.decay_steps.max(1) as f32;
            self.learning_rate * warm * (1.0 - (1.0 - self.final_share) * done)
        };
        if step < self.cooldown_from {
            return high(step);
        }
        let cooldown_steps = self.steps.saturating_sub(self.cooldown_from).max(1);
        let done = (step - self.cooldown_from) as f32 / cooldown_steps as f32;
        high(self.cooldown_from) * self.cooldown_factor * (1.0 - (1.0 - self.final_share) * done)
    }

    /// Documents of a step.
    pub fn mixture_at(&self, step: u64) -> Mixture {
        let short = step < self.short_program_steps;
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
            think: if step < self.cooldown_from { self.think_early } else { self.think },
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
    /// Hash of the final weights as they are in the model folder, rounded: what `azr model info` prints.
    pub stored_weights: String,
    /// Loss curve.
    pub curve: Vec<CurvePoint>,
}
