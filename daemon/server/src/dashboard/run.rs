//! A run as the page sees it: its steps, their times, what is wrong with it, its evaluations.

use super::evaluations::{Evaluation, Evaluations};
use super::tail::Tail;
use azr_selfplay::health::{Health, Warning, Watch};
use azr_selfplay::record::{GroupStats, LearnabilityStats, StepRecord};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Steps that are kept; a longer run shows its first ones and says so.
const MAX_STEPS: usize = 50_000;
/// Bytes of `run.json` that are read.
const MAX_RUN_JSON: u64 = 1 << 20;

/// A run that is looked at again and again.
pub(super) struct Watched {
    folder: PathBuf,
    steps: Tail,
    telemetry: Tail,
    timings: Tail,
    evaluations: Evaluations,
    /// Another number whenever the records begin anew, here or in a later process.
    reading: u64,
    records: Vec<StepRecord>,
    costs: BTreeMap<u64, Cost>,
    /// What records and costs say about the run's health; made again when one of them has changed.
    warnings: Vec<Warning>,
    chain: Option<String>,
    damage: Option<String>,
}

/// What a step cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Cost {
    /// Seconds without evaluation.
    seconds: Option<f64>,
    /// Memory of the process in bytes.
    memory: Option<u64>,
}

/// A line of `telemetry.jsonl` or `timings.jsonl`.
#[derive(Debug, Deserialize)]
struct CostLine {
    step: u64,
    #[serde(default)]
    seconds: BTreeMap<String, f64>,
    #[serde(default)]
    memory_bytes: Option<u64>,
}

/// A step for the curves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Point {
    step: u64,
    version: u64,
    groups: BTreeMap<String, GroupStats>,
    learnability: Vec<LearnabilityStats>,
    loss: f64,
    entropy: f64,
    grad_norm: f64,
    tokens: u64,
    sandbox_runs: u64,
    health: Option<Health>,
}

/// What the page gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Look {
    reading: u64,
    /// Where in the run the steps below begin.
    from: usize,
    steps: Vec<Point>,
    /// Costs of all steps, by step: they may come later than the steps.
    costs: BTreeMap<u64, Cost>,
    warnings: Vec<Warning>,
    evaluations: Vec<Evaluation>,
    /// Why the record cannot be believed.
    damage: Option<String>,
    /// Model, code and machine.
    about: BTreeMap<String, String>,
}

impl Watched {
    pub(super) fn new(folder: &Path) -> Self {
        let tail = |name: &str| Tail::new(folder.join(name));
        Self {
            folder: folder.to_owned(),
            steps: tail("steps.jsonl"),
            telemetry: tail("telemetry.jsonl"),
            timings: tail("timings.jsonl"),
            evaluations: Evaluations::new(folder),
            reading: Self::any_reading(),
            records: Vec::new(),
            costs: BTreeMap::new(),
            warnings: Vec::new(),
            chain: None,
            damage: None,
        }
    }

    /// A number that JavaScript holds exactly and that no earlier reading had.
    fn any_reading() -> u64 {
        getrandom::u64().map_or(0, |number| number >> 12)
    }

    /// Reads what is new, and gives what a page lacks that has `have` steps of the reading `reading`.
    pub(super) fn look(&mut self, reading: u64, have: usize) -> Look {
        let run = read_json(&self.folder.join("run.json"));
        let steps = self.read_steps(run.get("chain_start").and_then(serde_json::Value::as_str));
        if self.read_costs() || steps {
            self.warnings = self.all_warnings();
        }
        let from = if reading == self.reading { have.min(self.records.len()) } else { 0 };
        Look {
            reading: self.reading,
            from,
            steps: self.records[from..].iter().map(point).collect(),
            costs: self.costs.clone(),
            warnings: self.warnings.clone(),
            evaluations: self.evaluations.look(),
            damage: self.damage.clone(),
            about: about(&run),
        }
    }

    /// Was there anything new?
    fn read_steps(&mut self, chain_start: Option<&str>) -> bool {
        let appended = self.steps.look();
        let changed = appended.anew || !appended.lines.is_empty();
        if appended.anew {
            self.reading = Self::any_reading();
            self.records.clear();
            (self.chain, self.damage) = (None, None);
        }
        for line in appended.lines {
            if self.damage.is_some() {
                break;
            }
            let place = self.records.len() + 1;
            let Ok(record) = serde_json::from_str::<StepRecord>(&line) else {
                self.damage = Some(format!("line {place} of steps.jsonl is no record of a step"));
                break;
            };
            let before = self.chain.as_deref().or(chain_start).unwrap_or(&record.prev);
            if !record.follows(before) {
                self.damage = Some(format!(
                    "line {place} of steps.jsonl does not follow the one before: it was not written by the run"
                ));
                break;
            }
            if self.records.len() >= MAX_STEPS {
                self.damage = Some(format!("only the first {MAX_STEPS} steps are shown"));
                break;
            }
            self.chain = Some(record.hash.clone());
            self.records.push(record);
        }
        changed
    }

    /// Was there anything new?
    fn read_costs(&mut self) -> bool {
        let mut changed = false;
        // The telemetry knows more, so it comes last.
        for tail in [&mut self.timings, &mut self.telemetry] {
            for line in tail.look().lines {
                changed = true;
                let Ok(line) = serde_json::from_str::<CostLine>(&line) else { continue };
                if self.costs.len() >= MAX_STEPS {
                    continue;
                }
                let of = |name: &str| line.seconds.get(name).copied();
                let seconds = of("total").map(|total| total - of("evaluate").unwrap_or_default());
                let cost = self.costs.entry(line.step).or_default();
                cost.seconds = seconds.or(cost.seconds);
                cost.memory = line.memory_bytes.or(cost.memory);
            }
        }
        changed
    }

    /// The warnings of the whole run: a function of the record and the costs, so that a run of any origin has them.
    fn all_warnings(&self) -> Vec<Warning> {
        let mut watch = Watch::default();
        let records = self.records.iter().filter(|record| record.health.is_some());
        let observe = |record: &StepRecord| {
            let cost = self.costs.get(&record.step).copied().unwrap_or_default();
            watch.observe(record, cost.seconds.unwrap_or_default(), cost.memory)
        };
        records.flat_map(observe).collect()
    }
}

fn point(record: &StepRecord) -> Point {
    Point {
        step: record.step,
        version: record.version,
        groups: record.groups.clone(),
        learnability: record.learnability.clone(),
        loss: record.loss,
        entropy: record.entropy,
        grad_norm: record.grad_norm,
        tokens: record.tokens,
        sandbox_runs: record.sandbox_runs,
        health: record.health.clone(),
    }
}

/// A small JSON file; null where there is none that can be read.
pub(super) fn read_json(path: &Path) -> serde_json::Value {
    let fits = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_RUN_JSON);
    let text = if fits { std::fs::read_to_string(path).unwrap_or_default() } else { String::new() };
    serde_json::from_str(&text).unwrap_or_default()
}

fn about(run: &serde_json::Value) -> BTreeMap<String, String> {
    let mut about = BTreeMap::new();
    for (name, place) in [
        ("model", "/info/model"),
        ("code", "/info/code"),
        ("seed", "/seed"),
        ("prompts", "/prompts"),
        ("machine", "/info/machine/cpu"),
    ] {
        match run.pointer(place) {
            Some(serde_json::Value::String(text)) => {
                about.insert(name.to_owned(), text.chars().take(200).collect());
            }
            Some(serde_json::Value::Number(number)) => {
                about.insert(name.to_owned(), number.to_string());
            }
            _ => {}
        }
    }
    about
}
