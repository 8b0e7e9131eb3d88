//! Why a custom request failed, as data that a client can act on: error -32803 with a kind and a hint.

use serde::{Deserialize, Serialize};

/// Code of a request that the server understood and could not do (LSP: `RequestFailed`).
pub const REQUEST_FAILED: i64 = -32803;

/// What stood in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The model is still loading, or could not be loaded.
    ModelNotLoaded,
    /// Too many requests wait already.
    Overloaded,
    /// The sandbox refused, or could not be opened.
    SandboxLimit,
    /// A training run is going on, or the one named is not.
    TrainingBusy,
    /// The program or the value given is not what the request needs.
    BadProgram,
    /// The request needs what this session does not have: another build, a token, a daemon that is not stopping.
    Refused,
}

/// A failed request: what happened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What stood in the way.
    pub kind: FailureKind,
    /// What was attempted and what happened.
    pub message: String,
    /// What the user can do.
    pub hint: String,
}

/// The `data` of the error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailureData {
    /// What stood in the way.
    pub kind: FailureKind,
    /// What the user can do.
    pub hint: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into() }
    }

    /// The error object of JSON-RPC.
    pub fn to_json(&self) -> serde_json::Value {
        let data = FailureData { kind: self.kind, hint: self.hint.clone() };
        serde_json::json!({ "code": REQUEST_FAILED, "message": self.message, "data": data })
    }
}
