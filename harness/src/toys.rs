//! Toy models of the families of published ones.
//!
//! A preset must be playable without gigabytes of weights: `toy:FAMILY` as `model.path` is
//! a model of that family with random weights, a few layers and the vocabulary of the embedded model.

use crate::failure::{Failure, nearest};
use crate::{models, published};
use anyhow::Context;
use azr_model::random::DrawKey;
use azr_model::{ModelConfig, ModelFolder, Weights};

/// Start of the name of a toy model.
pub const TOY: &str = "toy:";
const FAMILIES: [&str; 3] = ["qwen2", "qwen3", "llama"];

/// The toy of the family of a named model.
pub fn toy_of(name: &str) -> anyhow::Result<String> {
    Ok(format!("{TOY}{}", published::shape(name)?.model_type))
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
    use crate::memory::Needs;

    #[test]
    fn every_family_has_a_toy() {
        for family in FAMILIES {
            let toy = toy(family).unwrap();
            assert_eq!(toy.weights.config().model_type, family);
            let counted = Needs::of(toy.weights.config()).parameters;
            assert_eq!(counted, toy.weights.parameter_count() as u64, "{family}");
        }
        let text = crate::failure::describe(&toy("qwen").unwrap_err());
        assert!(text.contains("did you mean 'toy:qwen2'?"), "{text}");
    }
}
