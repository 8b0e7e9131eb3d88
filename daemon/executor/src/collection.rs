//! Programs to try a sandbox on: those of the data sets, and the hostile ones that come with the sandbox.
//!
//! Model-written programs (the published seeds of self-play), CRUXEval, the reference solutions of HumanEval+ and MBPP+
//! and the samples whose verdicts are recorded: wrong, slow and misbehaving programs included. What they return is not
//! looked at here; it is compared between runs, machines and guests.

use crate::{Job, Limits, attack};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::{BTreeMap, BTreeSet};

/// The files of the data folder that [`from_data`] takes, in its order.
pub const FILES: [&str; 8] = [
    "azr-seeds/3b_coder_seed_io.jsonl.gz",
    "azr-seeds/7b_coder_seed_io.jsonl.gz",
    "azr-seeds/7b_coder_code_f_seed_io.jsonl.gz",
    "cruxeval/cruxeval.jsonl.gz",
    "humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz",
    "mbpp_plus/MbppPlus-v0.2.0.jsonl.gz",
    "evalplus-verdicts/humaneval.jsonl.gz",
    "evalplus-verdicts/mbpp.jsonl.gz",
];
/// Nominal time of a call: nothing is learnt from burning more.
const SECONDS: f64 = 0.05;
/// Most memory of a program.
const MEMORY_BYTES: u64 = 256 << 20;

/// A program and what it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The set it belongs to, e.g. `cruxeval`.
    pub set: &'static str,
    /// Its name in the set.
    pub name: String,
    /// Python source.
    pub source: String,
    /// Expressions to evaluate after it.
    pub calls: Vec<String>,
}

impl Program {
    /// The job that runs it.
    pub fn job(&self) -> Job {
        let limits = Limits { memory_bytes: MEMORY_BYTES, ..Limits::seconds(SECONDS) };
        Job::new(self.source.as_str(), self.calls.clone(), limits)
    }
}

/// A recorded program that defines `f`, with one input or several.
#[derive(Deserialize)]
struct Recorded {
    #[serde(alias = "code")]
    snippet: String,
    #[serde(default)]
    imports: Vec<String>,
    input: Option<String>,
    #[serde(default)]
    inputs: Vec<String>,
}

/// A solution of a task.
#[derive(Deserialize)]
struct Solution {
    task_id: String,
    solution: String,
}

/// The hostile programs that come with the sandbox, without those whose verdict does not outlive a rebuild of the guest.
pub fn hostile() -> Vec<Program> {
    let lasting = attack::attacks().into_iter().filter(|attack| attack.want != attack::ANYTHING);
    lasting
        .map(|attack| Program {
            set: "hostile",
            name: format!("{} {}", attack.category, attack.name),
            source: attack.program,
            calls: attack.calls,
        })
        .collect()
}

/// The programs of the data sets from the texts of [`FILES`], in their order, repeated ones once. The error names the line.
pub fn from_data(texts: &[String; FILES.len()]) -> Result<Vec<Program>, String> {
    let mut programs = Vec::new();
    let mut calls_of_task = BTreeMap::new();
    for (file, text) in FILES.into_iter().zip(texts) {
        let set = file.split_once('/').map_or(file, |(folder, _)| folder);
        let stem = file.trim_end_matches(".jsonl.gz").rsplit('/').next().unwrap_or(file);
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let program = match set {
                "azr-seeds" | "cruxeval" => recorded(line),
                "evalplus-verdicts" => solution(line, &calls_of_task),
                _ => reference(line).map(|(task_id, source, calls)| {
                    calls_of_task.insert(task_id, calls.clone());
                    (source, calls)
                }),
            };
            let (source, calls) = program.map_err(|message| format!("{file}, line {number}: {message}"))?;
            programs.push(Program { set, name: format!("{stem} {number}"), source, calls });
        }
    }
    let mut seen = BTreeSet::new();
    let new: Vec<bool> =
        programs.iter().map(|program| seen.insert((&program.source, &program.calls))).collect();
    let mut new = new.into_iter();
    programs.retain(|_| new.next().unwrap_or(true));
    Ok(programs)
}

fn recorded(line: &str) -> Result<(String, Vec<String>), String> {
    let row: Recorded = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let inputs = row.input.into_iter().chain(row.inputs);
    let source = format!("{}\n{}", row.imports.join("\n"), row.snippet);
    Ok((source, inputs.map(|input| format!("f({input})")).collect()))
}

fn solution(line: &str, calls: &BTreeMap<String, Vec<String>>) -> Result<(String, Vec<String>), String> {
    let row: Solution = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let calls = calls.get(&row.task_id).ok_or_else(|| format!("no task {}", row.task_id))?;
    Ok((row.solution, calls.clone()))
}

/// Task, reference solution, and its calls: with the first input as it stands in the file, and MBPP's assertions.
fn reference(line: &str) -> Result<(String, String, Vec<String>), String> {
    let text = |key: &str| Ok::<String, String>(first(field(line, key)?)?.0);
    let source = text("prompt")? + &text("canonical_solution")?;
    let inputs = field(line, "base_input")?.strip_prefix('[').ok_or("base_input is no list")?;
    let (_, input) = first::<IgnoredAny>(inputs)?;
    let mut calls = vec![format!("{}(*__import__('json').loads({}))", text("entry_point")?, literal(input)?)];
    if line.contains("\"assertion\":") {
        calls.push(format!("exec({})", literal(&text("assertion")?)?));
    }
    Ok((text("task_id")?, source, calls))
}

/// What follows a key. The files hold infinities and integers of any length, which no JSON reader takes, so only what is
/// needed is read. Quotes inside texts are escaped: a key in quotes is a key.
fn field<'a>(line: &'a str, key: &str) -> Result<&'a str, String> {
    let key = format!("\"{key}\":");
    let (_, after) = line.split_once(&key).ok_or_else(|| format!("no {key}"))?;
    Ok(after.trim_start())
}

/// The value that a text begins with, and its own text.
fn first<T: DeserializeOwned>(text: &str) -> Result<(T, &str), String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    let value = values.next().ok_or("a value is missing")?.map_err(|error| error.to_string())?;
    Ok((value, &text[..values.byte_offset()]))
}

/// A text as a Python literal: JSON's escapes are Python's.
fn literal(text: &str) -> Result<String, String> {
    serde_json::to_string(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(files: &[(usize, &str)]) -> Result<Vec<Program>, String> {
        let mut texts = FILES.map(|_| String::new());
        for (file, text) in files {
            (*text).clone_into(&mut texts[*file]);
        }
        from_data(&texts)
    }

    #[test]
    fn each_kind_of_row_is_a_program_with_its_calls() {
        let programs = collect(&[
            (0, r#"{"snippet": "def f(a): return a", "input": "1", "output": "1", "imports": ["import re"]}"#),
            (2, r#"{"snippet": "def f(a): return a", "inputs": ["1", "'a', 2"], "outputs": ["1", "2"]}"#),
            (3, r#"{"code": "def f(a): return 0", "input": "3", "output": "0"}"#),
            (
                5,
                r#"{"task_id": "Mbpp/2", "prompt": "\"\"\"p\"\"\"", "entry_point": "g", "canonical_solution": "\ndef g(a): return a", "base_input": [[[1, "a\nb"]], [[2]]], "plus_input": [[[Infinity]]], "assertion": "assert g(1) == 1"}"#,
            ),
            (7, r#"{"task_id": "Mbpp/2", "solution": "def g(a): pass", "kind": "ast_return"}"#),
        ])
        .unwrap();
        let shown: Vec<(&str, &str, &str)> = programs
            .iter()
            .map(|program| (program.set, program.name.as_str(), program.source.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("azr-seeds", "3b_coder_seed_io 1", "import re\ndef f(a): return a"),
                ("azr-seeds", "7b_coder_code_f_seed_io 1", "\ndef f(a): return a"),
                ("cruxeval", "cruxeval 1", "\ndef f(a): return 0"),
                ("mbpp_plus", "MbppPlus-v0.2.0 1", "\"\"\"p\"\"\"\ndef g(a): return a"),
                ("evalplus-verdicts", "mbpp 1", "def g(a): pass"),
            ]
        );
        assert_eq!(programs[1].calls, ["f(1)", "f('a', 2)"]);
        let calls = [r#"g(*__import__('json').loads("[[1, \"a\\nb\"]]"))"#, r#"exec("assert g(1) == 1")"#];
        assert_eq!(programs[3].calls, calls);
        assert_eq!(programs[4].calls, calls);
    }

    #[test]
    fn a_program_counts_once_and_a_bad_line_is_named() {
        let row = r#"{"code": "def f(a): return 0", "input": "3"}"#;
        assert_eq!(collect(&[(0, row), (3, &format!("{row}\n{row}"))]).unwrap().len(), 1);
        assert!(
            collect(&[(3, &format!("{row}\n\n{{}}"))])
                .unwrap_err()
                .starts_with("cruxeval/cruxeval.jsonl.gz, line 3:")
        );
        let orphan = r#"{"task_id": "Mbpp/1", "solution": "s"}"#;
        assert_eq!(
            collect(&[(6, orphan)]).unwrap_err(),
            "evalplus-verdicts/humaneval.jsonl.gz, line 1: no task Mbpp/1"
        );
    }

    #[test]
    fn hostile_programs_have_lasting_verdicts() {
        assert!(hostile().len() >= 200);
    }
}
