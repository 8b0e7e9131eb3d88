//! GGUF, the file format of llama.cpp: weights (packed or not), tokenizer and chat template in one file.
//!
//! A file is turned into a model in memory with 32-bit weights, and from there into a folder in the HF layout.
//! Nothing in it is trusted: see `header`.

mod blocks;
mod description;
mod header;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::chat::ChatFormat;
use crate::config::ModelConfig;
use crate::error::{ModelError, Result, TensorProblem};
use crate::folder::{GenerationConfig, ModelFolder};
use crate::layout::{Layout, Parameter};
use crate::packed::{PackedWeights, Part};
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;
use crate::{EosTokens, file};

use description::{Metadata, ROPE_FACTORS};
use header::{Header, TensorPlace};

/// Reads a GGUF file.
pub(crate) fn import(path: &Path, packed: Keep) -> Result<ModelFolder> {
    let mut file = File::open(path).map_err(file::failure(path, "opening"))?;
    let size = file.metadata().map_err(file::failure(path, "reading"))?.len();
    read(path, &mut std::io::BufReader::with_capacity(1 << 16, &mut file), size, packed)
}

/// What is kept of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The numbers.
    Numbers,
    /// The packed form too, which the engine reads.
    Packed,
}

/// Reads a GGUF file of `size` bytes; errors name `path`.
pub(crate) fn read(path: &Path, file: &mut (impl Read + Seek), size: u64, keep: Keep) -> Result<ModelFolder> {
    let bad = |reason: String| ModelError::Format { path: path.to_owned(), reason };
    let header = header::read(file, size).map_err(bad)?;
    let mut tensors = Tensors { path, file, header: &header };
    let factors = header.tensors.get(ROPE_FACTORS).map(|place| {
        let mut values = vec![0.0; place.shape.iter().product()];
        tensors.unpack(ROPE_FACTORS, place, &mut values).map(|_| values)
    });
    let factors = factors.transpose()?;
    let config = description::config(&header, factors.as_deref()).map_err(bad)?;
    let config = ModelConfig::from_json(&config).map_err(|error| bad(error.to_string()))?;
    let metadata = Metadata::new(&header).map_err(bad)?;
    let vocabulary = vocabulary::read(&metadata).map_err(bad)?;
    let eos: Option<EosTokens> = serde_json::from_value(description::ends(&metadata)).ok();
    let tokenizer =
        Tokenizer::from_bytes(vocabulary.tokenizer.as_bytes(), eos.as_ref().map_or(&[][..], EosTokens::ids))
            .map_err(|error| bad(error.to_string()))?;
    let generation = GenerationConfig {
        eos_token_id: eos,
        bos_token_id: metadata.token("bos"),
        pad_token_id: metadata.token("padding"),
        ..GenerationConfig::default()
    };
    let template = metadata.text("tokenizer.chat_template").map(str::to_owned);
    let mut settings = vocabulary.settings;
    settings.insert("model_max_length".to_owned(), json!(config.max_position_embeddings));
    let chat = Some(ChatFormat::new(settings, template));
    let weights = tensors.weights(config, keep)?;
    Ok(ModelFolder { weights, tokenizer: Arc::new(tokenizer), generation, chat })
}

/// The tensors of a file.
struct Tensors<'f, F> {
    path: &'f Path,
    file: &'f mut F,
    header: &'f Header,
}

impl<'f, F: Read + Seek> Tensors<'f, F> {
    fn weights(&mut self, config: ModelConfig, keep: Keep) -> Result<Arc<Weights>> {
        let layout = Layout::new(&config);
        let places = self.places(&layout)?;
        let mut flat = vec![0f32; layout.len];
        // Only files of this architecture have the rows of each head in pairs.
        let turned = config.model_type == "llama";
        let mut parts = BTreeMap::new();
        for (parameter, (name, place)) in layout.parameters.iter().zip(places) {
            let values = &mut flat[parameter.range.clone()];
            let mut packed = self.unpack(&name, place, values)?;
            let heads = match parameter.name.rsplit('.').nth(1) {
                Some("q_proj") => config.num_attention_heads,
                Some("k_proj") => config.num_key_value_heads,
                _ => 0,
            };
            if turned && heads > 0 {
                pairs_to_halves(values, heads, config.head_dim);
                pairs_to_halves(&mut packed, heads, config.head_dim);
            }
            if keep == Keep::Packed && parameter.shape.len() == 2 {
                let rows = place.format.rows(&packed).map(Part::Packed);
                parts.insert(
                    parameter.range.start,
                    rows.unwrap_or_else(|| Part::Plain(parameter.range.clone())),
                );
            }
        }
        let packed = PackedWeights::new(&layout, parts).map(Arc::new);
        Weights::from_packed(config, flat, 0, packed)
    }

    /// Where each parameter is, after a check that the file has these tensors in these shapes and no others. No
    /// memory is taken for them before.
    fn places(&self, layout: &Layout) -> Result<Vec<(String, &'f TensorPlace)>> {
        let mut problems = Vec::new();
        let mut places = Vec::new();
        for parameter in &layout.parameters {
            let name = gguf_name(&parameter.name);
            match self.header.tensors.get(&name) {
                Some(place) => places.push((name, place)),
                None => {
                    problems.push(TensorProblem::Missing { tensor: name, expected: parameter.shape.clone() });
                }
            }
        }
        let known = |name: &str| name == ROPE_FACTORS || places.iter().any(|(known, _)| known == name);
        let surplus = self.header.tensors.keys().filter(|name| !known(name));
        problems.extend(surplus.map(|name| TensorProblem::Surplus { tensor: name.clone() }));
        if !problems.is_empty() {
            return Err(ModelError::Tensors { path: self.path.to_owned(), problems });
        }
        for (Parameter { shape, .. }, (name, place)) in layout.parameters.iter().zip(&places) {
            if place.shape != *shape {
                return Err(ModelError::TensorShape {
                    path: self.path.to_owned(),
                    tensor: name.clone(),
                    expected: shape.clone(),
                    found: place.shape.clone(),
                });
            }
        }
        Ok(places)
    }

    /// Fills in the numbers of a tensor; gives its bytes.
    fn unpack(&mut self, name: &str, place: &TensorPlace, values: &mut [f32]) -> Result<Vec<u8>> {
        let failed = |source| ModelError::File { path: self.path.to_owned(), action: "reading", source };
        self.file.seek(SeekFrom::Start(place.start)).map_err(failed)?;
        let mut packed = vec![0; place.len as usize];
        self.file.read_exact(&mut packed).map_err(failed)?;
        place.format.unpack(&packed, values);
        if values.iter().all(|value| value.is_finite()) {
            return Ok(packed);
        }
        let reason = format!("tensor `{name}` has numbers that are not finite");
        Err(ModelError::Format { path: self.path.to_owned(), reason })
    }
}

/// The name of a parameter in the file.
fn gguf_name(name: &str) -> String {
    let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
    let stem = match stem {
        "model.embed_tokens" => "token_embd".to_owned(),
        "model.norm" => "output_norm".to_owned(),
        "lm_head" => "output".to_owned(),
        _ => {
            let in_layer = stem.strip_prefix("model.layers.").unwrap_or(stem);
            let (layer, part) = in_layer.split_once('.').unwrap_or((in_layer, ""));
            let part = match part {
                "input_layernorm" => "attn_norm",
                "post_attention_layernorm" => "ffn_norm",
                "self_attn.q_proj" => "attn_q",
                "self_attn.k_proj" => "attn_k",
                "self_attn.v_proj" => "attn_v",
                "self_attn.o_proj" => "attn_output",
                "self_attn.q_norm" => "attn_q_norm",
                "self_attn.k_norm" => "attn_k_norm",
                "mlp.gate_proj" => "ffn_gate",
                "mlp.up_proj" => "ffn_up",
                "mlp.down_proj" => "ffn_down",
                other => other,
            };
            format!("blk.{layer}.{part}")
        }
    };
    format!("{stem}.{kind}")
}

/// llama.cpp keeps the two rows that are turned together side by side; HF has them half a head apart.
fn pairs_to_halves<T: Copy + Default>(values: &mut [T], heads: usize, width: usize) {
    let row = values.len() / (heads * width).max(1);
    let mut turned = vec![T::default(); width * row];
    for head in values.chunks_exact_mut(width * row) {
        for (i, source) in head.chunks_exact(row).enumerate() {
            let target = i / 2 + (i % 2) * width / 2;
            turned[target * row..(target + 1) * row].copy_from_slice(source);
        }
        head.copy_from_slice(&turned);
    }
}
