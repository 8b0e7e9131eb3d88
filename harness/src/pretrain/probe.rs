//! How good the model is, while and after it is pretrained: accuracy on held-out items, greedy and sampled,
//! with and without thinking, and accuracy on each single operation. A base that cannot copy has a broken
//! recipe, not too few tokens: the table per operation shows it first.

use super::corpus;
use super::program::Shape;
use super::suites::Item;
use anyhow::{Context, Result};
use azr_executor::{Job, Limits, Sandbox};
use azr_model::random::DrawKey;
use azr_model::{Completion, Engine, EngineConfig, Generate, GenerateRequest, ModelFolder, Sampling};
use azr_selfplay::prompt::compact;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// Longest response.
const MAX_NEW_TOKENS: usize = 192;
/// Nominal seconds of a program.
const SECONDS: f64 = 0.1;
/// Programs of one statement drawn for the table per operation.
const PROBES: u64 = 2_000;

/// A few held-out items.
pub struct Monitor {
    items: Vec<Item>,
}

/// Right and counted.
#[derive(Clone, Copy, Default)]
struct Share {
    right: usize,
    of: usize,
}

impl Share {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.of += 1;
    }

    fn percent(self) -> f64 {
        100.0 * self.right as f64 / self.of.max(1) as f64
    }
}

impl Monitor {
    /// The first `per_task` items of each task type of the suite `tiny`.
    pub fn new(suites: &[(&'static str, Vec<Item>)], per_task: usize) -> Self {
        let mut items = Vec::new();
        if let Some((_, all)) = suites.iter().find(|(name, _)| *name == "tiny") {
            for task in ["deduction", "abduction", "induction"] {
                items.extend(all.iter().filter(|item| item.task == task).take(per_task).cloned());
            }
        }
        Self { items }
    }

    /// One line a task type: greedy, sampled, and sampled with and without a thought.
    pub fn judge(&self, sandbox: &Sandbox, model: &ModelFolder, seed: u64) -> Result<String> {
        let mut engine = engine(model)?;
        let greedy = self.answers(&mut engine, Sampling::GREEDY, seed)?;
        let sampled = self.answers(&mut engine, Sampling::TEMPERATURE_1, seed)?;
        let greedy_right = self.grade(sandbox, &greedy);
        let sampled_right = self.grade(sandbox, &sampled);
        let mut text = String::new();
        for task in ["deduction", "abduction", "induction"] {
            let [mut best, mut drawn, mut thinking, mut direct] = [Share::default(); 4];
            let mut greedy_thinks = Share::default();
            for (i, item) in self.items.iter().enumerate().filter(|(_, item)| item.task == task) {
                let _ = item;
                best.add(greedy_right[i]);
                greedy_thinks.add(thinks(&greedy[i]));
                drawn.add(sampled_right[i]);
                let share = if thinks(&sampled[i]) { &mut thinking } else { &mut direct };
                share.add(sampled_right[i]);
            }
            writeln!(
                text,
                "  {task:9}  greedy {:5.1} (thinks {:3.0} %)  sampled {:5.1}: thinking {:5.1} of {}, direct {:5.1} of {}",
                best.percent(),
                greedy_thinks.percent(),
                drawn.percent(),
                thinking.percent(),
                thinking.of,
                direct.percent(),
                direct.of
            )?;
        }
        Ok(text)
    }

    fn answers(&self, engine: &mut Engine, sampling: Sampling, seed: u64) -> Result<Vec<String>> {
        let prompts = self.items.iter().map(prompt).collect::<Result<Vec<_>>>()?;
        complete(engine, &prompts, sampling, seed)
    }

    fn grade(&self, sandbox: &Sandbox, answers: &[String]) -> Vec<bool> {
        let jobs: Vec<Job> =
            self.items.iter().zip(answers).map(|(item, answer)| judge_job(item, answer)).collect();
        let reports = sandbox.run_all(&jobs);
        self.items
            .iter()
            .zip(answers)
            .zip(reports)
            .map(|((item, answer), report)| {
                let got: Vec<Option<&str>> = report.calls.iter().map(|call| call.verdict.value()).collect();
                match item.task {
                    "deduction" => item.output.as_deref() == block(answer, "output"),
                    "abduction" => got.first().is_some_and(|value| *value == item.output.as_deref()),
                    _ => {
                        got.len() == item.hidden.len()
                            && got
                                .iter()
                                .zip(&item.hidden)
                                .all(|(value, (_, want))| *value == Some(want.as_str()))
                    }
                }
            })
            .collect()
    }
}

fn prompt(item: &Item) -> Result<String> {
    Ok(match item.task {
        "deduction" => {
            compact::solve_deduction(&item.program, item.input.as_deref().context("an item without input")?)
        }
        "abduction" => {
            compact::solve_abduction(&item.program, item.output.as_deref().context("an item without output")?)
        }
        _ => compact::solve_induction(
            item.shown.iter().map(|(input, output)| (input.as_str(), output.as_str())),
            item.message.as_deref().unwrap_or_default(),
        ),
    })
}

/// What must be run to judge an answer (nothing for a deduction).
fn judge_job(item: &Item, answer: &str) -> Job {
    let (program, calls) = match item.task {
        "abduction" => {
            let input = block(answer, "input").unwrap_or_default();
            (item.program.as_str(), vec![format!("f({input})")])
        }
        "induction" => {
            let calls = item.hidden.iter().map(|(input, _)| format!("f({input})")).collect();
            (block(answer, "python").unwrap_or_default(), calls)
        }
        _ => ("", Vec::new()),
    };
    Job::new(program, calls, Limits::seconds(SECONDS))
}

fn thinks(answer: &str) -> bool {
    !answer.starts_with("</think>")
}

/// The text of the last fenced block of a tag.
fn block<'a>(answer: &'a str, tag: &str) -> Option<&'a str> {
    let open = format!("```{tag}\n");
    let body = &answer[answer.rfind(&open)? + open.len()..];
    body.find("\n```").map(|end| &body[..end])
}

fn engine(model: &ModelFolder) -> Result<Engine> {
    let config = EngineConfig { slots: 96, max_context: 512 };
    Ok(Engine::new(Arc::clone(&model.weights), Arc::clone(&model.tokenizer), config)?)
}

fn complete(engine: &mut Engine, prompts: &[String], sampling: Sampling, seed: u64) -> Result<Vec<String>> {
    let requests: Vec<GenerateRequest> = prompts
        .iter()
        .zip(0..)
        .map(|(prompt, item)| GenerateRequest {
            prompt: prompt.clone(),
            max_new_tokens: MAX_NEW_TOKENS,
            stop: Vec::new(),
            sampling,
            key: DrawKey::new(seed, 0, "pretrain.probe", item),
        })
        .collect();
    Ok(engine.generate(&requests)?.into_iter().map(|Completion { text, .. }| text).collect())
}

/// Greedy deduction on programs of one statement, by operation, worst first.
pub fn accuracy_per_operation(sandbox: &Sandbox, model: &ModelFolder, seed: u64) -> Result<String> {
    let mut shape = Shape::statements(1, 1);
    shape.second_argument = 30;
    let wanted: Vec<(u64, Shape)> = (0..PROBES).map(|item| (item, shape)).collect();
    let key = DrawKey::new(seed, 0, "pretrain.operations", 0);
    let examples = corpus::draw_examples(sandbox, &key, &wanted, &BTreeSet::new())?;
    let prompts: Vec<String> =
        examples.iter().map(|e| compact::solve_deduction(&e.program.source, &e.pairs[0].0)).collect();
    let answers = complete(&mut engine(model)?, &prompts, Sampling::GREEDY, seed)?;
    let mut table: BTreeMap<&str, Share> = BTreeMap::new();
    for (example, answer) in examples.iter().zip(&answers) {
        let right = block(answer, "output") == Some(example.pairs[0].1.as_str());
        for operation in &example.program.operations {
            table.entry(operation).or_default().add(right);
        }
    }
    let mut rows: Vec<(&str, Share)> = table.into_iter().collect();
    rows.sort_by(|a, b| a.1.percent().total_cmp(&b.1.percent()).then(a.0.cmp(b.0)));
    let mut text = String::from("deduction on one statement, by operation:\n");
    for (operation, share) in rows {
        writeln!(text, "  {:5.1} % of {:3}  {operation}", share.percent(), share.of)?;
    }
    Ok(text)
}
