//! What a model is, whatever its family: the one description that trainer, engine and weights read.
//!
//! A family (see [`crate::families`]) makes it from `config.json`; the names are those of that file where it has
//! one.

use serde::{Deserialize, Serialize};

use crate::error::{ModelError, Result};
use crate::families;
use crate::rotary::Rope;

/// Description of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Name of the family, as in `config.json`.
    pub model_type: &'static str,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the MLP.
    pub intermediate_size: usize,
    /// Transformer blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides the query heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Longest context.
    pub max_position_embeddings: usize,
    /// Rotary angles.
    pub rope: Rope,
    /// Added to the mean square before the root, in every norm.
    pub rms_norm_eps: f64,
    /// The output head is the embedding.
    pub tie_word_embeddings: bool,
    /// Queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Each query and key head is normed before it is turned.
    pub query_key_norm: bool,
    /// Standard deviation of fresh matrices.
    pub initializer_range: f64,
    /// Start-of-text token.
    pub bos_token_id: Option<u32>,
    /// End-of-text token.
    pub eos_token_id: Option<EosTokens>,
}

/// One end-of-text token or several, as HF writes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EosTokens {
    /// One.
    One(u32),
    /// Several.
    Many(Vec<u32>),
}

impl EosTokens {
    /// All of them.
    pub fn ids(&self) -> &[u32] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

impl ModelConfig {
    /// Reads the text of a `config.json` and checks that this crate can run it.
    pub fn from_json(text: &str) -> Result<Self> {
        families::read(text)
    }

    /// The text of a `config.json`.
    pub fn to_json(&self) -> String {
        families::write(self, None)
    }

    /// Width of the packed queries, keys and values.
    pub fn qkv_width(&self) -> usize {
        (self.num_attention_heads + 2 * self.num_key_value_heads) * self.head_dim
    }

    /// Checks what the code relies on; every size is also bounded, since the file may come from anywhere.
    pub fn check(&self) -> Result<()> {
        let refuse = |reason: String| Err(ModelError::Config(reason));
        let sizes = [
            ("vocab_size", self.vocab_size, 1 << 20),
            ("hidden_size", self.hidden_size, 1 << 16),
            ("intermediate_size", self.intermediate_size, 1 << 18),
            ("num_hidden_layers", self.num_hidden_layers, 1 << 10),
            ("num_attention_heads", self.num_attention_heads, 1 << 10),
            ("num_key_value_heads", self.num_key_value_heads, 1 << 10),
            ("max_position_embeddings", self.max_position_embeddings, 1 << 24),
            ("head_dim", self.head_dim, 1 << 12),
        ];
        for (name, size, bound) in sizes {
            if size == 0 || size > bound {
                return refuse(format!("{name} is {size}, it must be between 1 and {bound}"));
            }
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return refuse(format!(
                "num_attention_heads ({}) is not a multiple of num_key_value_heads ({})",
                self.num_attention_heads, self.num_key_value_heads
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return refuse(format!("head_dim ({}) is odd, rotary angles turn pairs", self.head_dim));
        }
        // In the precision in which it is added.
        let epsilon = self.rms_norm_eps as f32;
        if !(epsilon > 0.0 && epsilon < 1.0 && self.rope.theta > 1.0 && self.rope.theta.is_finite()) {
            return refuse("rms_norm_eps must lie between 0 and 1 and rope_theta above 1".to_owned());
        }
        self.rope.scaling.check()?;
        if !self.rope.frequencies(self.head_dim).iter().all(|frequency| frequency.is_finite()) {
            return refuse("the rope scaling gives angles that are not finite".to_owned());
        }
        Ok(())
    }
}
