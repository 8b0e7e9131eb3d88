//! Model folders in the HF layout: `config.json`, `model.safetensors` (or several files with an index),
//! `tokenizer.json`, `generation_config.json`, `tokenizer_config.json`, `chat_template.jinja`.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::chat::ChatFormat;
use crate::config::{EosTokens, ModelConfig};
use crate::error::{ModelError, Result};
use crate::families;
use crate::file;
use crate::generate::Sampling;
use crate::gguf;
use crate::shards::{Shards, WEIGHTS_FILE};
use crate::tensors;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

const CONFIG_FILE: &str = "config.json";
const TOKENIZER_FILE: &str = "tokenizer.json";
const GENERATION_FILE: &str = "generation_config.json";
const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";
const TEMPLATE_FILE: &str = "chat_template.jinja";

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
    /// Whether the makers sample; greedy where absent, as in transformers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub do_sample: Option<bool>,
    /// Their temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Their nucleus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Their number of most probable tokens; 0 = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Their least share of the greatest probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
}

impl GenerationConfig {
    /// How the model's makers draw tokens.
    pub fn sampling(&self) -> Sampling {
        if self.do_sample != Some(true) {
            return Sampling::GREEDY;
        }
        Sampling {
            temperature: self.temperature.unwrap_or(1.0),
            top_p: self.top_p.unwrap_or(1.0),
            top_k: self.top_k.unwrap_or(0),
            min_p: self.min_p.unwrap_or(0.0),
        }
    }
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
    /// Special tokens and chat template, where the folder has them.
    pub chat: Option<ChatFormat>,
}

impl ModelFolder {
    /// Reads a GGUF file, the format of llama.cpp, into 32-bit weights.
    pub fn from_gguf(path: &Path) -> Result<Self> {
        gguf::import(path, gguf::Keep::Numbers)
    }

    /// The same, with the packed form beside them where it is one of `Q4_0`, `Q4_1` and `Q8_0`: the engine reads that for new
    /// tokens, and rounds their activations to 8 bits.
    pub fn from_gguf_packed(path: &Path) -> Result<Self> {
        gguf::import(path, gguf::Keep::Packed)
    }

    /// Loads a folder. `generation_config.json` may be absent; the weights may stand in several files with an
    /// index.
    pub fn load(folder: &Path) -> Result<Self> {
        let generation_path = folder.join(GENERATION_FILE);
        let generation =
            if generation_path.exists() { file::read(&generation_path)? } else { b"{}".to_vec() };
        let config = file::read(&folder.join(CONFIG_FILE))?;
        let tokenizer = file::read(&folder.join(TOKENIZER_FILE))?;
        let model = Self::read(folder, &config, &tokenizer, &generation, || Shards::of_folder(folder))?;
        Ok(Self { chat: chat_format(folder)?, ..model })
    }

    /// Loads the files of a model from memory.
    pub fn from_bytes(files: ModelBytes<'_>) -> Result<Self> {
        let folder = Path::new("embedded model");
        Self::read(folder, files.config, files.tokenizer, files.generation_config, || {
            Shards::of_bytes(folder.join(WEIGHTS_FILE), Cow::Borrowed(files.weights))
        })
    }

    fn read<'b>(
        folder: &Path,
        config: &[u8],
        tokenizer: &[u8],
        generation: &[u8],
        shards: impl FnOnce() -> Result<Shards<'b>>,
    ) -> Result<Self> {
        let bad = |file: &str, reason: String| ModelError::Format { path: folder.join(file), reason };
        let text = std::str::from_utf8(config).map_err(|error| bad(CONFIG_FILE, error.to_string()))?;
        let config = ModelConfig::from_json(text).map_err(|error| bad(CONFIG_FILE, error.to_string()))?;
        let generation: GenerationConfig =
            serde_json::from_slice(generation).map_err(|error| bad(GENERATION_FILE, error.to_string()))?;
        let eos = generation.eos_token_id.clone().or_else(|| config.eos_token_id.clone());
        let eos = eos.as_ref().map_or(&[][..], EosTokens::ids);
        let tokenizer =
            Tokenizer::from_bytes(tokenizer, eos).map_err(|error| bad(TOKENIZER_FILE, error.to_string()))?;
        let weights = tensors::read(&shards()?, config)?;
        Ok(Self { weights, tokenizer: Arc::new(tokenizer), generation, chat: None })
    }

    /// Writes the folder; an existing one is replaced file by file, each by rename.
    pub fn save(&self, folder: &Path, format: WeightFormat) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(|source| ModelError::File {
            path: folder.to_owned(),
            action: "making the folder",
            source,
        })?;
        let config = families::write(self.weights.config(), Some(format.dtype_name()));
        let mut generation =
            serde_json::to_string_pretty(&self.generation).expect("a struct of token ids serialises");
        generation.push('\n');
        file::write(&folder.join(CONFIG_FILE), config.as_bytes())?;
        file::write(&folder.join(GENERATION_FILE), generation.as_bytes())?;
        file::write(&folder.join(TOKENIZER_FILE), self.tokenizer.to_json()?.as_bytes())?;
        if let Some(chat) = &self.chat {
            file::write(&folder.join(TOKENIZER_CONFIG_FILE), chat.settings_text().as_bytes())?;
            if let Some(template) = chat.template() {
                file::write(&folder.join(TEMPLATE_FILE), template.as_bytes())?;
            }
        }
        let path = folder.join(WEIGHTS_FILE);
        file::write(&path, &tensors::to_bytes(&path, &self.weights, format)?)
    }
}

/// `tokenizer_config.json` and `chat_template.jinja`, which may be absent.
fn chat_format(folder: &Path) -> Result<Option<ChatFormat>> {
    let text = |name: &str| {
        let path = folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = String::from_utf8(file::read(&path)?);
        text.map(Some).map_err(|error| ModelError::Format { path, reason: error.to_string() })
    };
    let (settings, template) = (text(TOKENIZER_CONFIG_FILE)?, text(TEMPLATE_FILE)?);
    if settings.is_none() && template.is_none() {
        return Ok(None);
    }
    let settings = serde_json::from_str(settings.as_deref().unwrap_or("{}")).map_err(|error| {
        ModelError::Format { path: folder.join(TOKENIZER_CONFIG_FILE), reason: error.to_string() }
    })?;
    Ok(Some(ChatFormat::new(settings, template)))
}
