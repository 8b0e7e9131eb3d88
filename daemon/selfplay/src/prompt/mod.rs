//! Prompts of both roles in three profiles (spec section 4).
//!
//! `compact` is ours for small models; `paper` has every ingredient of the reference's prompts in our own words;
//! `reference` fills the reference's own texts, which are data read by the caller, never part of this program.

pub mod compact;
pub mod paper;
mod reference;

pub use reference::ReferenceTexts;

use crate::config::{PromptProfile, SelfPlayConfig};
use crate::error_task::ErrorPrediction;
use crate::task::{Task, TaskType, Triplet};
use crate::task_kind::TaskKind;
use std::sync::Arc;

/// What a proposer prompt is made from.
#[derive(Clone, Copy, Debug)]
pub enum ProposeContext<'a> {
    /// Deduction and abduction: the references (none when references are ablated).
    References(&'a [Triplet]),
    /// Types whose tasks are triplets, with stored programs that the proposal must call, named `g_0`, `g_1`, ...
    Composite(&'a [Triplet], &'a [Triplet]),
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
    banned_for_errors: Vec<String>,
    n_inputs: usize,
    remove_after_return: bool,
    reject_test_inputs: bool,
    custom: Option<Kind>,
}

/// A task type of the caller's own.
#[derive(Clone)]
struct Kind(Arc<dyn TaskKind>);

impl std::fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Kind")
    }
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
            banned_for_errors: config.proposer.banned_for_errors.clone(),
            n_inputs: config.proposer.n_inputs,
            remove_after_return: config.proposer.remove_after_return,
            reject_test_inputs: config.proposer.reject_test_inputs,
            custom: None,
        })
    }

    /// Writes the prompts of the type `custom` with this.
    #[must_use]
    pub fn with_custom(self, custom: Option<Arc<dyn TaskKind>>) -> Self {
        Self { custom: custom.map(Kind), ..self }
    }

    /// The prompts of the seeding scripts, which also strip what follows the return and say so (spec 2).
    #[must_use]
    pub fn for_seeding_scripts(&self) -> Self {
        Self { remove_after_return: true, ..self.clone() }
    }

    /// The wording.
    pub fn profile(&self) -> PromptProfile {
        self.profile
    }

    /// The reference's texts, where they were given.
    pub fn reference_texts(&self) -> Option<&ReferenceTexts> {
        self.reference.as_ref()
    }

    /// Banned names and, for error tasks, banned statements.
    pub fn banned(&self) -> (&[String], &[String]) {
        (&self.banned, &self.banned_for_errors)
    }

    /// Puts one user turn into the conversation of the profile; the response begins inside the thought. (The compact profile
    /// has no conversation.)
    pub fn conversation(&self, user: &str) -> String {
        match (self.profile, &self.reference) {
            (PromptProfile::Compact, _) => compact::ask(user),
            (PromptProfile::Reference, Some(texts)) => texts.conversation(user),
            _ => paper::conversation(user),
        }
    }

    fn kind(&self, task_type: TaskType) -> Option<&dyn TaskKind> {
        match task_type {
            TaskType::Error => Some(&ErrorPrediction),
            TaskType::Custom => self.custom.as_ref().map(|kind| &*kind.0),
            TaskType::Deduction | TaskType::Abduction | TaskType::Induction => None,
        }
    }

    /// The compact profile, which needs no configuration.
    pub fn compact() -> Self {
        let mut config = SelfPlayConfig::default();
        config.run.prompts = PromptProfile::Compact;
        Self::new(&config, None).expect("the compact profile needs no texts")
    }

    /// The solver's prompt for `task`.
    pub fn solve(&self, task: &Task) -> String {
        if let (Task::Error(triplet) | Task::Custom(triplet), Some(kind)) =
            (task, self.kind(task.task_type()))
        {
            return self.conversation(&kind.solve(triplet, self));
        }
        match (self.profile, &self.reference) {
            (PromptProfile::Compact, _) => Self::solve_compact(task),
            (PromptProfile::Reference, Some(texts)) => texts.solve(task),
            _ => paper::solve(task),
        }
    }

    /// The proposer's prompt for a new task of `task_type`. Deduction and abduction expect references,
    /// induction a program; a mismatch is filled with nothing.
    pub fn propose(&self, task_type: TaskType, context: ProposeContext<'_>) -> String {
        let (references, functions, program): (&[Triplet], &[Triplet], &str) = match context {
            ProposeContext::References(references) => (references, &[], ""),
            ProposeContext::Composite(references, functions) => (references, functions, ""),
            ProposeContext::Program(program) => (&[], &[], program),
        };
        let mut user = match (self.kind(task_type), self.profile, &self.reference) {
            (Some(kind), ..) => kind.propose(references, self),
            (None, PromptProfile::Compact, _) => Self::propose_compact(task_type, references, program),
            (None, PromptProfile::Reference, Some(texts)) => {
                texts.propose(task_type, references, program, self)
            }
            (None, ..) => paper::propose(task_type, references, program, self),
        };
        // In the reference's prompts the requirement stands where else a line break ends the references.
        user += &match (self.profile, &self.reference) {
            (PromptProfile::Reference, Some(texts)) if task_type != TaskType::Induction => {
                if functions.is_empty() { "\n".into() } else { texts.composite(functions) }
            }
            _ if functions.is_empty() => String::new(),
            (PromptProfile::Compact, _) => compact::composite(functions),
            _ => paper::composite(functions),
        };
        self.conversation(&user)
    }

    fn solve_compact(task: &Task) -> String {
        match task {
            Task::Deduction(triplet) => compact::solve_deduction(&triplet.program, &triplet.input),
            Task::Abduction(triplet) => compact::solve_abduction(&triplet.program, &triplet.output),
            Task::Induction(task) => compact::solve_induction(
                task.shown.iter().map(|pair| (pair.input.as_str(), pair.output.as_str())),
                &task.message,
            ),
            // A type of the caller's own without the caller's word for it.
            Task::Error(triplet) | Task::Custom(triplet) => {
                compact::solve_deduction(&triplet.program, &triplet.input)
            }
        }
    }

    fn propose_compact(task_type: TaskType, references: &[Triplet], program: &str) -> String {
        let references =
            references.iter().map(|one| (one.program.as_str(), one.input.as_str(), one.output.as_str()));
        match task_type {
            TaskType::Abduction => compact::propose_abduction(references),
            TaskType::Induction => compact::propose_induction(program),
            TaskType::Deduction | TaskType::Error | TaskType::Custom => {
                compact::propose_deduction(references)
            }
        }
        .trim_end_matches(compact::THINK)
        .to_owned()
    }
}
