//! A search for inputs that give a wanted output: which types does the function take, and which values of them come near?
//!
//! First one value of each type in each place, to see which types the function accepts at all; then the pools of the
//! accepted types; then small changes to the inputs whose outputs came nearest. Calls share an instance, so what is found
//! is a guess until it has run alone. The same seed tries the same inputs in the same order.

use super::distance::distance;
use super::pools::{Kind, Pools};
use super::vary::{below, vary};
use crate::actor::{CancelFlag, now};
use crate::reason::literal::{Literal, arguments_text};
use crate::reason::program::Program;
use azr_executor::literal::same_result;
use azr_executor::{CallReport, Job, Limits, Sandbox, Verdict};
use azr_model::random::DrawKey;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::time::Instant;

/// Inputs tried at most.
const MAX_TRIED: usize = 6_000;
/// Inputs of one round.
const ROUND: usize = 256;
/// Calls that share an instance.
const CALLS: usize = 8;
/// Jobs at a time: in between, what others wait for has its turn.
const TOGETHER: usize = 2;
/// So many times in a row nothing came to an end: nothing will.
const MAX_ENDLESS: usize = 3;
/// Nominal seconds of a call.
const CALL_SECONDS: f64 = 0.02;
/// Inputs that are varied.
const KEPT: usize = 24;
/// Parameters that are filled in; further ones must have defaults.
const MAX_PARAMETERS: usize = 5;

/// An input that gave the wanted output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reason) struct Found {
    pub(in crate::reason) input: String,
}

/// An input that was tried, with the distance of its output.
#[derive(Clone, Debug)]
struct Tried {
    arguments: Vec<Literal>,
    distance: f64,
}

/// A search for one question.
pub(in crate::reason) struct InputSearch<'p> {
    program: &'p Program,
    /// How many arguments to give.
    places: usize,
    wanted_text: String,
    wanted: Option<Literal>,
    pools: Pools,
    known: Vec<Vec<Literal>>,
    seen: BTreeSet<String>,
    best: Vec<Tried>,
    rng: ChaCha8Rng,
    tried: usize,
    /// Groups in a row that reached the limit with every call.
    endless: usize,
}

impl<'p> InputSearch<'p> {
    /// A search that begins with inputs known to be of the right kind.
    pub(in crate::reason) fn new(
        program: &'p Program,
        output: &str,
        known: Vec<Vec<Literal>>,
        seed: u64,
    ) -> Self {
        let wanted = Literal::parse(output);
        let required = |parameter: &&crate::slice::Parameter| {
            parameter.default.is_none() && !parameter.keyword_only && !parameter.name.starts_with('*')
        };
        let required = program.parameters.iter().filter(required).count();
        let variadic =
            program.parameters.iter().any(|one| one.name.starts_with('*') && !one.name.starts_with("**"));
        let places = if required == 0 && (variadic || !program.parameters.is_empty()) { 1 } else { required };
        Self {
            program,
            places,
            wanted_text: output.to_owned(),
            pools: Pools::new(&program.text, wanted.as_ref()),
            wanted,
            known,
            seen: BTreeSet::new(),
            best: Vec::new(),
            rng: DrawKey::new(seed, 0, "reason.search", 0).rng(),
            tried: 0,
            endless: 0,
        }
    }

    /// Different inputs that were run.
    pub(in crate::reason) fn tried(&self) -> usize {
        self.tried
    }

    /// Searches until an input is found or the budget is used up.
    pub(in crate::reason) fn run(
        &mut self,
        sandbox: &Sandbox,
        deadline: Instant,
        cancel: &CancelFlag,
    ) -> Option<Found> {
        let needs_more = self.program.parameters.iter().any(|one| one.keyword_only && one.default.is_none());
        if self.places > MAX_PARAMETERS || needs_more {
            return None;
        }
        let over = || cancel.is_set() || now() >= deadline;
        let known = std::mem::take(&mut self.known);
        let first = known.clone().into_iter().chain(self.first_of_each_type()).collect();
        if let Some(found) = self.round(sandbox, first, &over) {
            return Some(found);
        }
        let mut idle = 0;
        while self.tried < MAX_TRIED && idle < 8 && self.endless < MAX_ENDLESS && !over() && self.places > 0 {
            let candidates = self.next_round();
            let before = self.tried;
            if let Some(found) = self.round(sandbox, candidates, &over) {
                return Some(found);
            }
            idle = if self.tried == before { idle + 1 } else { 0 };
        }
        None
    }

    /// One value of each type in each place, likely types first.
    fn first_of_each_type(&self) -> Vec<Vec<Literal>> {
        let kinds: Vec<Vec<Kind>> = (0..self.places).map(|place| self.likely_kinds(place)).collect();
        let mut combinations: Vec<Vec<Kind>> = vec![Vec::new()];
        for of_place in &kinds {
            // Fewer types a place, the more places there are.
            let width = match self.places {
                0..=2 => of_place.len(),
                3 => 6,
                _ => 4,
            };
            let longer = combinations.iter().flat_map(|head| {
                of_place.iter().take(width).map(|kind| [head.as_slice(), &[*kind]].concat())
            });
            combinations = longer.collect();
        }
        let value = |kind: &Kind| self.pools.of(*kind).first().cloned();
        let first = combinations.iter().filter_map(|kinds| kinds.iter().map(value).collect());
        // A second value of each, where the first is the empty text or list.
        let second = |kind: &Kind| self.pools.of(*kind).get(2).or(self.pools.of(*kind).last()).cloned();
        let second = combinations.iter().filter_map(|kinds| kinds.iter().map(second).collect());
        first.chain(second).collect()
    }

    /// Types of a place: by annotation and name, then all the others.
    fn likely_kinds(&self, place: usize) -> Vec<Kind> {
        let parameter = self.program.parameters.get(place);
        let annotation =
            parameter.and_then(|one| one.annotation.as_deref()).unwrap_or_default().to_lowercase();
        let name = parameter.map_or("", |one| one.name.as_str()).to_lowercase();
        let mut kinds: Vec<Kind> = Vec::new();
        let mut likely = |hit: bool, of_hit: &[Kind]| {
            if hit {
                kinds.extend(of_hit);
            }
        };
        likely(annotation.contains("dict"), &[Kind::Dict]);
        likely(annotation.contains("list[str"), &[Kind::ListOfStr]);
        likely(
            annotation.contains("list") || annotation.contains("sequence"),
            &[Kind::ListOfInt, Kind::ListOfStr, Kind::Nested],
        );
        likely(annotation.contains("tuple"), &[Kind::Tuple]);
        likely(annotation.contains("str"), &[Kind::Str]);
        likely(annotation.contains("int"), &[Kind::Int]);
        likely(annotation.contains("float"), &[Kind::Float, Kind::Int]);
        likely(annotation.contains("bool"), &[Kind::Bool]);
        likely(annotation.contains("set"), &[Kind::Set]);
        likely(
            ["text", "string", "str", "word", "char", "name", "sep", "prefix", "s"]
                .iter()
                .any(|word| name == *word || name.contains("text") || name.contains("str")),
            &[Kind::Str],
        );
        likely(["n", "k", "num", "count", "size", "x", "y", "i"].contains(&name.as_str()), &[Kind::Int]);
        likely(name.contains("num") || name.contains("arr") || name.contains("list"), &[Kind::ListOfInt]);
        likely(name.contains("dic") || name == "d", &[Kind::Dict]);
        kinds.extend(Kind::ALL);
        let mut seen = BTreeSet::new();
        kinds.retain(|kind| seen.insert(*kind));
        kinds
    }

    /// Values of the pools in place of one argument of the best, and small changes to the best.
    fn next_round(&mut self) -> Vec<Vec<Literal>> {
        let mut candidates = Vec::new();
        if self.best.is_empty() {
            // Nothing ran: any combination is as good as any other.
            for _ in 0..ROUND {
                let arguments = (0..self.places)
                    .map(|_| {
                        let kind = Kind::ALL[below(&mut self.rng, Kind::ALL.len())];
                        let pool = self.pools.of(kind);
                        pool[below(&mut self.rng, pool.len())].clone()
                    })
                    .collect();
                candidates.push(arguments);
            }
            return candidates;
        }
        for _ in 0..ROUND {
            // The nearest ones more often.
            let rank = below(&mut self.rng, self.best.len()).min(below(&mut self.rng, self.best.len()));
            let mut arguments = self.best[rank].arguments.clone();
            if arguments.is_empty() {
                break;
            }
            let place = below(&mut self.rng, arguments.len());
            if below(&mut self.rng, 5) == 0 {
                let pool = self.pools.of(kind_of(&arguments[place]));
                arguments[place] = pool[below(&mut self.rng, pool.len())].clone();
            } else {
                let changes = 1 + below(&mut self.rng, 3) / 2;
                for _ in 0..changes {
                    arguments[place] = vary(&arguments[place], &self.pools, &mut self.rng, 0);
                }
            }
            candidates.push(arguments);
        }
        candidates
    }

    /// Runs the inputs that are new. The first that gives the output is found; the others are remembered by distance.
    fn round(
        &mut self,
        sandbox: &Sandbox,
        candidates: Vec<Vec<Literal>>,
        over: &dyn Fn() -> bool,
    ) -> Option<Found> {
        let mut fresh: Vec<(Vec<Literal>, String)> = Vec::new();
        for arguments in candidates {
            let text = arguments_text(&arguments);
            if self.seen.insert(text.clone()) {
                fresh.push((arguments, text));
            }
        }
        fresh.truncate(MAX_TRIED.saturating_sub(self.tried).max(1));
        let jobs: Vec<Job> = fresh
            .chunks(CALLS)
            .map(|part| {
                let calls = part.iter().map(|(_, text)| self.program.call(text)).collect();
                let limits =
                    Limits { memory_bytes: 128 << 20, output_chars: 4_096, ..Limits::seconds(CALL_SECONDS) };
                Job::new(self.program.text.clone(), calls, limits)
            })
            .collect();
        for (parts, jobs) in fresh.chunks(CALLS * TOGETHER).zip(jobs.chunks(TOGETHER)) {
            if over() || self.endless >= MAX_ENDLESS {
                break;
            }
            self.tried += parts.len();
            let calls: Vec<CallReport> =
                sandbox.run_all(jobs).into_iter().flat_map(|report| report.calls).collect();
            let ended = calls.iter().any(|call| call.verdict != Verdict::Timeout);
            self.endless = if ended { 0 } else { self.endless + 1 };
            for ((arguments, text), call) in parts.iter().zip(calls) {
                let Verdict::Value { text: value } = &call.verdict else { continue };
                if same_result(value, &self.wanted_text) {
                    return Some(Found { input: text.clone() });
                }
                let distance = match (&self.wanted, Literal::parse(value)) {
                    (Some(wanted), Some(value)) => distance(&value, wanted),
                    _ => 1.0,
                };
                self.best.push(Tried { arguments: arguments.clone(), distance });
            }
        }
        // Stable: of equal ones those found first stay.
        self.best.sort_by(|left, right| left.distance.total_cmp(&right.distance));
        self.best.truncate(KEPT);
        None
    }
}

fn kind_of(value: &Literal) -> Kind {
    match value {
        Literal::Str(_) | Literal::Bytes(_) => Kind::Str,
        Literal::Int(_) | Literal::Number(_) => Kind::Int,
        Literal::Float(_) => Kind::Float,
        Literal::Bool(_) => Kind::Bool,
        Literal::None => Kind::None,
        Literal::Tuple(_) => Kind::Tuple,
        Literal::Set(_) => Kind::Set,
        Literal::Dict(_) => Kind::Dict,
        Literal::List(items) => match items.first() {
            Some(Literal::Str(_)) => Kind::ListOfStr,
            Some(Literal::Int(_) | Literal::Float(_)) | None => Kind::ListOfInt,
            Some(_) => Kind::Nested,
        },
    }
}
