//! Shape of a Qwen2 model, with the names of the HF `config.json`.

use serde::{Deserialize, Serialize};

use crate::error::{ModelError, Result};

/// Shape of a Qwen2 model. Unknown keys of `config.json` are ignored, as HF does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qwen2Config {
    /// Always `qwen2`.
    #[serde(default = "qwen2")]
    pub model_type: String,
    /// HF class names; written so that other programs load the folder.
    #[serde(default = "architectures")]
    pub architectures: Vec<String>,
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
    /// Width of one head; `hidden_size / num_attention_heads` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<usize>,
    /// Longest context.
    pub max_position_embeddings: usize,
    /// Base of the rotary angles.
    #[serde(default = "rope_theta")]
    pub rope_theta: f64,
    /// Newer HF files keep the base of the rotary angles here.
    #[serde(default, skip_serializing)]
    rope_parameters: Option<RopeParameters>,
    /// Scaled rotary angles; refused.
    #[serde(default, skip_serializing)]
    rope_scaling: Option<serde_json::Value>,
    /// Added to the mean square before the root.
    #[serde(default = "rms_norm_eps")]
    pub rms_norm_eps: f64,
    /// The output head is the embedding.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Activation of the MLP; only `silu`.
    #[serde(default = "silu")]
    pub hidden_act: String,
    /// Sliding window attention; refused.
    #[serde(default)]
    pub use_sliding_window: bool,
    /// Standard deviation of fresh matrices.
    #[serde(default = "initializer_range")]
    pub initializer_range: f64,
    /// Start-of-text token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos_token_id: Option<u32>,
    /// End-of-text token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos_token_id: Option<EosTokens>,
    /// Type of the numbers in the weights file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torch_dtype: Option<String>,
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

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct RopeParameters {
    rope_theta: Option<f64>,
    rope_type: Option<String>,
}

fn qwen2() -> String {
    "qwen2".to_owned()
}

fn architectures() -> Vec<String> {
    vec!["Qwen2ForCausalLM".to_owned()]
}

fn silu() -> String {
    "silu".to_owned()
}

fn rope_theta() -> f64 {
    10_000.0
}

fn rms_norm_eps() -> f64 {
    1e-6
}

fn initializer_range() -> f64 {
    0.02
}

/// The shape of a new model; what it leaves out has Qwen2's usual value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qwen2Shape {
    /// See [`Qwen2Config::vocab_size`].
    pub vocab_size: usize,
    /// See [`Qwen2Config::hidden_size`].
    pub hidden_size: usize,
    /// See [`Qwen2Config::intermediate_size`].
    pub intermediate_size: usize,
    /// See [`Qwen2Config::num_hidden_layers`].
    pub num_hidden_layers: usize,
    /// See [`Qwen2Config::num_attention_heads`].
    pub num_attention_heads: usize,
    /// See [`Qwen2Config::num_key_value_heads`].
    pub num_key_value_heads: usize,
    /// See [`Qwen2Config::max_position_embeddings`].
    pub max_position_embeddings: usize,
    /// See [`Qwen2Config::tie_word_embeddings`].
    pub tie_word_embeddings: bool,
}

impl From<Qwen2Shape> for Qwen2Config {
    fn from(shape: Qwen2Shape) -> Self {
        Self {
            model_type: qwen2(),
            architectures: architectures(),
            vocab_size: shape.vocab_size,
            hidden_size: shape.hidden_size,
            intermediate_size: shape.intermediate_size,
            num_hidden_layers: shape.num_hidden_layers,
            num_attention_heads: shape.num_attention_heads,
            num_key_value_heads: shape.num_key_value_heads,
            head_dim: None,
            max_position_embeddings: shape.max_position_embeddings,
            rope_theta: rope_theta(),
            rope_parameters: None,
            rope_scaling: None,
            rms_norm_eps: rms_norm_eps(),
            tie_word_embeddings: shape.tie_word_embeddings,
            hidden_act: silu(),
            use_sliding_window: false,
            initializer_range: initializer_range(),
            bos_token_id: None,
            eos_token_id: None,
            torch_dtype: None,
        }
    }
}

impl Qwen2Config {
    /// Reads the text of a `config.json` and checks that this crate can run it.
    pub fn from_json(text: &str) -> Result<Self> {
        let mut config: Self =
            serde_json::from_str(text).map_err(|error| ModelError::Config(error.to_string()))?;
        if let Some(rope) = config.rope_parameters.take() {
            if let Some(theta) = rope.rope_theta {
                config.rope_theta = theta;
            }
            if rope.rope_type.is_some_and(|kind| kind != "default") {
                return Err(ModelError::Config("scaled rotary angles are not supported".to_owned()));
            }
        }
        config.check()?;
        Ok(config)
    }

    /// The text of a `config.json`.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a struct of numbers and names serialises");
        text.push('\n');
        text
    }

    /// Width of one head.
    pub fn head_width(&self) -> usize {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1))
    }

    /// Width of the packed queries, keys and values.
    pub fn qkv_width(&self) -> usize {
        (self.num_attention_heads + 2 * self.num_key_value_heads) * self.head_width()
    }

    /// Checks what the code relies on; every size is also bounded, since the file may come from anywhere.
    pub fn check(&self) -> Result<()> {
        let refuse = |reason: String| Err(ModelError::Config(reason));
        if self.model_type != "qwen2" {
            return refuse(format!("model_type `{}` is not supported, only `qwen2`", self.model_type));
        }
        if self.hidden_act != "silu" {
            return refuse(format!("hidden_act `{}` is not supported, only `silu`", self.hidden_act));
        }
        if self.use_sliding_window {
            return refuse("use_sliding_window is not supported".to_owned());
        }
        if self.rope_scaling.as_ref().is_some_and(|value| !value.is_null()) {
            return refuse("rope_scaling is not supported".to_owned());
        }
        let sizes = [
            ("vocab_size", self.vocab_size, 1 << 20),
            ("hidden_size", self.hidden_size, 1 << 16),
            ("intermediate_size", self.intermediate_size, 1 << 18),
            ("num_hidden_layers", self.num_hidden_layers, 1 << 10),
            ("num_attention_heads", self.num_attention_heads, 1 << 10),
            ("num_key_value_heads", self.num_key_value_heads, 1 << 10),
            ("max_position_embeddings", self.max_position_embeddings, 1 << 24),
            ("head_dim", self.head_width(), 1 << 12),
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
        if self.head_dim.is_none() && !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return refuse(format!(
                "hidden_size ({}) is not a multiple of num_attention_heads ({})",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if !self.head_width().is_multiple_of(2) {
            return refuse(format!("head_dim ({}) is odd, rotary angles turn pairs", self.head_width()));
        }
        if !(self.rms_norm_eps > 0.0 && self.rope_theta > 1.0 && self.rope_theta.is_finite()) {
            return refuse("rms_norm_eps must be positive and rope_theta above 1".to_owned());
        }
        Ok(())
    }
}
