//! Access of tests to the shared data folder, which is never part of the repository.

#[path = "../../tests/src/skip.rs"]
mod skip;

use crate::DataFolder;
use skip::skipped;
use std::path::{Path, PathBuf};

/// `../shared/data` beside the workspace, or `None` with the reason shown.
pub fn shared() -> Option<DataFolder> {
    let folder = folder();
    if folder.is_dir() {
        return Some(DataFolder::at(folder));
    }
    skipped(&format!("no data folder at {}", folder.display()));
    None
}

/// Where it would be.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data")
}

/// Lines of a gzip'ed JSON-lines file of the data folder, or `None` with the reason shown.
pub fn json_lines(file: &str) -> Option<Vec<serde_json::Value>> {
    shared()?;
    let path = folder().join(file);
    if !path.is_file() {
        skipped(&format!("{} is missing", path.display()));
        return None;
    }
    let bytes = crate::data::read_plain(&path, 64 << 20).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
