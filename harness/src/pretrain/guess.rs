//! The thought of an induction: guess a program, run it on the first shown input statement by statement,
//! compare what it returns with the shown output, and guess again where the two differ.
//!
//! ```text
//! sorted(x) -> [1, 2, 3]
//! x[1:] -> [2, 3] no
//! x[::-1] -> [3, 2, 1]
//! x[:2] -> [3, 2] yes
//! ```
//!
//! Only a program that passes is written down. Running a guess is a deduction, which the model can do; so
//! thinking is worth something here too. The statements of wrong guesses are shown to the model but not
//! learned: it must try to guess right every time, and learn what a guess returns and when to go on.

use super::corpus::{Example, event_chars};
use super::execute::{self, Event};
use super::program::{self, Program, Shape};
use anyhow::Result;
use azr_executor::Sandbox;
use azr_model::random::DrawKey;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::ops::Range;

/// Guesses drawn for a thought; those that happen to be right, or fail, are left out.
const CANDIDATES: usize = 5;
/// Programs drawn for one guess: the one most like the right program is taken.
const DRAWN_FOR_A_GUESS: usize = 40;
/// Longest thought in characters: it must fit into a response beside the program.
const MAX_CHARS: usize = 260;

/// A program tried on the first shown pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// Its statements and their values.
    pub events: Vec<Event>,
    /// What it returns.
    pub result: String,
}

impl Guess {
    fn chars(&self) -> usize {
        self.events.iter().map(event_chars).sum::<usize>() + self.result.len()
    }
}

/// A thought and the byte ranges in it that are not learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thought {
    /// The text.
    pub text: String,
    /// Statements of wrong guesses.
    pub unlearned: Vec<Range<usize>>,
}

/// Writes the thought that ends with the right program.
pub fn thought(example: &Example, wrong: &[Guess]) -> Thought {
    let mut thought = Thought::default();
    for guess in wrong {
        write(&mut thought, &guess.events, &guess.result, false);
    }
    write(&mut thought, &example.events, &example.pairs[0].1, true);
    thought
}

fn write(thought: &mut Thought, events: &[Event], result: &str, right: bool) {
    for event in events {
        let start = thought.text.len();
        let (statement, value) = match event {
            Event::Step { text, value } | Event::Condition { text, value } => (text, Some(value)),
            Event::Return { text } => (text, None),
        };
        thought.text.push_str(statement);
        if !right {
            thought.unlearned.push(start..thought.text.len());
        }
        thought.text.push_str(" -> ");
        match value {
            Some(value) => {
                thought.text.push_str(value);
                thought.text.push('\n');
            }
            None => thought.text.push_str(result),
        }
    }
    thought.text.push_str(if right { " yes" } else { " no\n" });
}

/// Draws the wrong guesses of the thoughts of `(item, example)`; none for most, two at the most.
pub fn draw_wrong(
    sandbox: &Sandbox,
    key: &DrawKey,
    wanted: &[(u64, &Example)],
) -> Result<BTreeMap<u64, Vec<Guess>>> {
    let mut counts = Vec::with_capacity(wanted.len());
    let mut tasks: Vec<(Program, Vec<String>)> = Vec::new();
    for (item, example) in wanted {
        let mut rng = DrawKey { item: *item, ..key.clone() }.rng();
        let count = match rng.random_range(0..100) {
            0..40 => 0,
            40..75 => 1,
            _ => 2,
        };
        let drawn = if count == 0 { 0 } else { CANDIDATES };
        for _ in 0..drawn {
            let input = example.pairs[0].0.clone();
            tasks.extend(draw_like(&mut rng, &example.program).map(|program| (program, vec![input])));
        }
        counts.push((count, tasks.len()));
    }
    let mut runs = tasks.iter().zip(execute::run_programs(sandbox, &tasks)?);
    let mut all = BTreeMap::new();
    let mut begin = 0;
    for ((item, example), (count, end)) in wanted.iter().zip(counts) {
        let (right, mut chars) = (&example.pairs[0].1, 0);
        let mut guesses: Vec<Guess> = Vec::with_capacity(count);
        for ((_, _), run) in runs.by_ref().take(end - begin) {
            let Some(Some(result)) = run.outputs.into_iter().next() else { continue };
            let guess = Guess { events: run.events, result };
            let fits =
                chars + guess.chars() + example.events.iter().map(event_chars).sum::<usize>() <= MAX_CHARS;
            if guesses.len() < count && guess.result != *right && fits && !guesses.contains(&guess) {
                chars += guess.chars();
                guesses.push(guess);
            }
        }
        begin = end;
        all.insert(*item, guesses);
    }
    Ok(all)
}

/// A program on the same kinds as `right` and as long; of those drawn, the one that shares most operations.
fn draw_like(rng: &mut ChaCha8Rng, right: &Program) -> Option<Program> {
    let shape = Shape::induction(right.n_statements, right.n_statements);
    let (first, second) = (*right.parameters.first()?, right.parameters.get(1).copied());
    let mut best: Option<(usize, Program)> = None;
    for _ in 0..DRAWN_FOR_A_GUESS {
        let drawn = program::draw_program_on(rng, &shape, first, second);
        if drawn.result != right.result || drawn.source == right.source {
            continue;
        }
        let shared = drawn.operations.iter().zip(&right.operations).filter(|(a, b)| a == b).count();
        if best.as_ref().is_none_or(|(most, _)| shared > *most) {
            best = Some((shared, drawn));
        }
    }
    best.map(|(_, program)| program)
}

#[cfg(test)]
mod tests {
    use super::super::{corpus, tokenizer};
    use super::*;

    fn step(text: &str, value: &str) -> Event {
        Event::Step { text: text.to_string(), value: value.to_string() }
    }

    fn result(text: &str) -> Event {
        Event::Return { text: text.to_string() }
    }

    #[test]
    fn a_wrong_guess_is_shown_with_its_values_and_its_statements_are_not_learned() {
        let example = Example {
            program: program::draw_program(&mut DrawKey::new(1, 0, "test", 0).rng(), &Shape::induction(2, 2)),
            pairs: vec![("[3, 1, 2]".to_string(), "[2, 1]".to_string())],
            events: vec![step("x[::-1]", "[2, 1, 3]"), result("x[:2]")],
        };
        let wrong = Guess {
            events: vec![step("sorted(x)", "[1, 2, 3]"), result("x[1:]")],
            result: "[2, 3]".to_string(),
        };
        let thought = thought(&example, &[wrong]);
        assert_eq!(
            thought.text,
            "sorted(x) -> [1, 2, 3]\nx[1:] -> [2, 3] no\nx[::-1] -> [2, 1, 3]\nx[:2] -> [2, 1] yes"
        );
        let unlearned: Vec<&str> =
            thought.unlearned.iter().map(|range| &thought.text[range.clone()]).collect();
        assert_eq!(unlearned, ["sorted(x)", "x[1:]"]);
    }

    #[test]
    fn pieces_of_a_response_have_the_tokens_of_the_whole() {
        let tokenizer = tokenizer::build().expect("builds");
        let ids = |text: &str| tokenizer.encode(text, false).expect("encodes").get_ids().to_vec();
        let text = "sorted(x) -> [1, 2]\nlen(x) > 3 -> True\nx + [4] -> [1, 2, 4] no\nx[::-1] -> [2, 1] yes</think><answer>";
        let mut thought = Thought { text: text.to_string(), unlearned: Vec::new() };
        for statement in ["sorted(x)", "len(x) > 3", "x + [4]"] {
            let start = text.find(statement).expect("there");
            thought.unlearned.push(start..start + statement.len());
        }
        let document = corpus::Document {
            task: corpus::Task::SolveInduction,
            prompt: String::new(),
            response: thought.text,
            thinks: true,
            unlearned: thought.unlearned,
        };
        let pieces: Vec<u32> = document.response_pieces().iter().flat_map(|(piece, _)| ids(piece)).collect();
        assert_eq!(pieces, ids(text));
    }
}
