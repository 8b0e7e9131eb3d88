//! `azr/pool/list` and `azr/pool/remove`: the functions of the user's files that self-play may start from.

use serde::{Deserialize, Serialize};

/// Where an entry comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The document.
    pub uri: String,
    /// The function in it.
    pub function: String,
}

/// A task of the pool, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolEntry {
    /// Its name.
    pub id: String,
    /// Program whose function is called `f`.
    pub snippet: String,
    /// Arguments.
    pub input: String,
    /// Value by execution.
    pub output: String,
    /// Always empty: the program has its imports.
    pub imports: Vec<String>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListResult {
    /// The file, on this machine.
    pub path: String,
    /// Its entries.
    pub entries: Vec<PoolEntry>,
}

/// What to remove: everything that one of the fields names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveParams {
    /// Entries by name.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Entries of one document.
    #[serde(default)]
    pub uri: Option<String>,
    /// All entries.
    #[serde(default)]
    pub all: bool,
}

/// What was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoveResult {
    /// Entries that are gone.
    pub removed: usize,
    /// Entries that are left.
    pub left: usize,
}
