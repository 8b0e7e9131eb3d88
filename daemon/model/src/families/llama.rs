//! Llama 2, 3 and their likes: no biases; from 3.1 on, slow rotary frequencies are slowed down further.

use super::Family;
use super::file::ConfigFile;
use crate::config::ModelConfig;
use crate::error::{ModelError, Result};

pub(super) const FAMILY: Family =
    Family { model_type: "llama", architecture: "LlamaForCausalLM", read, write };

fn read(file: &ConfigFile) -> Result<ModelConfig> {
    file.refuses_attention_bias()?;
    if file.mlp_bias == Some(true) {
        return Err(ModelError::Config("mlp_bias is not supported".to_owned()));
    }
    file.describe(FAMILY.model_type, file.head_dim_or_share()?)
}

fn write(_config: &ModelConfig, file: &mut ConfigFile) {
    file.attention_bias = Some(false);
    file.mlp_bias = Some(false);
}
