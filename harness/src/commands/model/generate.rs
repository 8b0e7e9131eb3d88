//! `azr model generate`: completes prompts from a file, in their order.

use crate::failure::{Failure, Outcome};
use crate::numbers::{self, NEW_TOKENS, TEMPERATURE};
use crate::progress::Counter;
use crate::provenance::write_atomically;
use crate::{files, memory, models, output};
use anyhow::Context;
use azr_model::random::DrawKey;
use azr_model::{
    Completion, Engine, EngineConfig, FinishReason, Generate, GenerateRequest, ModelFolder, Sampling,
};
use azr_selfplay::config::ranges::{Given, Range};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// Prompts handed to the engine together, in batches of completions made at the same time.
const BATCHES: usize = 8;
const BATCH: Range = Range::whole(1, 4_096);
const SHARE: Range = Range::real(0.0, 1.0);
const TOP_K: Range = Range::whole(0, 1_000_000);

/// Arguments of `azr model generate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// azr-tiny (embedded), a model folder, a GGUF file, a run folder, or owner/name.
    #[arg(long)]
    model: String,
    /// JSON lines with a "prompt" each, or with --chat also "messages" (plain or .gz).
    #[arg(long, value_name = "IN.jsonl")]
    prompts: PathBuf,
    /// Where the lines go, in the order of the prompts, with "tokens", "text", "logprobs" and "finish" added.
    #[arg(long, value_name = "OUT.jsonl")]
    out: PathBuf,
    /// New tokens of a completion at most.
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_tokens: usize,
    /// Take the most probable token each time [default: as the model's generation_config.json says].
    #[arg(long, conflicts_with_all = ["temperature", "top_p", "top_k", "min_p"])]
    greedy: bool,
    /// Draw tokens at this temperature; 0 is greedy.
    #[arg(long, value_name = "T")]
    temperature: Option<f32>,
    /// Draw from the fewest most probable tokens that together reach this share.
    #[arg(long, value_name = "P")]
    top_p: Option<f32>,
    /// Draw from so many most probable tokens; 0 is all.
    #[arg(long, value_name = "K")]
    top_k: Option<u32>,
    /// Draw from tokens with at least this share of the greatest probability.
    #[arg(long, value_name = "P")]
    min_p: Option<f32>,
    /// Seed of the draws: the same seed gives the same texts, whatever the batch.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Text that ends a completion and is cut from it; may be given several times.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Completions made at the same time (no text depends on it).
    #[arg(long, value_name = "N", default_value_t = 64)]
    batch: usize,
    /// Put each prompt as the user's message into the model's chat template.
    #[arg(long)]
    chat: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    check_numbers(args)?;
    let rows = files::read_json_lines::<Map<String, Value>>(&args.prompts)?;
    let model = models::load(&args.model)?;
    let sampling = sampling(args, &model.folder);
    let requests = rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let at = || format!("prompt {} of {}", index + 1, args.prompts.display());
            Ok(GenerateRequest {
                prompt: prompt(args, &model.folder, row).with_context(at)?,
                max_new_tokens: args.max_tokens,
                stop: args.stop.clone(),
                sampling,
                key: DrawKey::new(args.seed, 0, "model.generate", index as u64),
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut lines = String::new();
    let mut counter = Counter::new("generating", requests.len() as u64);
    let mut engine = engine(&model.folder, &requests, args.batch)?;
    let (mut done, mut tokens) = (0, 0);
    for requests in requests.chunks(args.batch * BATCHES) {
        let completions = engine.generate(requests).map_err(|error| {
            Failure::new(
                format!("cannot complete the prompts after the first {done}: {error}"),
                "every prompt needs at least one token of the model's vocabulary; a smaller --batch or --max-tokens needs less memory",
            )
        })?;
        for (row, completion) in rows[done..].iter().zip(completions) {
            tokens += completion.tokens.len();
            lines.push_str(&Value::Object(answered(row, &completion)).to_string());
            lines.push('\n');
        }
        done += requests.len();
        let rate = tokens as f64 / counter.seconds().max(1e-9);
        counter.update(done as u64, rows.len() as u64, &format!("{rate:.0} tokens/s"));
    }
    let seconds = counter.seconds();
    counter.finish();
    write_atomically(&args.out, lines.as_bytes())
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    output::note(format!(
        "{done} completions, {tokens} tokens, {:.0} tokens/s; written to {}",
        tokens as f64 / seconds.max(1e-9),
        args.out.display()
    ));
    Ok(Outcome::Done)
}

fn check_numbers(args: &Args) -> anyhow::Result<()> {
    let share = |name, value: Option<f32>| match value {
        Some(value) => numbers::check_flag(name, &SHARE, &Given::Real(f64::from(value))),
        None => Ok(()),
    };
    numbers::check_flag("--max-tokens", &NEW_TOKENS, &Given::Whole(args.max_tokens as i128))?;
    numbers::check_flag("--batch", &BATCH, &Given::Whole(args.batch as i128))?;
    if let Some(temperature) = args.temperature {
        numbers::check_flag("--temperature", &TEMPERATURE, &Given::Real(f64::from(temperature)))?;
    }
    if let Some(top_k) = args.top_k {
        numbers::check_flag("--top-k", &TOP_K, &Given::Whole(i128::from(top_k)))?;
    }
    share("--top-p", args.top_p)?;
    share("--min-p", args.min_p)
}

/// What the flags say, else what the model's makers say. A flag that only makes sense when drawing asks for it.
fn sampling(args: &Args, folder: &ModelFolder) -> Sampling {
    if args.greedy {
        return Sampling::GREEDY;
    }
    let flags = args.top_p.is_some() || args.top_k.is_some() || args.min_p.is_some();
    let base = match args.temperature {
        Some(temperature) => Sampling::at(temperature),
        None if flags => Sampling::TEMPERATURE_1,
        None => folder.generation.sampling(),
    };
    Sampling {
        temperature: base.temperature,
        top_p: args.top_p.unwrap_or(base.top_p),
        top_k: args.top_k.unwrap_or(base.top_k),
        min_p: args.min_p.unwrap_or(base.min_p),
    }
}

fn prompt(args: &Args, folder: &ModelFolder, row: &Map<String, Value>) -> anyhow::Result<String> {
    let text = row.get("prompt").and_then(Value::as_str);
    if !args.chat {
        return Ok(text
            .ok_or_else(|| Failure::new("the line has no text \"prompt\"", r#"write {"prompt": "..."}"#))?
            .to_owned());
    }
    let messages = match (row.get("messages"), text) {
        (Some(messages), _) => messages.clone(),
        (None, Some(text)) => json!([{"role": "user", "content": text}]),
        (None, None) => {
            let advice = r#"write {"prompt": "..."} or {"messages": [{"role": "user", "content": "..."}]}"#;
            return Err(Failure::new("the line has neither \"prompt\" nor \"messages\"", advice).into());
        }
    };
    let Some(chat) = folder.chat.as_ref().filter(|chat| chat.template().is_some()) else {
        return Err(Failure::new("the model has no chat template", "leave --chat out").into());
    };
    Ok(chat.render(&messages, true, Some(crate::clock::strftime()))?)
}

/// An engine with as many slots as fit in memory.
fn engine(folder: &ModelFolder, requests: &[GenerateRequest], batch: usize) -> anyhow::Result<Engine> {
    let config = folder.weights.config();
    let mut longest = 0;
    for request in requests {
        longest = longest.max(folder.tokenizer.encode(&request.prompt)?.len() + request.max_new_tokens);
    }
    let longest = longest.clamp(1, config.max_position_embeddings);
    let slots = memory::slots(config, longest, batch.min(requests.len().max(1)))?;
    let config = EngineConfig { slots, max_context: longest };
    Ok(Engine::new(Arc::clone(&folder.weights), Arc::clone(&folder.tokenizer), config)?)
}

fn answered(row: &Map<String, Value>, completion: &Completion) -> Map<String, Value> {
    let mut line = row.clone();
    let finish = match completion.finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
    };
    line.insert("tokens".to_owned(), json!(completion.tokens));
    line.insert("text".to_owned(), json!(completion.text));
    line.insert("logprobs".to_owned(), json!(completion.logprobs));
    line.insert("finish".to_owned(), json!(finish));
    line
}
