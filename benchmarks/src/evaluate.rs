//! Runs a suite on a model and keeps the record.
//!
//! The record grows batch by batch: a batch is generated, graded, appended to `items.jsonl` and flushed to the
//! disk before the next begins. After a crash, complete lines that fit the settings (`settings.json`) are kept
//! and only the rest is run; as every draw is keyed by item and sample and every verdict depends on the
//! sandbox alone, the file then equals that of an uninterrupted run. Records made with other weights or
//! settings are replaced. `metrics.json` is written at the end, beside a temporary name first.

mod record;

use crate::data::hash;
use crate::{BenchmarkError, Graded, ItemRecord, Metrics, Prompt, Response, Suite};
use azr_executor::Sandbox;
use azr_model::random::DrawKey;
use azr_model::{Completion, FinishReason, Generate, GenerateRequest, Sampling};
use record::RecordFile;
use std::path::Path;

/// One way of drawing answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoding {
    /// Name in the records, e.g. `greedy`.
    pub name: &'static str,
    /// Sampling.
    pub sampling: Sampling,
    /// Samples an item.
    pub n: usize,
}

impl Decoding {
    /// One greedy answer an item.
    pub const GREEDY: Self = Self { name: "greedy", sampling: Sampling::GREEDY, n: 1 };

    /// `n` answers an item at temperature 1.
    pub fn sampled(n: usize) -> Self {
        Self { name: "sampled", sampling: Sampling::TEMPERATURE_1, n }
    }
}

/// Settings of an evaluation.
#[derive(Clone, Debug)]
pub struct EvaluateConfig {
    /// Name of the model for the record.
    pub model: Option<String>,
    /// Identity of the weights (a hash); with the settings it decides whether old records still count.
    pub weights: Option<String>,
    /// The decodings, in order; the first gives the headline figure.
    pub decodings: Vec<Decoding>,
    /// Seed of the draws.
    pub seed: u64,
    /// Only so many items, spread evenly over the suite (and so over its groups).
    pub limit: Option<usize>,
    /// Bound on new tokens below the suite's own.
    pub max_new_tokens: Option<usize>,
    /// Samples generated and graded between two writes of the record.
    pub batch: usize,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        Self {
            model: None,
            weights: None,
            decodings: vec![Decoding::GREEDY],
            seed: 0,
            limit: None,
            max_new_tokens: None,
            batch: 256,
        }
    }
}

impl EvaluateConfig {
    /// The decodings that `tiny` and `tiny_hard` are reported with: greedy, and eight samples at temperature 1.
    pub fn tiny() -> Self {
        Self { decodings: vec![Decoding::GREEDY, Decoding::sampled(8)], ..Self::default() }
    }
}

/// How far an evaluation is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Samples graded.
    pub done: usize,
    /// Samples in all.
    pub total: usize,
    /// Right among `done`.
    pub right: usize,
    /// New tokens so far.
    pub tokens: usize,
}

/// What an evaluation gives.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The figures.
    pub metrics: Metrics,
    /// Every graded sample, in the order of `items.jsonl`.
    pub records: Vec<ItemRecord>,
}

/// Runs `suite` on `model`. With `folder` (`eval/<suite>`), `items.jsonl` grows batch by batch and an
/// interrupted evaluation goes on where it stopped.
/// `on_progress` returns false to stop after the current batch: then the result is `Ok(None)`.
pub fn evaluate<G: Generate>(
    suite: &dyn Suite,
    model: &mut G,
    sandbox: &Sandbox,
    config: &EvaluateConfig,
    folder: Option<&Path>,
    on_progress: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Option<Evaluation>, BenchmarkError> {
    let slots = slots(suite, config);
    let settings = settings(suite, config, model.version());
    let mut file = folder.map(|folder| RecordFile::open(folder, &settings)).transpose()?;
    let mut records = file.as_mut().map(RecordFile::take_kept).unwrap_or_default();
    keep_fitting_prefix(suite, config, &slots, &mut records);
    if let Some(file) = &mut file {
        file.truncate_to(&records)?;
    }
    let mut progress = Progress { total: slots.len(), ..Progress::default() };
    count(&mut progress, &records);
    if !on_progress(&progress) {
        return Ok(None);
    }
    for batch in slots[records.len()..].chunks(config.batch.max(1)) {
        let new = run_batch(suite, model, sandbox, config, batch)?;
        if let Some(file) = &mut file {
            file.append(&new)?;
        }
        count(&mut progress, &new);
        records.extend(new);
        if !on_progress(&progress) && records.len() < slots.len() {
            return Ok(None);
        }
    }
    let metrics = Metrics::compute(suite.name(), config.model.as_deref(), &records);
    if let Some(folder) = folder {
        record::write_whole(&folder.join("metrics.json"), &to_json(&metrics))?;
    }
    Ok(Some(Evaluation { metrics, records }))
}

/// Indices of the items that a limit leaves. Items stand grouped in some suites: an even spread keeps the groups' shares.
pub fn chosen_items(n: usize, limit: Option<usize>) -> impl Iterator<Item = usize> + Clone {
    let n_chosen = limit.unwrap_or(usize::MAX).min(n);
    (0..n_chosen).map(move |position| position * n / n_chosen)
}

/// One sample to draw.
#[derive(Clone, Copy, Debug)]
struct Slot {
    decoding: usize,
    index: usize,
    sample: usize,
}

fn slots(suite: &dyn Suite, config: &EvaluateConfig) -> Vec<Slot> {
    let chosen = chosen_items(suite.len(), config.limit);
    let mut slots = Vec::new();
    for (decoding, settings) in config.decodings.iter().enumerate() {
        for index in chosen.clone() {
            slots.extend((0..settings.n).map(|sample| Slot { decoding, index, sample }));
        }
    }
    slots
}

/// What decides the records besides the items: written beside them, compared on resume.
fn settings(suite: &dyn Suite, config: &EvaluateConfig, version: u64) -> String {
    let decodings: Vec<_> = config
        .decodings
        .iter()
        .map(|one| {
            serde_json::json!({
                "name": one.name, "temperature": one.sampling.temperature, "top_p": one.sampling.top_p, "n": one.n,
            })
        })
        .collect();
    let value = serde_json::json!({
        "suite": suite.name(), "options": suite.settings(), "model": config.model, "weights": config.weights,
        "version": version, "decodings": decodings, "seed": config.seed, "limit": config.limit,
        "max_new_tokens": config.max_new_tokens,
    });
    to_json(&value)
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain data serialises") + "\n"
}

/// Cuts `records` where they stop being the beginning of this evaluation.
fn keep_fitting_prefix(
    suite: &dyn Suite,
    config: &EvaluateConfig,
    slots: &[Slot],
    records: &mut Vec<ItemRecord>,
) {
    let fits = |record: &ItemRecord, slot: &Slot| {
        record.item == suite.item(slot.index)
            && record.decoding == config.decodings[slot.decoding].name
            && record.sample == slot.sample
            && record.prompt_hash == prompt_hash(&suite.prompt(slot.index))
    };
    let n = records.iter().zip(slots).take_while(|(record, slot)| fits(record, slot)).count();
    records.truncate(n);
}

fn prompt_hash(prompt: &Prompt) -> String {
    hash(prompt.text.as_bytes())[..16].to_owned()
}

fn count(progress: &mut Progress, records: &[ItemRecord]) {
    progress.done += records.len();
    progress.right += records.iter().filter(|record| record.pass).count();
    progress.tokens += records.iter().map(|record| record.tokens).sum::<usize>();
}

fn run_batch<G: Generate>(
    suite: &dyn Suite,
    model: &mut G,
    sandbox: &Sandbox,
    config: &EvaluateConfig,
    slots: &[Slot],
) -> Result<Vec<ItemRecord>, BenchmarkError> {
    let prompts: Vec<Prompt> = slots.iter().map(|slot| suite.prompt(slot.index)).collect();
    let requests: Vec<GenerateRequest> =
        slots.iter().zip(&prompts).map(|(slot, prompt)| request(config, *slot, prompt)).collect();
    let completions = model.generate(&requests).map_err(|error| BenchmarkError::Generate(Box::new(error)))?;
    if completions.len() != slots.len() {
        let message = format!("{} completions for {} prompts", completions.len(), slots.len());
        return Err(BenchmarkError::Generate(message.into()));
    }
    let responses: Vec<Response> = slots
        .iter()
        .zip(&completions)
        .map(|(slot, completion)| Response { index: slot.index, completion: completion.text.clone() })
        .collect();
    let graded = suite.grade(sandbox, &responses);
    assert_eq!(graded.len(), slots.len(), "a suite grades every response");
    Ok(slots
        .iter()
        .zip(&prompts)
        .zip(completions.into_iter().zip(graded))
        .map(|((slot, prompt), (completion, graded))| {
            item_record(suite, config, *slot, prompt, completion, graded)
        })
        .collect())
}

fn request(config: &EvaluateConfig, slot: Slot, prompt: &Prompt) -> GenerateRequest {
    let item = ((slot.index as u64) << 20) | slot.sample as u64;
    GenerateRequest {
        prompt: prompt.text.clone(),
        max_new_tokens: prompt.max_new_tokens.min(config.max_new_tokens.unwrap_or(usize::MAX)),
        stop: prompt.stop.clone(),
        sampling: config.decodings[slot.decoding].sampling,
        key: DrawKey::new(config.seed, 0, "evaluate", item),
    }
}

fn item_record(
    suite: &dyn Suite,
    config: &EvaluateConfig,
    slot: Slot,
    prompt: &Prompt,
    completion: Completion,
    graded: Graded,
) -> ItemRecord {
    ItemRecord {
        item: suite.item(slot.index).to_owned(),
        group: suite.group(slot.index).to_owned(),
        decoding: config.decodings[slot.decoding].name.to_owned(),
        sample: slot.sample,
        prompt_hash: prompt_hash(prompt),
        thought: suite.has_thought(&completion.text),
        output: completion.text,
        extracted: graded.extracted,
        verdict: graded.verdict,
        reason: graded.reason,
        pass: graded.pass,
        tokens: completion.tokens.len(),
        finished: completion.finish == FinishReason::Stop,
        fuel: graded.fuel,
        details: graded.details,
    }
}

#[cfg(test)]
mod tests;
