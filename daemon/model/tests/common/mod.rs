//! Small models for tests.

use std::sync::Arc;

use azr_model::{
    AdamWConfig, ModelConfig, OptimizerConfig, Qwen2Shape, Tokenizer, Trainer, TrainerConfig, Weights,
    random::DrawKey,
};

/// One character a token, so that any token ids can be written as text.
pub fn letter(token: u32) -> char {
    char::from_u32(0x4e00 + token).unwrap()
}

/// Text of tokens under [`letters_tokenizer`].
#[allow(dead_code, reason = "not every test file needs it")]
pub fn text(tokens: &[u32]) -> String {
    tokens.iter().map(|&token| letter(token)).collect()
}

/// `tokenizer.json` of one character a token.
pub fn letters_tokenizer(size: u32) -> String {
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        (0..size).map(|token| (letter(token).to_string(), token.into())).collect();
    serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                  "vocab": vocabulary, "merges": []}
    })
    .to_string()
}

/// The tokenizer itself; token 0 ends a text.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn tokenizer(size: u32) -> Arc<Tokenizer> {
    Arc::new(Tokenizer::from_bytes(letters_tokenizer(size).as_bytes(), &[0]).unwrap())
}

/// A model small enough for many runs, with lively weights.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn weights(tied: bool, seed: u64) -> Arc<Weights> {
    let mut config = ModelConfig::from(Qwen2Shape {
        vocab_size: 80,
        hidden_size: 48,
        intermediate_size: 96,
        num_hidden_layers: 2,
        num_attention_heads: 6,
        num_key_value_heads: 2,
        max_position_embeddings: 160,
        tie_word_embeddings: tied,
    });
    config.initializer_range = 0.3;
    Weights::init(config, &DrawKey::new(seed, 0, "test.init", 0)).unwrap()
}

/// Tokens that look random.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn tokens(len: usize, item: u64) -> Vec<u32> {
    use rand_chacha::rand_core::Rng;
    let mut rng = DrawKey::new(9, 0, "test.tokens", item).rng();
    (0..len).map(|_| 1 + rng.next_u32() % 79).collect()
}

/// A trainer with plain settings.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn trainer(weights: &Arc<Weights>, chunk_sequences: usize) -> Trainer {
    let optimizer = OptimizerConfig::AdamW(AdamWConfig::default());
    let config = TrainerConfig { chunk_sequences, max_gradient_norm: 1.0, optimizer };
    Trainer::new(Arc::clone(weights), config).unwrap()
}

/// Runs `work` on a pool of so many threads.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}
