//! The solver's verdicts (spec section 8), also used by the benchmarks.
//!
//! `clean` mode: every answer is data. An output is compared as a value with the program's imports at hand; an
//! input must be an argument list, the program runs on it and its result is compared; an induction program runs
//! on every hidden input. `paper` mode (module `paper_verdicts`) reproduces what the reference's executor says, with the
//! evaluations that it does on the host moved into the sandbox.

use crate::config::{InductionScore, Mode};
use crate::judge::{Judge, verdict, with_imports};
use crate::paper_verdicts;
use crate::parse::{self, Wanted};
use crate::reward::{induction_accuracy, mean_accuracy};
use crate::task::{InductionTask, Pair, Task, TaskType, Triplet};
use azr_executor::Verdict;
use std::collections::BTreeMap;

/// What the judge says about an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Grade {
    /// 0 or 1, or a share for induction; `None` where there is no verdict (`paper` mode only).
    pub accuracy: Option<f64>,
    /// `right`, `wrong`, `no_verdict`, `not_arguments`, or the sandbox's word for what went wrong.
    pub verdict: String,
}

impl Grade {
    /// A grade from a yes or no.
    pub fn of(right: bool) -> Self {
        Self {
            accuracy: Some(f64::from(u8::from(right))),
            verdict: if right { "right" } else { "wrong" }.into(),
        }
    }

    /// Wrong for a reason.
    pub(crate) fn failed(reason: &str) -> Self {
        Self { accuracy: Some(0.0), verdict: reason.into() }
    }

    /// No verdict (spec 12).
    pub(crate) fn none() -> Self {
        Self { accuracy: None, verdict: "no_verdict".into() }
    }

    /// Is the answer right as a whole?
    pub fn is_right(&self) -> bool {
        self.accuracy.is_some_and(|accuracy| accuracy >= 1.0)
    }
}

/// A solver's response, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolverAnswer {
    /// The answer text; `None` only for induction without a fenced block.
    pub text: Option<String>,
    /// Thought and answer stand where they should, and induction has its block.
    pub well_formed: bool,
    /// The thought is not empty.
    pub traced: bool,
}

/// Takes a solver's response apart. `text` is what [`parse::response_text`] gives.
pub fn read_answer(task_type: TaskType, text: &str) -> SolverAnswer {
    let block = parse::answer_block(text);
    let answer = match task_type {
        TaskType::Deduction | TaskType::Error | TaskType::Custom => {
            Some(parse::solver_answer(block, Wanted::Output))
        }
        TaskType::Abduction => Some(parse::solver_answer(block, Wanted::Input)),
        TaskType::Induction => parse::parse_program(block),
    };
    SolverAnswer {
        well_formed: parse::well_formed(text) && answer.is_some(),
        text: answer,
        traced: !parse::thought(text).trim().is_empty(),
    }
}

/// Grades many answers, of any task types, in the order given. Equal answers to equal tasks are judged once.
pub fn grade_all(judge: &Judge<'_>, answers: &[(&Task, &str)], score: InductionScore) -> Vec<Grade> {
    let (mut deduction, mut abduction, mut induction) = (Vec::new(), Vec::new(), Vec::new());
    let mut others: BTreeMap<TaskType, Vec<_>> = BTreeMap::new();
    for (index, (task, answer)) in answers.iter().enumerate() {
        match task {
            Task::Deduction(triplet) => deduction.push((index, (triplet, *answer))),
            Task::Abduction(triplet) => abduction.push((index, (triplet, *answer))),
            Task::Induction(task) => induction.push((index, (task, *answer))),
            Task::Error(triplet) | Task::Custom(triplet) => {
                others.entry(task.task_type()).or_default().push((index, (triplet, *answer)));
            }
        }
    }
    let mut grades: Vec<Option<Grade>> = vec![None; answers.len()];
    let mut place = |indices: Vec<usize>, found: Vec<Grade>| {
        for (index, grade) in indices.into_iter().zip(found) {
            grades[index] = Some(grade);
        }
    };
    let (indices, items): (Vec<_>, Vec<_>) = deduction.into_iter().unzip();
    place(indices, grade_deduction(judge, &items));
    let (indices, items): (Vec<_>, Vec<_>) = abduction.into_iter().unzip();
    place(indices, grade_abduction(judge, &items));
    let (indices, items): (Vec<_>, Vec<_>) = induction.into_iter().unzip();
    place(indices, grade_induction(judge, &items, score));
    for (task_type, members) in others {
        let (indices, items): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        if let Some(kind) = judge.kind(task_type) {
            place(indices, kind.grade(judge, &items));
        }
    }
    grades.into_iter().map(|grade| grade.unwrap_or_else(Grade::none)).collect()
}

/// Deduction: is the answered output equal to the recorded one?
pub fn grade_deduction(judge: &Judge<'_>, answers: &[(&Triplet, &str)]) -> Vec<Grade> {
    judge_once(answers, |answers| match judge.mode() {
        Mode::Paper => paper_verdicts::deduction(judge, answers),
        Mode::Clean => {
            let pairs: Vec<(String, String, &[String])> = answers
                .iter()
                .map(|(triplet, answer)| {
                    (triplet.output.clone(), answer.trim().to_owned(), triplet.imports.as_slice())
                })
                .collect();
            judge.equal(&pairs).into_iter().map(Grade::of).collect()
        }
    })
}

/// Abduction: does the program give the recorded output for the answered input?
pub fn grade_abduction(judge: &Judge<'_>, answers: &[(&Triplet, &str)]) -> Vec<Grade> {
    judge_once(answers, |answers| match judge.mode() {
        Mode::Paper => paper_verdicts::abduction(judge, answers),
        Mode::Clean => clean_abduction(judge, answers),
    })
}

/// Induction: the answered program against the hidden pairs.
pub fn grade_induction(
    judge: &Judge<'_>,
    answers: &[(&InductionTask, &str)],
    score: InductionScore,
) -> Vec<Grade> {
    let pairs = match judge.mode() {
        Mode::Paper => paper_verdicts::induction(judge, answers),
        Mode::Clean => clean_induction(judge, answers),
    };
    pairs
        .into_iter()
        .map(|pairs| {
            let accuracies: Vec<Option<f64>> = pairs.iter().map(|pair| pair.accuracy).collect();
            let accuracy = induction_accuracy(&accuracies, score);
            let verdict = if mean_accuracy(&accuracies) >= 1.0 {
                "right".to_owned()
            } else {
                let first = pairs.iter().find(|pair| !pair.is_right());
                first.map_or_else(|| "wrong".to_owned(), |pair| pair.verdict.clone())
            };
            Grade { accuracy: Some(accuracy), verdict }
        })
        .collect()
}

fn clean_abduction(judge: &Judge<'_>, answers: &[(&Triplet, &str)]) -> Vec<Grade> {
    let jobs: Vec<_> = answers
        .iter()
        .map(|(triplet, answer)| {
            let calls =
                if parse::is_argument_list(answer) { vec![format!("f({answer})")] } else { Vec::new() };
            judge.job(with_imports(&triplet.imports, &triplet.program), calls)
        })
        .collect();
    let (runnable, jobs): (Vec<usize>, Vec<_>) =
        jobs.into_iter().enumerate().filter(|(_, job)| !job.calls.is_empty()).unzip();
    let mut grades = vec![Grade::failed("not_arguments"); answers.len()];
    let (mut compared, mut pairs) = (Vec::new(), Vec::new());
    for (&index, calls) in runnable.iter().zip(judge.run(&jobs)) {
        match verdict(&calls, 0) {
            Verdict::Value { text } => {
                let triplet = answers[index].0;
                compared.push(index);
                pairs.push((triplet.output.clone(), text.clone(), triplet.imports.as_slice()));
            }
            other => grades[index] = Grade::failed(other.name()),
        }
    }
    for (index, equal) in compared.into_iter().zip(judge.equal(&pairs)) {
        grades[index] = Grade::of(equal);
    }
    grades
}

/// One grade a hidden pair. The module level runs afresh before every pair, so no pair sees what another left.
fn clean_induction(judge: &Judge<'_>, answers: &[(&InductionTask, &str)]) -> Vec<Vec<Grade>> {
    let jobs: Vec<_> = answers
        .iter()
        .map(|(task, program)| {
            let calls = task.hidden.iter().map(|pair| format!("f({})", pair.input)).collect();
            let mut job = judge.job(with_imports(&task.imports, program), calls);
            job.fresh_namespace = true;
            job
        })
        .collect();
    let mut grades: Vec<Vec<Grade>> = Vec::with_capacity(answers.len());
    let (mut compared, mut pairs) = (Vec::new(), Vec::new());
    for (index, ((task, _), calls)) in answers.iter().zip(judge.run(&jobs)).enumerate() {
        let mut row = Vec::with_capacity(task.hidden.len());
        for (place, Pair { output, .. }) in task.hidden.iter().enumerate() {
            let found = verdict(&calls, place);
            row.push(Grade::failed(found.name()));
            if let Verdict::Value { text } = found {
                compared.push((index, place));
                pairs.push((output.clone(), text.clone(), task.imports.as_slice()));
            }
        }
        grades.push(row);
    }
    for ((index, place), equal) in compared.into_iter().zip(judge.equal(&pairs)) {
        grades[index][place] = Grade::of(equal);
    }
    grades
}

/// Judges equal answers to equal triplets once (spec 6).
fn judge_once<'a>(
    answers: &[(&'a Triplet, &'a str)],
    judge: impl FnOnce(&[(&'a Triplet, &'a str)]) -> Vec<Grade>,
) -> Vec<Grade> {
    let mut places: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    let mut unique = Vec::new();
    let place_of: Vec<usize> = answers
        .iter()
        .map(|(triplet, answer)| {
            let key = (triplet.program.as_str(), triplet.output.as_str(), *answer);
            *places.entry(key).or_insert_with(|| {
                unique.push((*triplet, *answer));
                unique.len() - 1
            })
        })
        .collect();
    let grades = judge(&unique);
    place_of.into_iter().map(|place| grades.get(place).cloned().unwrap_or_else(Grade::none)).collect()
}
