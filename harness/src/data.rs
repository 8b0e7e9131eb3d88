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

/// The user's data folder (`--data`, else `$AZR_DATA`), and it alone; without one, downloads into the cache folder.
pub fn folder(given: Option<PathBuf>) -> DataFolder {
    let folder = given.or_else(given_folder);
    let cache = if folder.is_some() { None } else { sandbox::cache_dir().map(|cache| cache.join("data")) };
    DataFolder::new(DataLocation { folder, cache, source: None })
}

/// An error of a suite with what to do about it; an unknown suite gets the nearest name.
pub fn suite_failure(name: &str, error: BenchmarkError) -> anyhow::Error {
    let advice = match &error {
        BenchmarkError::UnknownSuite { .. } => {
            let all = suite_names().join(", ");
            let advice = match nearest(name, suite_names().iter().copied()) {
                Some(near) => format!("did you mean '{near}'? The suites are: {all}"),
                None => format!("the suites are: {all}"),
            };
            return Failure::new(format!("unknown suite '{name}'"), advice).into();
        }
        BenchmarkError::NoData { .. } => {
            "the data folder holds one folder a suite, e.g. aime24/test.jsonl.gz"
        }
        BenchmarkError::BadLine { .. } => {
            "each line must be one JSON object with the fields that the suite reads"
        }
        BenchmarkError::WrongHash { path, .. } if path.starts_with("http:") || path.starts_with("https:") => {
            "nothing of the download was kept: try again later, or give a folder that has the published file with --data"
        }
        BenchmarkError::WrongHash { .. } => {
            "the file stays as it is, and is not used: name a folder that has the published file with --data DIR or \
             AZR_DATA, or leave both out to have the published file fetched into the cache folder"
        }
        BenchmarkError::Io { action: "cannot unpack", .. } => {
            "the compressed file is cut short or damaged: copy or make it again, or name another one"
        }
        BenchmarkError::TooLarge { .. } => "this is not the file that was meant: name another one",
        _ => return error.into(),
    };
    Failure::new(error.to_string(), advice).into()
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
