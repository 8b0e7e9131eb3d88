//! `config.json` as the families share it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::{EosTokens, ModelConfig};
use crate::error::{ModelError, Result};
use crate::rotary::{Rope, RopeScaling};

/// The keys that families read and write. Others are ignored, as HF does, but for those that would change what
/// the model computes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ConfigFile {
    pub(super) model_type: String,
    #[serde(default)]
    architectures: Vec<String>,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    num_key_value_heads: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) head_dim: Option<usize>,
    max_position_embeddings: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_theta: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_scaling: Option<Value>,
    /// Newer files keep base and scaling of the rotary angles here.
    #[serde(default, skip_serializing)]
    rope_parameters: Option<Value>,
    #[serde(default = "rms_norm_eps")]
    rms_norm_eps: f64,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default = "silu")]
    hidden_act: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attention_bias: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mlp_bias: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) use_sliding_window: Option<bool>,
    #[serde(default = "initializer_range")]
    initializer_range: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bos_token_id: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    eos_token_id: Option<EosTokens>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    torch_dtype: Option<String>,
    /// All keys, for those that only one family knows.
    #[serde(skip)]
    pub(super) all: Map<String, Value>,
}

fn rms_norm_eps() -> f64 {
    1e-6
}

fn silu() -> String {
    "silu".to_owned()
}

fn initializer_range() -> f64 {
    0.02
}

fn refuse<T>(reason: impl Into<String>) -> Result<T> {
    Err(ModelError::Config(reason.into()))
}

impl ConfigFile {
    /// From the text of the file.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let bad = |error: serde_json::Error| ModelError::Config(error.to_string());
        // The family first: other architectures lack keys that would else be asked for.
        let all: Map<String, Value> = serde_json::from_str(text).map_err(bad)?;
        if let Some(Value::String(model_type)) = all.get("model_type") {
            super::named(model_type)?;
        }
        let file: Self = serde_json::from_str(text).map_err(bad)?;
        Ok(Self { all, ..file })
    }

    /// What all families write.
    pub(super) fn describing(config: &ModelConfig, architecture: &str, number_format: Option<&str>) -> Self {
        Self {
            model_type: config.model_type.to_owned(),
            architectures: vec![architecture.to_owned()],
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            intermediate_size: config.intermediate_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            num_key_value_heads: Some(config.num_key_value_heads),
            head_dim: Some(config.head_dim),
            max_position_embeddings: config.max_position_embeddings,
            rope_theta: Some(config.rope.theta),
            rope_scaling: scaling_to_json(config.rope.scaling),
            rope_parameters: None,
            rms_norm_eps: config.rms_norm_eps,
            tie_word_embeddings: config.tie_word_embeddings,
            hidden_act: silu(),
            attention_bias: None,
            mlp_bias: None,
            use_sliding_window: None,
            initializer_range: config.initializer_range,
            bos_token_id: config.bos_token_id,
            eos_token_id: config.eos_token_id.clone(),
            torch_dtype: number_format.map(str::to_owned),
            all: Map::new(),
        }
    }

    /// The text of the file.
    pub(super) fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a struct of numbers and names serialises");
        text.push('\n');
        text
    }

    /// The description without biases and norms of heads, which families add; refuses what no family can do.
    pub(super) fn describe(&self, model_type: &'static str, head_dim: usize) -> Result<ModelConfig> {
        self.refuses_other_computations()?;
        Ok(ModelConfig {
            model_type,
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            num_key_value_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            max_position_embeddings: self.max_position_embeddings,
            rope: self.rope()?,
            rms_norm_eps: self.rms_norm_eps,
            tie_word_embeddings: self.tie_word_embeddings,
            qkv_bias: false,
            query_key_norm: false,
            initializer_range: self.initializer_range,
            bos_token_id: self.bos_token_id,
            eos_token_id: self.eos_token_id.clone(),
        })
    }

    /// Width of a head, which is an equal share of the stream where the file does not give it.
    pub(super) fn head_dim_or_share(&self) -> Result<usize> {
        match self.head_dim {
            Some(head_dim) => Ok(head_dim),
            None if self.hidden_size.is_multiple_of(self.num_attention_heads.max(1)) => {
                Ok(self.hidden_size / self.num_attention_heads.max(1))
            }
            None => refuse(format!(
                "hidden_size ({}) is not a multiple of num_attention_heads ({})",
                self.hidden_size, self.num_attention_heads
            )),
        }
    }

    /// For families whose number of key-value heads has no sensible default.
    pub(super) fn needs_key_value_heads(&self) -> Result<()> {
        if self.num_key_value_heads.is_none() {
            return refuse("missing field `num_key_value_heads`");
        }
        Ok(())
    }

    /// For families where it would put a bias on the output projection too.
    pub(super) fn refuses_attention_bias(&self) -> Result<()> {
        if self.attention_bias == Some(true) {
            return refuse("attention_bias is not supported");
        }
        Ok(())
    }

    fn refuses_other_computations(&self) -> Result<()> {
        if self.hidden_act != "silu" {
            return refuse(format!("hidden_act `{}` is not supported, only `silu`", self.hidden_act));
        }
        if self.use_sliding_window == Some(true) {
            return refuse("use_sliding_window is not supported");
        }
        let number = |key: &str| self.all.get(key).filter(|value| !value.is_null());
        if let Some(Value::Array(types)) = self.all.get("layer_types")
            && let Some(other) = types.iter().find(|name| *name != "full_attention")
        {
            return refuse(format!("layer_types has {other}, only \"full_attention\" is supported"));
        }
        if let Some(dropout) = number("attention_dropout").filter(|value| value.as_f64() != Some(0.0)) {
            return refuse(format!("attention_dropout is {dropout}, only 0 is supported"));
        }
        for key in ["num_experts", "num_local_experts", "n_routed_experts"] {
            if let Some(experts) = number(key).filter(|value| value.as_f64() != Some(0.0)) {
                return refuse(format!("{key} is {experts}: mixtures of experts are not supported"));
            }
        }
        if number("quantization_config").is_some() {
            return refuse("quantization_config: quantized weights are not supported");
        }
        Ok(())
    }

    /// Rotary angles, from either place where files keep them. `rope_scaling` wins, as in transformers.
    fn rope(&self) -> Result<Rope> {
        let (name, value) = match (&self.rope_scaling, &self.rope_parameters) {
            (Some(value), _) => ("rope_scaling", value),
            (None, Some(value)) => ("rope_parameters", value),
            (None, None) => ("rope_parameters", &Value::Null),
        };
        let empty = Map::new();
        let values = match value {
            Value::Null => &empty,
            Value::Object(values) => values,
            _ => return refuse(format!("{name} is {value}, it must be an object")),
        };
        if let Some((key, _)) = values.iter().find(|(_, value)| value.is_object()) {
            return refuse(format!("{name} has `{key}`: rotary angles by layer are not supported"));
        }
        let given = |key: &str| values.get(key).filter(|value| !value.is_null());
        let number = |key: &str| match given(key).map(Value::as_f64) {
            Some(Some(number)) => Ok(number),
            _ => refuse(format!("{name}: `{key}` is missing or not a number")),
        };
        let partial = given("partial_rotary_factor").or_else(|| self.all.get("partial_rotary_factor"));
        if partial.is_some_and(|value| !value.is_null() && value.as_f64() != Some(1.0)) {
            return refuse("partial_rotary_factor is not supported, heads are turned as a whole");
        }
        let scaling = match given("rope_type").or_else(|| given("type")).map(Value::as_str) {
            None | Some(Some("default")) => RopeScaling::None,
            Some(Some("linear")) => RopeScaling::Linear { factor: number("factor")? },
            Some(Some("llama3")) => RopeScaling::Llama3 {
                factor: number("factor")?,
                low_freq_factor: number("low_freq_factor")?,
                high_freq_factor: number("high_freq_factor")?,
                original_context: match given("original_max_position_embeddings") {
                    Some(value) => match value.as_u64().and_then(|value| usize::try_from(value).ok()) {
                        Some(value) => value,
                        None => return refuse("original_max_position_embeddings is no whole number"),
                    },
                    None => self.max_position_embeddings,
                },
            },
            Some(other) => {
                let kind = other.unwrap_or("not a text");
                return refuse(format!(
                    "{name}: rope_type `{kind}` is not supported, only `default`, `linear`, `llama3`"
                ));
            }
        };
        let theta = match given("rope_theta") {
            Some(_) => number("rope_theta")?,
            None => self.rope_theta.unwrap_or(10_000.0),
        };
        Ok(Rope { theta, scaling })
    }
}

fn scaling_to_json(scaling: RopeScaling) -> Option<Value> {
    match scaling {
        RopeScaling::None => None,
        RopeScaling::Linear { factor } => Some(json!({"rope_type": "linear", "factor": factor})),
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_context } => Some(json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor,
            "original_max_position_embeddings": original_context,
        })),
    }
}
