//! The data folder of the benchmarks, and the identity of a suite for the record.

#![expect(clippy::disallowed_methods, reason = "the environment is read here, at the edge, and passed on")]

use crate::failure::{Failure, nearest};
use crate::provenance::sha256;
use crate::sandbox;
use azr_benchmarks::{BenchmarkError, DataFolder, DataLocation, Suite, suite_names};
use std::path::PathBuf;

/// The data folder that the environment names.
pub fn given_folder() -> Option<PathBuf> {
    std::env::var_os("AZR_DATA").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `--data`, else `$AZR_DATA`, else downloads into the cache folder.
pub fn folder(given: Option<PathBuf>) -> DataFolder {
    let folder = given.or_else(given_folder);
    DataFolder::new(DataLocation {
        folder,
        cache: sandbox::cache_dir().map(|cache| cache.join("data")),
        source: None,
    })
}

/// An error of opening a suite, with the nearest name for an unknown one.
pub fn suite_failure(name: &str, error: BenchmarkError) -> anyhow::Error {
    if !matches!(error, BenchmarkError::UnknownSuite { .. }) {
        return error.into();
    }
    let all = suite_names().join(", ");
    let advice = match nearest(name, suite_names().iter().copied()) {
        Some(near) => format!("did you mean '{near}'? The suites are: {all}"),
        None => format!("the suites are: {all}"),
    };
    Failure::new(format!("unknown suite '{name}'"), advice).into()
}

/// Hash of a suite's settings and prompts.
pub fn suite_hash(suite: &dyn Suite) -> String {
    let mut text = suite.settings();
    for index in 0..suite.len() {
        text.push('\0');
        text.push_str(suite.item(index));
        text.push('\0');
        text.push_str(&suite.prompt(index).text);
    }
    sha256(text.as_bytes())
}
