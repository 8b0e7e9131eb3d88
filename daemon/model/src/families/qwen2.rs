//! Qwen2 and Qwen2.5: biases on queries, keys and values; large ones with a head of their own.

use super::Family;
use super::file::ConfigFile;
use crate::config::ModelConfig;
use crate::error::Result;
use crate::rotary::{Rope, RopeScaling};

pub(super) const FAMILY: Family =
    Family { model_type: "qwen2", architecture: "Qwen2ForCausalLM", read, write };

fn read(file: &ConfigFile) -> Result<ModelConfig> {
    file.needs_key_value_heads()?;
    let head_dim = file.head_dim_or_share()?;
    Ok(ModelConfig { qkv_bias: true, ..file.describe(FAMILY.model_type, head_dim)? })
}

fn write(config: &ModelConfig, file: &mut ConfigFile) {
    if config.head_dim * config.num_attention_heads == config.hidden_size {
        file.head_dim = None;
    }
    file.use_sliding_window = Some(false);
}

/// The shape of a new model; what it leaves out has Qwen2's usual value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qwen2Shape {
    /// See [`ModelConfig::vocab_size`].
    pub vocab_size: usize,
    /// See [`ModelConfig::hidden_size`].
    pub hidden_size: usize,
    /// See [`ModelConfig::intermediate_size`].
    pub intermediate_size: usize,
    /// See [`ModelConfig::num_hidden_layers`].
    pub num_hidden_layers: usize,
    /// See [`ModelConfig::num_attention_heads`].
    pub num_attention_heads: usize,
    /// See [`ModelConfig::num_key_value_heads`].
    pub num_key_value_heads: usize,
    /// See [`ModelConfig::max_position_embeddings`].
    pub max_position_embeddings: usize,
    /// See [`ModelConfig::tie_word_embeddings`].
    pub tie_word_embeddings: bool,
}

impl From<Qwen2Shape> for ModelConfig {
    fn from(shape: Qwen2Shape) -> Self {
        Self {
            model_type: FAMILY.model_type,
            vocab_size: shape.vocab_size,
            hidden_size: shape.hidden_size,
            intermediate_size: shape.intermediate_size,
            num_hidden_layers: shape.num_hidden_layers,
            num_attention_heads: shape.num_attention_heads,
            num_key_value_heads: shape.num_key_value_heads,
            head_dim: shape.hidden_size / shape.num_attention_heads.max(1),
            max_position_embeddings: shape.max_position_embeddings,
            rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
            rms_norm_eps: 1e-6,
            tie_word_embeddings: shape.tie_word_embeddings,
            qkv_bias: true,
            query_key_norm: false,
            initializer_range: 0.02,
            bos_token_id: None,
            eos_token_id: None,
        }
    }
}
