//! From candidates to tasks: banned names, execution, determinism, recorded output (spec sections 5 and 11).
//!
//! `clean` mode runs every call from two start states that differ in hash seed, random state and clock, and rejects
//! whatever does not give one comparable value; the input must be an argument list and nothing else. `paper` mode
//! calls twice inside one process and rejects only what the reference rejects: a run that ends without the word
//! "error" in its status is valid with an empty output, and long outputs enter damaged (spec 11.2, 11.3).

use crate::config::{ExecutionConfig, LongOutput, Mode, SelfPlayConfig};
use crate::judge::{Judge, verdict, with_imports};
use crate::paper_verdicts::{Ending, asks_for_input, ending, unnamed};
use crate::parse;
use crate::statement;
use crate::task::{InductionTask, Pair, Task, TaskType, Triplet};
use crate::task_kind::Proposed;
use azr_executor::analysis::{self, BannedNames};
use azr_executor::{Job, Verdict};
use std::collections::BTreeMap;

/// A parsed proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// A proposal of a program with one input.
    Triplet {
        /// Its type; any but induction.
        task_type: TaskType,
        /// Program.
        program: String,
        /// Input.
        input: String,
    },
    /// An induction proposal: inputs and a message for a known program.
    Induction {
        /// The program, from the buffers.
        program: String,
        /// Its imports.
        imports: Vec<String>,
        /// Inputs.
        inputs: Vec<String>,
        /// Message.
        message: String,
    },
}

impl Candidate {
    fn task_type(&self) -> TaskType {
        match self {
            Self::Triplet { task_type, .. } => *task_type,
            Self::Induction { .. } => TaskType::Induction,
        }
    }

    fn program(&self) -> &str {
        match self {
            Self::Triplet { program, .. } | Self::Induction { program, .. } => program,
        }
    }

    fn inputs(&self) -> &[String] {
        match self {
            Self::Triplet { input, .. } => std::slice::from_ref(input),
            Self::Induction { inputs, .. } => inputs,
        }
    }
}

/// Validates candidates; each becomes a task, or the word for why it does not. Order as given.
pub fn validate(
    judge: &Judge<'_>,
    config: &SelfPlayConfig,
    candidates: &[Candidate],
) -> Vec<Result<Task, String>> {
    validate_as(judge, config, candidates, judge.mode() == Mode::Clean)
}

/// [`validate`] while seeding, where statements of error handling are banned in error tasks in either mode.
pub fn validate_seeds(
    judge: &Judge<'_>,
    config: &SelfPlayConfig,
    candidates: &[Candidate],
) -> Vec<Result<Task, String>> {
    validate_as(judge, config, candidates, true)
}

fn validate_as(
    judge: &Judge<'_>,
    config: &SelfPlayConfig,
    candidates: &[Candidate],
    ban_error_statements: bool,
) -> Vec<Result<Task, String>> {
    let imports = collect_imports(judge, candidates);
    let mut faults: Vec<Option<String>> =
        candidates.iter().map(|candidate| length_fault(candidate, config)).collect();
    for (fault, banned) in
        faults.iter_mut().zip(banned_names(judge, config, candidates, ban_error_statements))
    {
        if fault.is_none() && banned {
            *fault = Some("banned".into());
        }
    }
    for (fault, candidate) in faults.iter_mut().zip(candidates) {
        if fault.is_none() && judge.is_held_out(candidate.program()) {
            *fault = Some("held_out".into());
        }
    }
    if judge.mode() == Mode::Clean {
        for (fault, candidate) in faults.iter_mut().zip(candidates) {
            if fault.is_none() && !candidate.inputs().iter().all(|input| parse::is_argument_list(input)) {
                *fault = Some("not_arguments".into());
            }
        }
    }
    let runnable: Vec<usize> = (0..candidates.len()).filter(|&index| faults[index].is_none()).collect();
    let chosen: Vec<(&Candidate, &[String])> =
        runnable.iter().map(|&index| (&candidates[index], imports[index].as_slice())).collect();
    let outputs = outputs(judge, config, &chosen);
    let mut results: Vec<Result<Task, String>> =
        faults.into_iter().map(|fault| Err(fault.unwrap_or_default())).collect();
    for (index, outputs) in runnable.into_iter().zip(outputs) {
        results[index] = outputs.and_then(|outputs| {
            let task = task_of(&candidates[index], imports[index].clone(), outputs);
            if judge.mode() == Mode::Clean { reject_open_secret(task) } else { Ok(task) }
        });
    }
    results
}

/// Outputs of every candidate, in its type's own way.
fn outputs(
    judge: &Judge<'_>,
    config: &SelfPlayConfig,
    candidates: &[(&Candidate, &[String])],
) -> Vec<Result<Vec<String>, String>> {
    let mut by_type: BTreeMap<TaskType, Vec<usize>> = BTreeMap::new();
    for (index, (candidate, _)) in candidates.iter().enumerate() {
        // The three types of the paper are run together.
        let task_type = candidate.task_type();
        let key = if judge.kind(task_type).is_some() { task_type } else { TaskType::Deduction };
        by_type.entry(key).or_default().push(index);
    }
    let mut results = vec![Err("unknown_type".to_owned()); candidates.len()];
    for (task_type, members) in by_type {
        let chosen: Vec<(&Candidate, &[String])> = members.iter().map(|&index| candidates[index]).collect();
        let found = match (judge.kind(task_type), judge.mode()) {
            (Some(kind), _) => {
                let proposed: Vec<Proposed<'_>> = chosen
                    .iter()
                    .map(|(candidate, imports)| Proposed {
                        program: candidate.program(),
                        input: candidate.inputs().first().map_or("", String::as_str),
                        imports,
                    })
                    .collect();
                let answers = kind.answers(judge, config, &proposed);
                answers.into_iter().map(|answer| answer.map(|text| vec![text])).collect()
            }
            (None, Mode::Clean) => clean_outputs(judge, &config.execution, &chosen),
            (None, Mode::Paper) if config.execution.determinism => {
                paper_outputs(judge, &config.execution, &chosen)
            }
            (None, Mode::Paper) => paper_outputs_of_one_run(judge, &config.execution, &chosen),
        };
        for (index, outputs) in members.into_iter().zip(found) {
            results[index] = outputs;
        }
    }
    results
}

fn task_of(candidate: &Candidate, imports: Vec<String>, outputs: Vec<String>) -> Task {
    match candidate {
        Candidate::Triplet { task_type, program, input } => {
            let output = outputs.into_iter().next().unwrap_or_default();
            let triplet = Triplet { program: program.clone(), input: input.clone(), output, imports };
            Task::on_triplet(*task_type, triplet)
        }
        Candidate::Induction { program, inputs, message, .. } => {
            let pairs = inputs.iter().zip(outputs).map(|(input, output)| Pair::new(input, output)).collect();
            Task::Induction(InductionTask::split(program.clone(), imports, pairs, message.clone()))
        }
    }
}

/// `clean`: an induction task whose hidden pairs all stand among the shown ones asks for nothing (ours).
fn reject_open_secret(task: Task) -> Result<Task, String> {
    match task {
        Task::Induction(task) if task.hidden.iter().all(|pair| task.shown.contains(pair)) => {
            Err("nothing_hidden".into())
        }
        task => Ok(task),
    }
}

fn length_fault(candidate: &Candidate, config: &SelfPlayConfig) -> Option<String> {
    let exceeds = |text: &str, bound: usize| bound > 0 && text.chars().count() > bound;
    if exceeds(candidate.program(), config.proposer.max_program_chars) {
        return Some("program_too_long".into());
    }
    let too_long = |input: &String| exceeds(input, config.proposer.max_input_chars);
    candidate.inputs().iter().any(too_long).then(|| "input_too_long".into())
}

/// Import lines of every candidate, sorted (the reference keeps them in a set, spec 12).
fn collect_imports(judge: &Judge<'_>, candidates: &[Candidate]) -> Vec<Vec<String>> {
    let mut imports: Vec<Vec<String>> = vec![Vec::new(); candidates.len()];
    let (mut places, mut sources) = (Vec::new(), Vec::new());
    for (index, candidate) in candidates.iter().enumerate() {
        match candidate {
            Candidate::Induction { imports: known, .. } => imports[index].clone_from(known),
            Candidate::Triplet { program, .. } if program.contains("import") => {
                places.push(index);
                sources.push(program.as_str());
            }
            Candidate::Triplet { .. } => {}
        }
    }
    for (index, mut lines) in places.into_iter().zip(found_imports(judge, &sources)) {
        lines.sort_unstable();
        imports[index] = lines;
    }
    imports
}

fn found_imports(judge: &Judge<'_>, sources: &[&str]) -> Vec<Vec<String>> {
    if sources.is_empty() { Vec::new() } else { analysis::imports(judge.sandbox(), sources) }
}

/// Which candidates import a banned name. Only sources that hold a banned word at all are looked at by the analysis.
fn banned_names(
    judge: &Judge<'_>,
    config: &SelfPlayConfig,
    candidates: &[Candidate],
    ban_error_statements: bool,
) -> Vec<bool> {
    let mut result = vec![false; candidates.len()];
    for of_errors in [false, true] {
        let error_keywords = if of_errors && ban_error_statements {
            config.proposer.banned_for_errors.clone()
        } else {
            Vec::new()
        };
        let names = BannedNames { imports: config.proposer.banned.clone(), error_keywords };
        let words = || names.imports.iter().chain(&names.error_keywords);
        let suspicious: Vec<usize> = (0..candidates.len())
            .filter(|&index| {
                matches!(candidates[index], Candidate::Triplet { .. })
                    && (candidates[index].task_type() == TaskType::Error) == of_errors
                    && words().any(|word| candidates[index].program().contains(word.as_str()))
            })
            .collect();
        if suspicious.is_empty() {
            continue;
        }
        let sources: Vec<&str> = suspicious.iter().map(|&index| candidates[index].program()).collect();
        let found = analysis::banned_imports(judge.sandbox(), &sources, &names);
        for (index, found) in suspicious.into_iter().zip(found) {
            result[index] = found.is_some();
        }
    }
    result
}

/// Outputs of every call from two start states; an output that does not equal itself as a value is none.
fn clean_outputs(
    judge: &Judge<'_>,
    execution: &ExecutionConfig,
    candidates: &[(&Candidate, &[String])],
) -> Vec<Result<Vec<String>, String>> {
    let jobs: Vec<Job> = candidates
        .iter()
        .map(|(candidate, _)| {
            let calls = candidate.inputs().iter().map(|input| format!("f({input})")).collect();
            let mut job = judge.job(candidate.program(), calls);
            job.fresh_namespace = true;
            job
        })
        .collect();
    let reports = if execution.determinism { judge.run_twice(&jobs) } else { judge.run(&jobs) };
    let mut results: Vec<Result<Vec<String>, String>> = reports
        .into_iter()
        .zip(candidates)
        .map(|(calls, (candidate, _))| {
            (0..candidate.inputs().len())
                .map(|index| match verdict(&calls, index) {
                    Verdict::Value { text } => Ok(text.clone()),
                    other => Err(other.name().to_owned()),
                })
                .collect()
        })
        .collect();
    let (mut places, mut pairs) = (Vec::new(), Vec::new());
    for (index, ((_, imports), outputs)) in candidates.iter().zip(&results).enumerate() {
        for output in outputs.iter().flatten() {
            places.push(index);
            pairs.push((output.clone(), output.clone(), *imports));
        }
    }
    for (index, equal) in places.into_iter().zip(judge.equal(&pairs)) {
        if !equal {
            results[index] = Err("incomparable".into());
        }
    }
    results
}

/// The reference's determinism check: both calls in one process, the text taken after the second.
fn paper_outputs(
    judge: &Judge<'_>,
    execution: &ExecutionConfig,
    candidates: &[(&Candidate, &[String])],
) -> Vec<Result<Vec<String>, String>> {
    let mut jobs = Vec::new();
    for (candidate, imports) in candidates {
        let program = with_imports(imports, candidate.program());
        jobs.extend(candidate.inputs().iter().map(|input| {
            let source = format!(
                "{program}\nreturns = f({input})\nif returns != f({input}):\n    raise Exception('Non-deterministic code')"
            );
            judge.job(unnamed(&source), vec!["returns".into()])
        }));
    }
    let mut reports = judge.run(&jobs).into_iter().zip(&jobs);
    candidates
        .iter()
        .map(|(candidate, _)| {
            let calls: Vec<_> = reports.by_ref().take(candidate.inputs().len()).collect();
            calls
                .into_iter()
                .map(|(calls, job)| {
                    if asks_for_input(&job.program) {
                        return Err("input_call".into());
                    }
                    match ending(&calls, 0) {
                        Ending::Error(reason) => Err(reason),
                        Ending::Silent => Ok(String::new()),
                        Ending::Result(text) => recorded(text.trim(), execution),
                    }
                })
                .collect()
        })
        .collect()
}

/// The reference's run without the determinism check: once, the text of the call's value.
fn paper_outputs_of_one_run(
    judge: &Judge<'_>,
    execution: &ExecutionConfig,
    candidates: &[(&Candidate, &[String])],
) -> Vec<Result<Vec<String>, String>> {
    let mut sources = Vec::new();
    for (candidate, imports) in candidates {
        let program = with_imports(imports, candidate.program());
        sources.extend(candidate.inputs().iter().map(|input| format!("{program}\nrepr(f({input}))")));
    }
    let mut statuses = statement::run(judge, &sources, false).into_iter();
    let outputs =
        |(candidate, _): &(&Candidate, &[String])| {
            let of_candidate: Vec<_> = statuses.by_ref().take(candidate.inputs().len()).collect();
            of_candidate
                .into_iter()
                .map(|status| {
                    if status.is_error() { Err("raised".into()) } else { recorded(&status.result, execution) }
                })
                .collect()
        };
    candidates.iter().map(outputs).collect()
}

/// The text that enters the buffer.
pub(crate) fn recorded(text: &str, execution: &ExecutionConfig) -> Result<String, String> {
    let length = text.chars().count();
    if length <= execution.max_output_chars {
        return Ok(text.to_owned());
    }
    match execution.long_output {
        LongOutput::Reject => Err("output_too_large".into()),
        LongOutput::Truncate => {
            let head: String = text.chars().take(200).collect();
            let tail: String = text.chars().skip(length.saturating_sub(200)).collect();
            Ok(format!("{head}...{tail}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_outputs_are_damaged_or_refused() {
        let mut execution = ExecutionConfig::default();
        let text = "a".repeat(401);
        let cut = recorded(&text, &execution).unwrap();
        assert_eq!((cut.len(), &cut[198..205]), (403, "aa...aa"));
        assert_eq!(recorded(&text[..400], &execution).unwrap().len(), 400);
        execution.long_output = LongOutput::Reject;
        assert_eq!(recorded(&text, &execution), Err("output_too_large".into()));
    }

    #[test]
    fn an_induction_task_must_hide_something() {
        let pair = |input: &str| Pair::new(input, input);
        let task = |pairs: Vec<Pair>| {
            Task::Induction(InductionTask::split(String::new(), Vec::new(), pairs, String::new()))
        };
        assert!(reject_open_secret(task(vec![pair("1"), pair("2"), pair("1"), pair("2")])).is_err());
        assert!(reject_open_secret(task(vec![pair("1"), pair("2"), pair("1"), pair("3")])).is_ok());
    }
}
