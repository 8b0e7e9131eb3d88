//! `azr/model/load`: another model for everybody.

use serde::{Deserialize, Serialize};

/// What to load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadParams {
    /// `azr-tiny`, a folder, a GGUF file, a run, or `owner/name`.
    pub source: String,
}

/// What was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadResult {
    /// Updates that its weights have seen.
    pub model_version: u64,
}
