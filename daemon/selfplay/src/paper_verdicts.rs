//! Verdicts as the reference's executor gives them, quirks included (spec sections 5, 8 and 12), with everything
//! that the reference evaluates on the trainer's own Python moved into the sandbox.
//!
//! The reference splices texts into a source, executes all lines but the last and evaluates the last; it reads the
//! outcome from a status text. A status with "error" in it (any case) is a failure; a run that ended otherwise
//! (an exception not named so, an exit) leaves an empty result, which has no verdict.

use crate::judge::{Judge, verdict, with_imports};
use crate::python_literal::{list_literal, literal};
use crate::solve::Grade;
use crate::task::{InductionTask, Triplet};
use azr_executor::{CallReport, Job, Verdict};

/// How a run ended, in the reference's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The status names an error.
    Error(String),
    /// The run ended without a result and without the word "error".
    Silent,
    /// The result's text.
    Result(String),
}

/// Reads the ending of the call `index`.
pub(crate) fn ending(calls: &[CallReport], index: usize) -> Ending {
    match verdict(calls, index) {
        Verdict::Value { text } => Ending::Result(text.clone()),
        Verdict::Raised { exception, message } => {
            // The status is the last line of the traceback.
            let status = format!("{exception}: {message}");
            let last = status.lines().last().unwrap_or_default().to_lowercase();
            if last.contains("error") { Ending::Error("raised".into()) } else { Ending::Silent }
        }
        Verdict::Exited { .. } => Ending::Silent,
        other => Ending::Error(other.name().into()),
    }
}

/// Does an executed text hold `input(`, also as the end of a longer name? The reference refuses to run it.
pub(crate) fn asks_for_input(executed: &str) -> bool {
    executed.contains("input(")
}

/// The reference's namespaces have no name of their own: `__name__` is that of the built-ins.
const UNNAMED: &str = "del __name__\n";

/// A program as the reference executes it. (An import from the future must stay the first line.)
pub(crate) fn unnamed(program: &str) -> String {
    if program.contains("__future__") { program.to_owned() } else { format!("{UNNAMED}{program}") }
}

/// Executes all lines of `source` but the last, evaluates the last.
fn job_of(judge: &Judge<'_>, source: &str) -> Job {
    let (program, last) = source.rsplit_once('\n').unwrap_or(("", source));
    judge.job(unnamed(program), vec![last.to_owned()])
}

/// Runs sources whose last line is a comparison.
fn compare(judge: &Judge<'_>, sources: &[String]) -> Vec<Grade> {
    let jobs: Vec<Job> = sources.iter().map(|source| job_of(judge, source)).collect();
    judge
        .run(&jobs)
        .into_iter()
        .zip(&jobs)
        .map(|(calls, job)| {
            if asks_for_input(&job.program) {
                return Grade::failed("input_call");
            }
            match ending(&calls, 0) {
                Ending::Error(reason) => Grade::failed(&reason),
                Ending::Silent => Grade::none(),
                // A last line with `print(` is executed, and what it printed is the result.
                Ending::Result(_) if job.calls[0].contains("print(") => {
                    truth(calls.first().map_or("", |call| call.stdout.trim()))
                }
                Ending::Result(text) => truth(&text),
            }
        })
        .collect()
}

/// The verdict in a comparison's result text.
fn truth(text: &str) -> Grade {
    match text {
        "False" | "0" | "0.0" | "None" | "''" | "[]" | "()" | "{}" => Grade::of(false),
        text if text.is_empty() || text.starts_with('<') || text.contains('\n') => Grade::none(),
        _ => Grade::of(true),
    }
}

/// `gold_output == f(answer)`, spliced.
pub(crate) fn abduction(judge: &Judge<'_>, answers: &[(&Triplet, &str)]) -> Vec<Grade> {
    let sources: Vec<String> = answers
        .iter()
        .map(|(triplet, answer)| {
            format!("{}\n{} == f({answer})", with_imports(&triplet.imports, &triplet.program), triplet.output)
        })
        .collect();
    compare(judge, &sources)
}

/// Every hidden pair as an abduction check of the answered program.
pub(crate) fn induction(judge: &Judge<'_>, answers: &[(&InductionTask, &str)]) -> Vec<Vec<Grade>> {
    let mut sources = Vec::new();
    for (task, program) in answers {
        let program = with_imports(&task.imports, program);
        sources.extend(
            task.hidden.iter().map(|pair| format!("{program}\n{} == f({})", pair.output, pair.input)),
        );
    }
    let mut grades = compare(judge, &sources).into_iter();
    answers.iter().map(|(task, _)| grades.by_ref().take(task.hidden.len()).collect()).collect()
}

/// The quick path, both texts evaluated and compared, then the slow one, both spliced inside `eval(...)`.
pub(crate) fn deduction(judge: &Judge<'_>, answers: &[(&Triplet, &str)]) -> Vec<Grade> {
    let quick: Vec<Job> = answers
        .iter()
        .map(|(triplet, answer)| {
            // The reference evaluates in a function whose arguments and module names the texts can see.
            let names = format!(
                "{UNNAMED}{}code = {}\ngold_output = {}\nagent_output = {}\nimports = {}",
                modules_named(&triplet.output, answer),
                literal(&triplet.program),
                literal(&triplet.output),
                literal(answer),
                list_literal(&triplet.imports),
            );
            judge.job(names, vec!["bool(eval(gold_output) == eval(agent_output))".into()])
        })
        .collect();
    let mut grades: Vec<Grade> = judge
        .run(&quick)
        .iter()
        .map(|calls| Grade::of(ending(calls, 0) == Ending::Result("True".into())))
        .collect();
    let slow: Vec<usize> = (0..answers.len())
        .filter(|&index| !grades[index].is_right() && may_be_text(&answers[index].0.output))
        .collect();
    let sources: Vec<String> = slow
        .iter()
        .map(|&index| {
            let (triplet, answer) = answers[index];
            let program = with_imports(&triplet.imports, &triplet.program);
            format!("{program}\neval({}) == eval({answer})", triplet.output)
        })
        .collect();
    for (index, grade) in slow.into_iter().zip(compare(judge, &sources)) {
        grades[index] = grade;
    }
    grades
}

/// `eval` of anything but a string raises; a plain number or container is none, whatever else may be one.
fn may_be_text(output: &str) -> bool {
    let output = output.trim();
    let is_number = |character: char| character.is_ascii_digit() || ".,+-_eE ".contains(character);
    let is_plain = output.chars().all(is_number) || ["True", "False", "None"].contains(&output);
    let is_container = output.starts_with(['[', '{'])
        && output.ends_with([']', '}'])
        && !["(", "][", "}[", "] [", "} [", " for ", " if ", " or ", " and "]
            .iter()
            .any(|part| output.contains(part));
    !is_plain && !is_container
}

/// Import lines of the modules of the reference's executor that the texts name: the quick path evaluates among them.
fn modules_named(gold: &str, answer: &str) -> String {
    let named = |name: &str| {
        let stands = |text: &str| {
            text.split(|character: char| !character.is_alphanumeric() && character != '_')
                .any(|word| word == name)
        };
        stands(gold) || stands(answer)
    };
    let modules = ["copy", "datetime", "io", "logging", "pickle", "traceback", "ast", "time"];
    let modules = modules.iter().filter(|name| named(name)).map(|name| format!("import {name}\n"));
    let typing = ["Any", "Dict", "Optional", "List", "Tuple"];
    let typing = typing.iter().filter(|name| named(name)).map(|name| format!("from typing import {name}\n"));
    let others = [("partial", "functools"), ("redirect_stdout", "contextlib")];
    let others = others.iter().filter(|(name, _)| named(name));
    modules
        .chain(typing)
        .chain(others.map(|(name, module)| format!("from {module} import {name}\n")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(exception: &str, message: &str) -> Vec<CallReport> {
        let verdict = Verdict::Raised { exception: exception.into(), message: message.into() };
        vec![CallReport { call: String::new(), verdict, stdout: String::new(), fuel: 0, memory_bytes: 0 }]
    }

    #[test]
    fn only_what_cannot_be_a_text_is_left_out() {
        for output in ["12", "-1.5e3", "[1, 'a']", "{'a': [1]}", "None"] {
            assert!(!may_be_text(output), "{output}");
        }
        for output in ["'1+1'", "quit()", "['1', '2'][0]", "x", "('1')", "\"a\"", "['1'] and '1'"] {
            assert!(may_be_text(output), "{output}");
        }
        assert_eq!(
            modules_named("datetime.date(2020, 1, 1)", "List"),
            "import datetime\nfrom typing import List\n"
        );
        assert_eq!(modules_named("[1]", "'timer'"), "");
    }

    #[test]
    fn only_the_word_error_in_the_last_line_is_a_failure() {
        assert_eq!(ending(&raised("ValueError", "x"), 0), Ending::Error("raised".into()));
        assert_eq!(ending(&raised("StopIteration", ""), 0), Ending::Silent);
        assert_eq!(ending(&raised("Exception", "an ERROR"), 0), Ending::Error("raised".into()));
        assert_eq!(ending(&raised("ValueError", "two\nlines"), 0), Ending::Silent);
    }
}
