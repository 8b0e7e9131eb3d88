//! How a suite is prompted and judged.

use crate::ReferencePrompts;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whose behaviour a grader follows where the reference is unsound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The reference's, damage included.
    Paper,
    /// Sound: a program cannot talk the grader into a pass, text answers are kept.
    #[default]
    Clean,
}

/// Time rules of the code suites: least limit of one input in seconds, and factor over the reference's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeRules {
    /// 10 s and 8, as the paper's script sets them.
    Paper,
    /// 4 s and 4, the defaults of EvalPlus.
    #[default]
    Evalplus,
}

impl TimeRules {
    /// Least limit of one input in seconds.
    pub fn least_seconds(self) -> f64 {
        match self {
            Self::Paper => 10.0,
            Self::Evalplus => 4.0,
        }
    }

    /// Factor over the reference program's time on the same input.
    pub fn factor(self) -> u64 {
        match self {
            Self::Paper => 8,
            Self::Evalplus => 4,
        }
    }
}

/// Renders (user turn, begun assistant turn) with a model's chat template.
pub type ChatTemplate = Arc<dyn Fn(&str, &str) -> String + Send + Sync>;

/// The kind of model that is asked.
#[derive(Clone, Default)]
pub enum Profile {
    /// A base model: the text is continued.
    #[default]
    Base,
    /// A model with a chat template.
    Chat(ChatTemplate),
    /// A model of the compact profile (`azr-tiny`): our short prompts, answers in tags and fences.
    Compact,
}

/// Where the wording of prompts comes from.
#[derive(Clone, Default)]
pub enum PromptSource {
    /// Our own wording.
    #[default]
    Own,
    /// The reference texts, read at run time from the data folder.
    Paper(Arc<ReferencePrompts>),
}

/// All options of a suite.
#[derive(Clone, Default)]
pub struct SuiteOptions {
    /// Grading mode.
    pub mode: Mode,
    /// Time rules of the code suites.
    pub limits: TimeRules,
    /// Wording.
    pub prompts: PromptSource,
    /// Kind of model.
    pub profile: Profile,
    /// CRUXEval: ask for a thought before the answer.
    pub thought: bool,
}
