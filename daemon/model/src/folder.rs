//! Model folders in the HF layout: `config.json`, `model.safetensors`, `tokenizer.json`, `generation_config.json`.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{EosTokens, Qwen2Config};
use crate::error::{ModelError, Result};
use crate::file;
use crate::tensors;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

const CONFIG_FILE: &str = "config.json";
const WEIGHTS_FILE: &str = "model.safetensors";
const TOKENIZER_FILE: &str = "tokenizer.json";
const GENERATION_FILE: &str = "generation_config.json";

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

impl WeightFormat {
    fn dtype_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
        }
    }
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
    /// Loads a folder. `generation_config.json` may be absent.
    pub fn load(folder: &Path) -> Result<Self> {
        let generation_path = folder.join(GENERATION_FILE);
        let generation =
            if generation_path.exists() { file::read(&generation_path)? } else { b"{}".to_vec() };
        let config = file::read(&folder.join(CONFIG_FILE))?;
        let tokenizer = file::read(&folder.join(TOKENIZER_FILE))?;
        let weights = file::read(&folder.join(WEIGHTS_FILE))?;
        let files = ModelBytes {
            config: &config,
            weights: &weights,
            tokenizer: &tokenizer,
            generation_config: &generation,
        };
        Self::read(folder, files)
    }

    /// Loads the files of a model from memory.
    pub fn from_bytes(files: ModelBytes<'_>) -> Result<Self> {
        Self::read(Path::new("embedded model"), files)
    }

    fn read(folder: &Path, files: ModelBytes<'_>) -> Result<Self> {
        let config_path = folder.join(CONFIG_FILE);
        let bad = |reason: String| ModelError::Format { path: config_path.clone(), reason };
        let text = std::str::from_utf8(files.config).map_err(|error| bad(error.to_string()))?;
        let config = Qwen2Config::from_json(text).map_err(|error| bad(error.to_string()))?;
        let generation: GenerationConfig =
            serde_json::from_slice(files.generation_config).map_err(|error| ModelError::Format {
                path: folder.join(GENERATION_FILE),
                reason: error.to_string(),
            })?;
        let eos = generation.eos_token_id.clone().or_else(|| config.eos_token_id.clone());
        let eos = eos.as_ref().map_or(&[][..], EosTokens::ids);
        let tokenizer = Tokenizer::from_bytes(files.tokenizer, eos).map_err(|error| ModelError::Format {
            path: folder.join(TOKENIZER_FILE),
            reason: error.to_string(),
        })?;
        let weights = tensors::read(&folder.join(WEIGHTS_FILE), files.weights, config)?;
        Ok(Self { weights, tokenizer: Arc::new(tokenizer), generation })
    }

    /// Writes the folder; an existing one is replaced file by file, each by rename.
    pub fn save(&self, folder: &Path, format: WeightFormat) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(|source| ModelError::File {
            path: folder.to_owned(),
            action: "making the folder",
            source,
        })?;
        let mut config = self.weights.config().clone();
        config.torch_dtype = Some(format.dtype_name().to_owned());
        let mut generation =
            serde_json::to_string_pretty(&self.generation).expect("a struct of token ids serialises");
        generation.push('\n');
        file::write(&folder.join(CONFIG_FILE), config.to_json().as_bytes())?;
        file::write(&folder.join(GENERATION_FILE), generation.as_bytes())?;
        file::write(&folder.join(TOKENIZER_FILE), self.tokenizer.to_json()?.as_bytes())?;
        let path = folder.join(WEIGHTS_FILE);
        file::write(&path, &tensors::to_bytes(&path, &self.weights, format)?)
    }
}
