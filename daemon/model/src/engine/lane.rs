//! A lane: some slots of the engine, worked by one thread. Lanes take requests from one queue; which lane or
//! slot serves a request changes nothing about its completion.

use std::sync::atomic::{AtomicUsize, Ordering};

use rand_chacha::ChaCha8Rng;

use crate::error::Result;
use crate::generate::{Completion, FinishReason, GenerateRequest};
use crate::tokenizer::Tokenizer;

use super::cache::Cache;
use super::forward::{Buffers, Model, Row};
use super::sampler;

/// Rows in one forward pass at most: bounds the buffers, and long prompts do not hold up the others for long.
const ROWS: usize = 512;
/// A prompt waits for the one before it when that would spare at least so many rows.
const WORTH_WAITING: usize = 16;

/// A request with its prompt encoded.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) request: &'a GenerateRequest,
    pub(super) prompt: Vec<u32>,
    /// New tokens at most, by the request and by the context.
    pub(super) room: usize,
}

/// What one forward pass needs beside the lane itself.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) model: Model<'a>,
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) jobs: &'a [Job<'a>],
    pub(super) next_job: &'a AtomicUsize,
}

#[derive(Debug, Default)]
struct Slot {
    /// Tokens of the sequence, prompt first; kept after the end, so that later prompts can share their start.
    sequence: Vec<u32>,
    /// Positions whose keys and values are in the cache.
    cached: usize,
    active: Option<Active>,
}

#[derive(Debug)]
struct Active {
    job: usize,
    started: bool,
    logprobs: Vec<f32>,
    rng: ChaCha8Rng,
    /// Scratch of the sampler.
    weights: Vec<f32>,
}

/// Some slots and their cache.
#[derive(Debug)]
pub(super) struct Lane {
    slots: Vec<Slot>,
    pub(super) cache: Cache,
    buffers: Buffers,
}

impl Lane {
    /// Slots over an empty cache.
    pub(super) fn new(cache: Cache) -> Self {
        let slots = (0..cache.shape().slots).map(|_| Slot::default()).collect();
        Self { slots, cache, buffers: Buffers::default() }
    }

    /// Forgets what is cached: the weights may have changed.
    pub(super) fn clear(&mut self) {
        self.slots.fill_with(Slot::default);
    }

    /// Serves requests until the queue is empty; returns them with their indices.
    pub(super) fn run(
        &mut self,
        context: Context<'_>,
        used_slots: usize,
    ) -> Result<Vec<(usize, Completion)>> {
        let used = used_slots.min(self.slots.len());
        let mut done = Vec::new();
        loop {
            for slot in &mut self.slots[..used] {
                if slot.active.is_none()
                    && let Some(job) = next_job(context)
                {
                    slot.begin(job, context.jobs);
                }
            }
            let rows = self.rows(used, context.jobs);
            if rows.is_empty() {
                return Ok(done);
            }
            let logits = context.model.forward(&rows, &mut self.cache, &mut self.buffers);
            let mut logits = logits.chunks_exact(context.model.config.vocab_size);
            for row in &rows {
                let slot = &mut self.slots[row.slot];
                slot.cached = row.position + 1;
                if row.wanted
                    && let Some(logits) = logits.next()
                    && let Some(completion) = slot.extend(logits, context)?
                {
                    done.push(completion);
                }
            }
        }
    }

    /// Rows of the next pass: new tokens, and prompts as far as there is room.
    fn rows(&mut self, used: usize, jobs: &[Job<'_>]) -> Vec<Row> {
        let mut rows = Vec::new();
        for index in 0..used {
            let Some(active) = &self.slots[index].active else { continue };
            if !active.started && !self.start(index, used, jobs) {
                continue;
            }
            let slot = &self.slots[index];
            let end = slot.sequence.len().min(slot.cached + ROWS.saturating_sub(rows.len()));
            rows.extend((slot.cached..end).map(|position| Row {
                slot: index,
                position,
                token: slot.sequence[position],
                wanted: position + 1 == slot.sequence.len(),
            }));
        }
        rows
    }

    /// Takes over the cached start that the prompt shares with another slot. False where it is better to wait
    /// for a prompt that is being read now.
    fn start(&mut self, index: usize, used: usize, jobs: &[Job<'_>]) -> bool {
        let prompt = &self.slots[index].sequence;
        let usable = prompt.len() - 1;
        let (mut donor, mut shared, mut soon) = (index, 0, 0);
        for (other, slot) in self.slots[..used].iter().enumerate().filter(|&(other, _)| other != index) {
            let common = common_prefix(prompt, &slot.sequence).min(usable);
            if common.min(slot.cached) > shared {
                (donor, shared) = (other, common.min(slot.cached));
            }
            let reading = slot.active.as_ref().is_some_and(|active| {
                active.started && slot.cached < jobs[active.job].prompt.len().min(slot.sequence.len())
            });
            if reading {
                soon = soon.max(common);
            }
        }
        if soon >= shared + WORTH_WAITING {
            return false;
        }
        if shared > 0 {
            self.cache.copy(donor, index, shared);
        }
        let slot = &mut self.slots[index];
        slot.cached = shared;
        if let Some(active) = &mut slot.active {
            active.started = true;
        }
        true
    }
}

fn next_job(context: Context<'_>) -> Option<usize> {
    let job = context.next_job.fetch_add(1, Ordering::Relaxed);
    (job < context.jobs.len()).then_some(job)
}

fn common_prefix(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl Slot {
    fn begin(&mut self, job: usize, jobs: &[Job<'_>]) {
        self.sequence.clone_from(&jobs[job].prompt);
        self.cached = 0;
        let rng = jobs[job].request.key.rng();
        self.active = Some(Active { job, started: false, logprobs: Vec::new(), rng, weights: Vec::new() });
    }

    /// Adds the next token; returns the completion where it ends.
    fn extend(&mut self, logits: &[f32], context: Context<'_>) -> Result<Option<(usize, Completion)>> {
        let Some(active) = &mut self.active else { return Ok(None) };
        let job = &context.jobs[active.job];
        let (token, logprob) =
            sampler::choose(logits, job.request.sampling, &mut active.rng, &mut active.weights);
        self.sequence.push(token);
        active.logprobs.push(logprob);
        let new = &self.sequence[job.prompt.len()..];
        let stopped = if context.tokenizer.is_eos(token) {
            Some(context.tokenizer.decode(&new[..new.len() - 1])?)
        } else {
            stop_text(new, &job.request.stop, context.tokenizer)?
        };
        let (text, finish) = match stopped {
            Some(text) => (text, FinishReason::Stop),
            None if new.len() >= job.room => (context.tokenizer.decode(new)?, FinishReason::Length),
            None => return Ok(None),
        };
        let completion = Completion {
            text,
            prompt_tokens: job.prompt.clone(),
            tokens: new.to_vec(),
            logprobs: std::mem::take(&mut active.logprobs),
            finish,
        };
        let index = active.job;
        self.active = None;
        Ok(Some((index, completion)))
    }
}

/// The text before the first stop text, where one has just been completed.
fn stop_text(new: &[u32], stop: &[String], tokenizer: &Tokenizer) -> Result<Option<String>> {
    let longest = stop.iter().map(String::len).max().unwrap_or(0);
    if longest == 0 {
        return Ok(None);
    }
    // A token has at least one byte, special ones aside: the last few tokens tell whether the whole text is
    // worth decoding.
    let tail = tokenizer.decode(&new[new.len().saturating_sub(longest + 4)..])?;
    if !stop.iter().any(|stop| !stop.is_empty() && tail.contains(stop.as_str())) {
        return Ok(None);
    }
    let mut text = tokenizer.decode(new)?;
    let found = stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min();
    Ok(found.map(|start| {
        text.truncate(start);
        text
    }))
}
