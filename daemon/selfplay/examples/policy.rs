//! Self-play on another engine: everything that a [`Policy`] must do, in one file.
//!
//! The engine here is a table: for every prompt it holds a preference for each of a few answers, draws one by the softmax of
//! the preferences, and follows the policy gradient on them. It stands for whatever you have: a client of an inference
//! server with a trainer beside it, say. What the method asks of it is deterministic draws (`request.key`), tokens with
//! their log-probabilities, an update, and files.
//!
//!     cargo run --release -p azr-selfplay --example policy -- FOLDER

use azr_executor::Sandbox;
use azr_model::{Completion, FinishReason, Generate, GenerateRequest};
use azr_selfplay::SelfPlayConfig;
use azr_selfplay::config::{Mode, PromptProfile};
use azr_selfplay::observe::{NoEvaluation, Silent};
use azr_selfplay::policy::{Policy, TrainSequence, UpdateBatch, UpdateStats};
use azr_selfplay::prompt::compact;
use azr_selfplay::run::{RunContext, run};
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Answers to any prompt; a token is the index of one.
const N_ANSWERS: u32 = 6;

/// The engine.
#[derive(Default, Serialize, Deserialize)]
struct Table {
    version: u64,
    /// Preferences by prompt.
    preferences: BTreeMap<String, Vec<f64>>,
}

/// Why the engine failed.
#[derive(Debug, thiserror::Error)]
#[error("table policy: {0}")]
struct TableError(String);

impl Table {
    fn logprobs(&self, prompt: &str) -> Vec<f64> {
        let zeros = vec![0.0; N_ANSWERS as usize];
        let preferences = self.preferences.get(prompt).unwrap_or(&zeros);
        let total: f64 = preferences.iter().map(|preference| preference.exp()).sum();
        preferences.iter().map(|preference| preference - total.ln()).collect()
    }
}

/// Proposals add a number; solutions are guesses.
fn answer(prompt: &str, token: u32) -> String {
    if prompt.starts_with("Propose inputs") {
        let inputs: Vec<String> = (0..6).map(|input| (input + token).to_string()).collect();
        compact::induction_proposal("", inputs.iter().map(String::as_str), "adds")
    } else if prompt.starts_with("Propose") {
        compact::proposal("", &format!("def f(x):\n    return x + {token}"), "1")
    } else if prompt.starts_with("Write") {
        compact::answer_induction("", &format!("def f(x):\n    return x + {token}"))
    } else if prompt.starts_with("Find") {
        compact::answer_abduction("", &token.to_string())
    } else {
        compact::answer_deduction("", &token.to_string())
    }
}

/// A prompt's tokens are its bytes, shifted past the answers.
fn encode(text: &str) -> Vec<u32> {
    text.bytes().map(|byte| u32::from(byte) + N_ANSWERS).collect()
}

fn decode(tokens: &[u32]) -> String {
    let bytes: Vec<u8> = tokens.iter().map(|token| (token - N_ANSWERS) as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Generate for Table {
    type Error = TableError;

    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, TableError> {
        let one = |request: &GenerateRequest| {
            let logprobs = self.logprobs(&request.prompt);
            // The draw depends on the request's key alone, never on its company.
            let draw = request.key.rng().next_u64() as f64 / u64::MAX as f64;
            let mut sum = 0.0;
            let token = logprobs
                .iter()
                .position(|logprob| {
                    sum += logprob.exp();
                    draw < sum
                })
                .unwrap_or(logprobs.len() - 1);
            Completion {
                text: answer(&request.prompt, token as u32),
                prompt_tokens: encode(&request.prompt),
                tokens: vec![token as u32],
                logprobs: vec![logprobs[token] as f32],
                finish: FinishReason::Stop,
            }
        };
        Ok(requests.iter().map(one).collect())
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl Policy for Table {
    fn update(&mut self, batch: &UpdateBatch<'_>) -> Result<UpdateStats, TableError> {
        let mut stats = UpdateStats::default();
        for sequence in batch.sequences {
            let prompt = decode(&sequence.prompt_tokens);
            let probabilities: Vec<f64> =
                self.logprobs(&prompt).iter().map(|logprob| logprob.exp()).collect();
            let preferences = self.preferences.entry(prompt).or_insert_with(|| vec![0.0; N_ANSWERS as usize]);
            for (token, advantage) in sequence.response_tokens.iter().zip(&sequence.advantages) {
                for (index, preference) in preferences.iter_mut().enumerate() {
                    let chosen = f64::from(u8::from(index == *token as usize));
                    *preference +=
                        batch.learning_rate * f64::from(*advantage) * (chosen - probabilities[index]);
                }
                stats.tokens += 1;
            }
        }
        self.version += 1;
        Ok(stats)
    }

    fn score(&mut self, sequences: &[TrainSequence]) -> Result<Vec<Vec<f32>>, TableError> {
        let score = |sequence: &TrainSequence| {
            let logprobs = self.logprobs(&decode(&sequence.prompt_tokens));
            sequence.response_tokens.iter().map(|token| logprobs[*token as usize] as f32).collect()
        };
        Ok(sequences.iter().map(score).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len()
    }

    fn context_tokens(&self) -> usize {
        4_096
    }

    fn save(&self, folder: &Path) -> Result<(), TableError> {
        let text = self.weights_hash()?;
        std::fs::write(folder.join("table.json"), text).map_err(|error| TableError(error.to_string()))
    }

    fn load(&mut self, folder: &Path) -> Result<(), TableError> {
        let text = std::fs::read_to_string(folder.join("table.json"));
        let text = text.map_err(|error| TableError(error.to_string()))?;
        *self = serde_json::from_str(&text).map_err(|error| TableError(error.to_string()))?;
        Ok(())
    }

    fn weights_hash(&self) -> Result<String, TableError> {
        // The text itself names the weights; a real engine hashes them.
        serde_json::to_string(self).map_err(|error| TableError(error.to_string()))
    }
}

/// Plays a few steps in `folder` and returns the mean reward of the last step's deduction answers.
pub fn play(sandbox: &Sandbox, folder: &Path, steps: u64) -> Result<f64, Box<dyn std::error::Error>> {
    let mut config = SelfPlayConfig { mode: Mode::Clean, ..SelfPlayConfig::default() };
    config.run.steps = steps;
    config.run.prompts = PromptProfile::Compact;
    (config.rollout.n_proposals, config.rollout.n_solves) = (6, 24);
    (config.proposer.n_inputs, config.proposer.n_references) = (6, 1);
    config.seeding.max_batches = 2;
    config.learnability.n_samples = 2;
    config.update.learning_rate = 0.5;
    config.execution.seconds = 0.1;
    run(RunContext {
        config: &config,
        policy: &mut Table::default(),
        sandbox,
        folder,
        resume: false,
        exact: true,
        seeds: None,
        held_out: &BTreeSet::new(),
        reference_texts: None,
        info: serde_json::json!({}),
        observer: &mut Silent,
        evaluate: &mut NoEvaluation,
        stop: &AtomicBool::new(false),
        clock: &|| 0.0,
    })?;
    let text = std::fs::read_to_string(folder.join("steps.jsonl"))?;
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    Ok(last["groups"]["deduction_solve"]["reward_mean"].as_f64().unwrap_or_default())
}

#[allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test includes this file; a program has arguments and prints"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "runs/example-policy".into());
    let sandbox = Sandbox::open(&azr_executor::SandboxConfig::default())?;
    let reward = play(&sandbox, Path::new(&folder), 5)?;
    println!("{folder}: mean reward of deduction answers in the last step {reward:.2}");
    Ok(())
}
