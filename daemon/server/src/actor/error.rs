//! Why the model gave no answer.

use azr_model::ModelError;

/// Why a request of the model failed. Bad text of the model is never an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActorError {
    /// The model could not be loaded.
    #[error("the model is not loaded: {0}")]
    NotLoaded(String),
    /// The queue is full.
    #[error("{waiting} requests wait for the model already")]
    Overloaded {
        /// Requests in the queue.
        waiting: usize,
    },
    /// The request can never be served: an empty prompt, a token outside the vocabulary.
    #[error("the model refuses the request: {0}")]
    Refused(String),
    /// The model's thread failed while the request was in work; the next one finds a fresh engine.
    #[error("the model failed while it worked on the request, and was started again: {0}")]
    Restarted(String),
    /// The request was cancelled.
    #[error("the request was cancelled")]
    Cancelled,
    /// The actor has been shut down.
    #[error("the model has been shut down")]
    Stopped,
}

impl From<&ModelError> for ActorError {
    fn from(error: &ModelError) -> Self {
        match error {
            ModelError::Request { reason, .. } => Self::Refused(reason.clone()),
            other => Self::Refused(other.to_string()),
        }
    }
}
