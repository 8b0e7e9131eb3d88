//! Model folders in the HF layout: `config.json`, `model.safetensors`, `tokenizer.json`, `generation_config.json`.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::EosTokens;
use crate::error::Result;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

/// `generation_config.json`, as far as it is used here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GenerationConfig {
    /// End-of-text tokens; those of `config.json` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos_token_id: Option<EosTokens>,
    /// Start-of-text token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos_token_id: Option<u32>,
    /// Padding token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad_token_id: Option<u32>,
}

/// The files of a model, e.g. those embedded in the program.
#[derive(Clone, Copy, Debug)]
pub struct ModelBytes<'a> {
    /// `config.json`.
    pub config: &'a [u8],
    /// `model.safetensors`.
    pub weights: &'a [u8],
    /// `tokenizer.json`.
    pub tokenizer: &'a [u8],
    /// `generation_config.json`.
    pub generation_config: &'a [u8],
}

/// Type of the numbers in a weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightFormat {
    /// Exact: what was trained is what is loaded.
    F32,
    /// Half the size, rounded to nearest even.
    Bf16,
}

/// A model: weights, tokenizer and generation settings.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    /// The parameters.
    pub weights: Arc<Weights>,
    /// The tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// Generation settings.
    pub generation: GenerationConfig,
}

impl ModelFolder {
    /// Loads a folder.
    pub fn load(folder: &Path) -> Result<Self> {
        let _ = folder;
        unimplemented!()
    }

    /// Loads the files of a model from memory.
    pub fn from_bytes(files: ModelBytes<'_>) -> Result<Self> {
        let _ = files;
        unimplemented!()
    }

    /// Writes the folder; an existing one is replaced file by file, each by rename.
    pub fn save(&self, folder: &Path, format: WeightFormat) -> Result<()> {
        let _ = (folder, format);
        unimplemented!()
    }
}
