//! A lane: some slots of the engine, worked by one thread. Lanes take requests from one queue; which lane or
//! slot serves a request changes nothing about its completion.

use std::sync::atomic::{AtomicUsize, Ordering};

use rand_chacha::ChaCha8Rng;

use crate::error::Result;
use crate::generate::{Completion, FinishReason, GenerateRequest, Sampling};
use crate::tokenizer::Tokenizer;

use super::cache::Cache;
use super::forward::{Buffers, Model, Row};
use super::sampler;

/// Rows in one forward pass at most: bounds the buffers, and long prompts do not hold up the others for long.
const ROWS: usize = 512;
/// A prompt waits for the one before it when that would spare at least so many rows.
const WORTH_WAITING: usize = 16;

/// A request with its prompt encoded.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) prompt: Vec<u32>,
    /// New tokens at most, by the request and by the context.
    pub(super) room: usize,
    pub(super) stop: Vec<String>,
    pub(super) sampling: Sampling,
    pub(super) rng: ChaCha8Rng,
    /// So many of the most probable tokens are told with each new one.
    pub(super) top: usize,
}

impl Job {
    /// A request whose prompt is encoded.
    pub(super) fn new(request: &GenerateRequest, prompt: Vec<u32>, room: usize) -> Self {
        let GenerateRequest { stop, sampling, key, .. } = request;
        Self { prompt, room, stop: stop.clone(), sampling: *sampling, rng: key.rng(), top: 0 }
    }
}

/// What one forward pass needs beside the lane itself.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) model: Model<'a>,
    pub(super) tokenizer: &'a Tokenizer,
}

/// Requests that lanes take from until none is left.
#[derive(Clone, Copy)]
pub(super) struct Queue<'a> {
    pub(super) jobs: &'a [Job],
    pub(super) next_job: &'a AtomicUsize,
}

/// What a pass did for one sequence.
#[derive(Debug)]
pub(super) struct Progress {
    /// Number of the request, as it was begun with.
    pub(super) id: u64,
    pub(super) token: u32,
    pub(super) logprob: f32,
    /// The most probable tokens at this place, where they were asked for.
    pub(super) top: Vec<(u32, f32)>,
    /// The completion, where the token ends it.
    pub(super) end: Option<Completion>,
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
    id: u64,
    job: Job,
    started: bool,
    logprobs: Vec<f32>,
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
        queue: Queue<'_>,
        used_slots: usize,
    ) -> Result<Vec<(usize, Completion)>> {
        let used = used_slots.min(self.slots.len());
        let mut done = Vec::new();
        loop {
            for slot in &mut self.slots[..used] {
                if slot.active.is_none()
                    && let Some(index) = queue.take()
                {
                    slot.begin(index as u64, queue.jobs[index].clone());
                }
            }
            if !self.is_busy() {
                return Ok(done);
            }
            let progress = self.pass(context)?;
            let ended = progress.into_iter().filter_map(|one| Some((one.id as usize, one.end?)));
            done.extend(ended);
        }
    }

    /// Begins a request in a free slot, of which the caller knows that there is one.
    pub(super) fn begin(&mut self, id: u64, job: Job) {
        let slot = self.slots.iter_mut().find(|slot| slot.active.is_none());
        slot.expect("a slot is free").begin(id, job);
    }

    /// Is every slot taken?
    pub(super) fn is_full(&self) -> bool {
        self.slots.iter().all(|slot| slot.active.is_some())
    }

    /// Ends a request early.
    pub(super) fn cancel(&mut self, id: u64) {
        for slot in &mut self.slots {
            if slot.active.as_ref().is_some_and(|active| active.id == id) {
                slot.active = None;
            }
        }
    }

    /// Sequences in work.
    pub(super) fn active(&self) -> usize {
        self.slots.iter().filter(|slot| slot.active.is_some()).count()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.slots.iter().any(|slot| slot.active.is_some())
    }

    /// One forward pass: a token for every sequence whose prompt is read, a piece of the prompt for the others.
    pub(super) fn pass(&mut self, context: Context<'_>) -> Result<Vec<Progress>> {
        let rows = self.rows();
        let mut progress = Vec::new();
        if context.model.packed.is_none() {
            self.forward(context, context.model, &rows, &mut progress)?;
            return Ok(progress);
        }
        let (new, prompts): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.new);
        for (model, rows) in [(context.model.unpacked(), prompts), (context.model, new)] {
            if !rows.is_empty() {
                self.forward(context, model, &rows, &mut progress)?;
            }
        }
        Ok(progress)
    }

    fn forward(
        &mut self,
        context: Context<'_>,
        model: Model<'_>,
        rows: &[Row],
        progress: &mut Vec<Progress>,
    ) -> Result<()> {
        let logits = model.forward(rows, &mut self.cache, &mut self.buffers);
        let mut logits = logits.chunks_exact(model.config.vocab_size);
        for row in rows {
            let slot = &mut self.slots[row.slot];
            slot.cached = row.position + 1;
            if row.wanted
                && let Some(logits) = logits.next()
                && let Some(one) = slot.extend(logits, context.tokenizer)?
            {
                progress.push(one);
            }
        }
        Ok(())
    }

    /// Rows of the next pass: new tokens, and prompts as far as there is room.
    fn rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for index in 0..self.slots.len() {
            let Some(active) = &self.slots[index].active else { continue };
            let prompt = active.job.prompt.len();
            if !active.started && !self.start(index) {
                continue;
            }
            let slot = &self.slots[index];
            let end = slot.sequence.len().min(slot.cached + ROWS.saturating_sub(rows.len()));
            rows.extend((slot.cached..end).map(|position| Row {
                slot: index,
                position,
                token: slot.sequence[position],
                wanted: position + 1 == slot.sequence.len(),
                new: position >= prompt,
            }));
        }
        rows
    }

    /// Takes over the cached start that the prompt shares with another slot. False where it is better to wait
    /// for a prompt that is being read now.
    fn start(&mut self, index: usize) -> bool {
        let prompt = &self.slots[index].sequence;
        let usable = prompt.len() - 1;
        let (mut donor, mut shared, mut soon) = (index, 0, 0);
        for (other, slot) in self.slots.iter().enumerate().filter(|&(other, _)| other != index) {
            let common = common_prefix(prompt, &slot.sequence).min(usable);
            if common.min(slot.cached) > shared {
                (donor, shared) = (other, common.min(slot.cached));
            }
            let reading = slot.active.as_ref().is_some_and(|active| {
                active.started && slot.cached < active.job.prompt.len().min(slot.sequence.len())
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

impl Queue<'_> {
    fn take(self) -> Option<usize> {
        let job = self.next_job.fetch_add(1, Ordering::Relaxed);
        (job < self.jobs.len()).then_some(job)
    }
}

fn common_prefix(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl Slot {
    fn begin(&mut self, id: u64, job: Job) {
        self.sequence.clone_from(&job.prompt);
        self.cached = 0;
        self.active = Some(Active { id, job, started: false, logprobs: Vec::new(), weights: Vec::new() });
    }

    /// Adds the next token, and ends the completion where it is the last.
    fn extend(&mut self, logits: &[f32], tokenizer: &Tokenizer) -> Result<Option<Progress>> {
        let Some(active) = &mut self.active else { return Ok(None) };
        let job = &mut active.job;
        let (token, logprob) = sampler::choose(logits, job.sampling, &mut job.rng, &mut active.weights);
        let top = if job.top == 0 { Vec::new() } else { sampler::most_probable(logits, job.top) };
        self.sequence.push(token);
        active.logprobs.push(logprob);
        let new = &self.sequence[job.prompt.len()..];
        let stopped = if tokenizer.is_eos(token) {
            Some(tokenizer.decode(&new[..new.len() - 1])?)
        } else {
            stop_text(new, &job.stop, tokenizer)?
        };
        let end = match stopped {
            Some(text) => Some((text, FinishReason::Stop)),
            None if new.len() >= job.room => Some((tokenizer.decode(new)?, FinishReason::Length)),
            None => None,
        };
        let id = active.id;
        let end = end.map(|(text, finish)| Completion {
            text,
            prompt_tokens: std::mem::take(&mut job.prompt),
            tokens: new.to_vec(),
            logprobs: std::mem::take(&mut active.logprobs),
            finish,
        });
        if end.is_some() {
            self.active = None;
        }
        Ok(Some(Progress { id, token, logprob, top, end }))
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
