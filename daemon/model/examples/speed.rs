//! Training and generation speed, as a table.
//!
//!     cargo run --release -p azr-model --example speed [train|generate] [repetitions]
//!
//! On a busy machine wall times say little; the column "per CPU second" counts the processor time of this
//! process, so twice it is what two idle cores would reach at best.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program to look at: it takes times and prints"
)]

use std::sync::Arc;
use std::time::Instant;

use azr_model::{
    AdamWConfig, Engine, EngineConfig, Generate, GenerateRequest, ModelConfig, MuonConfig, OptimizerConfig,
    Qwen2Shape, Sampling, Tokenizer, Trainer, TrainerConfig, WeightedSequence, Weights, random::DrawKey,
};

struct Case {
    name: &'static str,
    shape: Qwen2Shape,
    sequences: usize,
    /// Tokens of sequence `i`.
    length: fn(usize) -> usize,
    chunk_sequences: usize,
    muon: bool,
}

const PROTOTYPE: Qwen2Shape = Qwen2Shape {
    vocab_size: 512,
    hidden_size: 256,
    intermediate_size: 768,
    num_hidden_layers: 4,
    num_attention_heads: 8,
    num_key_value_heads: 2,
    max_position_embeddings: 1024,
    tie_word_embeddings: true,
};

const TINY: Qwen2Shape = Qwen2Shape {
    vocab_size: 512,
    hidden_size: 192,
    intermediate_size: 576,
    num_hidden_layers: 5,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    max_position_embeddings: 512,
    tie_word_embeddings: true,
};

/// Processor seconds this process has used.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

/// Best wall rate and mean rate per processor second of `count` things done by `work`.
fn measure(repetitions: usize, count: usize, mut work: impl FnMut()) -> (f64, f64) {
    work();
    let (start, mut best) = (processor_seconds(), f64::MAX);
    for _ in 0..repetitions {
        let began = Instant::now();
        work();
        best = best.min(began.elapsed().as_secs_f64());
    }
    (count as f64 / best, (repetitions * count) as f64 / (processor_seconds() - start))
}

fn tokens(len: usize, item: usize) -> Vec<u32> {
    (0..len).map(|i| ((i * 7919 + item * 104_729 + i * i * 31) % 512) as u32).collect()
}

fn train(case: &Case, repetitions: usize) {
    let weights = Weights::init(ModelConfig::from(case.shape), &DrawKey::new(1, 0, "speed", 0)).unwrap();
    let adamw = AdamWConfig::default();
    let optimizer = if case.muon {
        OptimizerConfig::Muon { muon: MuonConfig::default(), adamw }
    } else {
        OptimizerConfig::AdamW(adamw)
    };
    let config = TrainerConfig { chunk_sequences: case.chunk_sequences, max_gradient_norm: 1.0, optimizer };
    let mut trainer = Trainer::new(Arc::clone(&weights), config).unwrap();
    let batch: Vec<WeightedSequence> = (0..case.sequences)
        .map(|i| {
            let tokens = tokens((case.length)(i), i);
            WeightedSequence { weights: vec![1.0; tokens.len()], tokens }
        })
        .collect();
    let count: usize = batch.iter().map(|sequence| sequence.tokens.len() - 1).sum();
    let (wall, per_cpu) = measure(repetitions, count, || {
        trainer.cross_entropy_step(&batch, count as f32, 1e-4).unwrap();
    });
    println!(
        "{:<44} {:>9} {:>7} {wall:>10.0} {per_cpu:>14.0} {:>9.1}",
        case.name,
        weights.parameter_count(),
        count,
        count as f64 / wall * 1e3
    );
}

fn generate(name: &str, shape: Qwen2Shape, requests: usize, prompt: usize, new: usize, repetitions: usize) {
    let weights = Weights::init(ModelConfig::from(shape), &DrawKey::new(1, 0, "speed", 0)).unwrap();
    let tokenizer = Arc::new(Tokenizer::from_bytes(letters().as_bytes(), &[]).unwrap());
    let config = EngineConfig { slots: 64, max_context: prompt + new };
    let mut engine = Engine::new(weights, tokenizer, config).unwrap();
    let requests: Vec<GenerateRequest> = (0..requests)
        .map(|i| GenerateRequest {
            prompt: tokens(prompt, i).into_iter().map(letter).collect(),
            max_new_tokens: new,
            stop: Vec::new(),
            sampling: Sampling::TEMPERATURE_1,
            key: DrawKey::new(1, 0, "speed", i as u64),
        })
        .collect();
    let (wall, per_cpu) = measure(repetitions, requests.len() * new, || {
        engine.generate(&requests).unwrap();
    });
    println!(
        "{name:<44} {:>9} {:>7} {wall:>10.0} {per_cpu:>14.0}",
        engine.weights().parameter_count(),
        requests.len() * new
    );
}

fn letter(token: u32) -> char {
    char::from_u32(0x4e00 + token).unwrap()
}

/// A tokenizer of one character a token.
fn letters() -> String {
    let entries: Vec<String> = (0..512).map(|token| format!("\"{}\":{token}", letter(token))).collect();
    format!(
        r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":null,"post_processor":null,"decoder":{{"type":"Fuse"}},"model":{{"type":"BPE",
        "dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,
        "fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":{{{}}},"merges":[]}}}}"#,
        entries.join(",")
    )
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let repetitions = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(4);
    println!(
        "{:<44} {:>9} {:>7} {:>10} {:>14} {:>9}",
        "case", "weights", "tokens", "tokens/s", "per CPU second", "ms"
    );
    if what != "generate" {
        let long = |_: usize| 257;
        let short = |i: usize| 50 + i % 41;
        let base =
            Case { name: "", shape: TINY, sequences: 48, length: short, chunk_sequences: 8, muon: false };
        for case in [
            Case {
                name: "train 3.1 M, 32 x 256, G 8, AdamW",
                shape: PROTOTYPE,
                sequences: 32,
                length: long,
                ..base
            },
            Case { name: "train tiny, 48 x ~70, G 8, AdamW", ..base },
            Case { name: "train tiny, 48 x ~70, G 8, Muon", muon: true, ..base },
            Case { name: "train tiny, 48 x ~70, G 24, Muon", chunk_sequences: 24, muon: true, ..base },
            Case { name: "train tiny, 48 x ~70, G 48, Muon", chunk_sequences: 48, muon: true, ..base },
        ] {
            train(&case, repetitions);
        }
    }
    if what != "train" {
        generate("generate 3.1 M, 64 x (128 + 128)", PROTOTYPE, 64, 128, 128, repetitions.div_ceil(2));
        generate("generate tiny, 192 x (60 + 40)", TINY, 192, 60, 40, repetitions.div_ceil(2));
    }
}
