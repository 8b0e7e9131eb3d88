//! Why a run cannot go on. What a model or its programs do wrong is data, never one of these.

use std::path::PathBuf;

/// Failures of self-play.
#[derive(Debug, thiserror::Error)]
pub enum SelfPlayError {
    /// The configuration cannot run.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// Prompts cannot be made.
    #[error(transparent)]
    Prompt(#[from] crate::prompt::PromptError),
    /// The model failed.
    #[error("the model failed to {what}: {reason}")]
    Policy {
        /// What it was asked.
        what: &'static str,
        /// Its message.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The run folder is in use or holds another run.
    #[error("the run folder {}: {reason}", path.display())]
    RunFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A recomputed step differs from what the run recorded.
    #[error(
        "step {step} recomputed after resume differs from the recorded line ({field}): the run was made with other \
         code, weights or settings"
    )]
    Diverged {
        /// The step.
        step: u64,
        /// The first field that differs.
        field: String,
    },
    /// The evaluation hook failed.
    #[error("evaluation after step {step} failed: {reason}")]
    Evaluation {
        /// The step.
        step: u64,
        /// Its message.
        reason: String,
    },
    /// Nothing to train on.
    #[error("{0}")]
    NoTasks(String),
}

impl SelfPlayError {
    /// Wraps a model's error.
    pub(crate) fn policy(what: &'static str, error: &dyn std::error::Error) -> Self {
        Self::Policy { what, reason: error.to_string() }
    }
}
