//! Where each parameter stands in the one flat storage.
//!
//! The order makes packing free: the rows of a layer's query, key and value projections follow one another, so
//! they are one matrix for the products and three tensors for the HF names; gate and up likewise.

use std::ops::Range;

use crate::config::ModelConfig;

/// What the optimizer needs to know of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    /// Matrix of a block: decayed; Muon's.
    Matrix,
    /// Untied output head: decayed, not Muon's.
    Head,
    /// Token embedding: not decayed.
    Embedding,
    /// Norm or bias: not decayed.
    Vector,
}

/// One HF tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// HF name.
    pub(crate) name: String,
    /// Shape.
    pub(crate) shape: Vec<usize>,
    /// Place in the flat storage.
    pub(crate) range: Range<usize>,
    /// What it is.
    pub(crate) kind: ParameterKind,
}

/// Places of a block's packed parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LayerRanges {
    pub(crate) input_norm: Range<usize>,
    pub(crate) qkv: Range<usize>,
    pub(crate) qkv_bias: Option<Range<usize>>,
    /// Weights of the norms of query heads and of key heads.
    pub(crate) head_norms: Option<Range<usize>>,
    pub(crate) output: Range<usize>,
    pub(crate) post_norm: Range<usize>,
    pub(crate) gate_up: Range<usize>,
    pub(crate) down: Range<usize>,
}

/// All places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) embedding: Range<usize>,
    pub(crate) layers: Vec<LayerRanges>,
    pub(crate) final_norm: Range<usize>,
    /// The embedding where the head is tied.
    pub(crate) head: Range<usize>,
    pub(crate) len: usize,
}

struct Builder {
    parameters: Vec<Parameter>,
    len: usize,
}

impl Builder {
    fn push(&mut self, name: String, shape: &[usize], kind: ParameterKind) -> Range<usize> {
        let range = self.len..self.len + shape.iter().product::<usize>();
        self.len = range.end;
        self.parameters.push(Parameter { name, shape: shape.to_vec(), range: range.clone(), kind });
        range
    }

    /// Tensors that follow one another, as one range.
    fn push_all(
        &mut self,
        names: &[(&str, usize)],
        prefix: &str,
        suffix: &str,
        width: Option<usize>,
    ) -> Range<usize> {
        let start = self.len;
        for &(name, rows) in names {
            let shape: Vec<usize> = std::iter::once(rows).chain(width).collect();
            let kind = if width.is_some() { ParameterKind::Matrix } else { ParameterKind::Vector };
            self.push(format!("{prefix}.{name}.{suffix}"), &shape, kind);
        }
        start..self.len
    }
}

impl Layout {
    /// The layout of a configuration.
    pub(crate) fn new(config: &ModelConfig) -> Self {
        let mut builder = Builder { parameters: Vec::new(), len: 0 };
        let (hidden, width) = (config.hidden_size, config.head_dim);
        let (queries, keys) = (config.num_attention_heads * width, config.num_key_value_heads * width);
        let vocabulary = [config.vocab_size, hidden];
        let embedding =
            builder.push("model.embed_tokens.weight".to_owned(), &vocabulary, ParameterKind::Embedding);
        let layers = (0..config.num_hidden_layers)
            .map(|index| {
                let layer = format!("model.layers.{index}");
                let projections =
                    [("self_attn.q_proj", queries), ("self_attn.k_proj", keys), ("self_attn.v_proj", keys)];
                let head_norms = [("self_attn.q_norm", width), ("self_attn.k_norm", width)];
                let mlp =
                    [("mlp.gate_proj", config.intermediate_size), ("mlp.up_proj", config.intermediate_size)];
                LayerRanges {
                    input_norm: builder.push_all(&[("input_layernorm", hidden)], &layer, "weight", None),
                    qkv: builder.push_all(&projections, &layer, "weight", Some(hidden)),
                    qkv_bias: config.qkv_bias.then(|| builder.push_all(&projections, &layer, "bias", None)),
                    head_norms: config
                        .query_key_norm
                        .then(|| builder.push_all(&head_norms, &layer, "weight", None)),
                    output: builder.push_all(
                        &[("self_attn.o_proj", hidden)],
                        &layer,
                        "weight",
                        Some(queries),
                    ),
                    post_norm: builder.push_all(
                        &[("post_attention_layernorm", hidden)],
                        &layer,
                        "weight",
                        None,
                    ),
                    gate_up: builder.push_all(&mlp, &layer, "weight", Some(hidden)),
                    down: builder.push_all(
                        &[("mlp.down_proj", hidden)],
                        &layer,
                        "weight",
                        Some(config.intermediate_size),
                    ),
                }
            })
            .collect();
        let final_norm = builder.push("model.norm.weight".to_owned(), &[hidden], ParameterKind::Vector);
        let head = if config.tie_word_embeddings {
            embedding.clone()
        } else {
            builder.push("lm_head.weight".to_owned(), &vocabulary, ParameterKind::Head)
        };
        Self { parameters: builder.parameters, embedding, layers, final_norm, head, len: builder.len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files as their makers publish them, with the published number of parameters.
    #[test]
    fn published_models_have_their_number_of_parameters() {
        for (file, expected) in [
            (
                r#"{"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643,
                "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 3584, "initializer_range": 0.02,
                "intermediate_size": 18944, "max_position_embeddings": 32768, "max_window_layers": 28,
                "model_type": "qwen2", "num_attention_heads": 28, "num_hidden_layers": 28,
                "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
                "sliding_window": 131072, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
                "use_cache": true, "use_sliding_window": false, "vocab_size": 152064}"#,
                7_615_616_512,
            ),
            (
                r#"{"architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
                "bos_token_id": 151643, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu",
                "hidden_size": 1024, "initializer_range": 0.02, "intermediate_size": 3072,
                "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3",
                "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8,
                "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
                "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936}"#,
                596_049_920,
            ),
            (
                r#"{"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
                "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009], "head_dim": 64,
                "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02,
                "intermediate_size": 8192, "max_position_embeddings": 131072, "mlp_bias": false,
                "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16,
                "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
                "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "rope_theta": 500000.0,
                "tie_word_embeddings": true, "vocab_size": 128256}"#,
                1_235_814_400,
            ),
        ] {
            let config = ModelConfig::from_json(file).expect("a published file is read");
            assert_eq!(Layout::new(&config).len, expected, "{}", config.model_type);
        }
    }
}
