//! Verdicts as the reference's executor gives them, quirks included (spec sections 5, 8 and 12), with everything
//! that the reference evaluates on the trainer's own Python moved into the sandbox.
//!
//! The reference splices texts into a source, executes all lines but the last and evaluates the last; it reads the
//! outcome from a status text. A status with "error" in it (any case) is a failure; a run that ended otherwise
//! (an exception not named so, an exit) leaves an empty result, which has no verdict.

use crate::judge::{Judge, verdict, with_imports};
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

/// Executes all lines of `source` but the last, evaluates the last.
fn job_of(judge: &Judge<'_>, source: &str) -> Job {
    let (program, last) = source.rsplit_once('\n').unwrap_or(("", source));
    judge.job(program, vec![last.to_owned()])
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
                "code = {}\ngold_output = {}\nagent_output = {}\nimports = {}",
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
    // `eval` of anything but a string raises, so only string literals get further.
    let textual = |text: &str| text.trim_start().starts_with(['\'', '"', 'b', 'r', 'u', 'f', '(']);
    let slow: Vec<usize> = (0..answers.len())
        .filter(|&index| !grades[index].is_right() && textual(&answers[index].0.output))
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

/// A text as a Python string literal.
fn literal(text: &str) -> String {
    use std::fmt::Write;
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            other => write!(quoted, "\\U{:08x}", other as u32).expect("writing to a String cannot fail"),
        }
    }
    quoted + "\""
}

fn list_literal(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| literal(text)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(exception: &str, message: &str) -> Vec<CallReport> {
        let verdict = Verdict::Raised { exception: exception.into(), message: message.into() };
        vec![CallReport { call: String::new(), verdict, stdout: String::new(), fuel: 0, memory_bytes: 0 }]
    }

    #[test]
    fn only_the_word_error_in_the_last_line_is_a_failure() {
        assert_eq!(ending(&raised("ValueError", "x"), 0), Ending::Error("raised".into()));
        assert_eq!(ending(&raised("StopIteration", ""), 0), Ending::Silent);
        assert_eq!(ending(&raised("Exception", "an ERROR"), 0), Ending::Error("raised".into()));
        assert_eq!(ending(&raised("ValueError", "two\nlines"), 0), Ending::Silent);
    }

    #[test]
    fn texts_become_python_literals() {
        assert_eq!(literal("a\"\\\né"), "\"a\\\"\\\\\\U0000000a\\U000000e9\"");
        assert_eq!(list_literal(&["a".into(), "b".into()]), "[\"a\", \"b\"]");
    }
}
