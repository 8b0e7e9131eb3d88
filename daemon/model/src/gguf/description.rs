//! The metadata of a GGUF file as a `config.json`, so that families read and check it as they do any other.

use serde_json::{Map, Value as Json, json};

use super::header::{Header, Result, Value};

/// Names of the rotary factors of Llama 3.1 and later; they follow from the configuration.
pub(super) const ROPE_FACTORS: &str = "rope_freqs.weight";
pub(super) const EMBEDDING: &str = "token_embd.weight";
pub(super) const HEAD: &str = "output.weight";

/// Reads metadata with errors that name the key.
pub(super) struct Metadata<'h> {
    header: &'h Header,
    /// The family, which has the same name in `config.json`.
    architecture: &'h str,
}

impl<'h> Metadata<'h> {
    pub(super) fn new(header: &'h Header) -> Result<Self> {
        match header.metadata.get("general.architecture") {
            Some(Value::Text(architecture)) => Ok(Self { header, architecture }),
            _ => Err("general.architecture is missing: nothing says which model this is".to_owned()),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'h Value> {
        self.header.metadata.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'h str> {
        match self.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A token id.
    pub(super) fn token(&self, name: &str) -> Option<u32> {
        match self.get(&format!("tokenizer.ggml.{name}_token_id")) {
            Some(Value::Unsigned(id)) => u32::try_from(*id).ok(),
            Some(Value::Signed(id)) => u32::try_from(*id).ok(),
            _ => None,
        }
    }

    fn own(&self, key: &str) -> Option<Json> {
        match self.get(&format!("{}.{key}", self.architecture))? {
            Value::Unsigned(value) => Some(json!(value)),
            Value::Signed(value) => Some(json!(value)),
            Value::Real(value) => Some(json!(value)),
            _ => None,
        }
    }

    fn needed(&self, key: &str) -> Result<Json> {
        self.own(key).ok_or_else(|| format!("{}.{key} is missing or not one number", self.architecture))
    }
}

/// The text of a `config.json`; `rope_factors` are the numbers of [`ROPE_FACTORS`], where the file has it.
pub(super) fn config(header: &Header, rope_factors: Option<&[f32]>) -> Result<String> {
    let metadata = Metadata::new(header)?;
    crate::families::check_name(metadata.architecture).map_err(|error| error.to_string())?;
    let embedding = header.tensors.get(EMBEDDING).ok_or(format!("tensor `{EMBEDDING}` is missing"))?;
    let vocabulary = embedding.shape.first().copied().unwrap_or(0);
    let heads = metadata.needed("attention.head_count")?;
    let hidden = metadata.needed("embedding_length")?;
    let share = match (hidden.as_u64(), heads.as_u64()) {
        (Some(hidden), Some(heads)) if heads > 0 => json!(hidden / heads),
        _ => Json::Null,
    };
    let head_dim = metadata.own("attention.key_length").unwrap_or(share);
    if metadata.own("attention.value_length").is_some_and(|width| width != head_dim) {
        return Err("heads of values have another width than those of keys: this is not supported".to_owned());
    }
    if metadata.own("rope.dimension_count").is_some_and(|width| width != head_dim) {
        return Err("rope.dimension_count is not the width of a head: heads are turned as a whole".to_owned());
    }
    let key_value_heads = metadata.own("attention.head_count_kv").unwrap_or_else(|| heads.clone());
    let theta = metadata.own("rope.freq_base").unwrap_or(json!(10_000.0));
    let mut config = Map::new();
    let scaling = scaling(&metadata, rope_factors, &theta, &head_dim)?;
    for (key, value) in [
        ("model_type", json!(metadata.architecture)),
        ("vocab_size", json!(vocabulary)),
        ("hidden_size", hidden),
        ("intermediate_size", metadata.needed("feed_forward_length")?),
        ("num_hidden_layers", metadata.needed("block_count")?),
        ("num_attention_heads", heads),
        ("num_key_value_heads", key_value_heads),
        ("head_dim", head_dim),
        ("max_position_embeddings", metadata.needed("context_length")?),
        ("rope_theta", theta),
        ("rope_scaling", scaling),
        ("rms_norm_eps", metadata.needed("attention.layer_norm_rms_epsilon")?),
        ("tie_word_embeddings", json!(!header.tensors.contains_key(HEAD))),
        ("num_experts", metadata.own("expert_count").unwrap_or(Json::Null)),
        ("bos_token_id", json!(metadata.token("bos"))),
        ("eos_token_id", ends(&metadata)),
    ] {
        if !value.is_null() {
            config.insert(key.to_owned(), value);
        }
    }
    Ok(Json::Object(config).to_string())
}

/// Tokens that end a text: the one of the file and, where it differs, the one that ends a turn.
pub(super) fn ends(metadata: &Metadata<'_>) -> Json {
    let mut ids: Vec<u32> = [metadata.token("eos"), metadata.token("eot")].into_iter().flatten().collect();
    ids.dedup();
    match ids.as_slice() {
        [] => Json::Null,
        [id] => json!(id),
        ids => json!(ids),
    }
}

fn scaling(
    metadata: &Metadata<'_>,
    rope_factors: Option<&[f32]>,
    theta: &Json,
    head_dim: &Json,
) -> Result<Json> {
    if let Some(factors) = rope_factors {
        return llama3(factors, theta.as_f64().unwrap_or(0.0), head_dim.as_u64().unwrap_or(0) as usize);
    }
    let key = format!("{}.rope.scaling.type", metadata.architecture);
    match metadata.text(&key) {
        None | Some("none") => Ok(Json::Null),
        Some(kind) => Ok(json!({"rope_type": kind, "factor": metadata.own("rope.scaling.factor")})),
    }
}

/// The scaling of Llama 3.1 and later, which the file keeps as its result: what each frequency is divided by. All
/// published ones differ in the factor only.
fn llama3(factors: &[f32], theta: f64, head_dim: usize) -> Result<Json> {
    let (low, high, context) = (1.0, 4.0, 8192usize);
    let factor = factors.iter().copied().fold(1f32, f32::max);
    let scaling = crate::RopeScaling::Llama3 {
        factor: f64::from(factor),
        low_freq_factor: low,
        high_freq_factor: high,
        original_context: context,
    };
    let frequencies = |scaling| crate::Rope { theta, scaling }.frequencies(head_dim.min(1 << 12));
    let expected = frequencies(crate::RopeScaling::None).into_iter().zip(frequencies(scaling));
    let agrees = factors.len() == head_dim / 2
        && expected.zip(factors).all(|((plain, scaled), factor)| {
            (plain / scaled - factor).abs() <= 1e-3 * factor.abs() && factor.is_finite()
        });
    if !agrees {
        return Err(format!("`{ROPE_FACTORS}` has other factors than the scaling of Llama 3.1 gives"));
    }
    Ok(json!({
        "rope_type": "llama3", "factor": factor, "low_freq_factor": low, "high_freq_factor": high,
        "original_max_position_embeddings": context,
    }))
}
