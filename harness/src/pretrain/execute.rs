//! Runs generated programs in the sandbox, many in one instance: they are ours, free of side effects
//! beyond their own values, so the fresh instance per program that model text gets would only cost time.

use super::program::Program;
use anyhow::{Context, Result, ensure};
use azr_executor::{Job, Limits, Sandbox};
use serde::Deserialize;

/// Programs in one sandbox job.
const PROGRAMS_PER_JOB: usize = 128;

/// Longest `repr` kept: longer values make documents that a small model cannot copy.
pub const MAX_VALUE_CHARS: usize = 32;

/// One reported step of a traced run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A statement and the value of `x` after it.
    Step {
        /// The statement, without `x = `.
        text: String,
        /// `repr` of the value.
        value: String,
    },
    /// A condition and its value.
    Condition {
        /// The condition.
        text: String,
        /// `True` or `False`.
        value: String,
    },
    /// The returned expression.
    Return {
        /// The expression.
        text: String,
    },
}

/// What came of one program on its inputs.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// One entry an input: the `repr` of the result, or nothing where it raised or is too long.
    pub outputs: Vec<Option<String>>,
    /// Steps on the first input.
    pub events: Vec<Event>,
}

const DRIVER: &str = r"
import json
def _one(source, traced, inputs):
    space = {}
    exec(source, space)
    outputs = []
    for text in inputs:
        try:
            value = repr(eval('f(' + text + ')', space))
            outputs.append(value if len(value) <= _MAX else None)
        except Exception:
            outputs.append(None)
    events = []
    def _e(text, value):
        events.append({'kind': 'step', 'text': text, 'value': repr(value)})
        return value
    def _c(text, value):
        events.append({'kind': 'condition', 'text': text, 'value': repr(value)})
        return value
    def _r(text, value):
        events.append({'kind': 'return', 'text': text})
        return value
    if outputs[0] is not None:
        space = {'_e': _e, '_c': _c, '_r': _r}
        exec(traced, space)
        eval('f(' + inputs[0] + ')', space)
    return {'outputs': outputs, 'events': events}
def _all():
    print(json.dumps([_one(*task) for task in TASKS]))
";

/// Runs every program on its inputs; results in order.
pub fn run_programs(sandbox: &Sandbox, tasks: &[(Program, Vec<String>)]) -> Result<Vec<Run>> {
    let jobs: Vec<Job> = tasks.chunks(PROGRAMS_PER_JOB).map(job).collect::<Result<_>>()?;
    let mut runs = Vec::with_capacity(tasks.len());
    for report in sandbox.run_all(&jobs) {
        let call = report.calls.first().context("the sandbox reported no call")?;
        ensure!(
            call.verdict.value().is_some(),
            "a batch of generated programs ended as {}: {}",
            call.verdict.name(),
            serde_json::to_string(&call.verdict)?
        );
        runs.extend(serde_json::from_str::<Vec<Run>>(&call.stdout).context("unreadable batch result")?);
    }
    ensure!(runs.len() == tasks.len(), "the sandbox answered {} of {} programs", runs.len(), tasks.len());
    Ok(runs)
}

/// A JSON array of strings and arrays is also a Python literal.
fn job(tasks: &[(Program, Vec<String>)]) -> Result<Job> {
    let literal: Vec<(&str, &str, &[String])> = tasks
        .iter()
        .map(|(program, inputs)| (program.source.as_str(), program.traced.as_str(), inputs.as_slice()))
        .collect();
    let source = format!("_MAX = {MAX_VALUE_CHARS}\nTASKS = {}\n{DRIVER}", serde_json::to_string(&literal)?);
    let mut limits = Limits::seconds(10.0);
    limits.output_chars = 8 << 20;
    Ok(Job::new(source, vec!["_all()".to_string()], limits))
}
