//! Turns programs and their runs into documents: a prompt of the compact profile and the response that
//! the model is to learn, for both roles and the three task types.
//!
//! A share of the answers thinks first. A deduction thinks forwards (statement, value), an abduction
//! backwards from the output (statement, value before it), an induction guesses programs and tries them on
//! the first example ([`super::guess`]). Thinking is the rarer way and the better one, which is what self-play
//! has to find out.

use super::execute::{self, Event, Run};
use super::guess::{self, Guess, Thought};
use super::program::{self, Program, Shape};
use anyhow::{Context, Result};
use azr_executor::Sandbox;
use azr_model::random::DrawKey;
use azr_selfplay::prompt::compact;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::ops::Range;

/// Input/output pairs of an induction task: the first half is shown.
pub const N_PAIRS: usize = 6;
/// Inputs drawn to find that many good ones.
const INPUTS_DRAWN: usize = 9;

/// What a document teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Predict the output.
    SolveDeduction,
    /// Find an input.
    SolveAbduction,
    /// Write the program.
    SolveInduction,
    /// Invent a program and an input whose output is hard to predict.
    ProposeDeduction,
    /// Invent a program and an input that is hard to find again.
    ProposeAbduction,
    /// Invent inputs and a message for a given program.
    ProposeInduction,
}

impl Task {
    /// Does the prompt show another program as a reference?
    fn shows_reference(self) -> bool {
        matches!(self, Self::ProposeDeduction | Self::ProposeAbduction)
    }

    /// Is it the proposer's role?
    pub fn proposes(self) -> bool {
        self.shows_reference() || self == Self::ProposeInduction
    }
}

/// A program with everything that was found by running it.
#[derive(Clone, Debug)]
pub struct Example {
    /// The program.
    pub program: Program,
    /// Good inputs with their outputs; the first one is the traced one.
    pub pairs: Vec<(String, String)>,
    /// Trace on the first input.
    pub events: Vec<Event>,
}

/// One training document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it teaches.
    pub task: Task,
    /// Prompt text.
    pub prompt: String,
    /// Response text, without the end-of-text token.
    pub response: String,
    /// Does the response think?
    pub thinks: bool,
    /// Byte ranges of the response that are shown but not learned: the statements of wrong guesses.
    pub unlearned: Vec<Range<usize>>,
}

impl Document {
    /// The response in pieces, and whether each is learned.
    pub fn response_pieces(&self) -> Vec<(&str, bool)> {
        let mut pieces = Vec::new();
        let mut at = 0;
        for range in &self.unlearned {
            pieces.push((&self.response[at..range.start], true));
            pieces.push((&self.response[range.clone()], false));
            at = range.end;
        }
        pieces.push((&self.response[at..], true));
        pieces
    }
}

/// Shares of the documents, in percent, and sizes of the programs.
#[derive(Clone, Copy, Debug)]
pub struct Mixture {
    /// Share of [`Task::SolveDeduction`].
    pub deduction: u32,
    /// Share of [`Task::SolveAbduction`].
    pub abduction: u32,
    /// Share of [`Task::SolveInduction`].
    pub induction: u32,
    /// Share of [`Task::ProposeDeduction`], and again of [`Task::ProposeAbduction`]; what is left of 100 is
    /// [`Task::ProposeInduction`].
    pub propose: u32,
    /// Share of solver documents that think.
    pub think: u32,
    /// Statements of deduction and abduction programs.
    pub program: Shape,
    /// Statements of induction programs.
    pub induction_program: Shape,
}

/// Draws one example for each `(item, shape)`, from programs that are not held out. The item's key decides
/// its example alone, so the result does not depend on how the work is cut.
pub fn draw_examples(
    sandbox: &Sandbox,
    key: &DrawKey,
    wanted: &[(u64, Shape)],
    held_out: &BTreeSet<String>,
) -> Result<Vec<Example>> {
    let mut found: Vec<Option<Example>> = vec![None; wanted.len()];
    let mut rngs: Vec<ChaCha8Rng> =
        wanted.iter().map(|(item, _)| DrawKey { item: *item, ..key.clone() }.rng()).collect();
    loop {
        let open: Vec<usize> = (0..wanted.len()).filter(|&i| found[i].is_none()).collect();
        if open.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        let tasks: Vec<(Program, Vec<String>)> = open
            .iter()
            .map(|&i| {
                let program = program::draw_program(&mut rngs[i], &wanted[i].1);
                let inputs =
                    (0..INPUTS_DRAWN).map(|_| program::draw_arguments(&mut rngs[i], &program)).collect();
                (program, inputs)
            })
            .collect();
        let runs = execute::run_programs(sandbox, &tasks)?;
        for ((i, (program, inputs)), run) in open.into_iter().zip(tasks).zip(runs) {
            if !held_out.contains(&program.source) {
                found[i] = accept(program, inputs, run);
            }
        }
    }
}

/// An example, if the program runs on the first input and on enough others, does not always return the
/// same and has a trace of a size worth learning.
fn accept(program: Program, inputs: Vec<String>, run: Run) -> Option<Example> {
    run.outputs.first()?.as_ref()?;
    let mut pairs: Vec<(String, String)> = Vec::with_capacity(N_PAIRS);
    for (input, output) in inputs.into_iter().zip(run.outputs) {
        if let Some(output) = output
            && !pairs.iter().any(|(known, _)| *known == input)
            && pairs.len() < N_PAIRS
        {
            pairs.push((input, output));
        }
    }
    let varied = pairs.iter().any(|(_, output)| *output != pairs[0].1);
    let events_chars: usize = run.events.iter().map(event_chars).sum();
    let large = pairs.iter().any(|(_, output)| longest_number(output) > 3);
    (pairs.len() == N_PAIRS && varied && !large && events_chars <= 240).then_some(Example {
        program,
        pairs,
        events: run.events,
    })
}

/// Length of an event's line in a thought.
pub fn event_chars(event: &Event) -> usize {
    match event {
        Event::Step { text, value } | Event::Condition { text, value } => text.len() + value.len() + 5,
        Event::Return { text } => text.len(),
    }
}

fn longest_number(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

/// The thought of a deduction: each statement and its value, then the returned expression.
pub fn forward_trace(events: &[Event]) -> String {
    let lines: Vec<String> = events
        .iter()
        .map(|event| match event {
            Event::Step { text, value } | Event::Condition { text, value } => format!("{text} -> {value}"),
            Event::Return { text } => text.clone(),
        })
        .collect();
    lines.join("\n")
}

/// The thought of an abduction: from the returned expression back, each statement with the value that
/// `x` must have before it. With a second argument, its value is fixed first.
pub fn backward_trace(example: &Example) -> String {
    let input = &example.pairs[0].0;
    let mut lines = Vec::with_capacity(example.events.len() + 1);
    if example.program.parameters.len() > 1 {
        let second = split_arguments(input).pop().unwrap_or_default();
        lines.push(format!("y = {second}"));
    }
    // The value of `x` before event k is the value of the nearest step before it.
    for (position, event) in example.events.iter().enumerate().rev() {
        let before = example.events[..position].iter().rev().find_map(|event| match event {
            Event::Step { value, .. } => Some(value.as_str()),
            _ => None,
        });
        let line = match (event, before) {
            (Event::Condition { text, value }, _) => format!("{text} -> {value}"),
            (Event::Step { text, .. } | Event::Return { text }, Some(before)) => {
                format!("{text} <- {before}")
            }
            (Event::Step { text, .. } | Event::Return { text }, None) => text.clone(),
        };
        lines.push(line);
    }
    lines.join("\n")
}

/// Splits an argument list at its top-level commas.
pub fn split_arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut parts) = (0_i32, false, vec![String::new()]);
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '[' | '(' | '{' if !quoted => depth += 1,
            ']' | ')' | '}' if !quoted => depth -= 1,
            ',' if depth == 0 && !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("there is always a part").push(c);
    }
    parts.into_iter().map(|part| part.trim().to_string()).collect()
}

/// Draws `n` documents of a mixture: documents `key.item .. key.item + n` of the stream.
pub fn draw_documents(
    sandbox: &Sandbox,
    key: &DrawKey,
    n: usize,
    mixture: &Mixture,
    held_out: &BTreeSet<String>,
) -> Result<Vec<Document>> {
    let mut plans = Vec::with_capacity(n);
    let mut wanted = Vec::with_capacity(2 * n);
    for item in key.item..key.item + n as u64 {
        let mut rng = DrawKey { stream: "corpus.task", item, ..key.clone() }.rng();
        let task = draw_task(&mut rng, mixture);
        let thinks = rng.random_range(0..100) < mixture.think;
        plans.push((task, thinks));
        let shape = if task == Task::SolveInduction { mixture.induction_program } else { mixture.program };
        wanted.push((2 * item, shape));
        if task.shows_reference() {
            wanted.push((2 * item + 1, mixture.program));
        }
    }
    let example_key = DrawKey { stream: "corpus.example", ..key.clone() };
    let mut examples = draw_examples(sandbox, &example_key, &wanted, held_out)?.into_iter();
    let mut next = || examples.next().context("as many examples as were wanted");
    let mut planned = Vec::with_capacity(n);
    for (task, thinks) in plans {
        let example = next()?;
        let reference = if task.shows_reference() { Some(next()?) } else { None };
        planned.push(Plan { task, thinks, example, reference });
    }
    let guessing: Vec<(u64, &Example)> = (key.item..)
        .zip(&planned)
        .filter(|(_, plan)| plan.thinks && plan.task == Task::SolveInduction)
        .map(|(item, plan)| (item, &plan.example))
        .collect();
    let guess_key = DrawKey { stream: "corpus.guess", ..key.clone() };
    let mut guesses = guess::draw_wrong(sandbox, &guess_key, &guessing)?;
    Ok((key.item..)
        .zip(&planned)
        .map(|(item, plan)| document(plan, &guesses.remove(&item).unwrap_or_default()))
        .collect())
}

/// What a document is made of.
struct Plan {
    task: Task,
    thinks: bool,
    example: Example,
    reference: Option<Example>,
}

fn draw_task(rng: &mut ChaCha8Rng, mixture: &Mixture) -> Task {
    let mut ticket = rng.random_range(0..100);
    for (share, task) in [
        (mixture.deduction, Task::SolveDeduction),
        (mixture.abduction, Task::SolveAbduction),
        (mixture.induction, Task::SolveInduction),
        (mixture.propose, Task::ProposeDeduction),
        (mixture.propose, Task::ProposeAbduction),
    ] {
        if ticket < share {
            return task;
        }
        ticket -= share;
    }
    Task::ProposeInduction
}

fn document(plan: &Plan, wrong: &[Guess]) -> Document {
    let Plan { task, thinks, example, reference } = plan;
    let (task, thinks) = (*task, *thinks);
    let source = &example.program.source;
    let (input, output) = &example.pairs[0];
    let message = program::message(&example.program);
    let think = |thought: String| if thinks { thought } else { String::new() };
    let mut unlearned = Vec::new();
    let (prompt, response) = match task {
        Task::SolveDeduction => (
            compact::solve_deduction(source, input),
            compact::answer_deduction(&think(forward_trace(&example.events)), output),
        ),
        Task::SolveAbduction => (
            compact::solve_abduction(source, output),
            compact::answer_abduction(&think(backward_trace(example)), input),
        ),
        Task::SolveInduction => {
            let thought = if thinks { guess::thought(example, wrong) } else { Thought::default() };
            unlearned = thought.unlearned;
            (
                compact::solve_induction(shown(example), &message),
                compact::answer_induction(&thought.text, source),
            )
        }
        Task::ProposeDeduction | Task::ProposeAbduction => {
            let references = reference
                .as_ref()
                .map(|r| (r.program.source.as_str(), r.pairs[0].0.as_str(), r.pairs[0].1.as_str()));
            let prompt = if task == Task::ProposeDeduction {
                compact::propose_deduction(references)
            } else {
                compact::propose_abduction(references)
            };
            (prompt, compact::proposal("", source, input))
        }
        Task::ProposeInduction => {
            let inputs = example.pairs.iter().map(|(input, _)| input.as_str());
            (compact::propose_induction(source), compact::induction_proposal("", inputs, &message))
        }
    };
    let thinks = thinks && !response.starts_with("</think>");
    Document { task, prompt, response, thinks, unlearned }
}

fn shown(example: &Example) -> impl Iterator<Item = (&str, &str)> {
    example.pairs[..N_PAIRS / 2].iter().map(|(input, output)| (input.as_str(), output.as_str()))
}
