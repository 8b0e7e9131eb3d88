//! Why a question has no answer at all.

use crate::actor::ActorError;
use crate::slice::SliceError;

/// Why a question could not be dealt with. A wrong, slow or raising program is no such reason: it is a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReasonError {
    /// The program, the input or the value is not what the question needs.
    #[error("{message}")]
    BadProgram {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The function cannot be taken out of its file.
    #[error(transparent)]
    Slice(#[from] SliceError),
    /// The model gave nothing, and nothing else could answer.
    #[error(transparent)]
    Model(#[from] ActorError),
    /// The caller cancelled.
    #[error("the question was cancelled")]
    Cancelled,
}

impl ReasonError {
    pub(super) fn bad(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::BadProgram { message: message.into(), hint: hint.into() }
    }

    /// What the user can do.
    pub fn hint(&self) -> String {
        match self {
            Self::BadProgram { hint, .. } => hint.clone(),
            Self::Slice(error) => error.hint(),
            Self::Model(ActorError::Overloaded { .. }) => {
                "ask again when other requests have ended".to_owned()
            }
            Self::Model(ActorError::NotLoaded(_)) => "choose another model, or mend its folder".to_owned(),
            Self::Model(_) => "ask again".to_owned(),
            Self::Cancelled => String::new(),
        }
    }
}
