//! Qwen3: no biases; query and key heads, whose width is a size of its own, are normed before they are turned.

use super::Family;
use super::file::ConfigFile;
use crate::config::ModelConfig;
use crate::error::Result;

pub(super) const FAMILY: Family =
    Family { model_type: "qwen3", architecture: "Qwen3ForCausalLM", read, write };

/// Where `config.json` does not give it.
const HEAD_DIM: usize = 128;

fn read(file: &ConfigFile) -> Result<ModelConfig> {
    file.needs_key_value_heads()?;
    file.refuses_attention_bias()?;
    let head_dim = file.head_dim.unwrap_or(HEAD_DIM);
    Ok(ModelConfig { query_key_norm: true, ..file.describe(FAMILY.model_type, head_dim)? })
}

fn write(_config: &ModelConfig, file: &mut ConfigFile) {
    file.attention_bias = Some(false);
    file.use_sliding_window = Some(false);
}
