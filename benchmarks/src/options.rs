//! How a suite is prompted and judged.

use crate::ReferencePrompts;
pub use azr_selfplay::config::Mode;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

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
#[derive(Clone)]
pub struct SuiteOptions {
    /// Whose behaviour the graders follow where the reference is unsound; `clean` by default.
    pub mode: Mode,
    /// Time rules of the code suites.
    pub limits: TimeRules,
    /// Wording.
    pub prompts: PromptSource,
    /// Kind of model.
    pub profile: Profile,
    /// CRUXEval: ask for a thought before the answer.
    pub thought: bool,
    /// Math sets, reference texts: the variant that asks for a box (the 7B coder's).
    pub boxed: bool,
    /// Code suites: folder in which the reference programs' results are kept between programs; `None` keeps none. It
    /// changes no verdict and is no part of the record.
    pub expected_cache: Option<PathBuf>,
}

impl Default for SuiteOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Clean,
            limits: TimeRules::default(),
            prompts: PromptSource::default(),
            profile: Profile::default(),
            thought: false,
            boxed: false,
            expected_cache: None,
        }
    }
}

impl SuiteOptions {
    /// What decides prompts and verdicts, in words, for the record of an evaluation.
    pub fn describe(&self) -> String {
        let mode = if self.mode == Mode::Paper { "paper" } else { "clean" };
        let limits = if self.limits == TimeRules::Paper { "paper" } else { "evalplus" };
        let prompts = match self.prompts {
            PromptSource::Own => "own",
            PromptSource::Paper(_) => "paper",
        };
        let profile = match self.profile {
            Profile::Base => "base",
            Profile::Chat(_) => "chat",
            Profile::Compact => "compact",
        };
        let Self { thought, boxed, .. } = self;
        format!(
            "mode={mode} limits={limits} prompts={prompts} profile={profile} thought={thought} boxed={boxed}"
        )
    }
}
