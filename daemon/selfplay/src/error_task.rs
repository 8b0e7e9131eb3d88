//! Error prediction (`code_e` of the reference; not in its published runs): which exception does the program raise on the
//! input, or `NoError`?
//!
//! The reference crashes on every valid proposal of this type (spec 12); ours works. `paper` mode takes the class from the
//! last line of the traceback up to a colon, as the reference does, so that a message over several lines gives its last
//! line; a program that is too slow has the reference's name of that error as its answer. `clean` mode takes the class itself and refuses proposals
//! that end in any other way. Answers are compared up to a space or colon, without case (spec 11.8).

use crate::config::{Mode, PromptProfile, SelfPlayConfig};
use crate::judge::{Judge, verdict, with_imports};
use crate::prompt::{Prompts, compact, paper};
use crate::solve::Grade;
use crate::statement::{self, Status};
use crate::task::Triplet;
use crate::task_kind::{Proposed, TaskKind};
use azr_executor::{Job, Verdict};

/// What stands for a program that returns.
pub const NO_ERROR: &str = "NoError";

/// The task type.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorPrediction;

impl TaskKind for ErrorPrediction {
    fn first(&self) -> Triplet {
        Triplet { output: NO_ERROR.into(), ..Triplet::identity() }
    }

    fn propose(&self, references: &[Triplet], prompts: &Prompts) -> String {
        match prompts.profile() {
            PromptProfile::Compact => compact::propose_error(references),
            PromptProfile::Paper => paper::propose_error(references, prompts),
            PromptProfile::Reference => prompts.reference_texts().map_or_else(
                || paper::propose_error(references, prompts),
                |texts| texts.propose_error(references, prompts),
            ),
        }
    }

    fn solve(&self, task: &Triplet, prompts: &Prompts) -> String {
        match prompts.profile() {
            PromptProfile::Compact => compact::solve_error(&task.program, &task.input),
            PromptProfile::Paper => paper::solve_error(task),
            PromptProfile::Reference => prompts
                .reference_texts()
                .map_or_else(|| paper::solve_error(task), |texts| texts.solve_error(task)),
        }
    }

    fn answers(
        &self,
        judge: &Judge<'_>,
        config: &SelfPlayConfig,
        proposals: &[Proposed<'_>],
    ) -> Vec<Result<String, String>> {
        match judge.mode() {
            Mode::Clean => clean_answers(judge, config, proposals),
            Mode::Paper => paper_answers(judge, config, proposals),
        }
    }

    fn grade(&self, _judge: &Judge<'_>, answers: &[(&Triplet, &str)]) -> Vec<Grade> {
        answers.iter().map(|(task, answer)| Grade::of(names_the_error(answer, &task.output))).collect()
    }
}

/// Does the answer name the error? Only its text before the first space or colon counts, in any case.
pub fn names_the_error(answer: &str, error: &str) -> bool {
    let named = answer.split([' ', ':']).next().unwrap_or_default();
    named.to_lowercase() == error.to_lowercase()
}

/// The class in a traceback's last line.
pub fn error_of_status(status: &str) -> &str {
    status.split(':').next().unwrap_or_default().trim()
}

fn clean_answers(
    judge: &Judge<'_>,
    config: &SelfPlayConfig,
    proposals: &[Proposed<'_>],
) -> Vec<Result<String, String>> {
    let jobs: Vec<Job> =
        proposals.iter().map(|one| judge.job(one.program, vec![format!("f({})", one.input)])).collect();
    let reports = if config.execution.determinism { judge.run_twice(&jobs) } else { judge.run(&jobs) };
    reports
        .iter()
        .map(|calls| match verdict(calls, 0) {
            Verdict::Value { .. } => Ok(NO_ERROR.to_owned()),
            Verdict::Raised { exception, .. } => Ok(exception.clone()),
            other => Err(other.name().to_owned()),
        })
        .collect()
}

fn paper_answers(
    judge: &Judge<'_>,
    config: &SelfPlayConfig,
    proposals: &[Proposed<'_>],
) -> Vec<Result<String, String>> {
    let sources: Vec<String> = proposals
        .iter()
        .map(|one| format!("{}\nrepr(f({}))", with_imports(one.imports, one.program), one.input))
        .collect();
    let first = statement::run(judge, &sources, false);
    let second =
        if config.execution.determinism { statement::run(judge, &sources, true) } else { first.clone() };
    first
        .into_iter()
        .zip(second)
        .map(|(first, second)| {
            if first.unparsable {
                return Err("syntax_error".into());
            }
            if first.text.to_lowercase() != second.text.to_lowercase() && first.result != second.result {
                return Err("nondeterministic".into());
            }
            let Status { text, .. } = first;
            Ok(if text.to_lowercase() == "done" {
                NO_ERROR.into()
            } else {
                error_of_status(&text).to_owned()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_error_counts() {
        assert!(names_the_error("valueerror: bad", "ValueError"));
        assert!(names_the_error("ValueError because", "ValueError"));
        assert!(!names_the_error(" ValueError", "ValueError"), "nothing stands before the space");
        assert!(!names_the_error("ValueError\n", "ValueError"));
        assert_eq!(error_of_status("KeyError: 'a: b'"), "KeyError");
        assert_eq!(error_of_status("StopIteration"), "StopIteration");
    }
}
