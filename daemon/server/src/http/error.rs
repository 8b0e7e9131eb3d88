//! Errors as clients of the interface expect them: `{"error": {"message", "type", "code"}}`.

use crate::actor::ActorError;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// A refusal of the endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl HttpError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// A request that cannot be served as it stands.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        let kind = if self.status.is_server_error() { "server_error" } else { "invalid_request_error" };
        serde_json::json!({ "error": { "message": self.message, "type": kind, "param": null, "code": self.code } })
    }
}

impl From<ActorError> for HttpError {
    fn from(error: ActorError) -> Self {
        let (status, code) = match &error {
            ActorError::Overloaded { .. } => (StatusCode::TOO_MANY_REQUESTS, "overloaded"),
            ActorError::Refused(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            ActorError::NotLoaded(_) => (StatusCode::SERVICE_UNAVAILABLE, "model_not_loaded"),
            ActorError::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopped"),
            ActorError::Restarted(_) => (StatusCode::INTERNAL_SERVER_ERROR, "model_failed"),
            ActorError::Cancelled => (StatusCode::INTERNAL_SERVER_ERROR, "cancelled"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        (self.status, Json(self.to_json())).into_response()
    }
}
