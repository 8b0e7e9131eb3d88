//! What the families make of `config.json`, and that every kind of model keeps the promises of training and
//! generation.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use azr_model::{
    Engine, EngineConfig, Generate, GenerateRequest, ModelConfig, ModelFolder, RopeScaling, Sampling,
    WeightFormat, WeightedSequence, Weights, random::DrawKey,
};
use common::{on_threads, text, tokenizer, tokens, trainer};
use serde_json::{Value, json};

/// A small model of a family, with more keys.
fn file(model_type: &str, more: &Value) -> String {
    let mut file = json!({
        "model_type": model_type, "vocab_size": 80, "hidden_size": 48, "intermediate_size": 96,
        "num_hidden_layers": 2, "num_attention_heads": 6, "num_key_value_heads": 2,
        "max_position_embeddings": 160, "initializer_range": 0.3,
    });
    for (key, value) in more.as_object().unwrap() {
        file[key] = value.clone();
    }
    file.to_string()
}

fn llama3() -> Value {
    json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 40})
}

fn configs() -> Vec<ModelConfig> {
    [
        ("qwen2", json!({})),
        ("qwen3", json!({"head_dim": 10, "tie_word_embeddings": true})),
        ("qwen3", json!({"head_dim": 16, "eos_token_id": [3, 4]})),
        ("llama", json!({"rope_scaling": llama3(), "rope_theta": 500.0})),
        ("llama", json!({"head_dim": 20, "rope_parameters": {"rope_type": "linear", "factor": 2.0}})),
    ]
    .iter()
    .map(|(family, more)| ModelConfig::from_json(&file(family, more)).unwrap())
    .collect()
}

fn weights(config: &ModelConfig) -> Arc<Weights> {
    Weights::init(config.clone(), &DrawKey::new(3, 0, "test.init", 0)).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    for config in configs() {
        assert_eq!(ModelConfig::from_json(&config.to_json()).unwrap(), config);
        let folder = tempfile::tempdir().unwrap();
        let model = ModelFolder {
            weights: weights(&config),
            tokenizer: tokenizer(80),
            generation: serde_json::from_str("{}").unwrap(),
            chat: None,
        };
        model.save(folder.path(), WeightFormat::F32).unwrap();
        let loaded = ModelFolder::load(folder.path()).unwrap();
        assert_eq!(*loaded.weights.config(), config);
        assert_eq!(loaded.weights.hash(), model.weights.hash());
    }
}

/// Records of runs hold the embedded model's files: their text stays.
#[test]
fn the_file_of_a_qwen2_has_its_usual_text() {
    let config = ModelConfig::from_json(&file("qwen2", &json!({"eos_token_id": 7}))).unwrap();
    let expected = r#"{
  "model_type": "qwen2",
  "architectures": [
    "Qwen2ForCausalLM"
  ],
  "vocab_size": 80,
  "hidden_size": 48,
  "intermediate_size": 96,
  "num_hidden_layers": 2,
  "num_attention_heads": 6,
  "num_key_value_heads": 2,
  "max_position_embeddings": 160,
  "rope_theta": 10000.0,
  "rms_norm_eps": 1e-6,
  "tie_word_embeddings": false,
  "hidden_act": "silu",
  "use_sliding_window": false,
  "initializer_range": 0.3,
  "eos_token_id": 7
}
"#;
    assert_eq!(config.to_json(), expected);
}

#[test]
fn families_differ_where_they_should() {
    let read = |family, more| ModelConfig::from_json(&file(family, &more)).unwrap();
    let qwen2 = read("qwen2", json!({}));
    assert!(qwen2.qkv_bias && !qwen2.query_key_norm && qwen2.head_dim == 8);
    let qwen3 = read("qwen3", json!({}));
    assert!(!qwen3.qkv_bias && qwen3.query_key_norm && qwen3.head_dim == 128);
    let llama = read("llama", json!({"num_key_value_heads": null, "rope_scaling": llama3()}));
    assert!(!llama.qkv_bias && !llama.query_key_norm && llama.num_key_value_heads == 6);
    let expected = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_context: 40,
    };
    assert_eq!(llama.rope.scaling, expected);
    // The old name of the type; the base in its new place, which goes before the old one.
    let old = read("llama", json!({"rope_scaling": {"type": "linear", "factor": 2}}));
    assert_eq!(old.rope.scaling, RopeScaling::Linear { factor: 2.0 });
    let new = read("qwen3", json!({"rope_theta": 7.0, "rope_parameters": {"rope_theta": 9.0}}));
    assert_eq!((new.rope.theta, new.rope.scaling), (9.0, RopeScaling::None));
    assert_eq!(read("qwen2", json!({"rope_theta": 7.0, "rope_scaling": null})).rope.theta, 7.0);
}

#[test]
fn what_cannot_be_run_is_refused_with_its_reason() {
    let rope = |mut values: Value, key: &str, value: Value| {
        values[key] = value;
        json!({"rope_scaling": values})
    };
    for (family, more, reason) in [
        ("qwen3_moe", json!({}), "model_type `qwen3_moe` is not supported"),
        ("qwen3", json!({"num_experts": 8}), "num_experts is 8: mixtures of experts"),
        ("llama", json!({"num_local_experts": 4}), "mixtures of experts"),
        ("qwen2", json!({"use_sliding_window": true}), "use_sliding_window"),
        ("qwen2", json!({"layer_types": ["full_attention", "sliding_attention"]}), "\"sliding_attention\""),
        ("qwen3", json!({"attention_dropout": 0.1}), "attention_dropout is 0.1"),
        ("qwen3", json!({"attention_bias": true}), "attention_bias"),
        ("llama", json!({"attention_bias": true}), "attention_bias"),
        ("llama", json!({"mlp_bias": true}), "mlp_bias"),
        ("llama", json!({"hidden_act": "gelu"}), "hidden_act `gelu`"),
        ("llama", json!({"quantization_config": {"bits": 4}}), "quantized weights"),
        ("llama", json!({"partial_rotary_factor": 0.5}), "partial_rotary_factor"),
        ("qwen2", json!({"num_key_value_heads": null}), "num_key_value_heads"),
        ("qwen2", json!({"rope_scaling": {"type": "yarn", "factor": 4.0}}), "rope_type `yarn`"),
        ("qwen2", json!({"rope_parameters": {"rope_type": "dynamic"}}), "rope_type `dynamic`"),
        ("qwen2", json!({"rope_parameters": {"full_attention": {}}}), "rotary angles by layer"),
        ("qwen2", json!({"rope_parameters": 7}), "rope_parameters is 7"),
        ("llama", json!({"rope_scaling": {"rope_type": "linear"}}), "`factor` is missing"),
        ("llama", json!({"rope_scaling": {"rope_type": "linear", "factor": 0.0}}), "factor is 0"),
        ("llama", rope(llama3(), "factor", json!(-1.0)), "factor is -1"),
        ("llama", rope(llama3(), "low_freq_factor", json!(4.0)), "low_freq_factor (4)"),
        ("llama", rope(llama3(), "high_freq_factor", json!("a")), "`high_freq_factor` is missing"),
        ("llama", rope(llama3(), "original_max_position_embeddings", json!(0)), "embeddings is 0"),
        ("llama", json!({"head_dim": 7}), "head_dim (7) is odd"),
        ("llama", json!({"hidden_size": 50}), "hidden_size (50) is not a multiple"),
        ("llama", json!({"rope_theta": 0.5}), "rope_theta above 1"),
    ] {
        let error = ModelConfig::from_json(&file(family, &more)).unwrap_err().to_string();
        assert!(error.contains(reason), "{family} {more}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    for text in ["{}", "[]", "", "{\"model_type\": 7}", "{\"model_type\": \"llama\"}"] {
        assert!(ModelConfig::from_json(text).is_err(), "{text}");
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn threads_change_no_bit_of_a_gradient() {
    let batch: Vec<WeightedSequence> = (0..9)
        .map(|i| {
            let tokens = tokens(3 + i * 15, i as u64);
            WeightedSequence { weights: vec![1.0; tokens.len()], tokens }
        })
        .collect();
    for config in configs() {
        let gradient = |threads, chunk_sequences| {
            let mut trainer = trainer(&weights(&config), chunk_sequences);
            on_threads(threads, || {
                let (loss, gradients) = trainer.cross_entropy_gradient(&batch, 10.0).unwrap();
                let all: Vec<Vec<u32>> = gradients
                    .values()
                    .map(|gradient| bits(&gradient.flatten_all().unwrap().to_vec1().unwrap()))
                    .collect();
                assert!(all.iter().all(|gradient| gradient.iter().any(|bits| *bits != 0)));
                (loss.to_bits(), all)
            })
        };
        for chunk_sequences in [2, 64] {
            let one = gradient(1, chunk_sequences);
            assert!(one == gradient(3, chunk_sequences), "{}", config.model_type);
        }
    }
}

#[test]
fn completions_do_not_depend_on_their_company_and_have_the_trainers_scores() {
    let requests: Vec<GenerateRequest> = (0..12)
        .map(|item| GenerateRequest {
            prompt: text(&tokens(1 + item as usize * 7 % 40, item % 5)),
            max_new_tokens: 1 + item as usize * 13 % 40,
            stop: Vec::new(),
            sampling: if item % 2 == 0 { Sampling::GREEDY } else { Sampling::TEMPERATURE_1 },
            key: DrawKey::new(3, 1, "test", item),
        })
        .collect();
    for config in configs() {
        let weights = weights(&config);
        let engine = |slots| {
            let config = EngineConfig { slots, max_context: 120 };
            Engine::new(Arc::clone(&weights), tokenizer(80), config).unwrap()
        };
        let together = on_threads(2, || engine(7).generate(&requests).unwrap());
        for (request, completion) in requests.iter().zip(&together) {
            let alone = engine(1).generate(std::slice::from_ref(request)).unwrap().remove(0);
            assert_eq!(alone.tokens, completion.tokens);
            assert_eq!(bits(&alone.logprobs), bits(&completion.logprobs), "{}", config.model_type);
            let all = [completion.prompt_tokens.as_slice(), &completion.tokens].concat();
            let scores = trainer(&weights, 4).score(&[&all]).unwrap().remove(0);
            let expected = &scores.logprobs[completion.prompt_tokens.len() - 1..];
            for (found, expected) in completion.logprobs.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-4, "{}: {found} {expected}", config.model_type);
            }
        }
    }
}
