//! The published shapes of the presets' models, and toy models of the same families.
//!
//! A preset must be plannable (memory, step time) and playable without gigabytes of weights: `toy:FAMILY` as `model.path` is
//! a model of that family with random weights, a few layers and the vocabulary of the embedded model.

use crate::failure::{Failure, nearest};
use crate::models;
use anyhow::Context;
use azr_model::random::DrawKey;
use azr_model::{ModelConfig, ModelFolder, Weights};

/// What decides the size of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// `model_type` of `config.json`.
    pub family: &'static str,
    /// Blocks.
    pub layers: u64,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Width of the MLP.
    pub intermediate: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Width of a head.
    pub head_dim: u64,
    /// Rows of the embedding.
    pub vocab: u64,
    /// The output head is the embedding.
    pub tied: bool,
}

/// Hub name and shape of the presets' models, from their `config.json`.
const PUBLISHED: [(&str, Shape); 8] = [
    ("HuggingFaceTB/SmolLM2-135M", shape("llama", [30, 576, 1_536, 9, 3, 64, 49_152], true)),
    ("Qwen/Qwen2.5-Coder-3B", shape("qwen2", [36, 2_048, 11_008, 16, 2, 128, 151_936], true)),
    ("Qwen/Qwen2.5-7B", shape("qwen2", [28, 3_584, 18_944, 28, 4, 128, 152_064], false)),
    ("Qwen/Qwen2.5-Coder-7B", shape("qwen2", [28, 3_584, 18_944, 28, 4, 128, 152_064], false)),
    ("Qwen/Qwen2.5-14B", shape("qwen2", [48, 5_120, 13_824, 40, 8, 128, 152_064], false)),
    ("Qwen/Qwen2.5-Coder-14B", shape("qwen2", [48, 5_120, 13_824, 40, 8, 128, 152_064], false)),
    ("meta-llama/Llama-3.1-8B", shape("llama", [32, 4_096, 14_336, 32, 8, 128, 128_256], false)),
    ("Qwen/Qwen3-4B-Base", shape("qwen3", [36, 2_560, 9_728, 32, 8, 128, 151_936], true)),
];

const fn shape(family: &'static str, numbers: [u64; 7], tied: bool) -> Shape {
    let [layers, hidden, intermediate, heads, kv_heads, head_dim, vocab] = numbers;
    Shape { family, layers, hidden, intermediate, heads, kv_heads, head_dim, vocab, tied }
}

/// Start of the name of a toy model.
pub const TOY: &str = "toy:";
const FAMILIES: [&str; 3] = ["qwen2", "qwen3", "llama"];

impl Shape {
    /// The shape of a named model: published, toy, or loaded.
    pub fn of(name: &str) -> anyhow::Result<Self> {
        if let Some((_, shape)) = PUBLISHED.iter().find(|(known, _)| *known == name) {
            return Ok(*shape);
        }
        Ok(Self::of_config(models::load(name)?.folder.weights.config()))
    }

    fn of_config(config: &ModelConfig) -> Self {
        Self {
            family: config.model_type,
            layers: config.num_hidden_layers as u64,
            hidden: config.hidden_size as u64,
            intermediate: config.intermediate_size as u64,
            heads: config.num_attention_heads as u64,
            kv_heads: config.num_key_value_heads as u64,
            head_dim: config.head_dim as u64,
            vocab: config.vocab_size as u64,
            tied: config.tie_word_embeddings,
        }
    }

    /// Parameters, norms and biases included to within a thousandth.
    pub fn parameters(&self) -> u64 {
        let attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads);
        let block = attention + 3 * self.hidden * self.intermediate + 2 * self.hidden;
        let heads = if self.tied { 1 } else { 2 };
        self.layers * block + heads * self.vocab * self.hidden + self.hidden
    }

    /// Parameters that multiply every token (the rows of the embedding do not, the output head does).
    pub fn active_parameters(&self) -> u64 {
        self.parameters() - if self.tied { 0 } else { self.vocab * self.hidden }
    }

    /// Numbers that the cache of keys and values holds for a token.
    pub fn cache_numbers(&self) -> u64 {
        2 * self.layers * self.kv_heads * self.head_dim
    }
}

/// The toy of the family of a named model.
pub fn toy_of(name: &str) -> anyhow::Result<String> {
    Ok(format!("{TOY}{}", Shape::of(name)?.family))
}

/// A random model of a family: 2 blocks of width 32, the tokenizer of the embedded model.
pub fn toy(family: &str) -> anyhow::Result<ModelFolder> {
    if !FAMILIES.contains(&family) {
        let advice = nearest(family, FAMILIES).map_or_else(
            || format!("the families are: {}", FAMILIES.join(", ")),
            |name| format!("did you mean '{TOY}{name}'?"),
        );
        return Err(Failure::new(format!("no toy model of the family '{family}'"), advice).into());
    }
    let embedded = models::load(models::EMBEDDED)?.folder;
    let base = embedded.weights.config();
    let text = serde_json::json!({
        "model_type": family,
        "vocab_size": base.vocab_size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 16_384,
        "rope_theta": 10_000.0,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": true,
        "initializer_range": 0.02,
        "hidden_act": "silu",
        "attention_bias": false,
        "bos_token_id": base.bos_token_id,
        "eos_token_id": base.eos_token_id,
    });
    let config = ModelConfig::from_json(&text.to_string())
        .with_context(|| format!("cannot describe a toy model of {family}"))?;
    let weights = Weights::init(config, &DrawKey::new(1, 0, "toy", 0)).context("cannot make a toy model")?;
    Ok(ModelFolder { weights, ..embedded })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_sizes_come_out() {
        for (name, billions) in [
            ("Qwen/Qwen2.5-Coder-3B", 3.09),
            ("Qwen/Qwen2.5-7B", 7.62),
            ("Qwen/Qwen2.5-14B", 14.77),
            ("meta-llama/Llama-3.1-8B", 8.03),
            ("Qwen/Qwen3-4B-Base", 4.02),
            ("HuggingFaceTB/SmolLM2-135M", 0.1345),
        ] {
            let found = Shape::of(name).unwrap().parameters() as f64 / 1e9;
            assert!((found / billions - 1.0).abs() < 0.005, "{name}: {found}");
        }
    }

    #[test]
    fn every_family_has_a_toy() {
        for family in FAMILIES {
            let toy = toy(family).unwrap();
            assert_eq!(toy.weights.config().model_type, family);
            let counted = Shape::of_config(toy.weights.config()).parameters() as f64;
            let real = toy.weights.parameter_count() as f64;
            assert!((counted / real - 1.0).abs() < 0.02, "{family}: {counted} {real}");
        }
        let text = crate::failure::describe(&toy("qwen").unwrap_err());
        assert!(text.contains("did you mean 'toy:qwen2'?"), "{text}");
    }
}
