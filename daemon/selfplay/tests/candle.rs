//! The same run, stopped and resumed, with a real model: equal lines, equal weights.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is the failure; a skipped test says why"
)]

mod support;

use azr_model::random::DrawKey;
use azr_model::{EngineConfig, GenerationConfig, ModelConfig, ModelFolder, Qwen2Shape, Tokenizer, Weights};
use azr_selfplay::SelfPlayConfig;
use azr_selfplay::config::{Baseline, SeedSource};
use azr_selfplay::observe::{Event, NoEvaluation, Observer};
use azr_selfplay::policy::{CandlePolicy, Policy};
use azr_selfplay::record::StepRecord;
use azr_selfplay::run::{Outcome, RunContext, run};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{sandbox, tiny_config};

const CHARACTERS: &str =
    "\n !\"#'()*+,-./0123456789:<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_`abcdefghijklmnopqrstuvwxyz{}";

/// A tokenizer of one token a character; the last token ends a text.
fn tokenizer() -> (Tokenizer, u32) {
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        CHARACTERS.chars().zip(0_u32..).map(|(one, id)| (one.to_string(), id.into())).collect();
    let end = vocabulary.len() as u32;
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
        "post_processor": null, "decoder": {"type": "Fuse"},
        "added_tokens": [{"id": end, "content": "<|end|>", "single_word": false, "lstrip": false, "rstrip": false,
                          "normalized": false, "special": true}],
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                  "vocab": vocabulary, "merges": []}
    });
    (Tokenizer::from_bytes(json.to_string().as_bytes(), &[end]).unwrap(), end)
}

/// A random model of a few thousand parameters: it answers noise, which is never well formed.
fn policy(config: &SelfPlayConfig) -> CandlePolicy {
    let (tokenizer, end) = tokenizer();
    let mut model_config = ModelConfig::from(Qwen2Shape {
        vocab_size: end as usize + 1,
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        max_position_embeddings: 400,
        tie_word_embeddings: true,
    });
    model_config.eos_token_id = Some(azr_model::EosTokens::One(end));
    let weights = Weights::init(model_config, &DrawKey::new(5, 0, "test.weights", 0)).unwrap();
    let generation = GenerationConfig {
        eos_token_id: Some(azr_model::EosTokens::One(end)),
        ..GenerationConfig::default()
    };
    let model = ModelFolder { weights, tokenizer: Arc::new(tokenizer), generation, chat: None };
    CandlePolicy::new(model, EngineConfig { slots: 8, max_context: 400 }, &config.update).unwrap()
}

struct StopAt<'a> {
    step: u64,
    flag: &'a AtomicBool,
}

impl Observer for StopAt<'_> {
    fn event(&mut self, event: Event<'_>) {
        if matches!(event, Event::StepStarted { step, .. } if step == self.step) {
            self.flag.store(true, Ordering::Relaxed);
        }
    }
}

fn play(config: &SelfPlayConfig, folder: &Path, resume: bool, stop_at: u64) -> (Outcome, String) {
    let (mut policy, stop) = (policy(config), AtomicBool::new(false));
    let outcome = run(RunContext {
        config,
        policy: &mut policy,
        sandbox: sandbox(),
        folder,
        resume,
        exact: true,
        seeds: None,
        held_out: &BTreeSet::new(),
        reference_texts: None,
        info: serde_json::Value::Null,
        observer: &mut StopAt { step: stop_at, flag: &stop },
        evaluate: &mut NoEvaluation,
        stop: &stop,
        clock: &|| 0.0,
    })
    .unwrap();
    let hash = policy.weights_hash().unwrap();
    (outcome, hash)
}

#[test]
fn a_resumed_run_of_a_real_model_has_the_same_weights() {
    resumed_equals_whole(&noisy_config());
}

#[test]
fn a_kl_term_holds_the_weights_near_those_of_the_beginning_also_after_a_resume() {
    let mut config = noisy_config();
    let free = resumed_equals_whole(&config);
    assert!(free.iter().all(|step| step.reference_kl.is_none()));
    let drift = |config: &SelfPlayConfig| resumed_equals_whole(config)[2].reference_kl.unwrap();
    config.update.kl_coefficient = 1e-6;
    let loose = drift(&config);
    config.update.kl_coefficient = 100.0;
    let held = drift(&config);
    assert!(loose > 0.0 && held < loose, "{held} with a strong term, {loose} with next to none");
}

fn noisy_config() -> SelfPlayConfig {
    let mut config = tiny_config();
    config.seeding.source = SeedSource::Identity;
    config.rollout.max_response_tokens = 24;
    config.rollout.content_max_tokens = 370;
    config.rollout.n_proposals = 3;
    config.rollout.n_solves = 3;
    config.run.steps = 3;
    config.run.checkpoint_every = 1;
    // Noise earns -1 everywhere; without a baseline that still moves the weights.
    config.advantage.baseline = Baseline::None;
    config.update.learning_rate = 1e-3;
    config
}

/// The records of a run, which is the same when it is stopped in its second step and resumed.
fn resumed_equals_whole(config: &SelfPlayConfig) -> Vec<StepRecord> {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let before = policy(config).weights_hash().unwrap();
    let (_, weights) = play(config, whole.path(), false, 0);
    assert_ne!(weights, before, "the run changes the weights");
    let (outcome, _) = play(config, parts.path(), false, 2);
    assert_eq!(outcome, Outcome::Stopped { step: 2 });
    let (_, resumed) = play(config, parts.path(), true, 0);
    assert_eq!(weights, resumed);
    let lines = |folder: &Path| std::fs::read_to_string(folder.join("steps.jsonl")).unwrap();
    assert_eq!(lines(whole.path()), lines(parts.path()));
    lines(whole.path()).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
