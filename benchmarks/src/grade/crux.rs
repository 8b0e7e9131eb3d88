//! CRUXEval: input and output prediction (spec section 5).
//!
//! Mode `paper` judges by text, as the reference does: the program, then `assert OUTPUT == GENERATION`, executed
//! under 3 s (here: fuel), so `1 or True` or a trailing `, message` takes effect. Mode `clean` treats the generation as
//! data: for input prediction it must be one call of `f`, whose arguments are evaluated in an instance of their own,
//! and the result of the call is compared outside; for output prediction both texts are compared as values.
//! In both modes a generation that repeats the question (or, for inputs, holds no call) is `skipped`.

use crate::python_data::{parse_string_repr, string_literal};
use crate::{Graded, Mode};
use azr_executor::{Job, Limits, Sandbox, Verdict};

/// The reference's alarm.
const SECONDS: f64 = 3.0;
const READER: &str = include_str!("crux.py");

/// Which half of a row is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// CRUXEval-I: an input that gives the output.
    Input,
    /// CRUXEval-O: the output.
    Output,
}

/// A row of the data file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct CruxRow {
    /// `sample_0`.
    pub id: String,
    /// The program.
    pub code: String,
    /// Text of the argument list.
    pub input: String,
    /// Text of the output.
    pub output: String,
}

/// The generation in a completion: what is judged (spec section 5, "Extraction").
pub fn extract(completion: &str, direction: Direction, thought: bool) -> String {
    let mut text = completion.split("[/ANSWER]").next().unwrap_or(completion);
    if thought && let Some(answer) = text.split("[ANSWER]").nth(1) {
        text = answer.trim();
    }
    match direction {
        Direction::Input => {
            let left = text.split("==").next().unwrap_or(text).trim();
            match left.split("assert f").nth(1) {
                Some(call) => format!("f{}", call.trim()),
                None => left.to_owned(),
            }
        }
        Direction::Output => text.split("==").nth(1).unwrap_or(text).trim().to_owned(),
    }
}

/// Is the generation left out of the item's list?
pub fn is_skipped(row: &CruxRow, direction: Direction, generation: &str) -> bool {
    match direction {
        Direction::Input => !generation.contains("f("),
        Direction::Output => generation.contains(&format!("f({})", row.input)),
    }
}

/// Judges (row, generation) pairs, in order.
pub fn judge(
    sandbox: &Sandbox,
    direction: Direction,
    mode: Mode,
    answers: &[(&CruxRow, &str)],
) -> Vec<Graded> {
    let counted: Vec<usize> = (0..answers.len())
        .filter(|index| !is_skipped(answers[*index].0, direction, answers[*index].1))
        .collect();
    let asked: Vec<(&CruxRow, &str)> = counted.iter().map(|index| answers[*index]).collect();
    let judged = match (mode, direction) {
        (Mode::Paper, _) => judge_by_text(sandbox, &asked),
        (Mode::Clean, Direction::Input) => judge_inputs(sandbox, &asked),
        (Mode::Clean, Direction::Output) => judge_outputs(sandbox, &asked),
    };
    let mut grades: Vec<Graded> = answers
        .iter()
        .map(|(_, generation)| {
            let reason =
                if generation.is_empty() { "no answer" } else { "repeats the question, or no call of f" };
            Graded::failed(*generation, "skipped", reason, 0)
        })
        .collect();
    for (index, grade) in counted.into_iter().zip(judged) {
        grades[index] = grade;
    }
    grades
}

fn limits() -> Limits {
    Limits { memory_bytes: 2 << 30, ..Limits::seconds(SECONDS) }
}

fn judge_by_text(sandbox: &Sandbox, answers: &[(&CruxRow, &str)]) -> Vec<Graded> {
    let jobs: Vec<Job> = answers
        .iter()
        .map(|(row, generation)| {
            let program = format!("{}\nassert {} == {generation}", row.code, row.output);
            Job::new(program, vec!["None".into()], limits())
        })
        .collect();
    let reports = sandbox.run_all(&jobs);
    answers
        .iter()
        .zip(reports)
        .map(|((_, generation), report)| match report.calls.first() {
            Some(call) => graded(generation, &call.verdict, call.fuel, call.verdict.value().is_some()),
            None => Graded::failed(*generation, "fail", "no report", 0),
        })
        .collect()
}

fn judge_inputs(sandbox: &Sandbox, answers: &[(&CruxRow, &str)]) -> Vec<Graded> {
    let reading: Vec<Job> = answers
        .iter()
        .map(|(_, generation)| {
            Job::new(READER, vec![format!("_evaluated_call({})", string_literal(generation))], limits())
        })
        .collect();
    let read = sandbox.run_all(&reading);
    let calls: Vec<String> = read
        .iter()
        .map(|report| {
            report.calls.first().and_then(|call| parse_string_repr(call.verdict.value()?)).unwrap_or_default()
        })
        .collect();
    let running: Vec<Job> = answers
        .iter()
        .zip(&calls)
        .map(|((row, _), call)| {
            let program = format!("{}\n{READER}", row.code);
            Job::new(program, vec![format!("_literal_call(f, {})", string_literal(call))], limits())
        })
        .collect();
    let reports = sandbox.run_all(&running);
    let results: Vec<(String, String)> = answers
        .iter()
        .zip(&reports)
        .map(|((row, _), report)| {
            let value = report.calls.first().and_then(|call| call.verdict.value()).unwrap_or_default();
            (value.to_owned(), row.output.clone())
        })
        .collect();
    let equal = sandbox.equal_all(&results, "");
    answers
        .iter()
        .zip(&read)
        .zip(reports.iter().zip(equal))
        .map(|(((_, generation), read), (report, equal))| {
            let verdict = |report: &azr_executor::Report| {
                report.calls.first().map(|call| (call.verdict.clone(), call.fuel))
            };
            match (verdict(read), verdict(report)) {
                (Some((first, fuel)), _) if first.value().is_none() => {
                    graded(generation, &first, fuel, false)
                }
                (_, Some((second, fuel))) => {
                    graded(generation, &second, fuel, equal && second.value().is_some())
                }
                _ => Graded::failed(*generation, "fail", "no report", 0),
            }
        })
        .collect()
}

fn judge_outputs(sandbox: &Sandbox, answers: &[(&CruxRow, &str)]) -> Vec<Graded> {
    let pairs: Vec<(String, String)> =
        answers.iter().map(|(row, generation)| ((*generation).to_owned(), row.output.clone())).collect();
    sandbox
        .equal_all(&pairs, "")
        .into_iter()
        .zip(answers)
        .map(|(equal, (_, generation))| {
            if equal {
                Graded::passed(*generation, 0)
            } else {
                Graded::failed(*generation, "fail", "not equal", 0)
            }
        })
        .collect()
}

fn graded(generation: &str, verdict: &Verdict, fuel: u64, pass: bool) -> Graded {
    if pass {
        return Graded::passed(generation, fuel);
    }
    let reason = match verdict {
        Verdict::Value { .. } => "not equal".to_owned(),
        Verdict::Raised { exception, .. } => exception.clone(),
        other => other.name().to_owned(),
    };
    Graded::failed(generation, "fail", reason, fuel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row() -> CruxRow {
        let code = "def f(x, y=1):\n    return [x] * y".to_owned();
        CruxRow { id: "sample_0".into(), code, input: "3, 2".into(), output: "[3, 3]".into() }
    }

    #[test]
    fn extraction_takes_the_side_of_the_assertion_that_is_asked_for() {
        for (completion, direction, thought, want) in [
            ("assert f(3, 2) == [3, 3]\n[/ANSWER] more", Direction::Input, false, "f(3, 2)"),
            ("assert f(3, 2) == [3, 3]\n[/ANSWER] more", Direction::Output, false, "[3, 3]"),
            (
                "so == x\n[ANSWER]\nassert f(3, 2) == [3, 3] == 1\n[/ANSWER]",
                Direction::Output,
                true,
                "[3, 3]",
            ),
            ("well [ANSWER] f(3) [/ANSWER]", Direction::Input, true, "f(3)"),
            ("[3, 3]", Direction::Output, false, "[3, 3]"),
            ("", Direction::Input, true, ""),
        ] {
            assert_eq!(extract(completion, direction, thought), want, "{completion}");
        }
    }

    #[test]
    fn repeated_questions_are_skipped() {
        assert!(is_skipped(&row(), Direction::Input, "3, 2"));
        assert!(!is_skipped(&row(), Direction::Input, "f(3)"));
        assert!(is_skipped(&row(), Direction::Output, "f(3, 2)"));
        assert!(!is_skipped(&row(), Direction::Output, "f(3, y=2)"));
    }

    #[test]
    fn modes_differ_on_forged_answers_only() {
        let sandbox = crate::test_sandbox::open();
        let row = row();
        let judged = |direction, mode, generations: &[&str]| -> Vec<bool> {
            let answers: Vec<_> = generations.iter().map(|generation| (&row, *generation)).collect();
            judge(&sandbox, direction, mode, &answers).iter().map(|grade| grade.pass).collect()
        };
        let inputs = [
            "f(3, 2)",
            "f(1 + 2, y=2)",
            "f(3)",
            "f(",
            "f(0) or [3, 3]",
            "f(0), 1",
            "3, 2",
            "f(*[3, 2])",
            "f(1/0)",
        ];
        assert_eq!(
            judged(Direction::Input, Mode::Paper, &inputs),
            [true, true, false, false, true, false, false, true, false]
        );
        assert_eq!(
            judged(Direction::Input, Mode::Clean, &inputs),
            [true, true, false, false, false, false, false, false, false]
        );
        let outputs =
            ["[3, 3]", "[3.0]*2", "[3]", "0 or True", "0, 'message'", "f(3, 2)", "exit()", "[3, 3], 'm'", ""];
        assert_eq!(
            judged(Direction::Output, Mode::Paper, &outputs),
            [true, true, false, true, false, false, false, true, false]
        );
        assert_eq!(
            judged(Direction::Output, Mode::Clean, &outputs),
            [true, true, false, false, false, false, false, false, false]
        );
    }

    #[test]
    fn golden_rows_are_right_with_their_own_answers() {
        let Some(rows) = crate::test_data::json_lines("cruxeval/cruxeval.jsonl.gz") else { return };
        let sandbox = crate::test_sandbox::open();
        let rows: Vec<CruxRow> =
            rows.into_iter().step_by(8).map(|row| serde_json::from_value(row).unwrap()).collect();
        let calls: Vec<String> = rows.iter().map(|row| format!("f({})", row.input)).collect();
        let inputs: Vec<_> = rows.iter().zip(&calls).map(|(row, call)| (row, call.as_str())).collect();
        let outputs: Vec<_> = rows.iter().map(|row| (row, row.output.as_str())).collect();
        for mode in [Mode::Paper, Mode::Clean] {
            for (direction, answers) in [(Direction::Input, &inputs), (Direction::Output, &outputs)] {
                let wrong: Vec<&str> = judge(&sandbox, direction, mode, answers)
                    .iter()
                    .zip(answers)
                    .filter(|(grade, _)| !grade.pass)
                    .map(|(_, (row, _))| row.id.as_str())
                    .collect();
                // Its argument is a lambda, which is no plain data: `clean` passes arguments as data only.
                let lambda: &[&str] =
                    if (direction, mode) == (Direction::Input, Mode::Clean) { &["sample_344"] } else { &[] };
                assert_eq!(wrong, lambda, "{direction:?} {mode:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn extraction_never_panics(text in any::<String>(), tags in "(\\[ANSWER\\]|\\[/ANSWER\\]|assert f|==|[a-z(]){0,12}") {
            for text in [&text, &tags] {
                for direction in [Direction::Input, Direction::Output] {
                    let _ = extract(text, direction, true);
                    let _ = is_skipped(&row(), direction, &extract(text, direction, false));
                }
            }
        }
    }
}
