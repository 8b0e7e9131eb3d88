//! A task type in one file: what a type must say for itself, beyond the three of the paper.
//!
//! Its tasks are triplets: a program, an input, and an answer that execution decides. Everything else of the method (buffers,
//! references, learnability, rewards, baselines, records) is the same for all types and needs nothing from it. Error
//! prediction ([`crate::error_task`]) is built on this trait; a type of the caller's own is given to
//! [`crate::run::run_with_task`] and named `custom` in `run.task_types`. See `examples/task_type.rs`.

use crate::config::SelfPlayConfig;
use crate::judge::Judge;
use crate::parse::{self, Wanted};
use crate::prompt::Prompts;
use crate::solve::Grade;
use crate::task::Triplet;

/// A proposal of a type, as far as every type checks it alike: parsed, not banned, not held out.
#[derive(Clone, Copy, Debug)]
pub struct Proposed<'a> {
    /// Source that defines `f`.
    pub program: &'a str,
    /// Text of the argument list.
    pub input: &'a str,
    /// Import lines of the program, sorted.
    pub imports: &'a [String],
}

/// A task type whose tasks are triplets.
pub trait TaskKind: Send + Sync {
    /// The first task of the buffer, from which proposals start.
    fn first(&self) -> Triplet;

    /// The proposer's prompt without the conversation around it, the references included.
    fn propose(&self, references: &[Triplet], prompts: &Prompts) -> String;

    /// The solver's prompt without the conversation around it.
    fn solve(&self, task: &Triplet, prompts: &Prompts) -> String;

    /// Runs proposals and gives the right answer of each, or the word for why it is no task. Order as given.
    fn answers(
        &self,
        judge: &Judge<'_>,
        config: &SelfPlayConfig,
        proposals: &[Proposed<'_>],
    ) -> Vec<Result<String, String>>;

    /// The solver's answer within its answer block; `None` makes the response badly formatted. By default what abduction and
    /// deduction do for an output block.
    fn read(&self, block: &str) -> Option<String> {
        Some(parse::solver_answer(block, Wanted::Output))
    }

    /// Grades answers. Order as given.
    fn grade(&self, judge: &Judge<'_>, answers: &[(&Triplet, &str)]) -> Vec<Grade>;
}
