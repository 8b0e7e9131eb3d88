//! `azr model bench`: how fast a model reads, writes and learns on this machine.

use crate::clock::Stopwatch;
use crate::failure::Outcome;
use crate::memory::{self, Needs};
use crate::numbers;
use crate::{models, output};
use azr_model::random::DrawKey;
use azr_model::{
    AdamWConfig, Engine, EngineConfig, Generate, GenerateRequest, OptimizerConfig, Sampling, Trainer,
    TrainerConfig, WeightedSequence,
};
use azr_selfplay::config::ranges::{Given, Range};
use rand_chacha::rand_core::Rng;
use serde_json::json;
use std::sync::Arc;

const LENGTH: Range = Range::whole(1, 100_000);
const BATCH: Range = Range::whole(1, 4_096);
const TIMES: Range = Range::whole(1, 100);

/// Arguments of `azr model bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// azr-tiny (embedded), a model folder, a GGUF file, a run folder, or owner/name.
    #[arg(default_value = models::EMBEDDED)]
    model: String,
    /// Completions at the same time, several numbers with commas.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [1, 16, 64])]
    batch: Vec<usize>,
    /// Tokens of a prompt, about.
    #[arg(long, value_name = "N", default_value_t = 128)]
    prompt_tokens: usize,
    /// New tokens of a completion.
    #[arg(long, value_name = "N", default_value_t = 64)]
    new_tokens: usize,
    /// Sequences of a training step, each of --prompt-tokens + --new-tokens; 0 leaves training out.
    #[arg(long, value_name = "N", default_value_t = 8)]
    sequences: usize,
    /// Each measurement is made so many times, and the median told.
    #[arg(long, value_name = "N", default_value_t = 3)]
    repeat: usize,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let whole = |name, range, value: usize| numbers::check_flag(name, range, &Given::Whole(value as i128));
    for batch in &args.batch {
        whole("--batch", &BATCH, *batch)?;
    }
    whole("--prompt-tokens", &LENGTH, args.prompt_tokens)?;
    whole("--new-tokens", &LENGTH, args.new_tokens)?;
    whole("--repeat", &TIMES, args.repeat)?;
    let model = models::load(&args.model)?;
    let mut rows = Vec::new();
    for &batch in &args.batch {
        let row = generation(args, &model, batch)?;
        output::note(line(&row));
        rows.push(row);
    }
    if args.sequences > 0 {
        match training(args, &model)? {
            Some(row) => {
                output::note(line(&row));
                rows.push(row);
            }
            None => output::note(
                "training left out: weights, gradient and optimizer do not fit in the free memory",
            ),
        }
    }
    let value = json!({
        "model": model.name,
        "parameters": model.folder.weights.parameter_count(),
        "cores": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        "rows": rows,
        "peak_memory_mib": peak_memory_mib(),
    });
    if args.json {
        output::say_json(&value)?;
    } else {
        for row in value["rows"].as_array().into_iter().flatten() {
            output::say(line(row))?;
        }
        output::say(format!("peak memory {} MiB", value["peak_memory_mib"]))?;
    }
    Ok(Outcome::Done)
}

fn line(row: &serde_json::Value) -> String {
    format!(
        "{:<28} {:>10.1} tokens/s   ({} tokens in {:.2} s)",
        row["name"].as_str().unwrap_or_default(),
        row["tokens_per_second"].as_f64().unwrap_or(0.0),
        row["tokens"],
        row["seconds"].as_f64().unwrap_or(0.0)
    )
}

fn row(name: &str, tokens: usize, seconds: f64) -> serde_json::Value {
    json!({"name": name, "tokens": tokens, "seconds": seconds, "tokens_per_second": tokens as f64 / seconds.max(1e-9)})
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

fn random_tokens(model: &models::Model, len: usize, item: u64) -> Vec<u32> {
    let mut rng = DrawKey::new(1, 0, "model.bench", item).rng();
    let vocabulary = model.folder.tokenizer.vocab_size().min(model.folder.weights.config().vocab_size).max(1);
    (0..len).map(|_| rng.next_u32() % vocabulary as u32).collect()
}

/// New tokens a second, reading the prompts included, and prompt tokens a second where the batch is 1.
fn generation(args: &Args, model: &models::Model, batch: usize) -> anyhow::Result<serde_json::Value> {
    let config = model.folder.weights.config();
    let context = config.max_position_embeddings;
    let new = args.new_tokens.min(context.saturating_sub(2)).max(1);
    let prompts = args.prompt_tokens.min(context - new).max(1);
    let slots = memory::slots(config, 2 * (prompts + new), batch)?;
    let engine_config = EngineConfig { slots, max_context: context };
    let (weights, tokenizer) = (Arc::clone(&model.folder.weights), Arc::clone(&model.folder.tokenizer));
    let mut engine = Engine::new(weights, Arc::clone(&tokenizer), engine_config)?;
    let requests: Vec<GenerateRequest> = (0..batch)
        .map(|item| {
            let tokens = random_tokens(model, prompts, item as u64);
            Ok(GenerateRequest {
                // Random tokens give a text that others may write shorter; a letter makes sure there is one.
                prompt: format!("a{}", tokenizer.decode(&tokens)?),
                max_new_tokens: new,
                stop: Vec::new(),
                sampling: Sampling::TEMPERATURE_1,
                key: DrawKey::new(1, 0, "model.bench", item as u64),
            })
        })
        .collect::<anyhow::Result<_>>()?;
    let mut seconds = Vec::new();
    let (mut read, mut written) = (0, 0);
    for _ in 0..args.repeat {
        let clock = Stopwatch::start();
        let completions = engine.generate(&requests)?;
        seconds.push(clock.seconds());
        read = completions.iter().map(|completion| completion.prompt_tokens.len()).sum();
        written = completions.iter().map(|completion| completion.tokens.len()).sum();
    }
    let mut value = row(&format!("generate, batch {batch}"), written, median(seconds));
    value["prompt_tokens"] = json!(read);
    value["batch"] = json!(batch);
    value["slots"] = json!(slots);
    Ok(value)
}

/// Tokens a second through a training step; `None` where it does not fit.
fn training(args: &Args, model: &models::Model) -> anyhow::Result<Option<serde_json::Value>> {
    let config = model.folder.weights.config();
    let length = (args.prompt_tokens + args.new_tokens).clamp(2, config.max_position_embeddings);
    let needs = Needs::of(config);
    if let Some(free) = memory::available() {
        // The weights are there already.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let chunk = needs.activations_per_token * length as u64 * cores as u64;
        if needs.training + chunk > free {
            return Ok(None);
        }
    }
    let optimizer = OptimizerConfig::AdamW(AdamWConfig::default());
    let settings = TrainerConfig { chunk_sequences: 1, max_gradient_norm: 1.0, optimizer };
    let mut trainer = Trainer::new(Arc::clone(&model.folder.weights), settings)?;
    let batch: Vec<WeightedSequence> = (0..args.sequences)
        .map(|item| WeightedSequence {
            tokens: random_tokens(model, length, 1_000_000 + item as u64),
            weights: vec![1.0; length],
        })
        .collect();
    let count = args.sequences * (length - 1);
    let mut seconds = Vec::new();
    for _ in 0..args.repeat {
        let clock = Stopwatch::start();
        trainer.cross_entropy_step(&batch, count as f32, 1e-6)?;
        seconds.push(clock.seconds());
    }
    Ok(Some(row(&format!("train, {} x {length}", args.sequences), count, median(seconds))))
}

/// Most memory this process has had.
fn peak_memory_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}
