//! Answers to self-play tasks: read and judged by the method's own functions (`azr_selfplay`).

use crate::{Graded, Mode};
use azr_executor::{Limits, Sandbox};
use azr_selfplay::Task;
use azr_selfplay::config::InductionScore;
use azr_selfplay::judge::Judge;
use azr_selfplay::parse;
use azr_selfplay::solve::{self, Grade};

/// Nominal limit of a program in the preset `tiny`.
const TINY_SECONDS: f64 = 0.1;

/// Judges compact-profile completions.
#[derive(Clone, Debug)]
pub struct SolverGrader {
    mode: Mode,
    limits: Limits,
}

/// An answer and what the method says about it.
#[derive(Clone, Debug)]
pub struct SolverGrade {
    /// The answer, empty if there is none.
    pub answer: String,
    /// The method's grade.
    pub grade: Grade,
}

impl SolverGrader {
    /// A grader with the limits of the preset `tiny`.
    pub fn tiny(mode: Mode) -> Self {
        Self { mode, limits: Limits::seconds(TINY_SECONDS) }
    }

    /// Its mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Judges (task, completion) pairs, in order; an induction answer must be right on every hidden pair.
    pub fn grade(&self, sandbox: &Sandbox, completions: &[(&Task, &str)]) -> Vec<SolverGrade> {
        let answers: Vec<String> = completions
            .iter()
            .map(|(task, completion)| {
                let text = parse::response_text("<think>", completion, false);
                solve::read_answer(task.task_type(), &text).text.unwrap_or_default()
            })
            .collect();
        let asked: Vec<(&Task, &str)> =
            completions.iter().zip(&answers).map(|((task, _), answer)| (*task, answer.as_str())).collect();
        let judge = Judge::with_limits(sandbox, self.mode, self.limits.clone());
        let grades = solve::grade_all(&judge, &asked, InductionScore::Binary);
        answers.into_iter().zip(grades).map(|(answer, grade)| SolverGrade { answer, grade }).collect()
    }
}

/// The grade in the words of the records.
pub fn verdict_of(graded: SolverGrade) -> Graded {
    let SolverGrade { answer, grade } = graded;
    if grade.is_right() {
        return Graded::passed(answer, 0);
    }
    let verdict = match grade.verdict.as_str() {
        _ if answer.trim().is_empty() => "no_answer",
        "timeout" | "wall_guard" => "timeout",
        "missing_module" => "unsupported",
        _ => "fail",
    };
    Graded::failed(answer, verdict, grade.verdict, 0)
}
