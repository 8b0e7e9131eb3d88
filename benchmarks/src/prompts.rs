//! The reference texts of prompts, read at run time from `<data>/prompts/reference-prompts.json`.

use crate::{BenchmarkError, DataFolder};
use std::collections::BTreeMap;

/// Texts by name, e.g. `azr.math.azr`.
#[derive(Clone, Debug, Default)]
pub struct ReferencePrompts {
    texts: BTreeMap<String, String>,
}

impl ReferencePrompts {
    /// Reads the file of the data folder.
    pub fn read(data: &DataFolder) -> Result<Self, BenchmarkError> {
        let file = "prompts/reference-prompts.json";
        let path = data.local(file)?;
        let bytes = crate::data::read_bounded(&path, 4 << 20)?;
        let bad =
            |message: String| BenchmarkError::BadLine { file: path.display().to_string(), line: 1, message };
        let value: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        let texts = value
            .into_iter()
            .filter_map(|(name, entry)| Some((name, entry.get("text")?.as_str()?.to_owned())))
            .collect();
        Ok(Self { texts })
    }

    /// The text of that name.
    pub fn get(&self, name: &str) -> Result<&str, BenchmarkError> {
        self.texts.get(name).map(String::as_str).ok_or_else(|| BenchmarkError::NoData {
            file: "prompts/reference-prompts.json".into(),
            reason: format!("it has no text {name:?}"),
        })
    }
}
