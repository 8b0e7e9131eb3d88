//! Prompts of both roles in three profiles (spec section 4).
//!
//! `compact` is ours for small models; `paper` has every ingredient of the reference's prompts in our own words;
//! `reference` fills the reference's own texts, which are data read by the caller, never part of this program.

pub mod compact;
pub mod paper;
mod reference;

pub use reference::ReferenceTexts;

use crate::config::{PromptProfile, SelfPlayConfig};
use crate::task::{Task, TaskType, Triplet};

/// What a proposer prompt is made from.
#[derive(Clone, Copy, Debug)]
pub enum ProposeContext<'a> {
    /// Deduction and abduction: the references (none when references are ablated).
    References(&'a [Triplet]),
    /// Induction: the program to write inputs for.
    Program(&'a str),
}

/// Why prompts cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The profile `reference` without its texts.
    #[error(
        "the prompt profile `reference` needs the texts of prompts/reference-prompts.json in the data folder"
    )]
    NoReferenceTexts,
    /// A text of the reference is missing.
    #[error("the reference prompts lack the text `{0}`")]
    MissingText(String),
    /// The file is not what it should be.
    #[error("cannot read the reference prompts: {0}")]
    Malformed(String),
}

/// Writes the prompts of a run.
#[derive(Clone, Debug)]
pub struct Prompts {
    profile: PromptProfile,
    reference: Option<ReferenceTexts>,
    banned: Vec<String>,
    n_inputs: usize,
    remove_after_return: bool,
    reject_test_inputs: bool,
}

impl Prompts {
    /// The prompts that `config` asks for; `reference` is needed by the profile of that name only.
    pub fn new(config: &SelfPlayConfig, reference: Option<ReferenceTexts>) -> Result<Self, PromptError> {
        if config.run.prompts == PromptProfile::Reference && reference.is_none() {
            return Err(PromptError::NoReferenceTexts);
        }
        Ok(Self {
            profile: config.run.prompts,
            reference,
            banned: config.proposer.banned.clone(),
            n_inputs: config.proposer.n_inputs,
            remove_after_return: config.proposer.remove_after_return,
            reject_test_inputs: config.proposer.reject_test_inputs,
        })
    }

    /// The compact profile, which needs no configuration.
    pub fn compact() -> Self {
        let mut config = SelfPlayConfig::default();
        config.run.prompts = PromptProfile::Compact;
        Self::new(&config, None).expect("the compact profile needs no texts")
    }

    /// The solver's prompt for `task`.
    pub fn solve(&self, task: &Task) -> String {
        match (self.profile, &self.reference) {
            (PromptProfile::Compact, _) => Self::solve_compact(task),
            (PromptProfile::Reference, Some(texts)) => texts.solve(task),
            _ => paper::solve(task),
        }
    }

    /// The proposer's prompt for a new task of `task_type`. Deduction and abduction expect references,
    /// induction a program; a mismatch is filled with nothing.
    pub fn propose(&self, task_type: TaskType, context: ProposeContext<'_>) -> String {
        let (references, program): (&[Triplet], &str) = match context {
            ProposeContext::References(references) => (references, ""),
            ProposeContext::Program(program) => (&[], program),
        };
        match (self.profile, &self.reference) {
            (PromptProfile::Compact, _) => Self::propose_compact(task_type, references, program),
            (PromptProfile::Reference, Some(texts)) => texts.propose(task_type, references, program, self),
            _ => paper::propose(task_type, references, program, self),
        }
    }

    fn solve_compact(task: &Task) -> String {
        match task {
            Task::Deduction(triplet) => compact::solve_deduction(&triplet.program, &triplet.input),
            Task::Abduction(triplet) => compact::solve_abduction(&triplet.program, &triplet.output),
            Task::Induction(task) => compact::solve_induction(
                task.shown.iter().map(|pair| (pair.input.as_str(), pair.output.as_str())),
                &task.message,
            ),
        }
    }

    fn propose_compact(task_type: TaskType, references: &[Triplet], program: &str) -> String {
        let references =
            references.iter().map(|one| (one.program.as_str(), one.input.as_str(), one.output.as_str()));
        match task_type {
            TaskType::Deduction => compact::propose_deduction(references),
            TaskType::Abduction => compact::propose_abduction(references),
            TaskType::Induction => compact::propose_induction(program),
        }
    }
}
