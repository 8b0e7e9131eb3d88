//! The bearer token that a client must send.

use super::HttpError;
use axum::http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq;

/// What a client must know. An empty one lets nobody in.
#[derive(Clone)]
pub struct Bearer(String);

impl Bearer {
    /// A token to compare with.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// Refuses a request without the token; takes the same time whatever differs.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), HttpError> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim();
        if !self.0.is_empty() && bool::from(given.as_bytes().ct_eq(self.0.as_bytes())) {
            return Ok(());
        }
        Err(HttpError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_api_key",
            "the bearer token is missing or wrong; it stands in the daemon's token file",
        ))
    }
}
