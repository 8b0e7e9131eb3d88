//! Text to tokens and back, with any HF `tokenizer.json`.

use std::path::Path;

use crate::error::Result;

/// A tokenizer. It adds no special tokens of its own: prompts have theirs written out.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    eos: Vec<u32>,
}

impl Tokenizer {
    /// Longest text that is encoded, in bytes.
    pub const MAX_TEXT_LEN: usize = 1 << 22;

    /// From the bytes of a `tokenizer.json`; `eos` are the end-of-text tokens (see `generation_config.json`).
    pub fn from_bytes(bytes: &[u8], eos: &[u32]) -> Result<Self> {
        let refuse = |reason: String| crate::ModelError::Tokenizer(reason);
        // The tokenizers crate panics on some files that are cut short or odd: the first are caught by parsing
        // as JSON, the others by holding the panic.
        serde_json::from_slice::<serde::de::IgnoredAny>(bytes).map_err(|error| refuse(error.to_string()))?;
        let inner = std::panic::catch_unwind(|| tokenizers::Tokenizer::from_bytes(bytes))
            .map_err(|_| refuse("not a tokenizer.json".to_owned()))?
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Self { inner, eos: eos.to_vec() })
    }

    /// From a `tokenizer.json`.
    pub fn from_file(path: &Path, eos: &[u32]) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| crate::ModelError::File {
            path: path.to_owned(),
            action: "reading",
            source,
        })?;
        Self::from_bytes(&bytes, eos)
    }

    /// Tokens of a text; special tokens written in the text become their ids.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        if text.len() > Self::MAX_TEXT_LEN {
            return Err(crate::ModelError::Tokenizer(format!(
                "text of {} bytes, at most {} are encoded",
                text.len(),
                Self::MAX_TEXT_LEN
            )));
        }
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|error| crate::ModelError::Tokenizer(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Text of tokens; special tokens are left out, ids outside the vocabulary too.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.inner.decode(tokens, true).map_err(|error| crate::ModelError::Tokenizer(error.to_string()))
    }

    /// The first end-of-text token.
    pub fn eos_token(&self) -> Option<u32> {
        self.eos.first().copied()
    }

    /// Whether this token ends a text.
    pub fn is_eos(&self, token: u32) -> bool {
        self.eos.contains(&token)
    }

    /// Id of a token by its text.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Number of tokens, added ones included.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The bytes of its `tokenizer.json`.
    pub fn to_json(&self) -> Result<String> {
        self.inner.to_string(true).map_err(|error| crate::ModelError::Tokenizer(error.to_string()))
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size())
            .field("eos", &self.eos)
            .finish_non_exhaustive()
    }
}
