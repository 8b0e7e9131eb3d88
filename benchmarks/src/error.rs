//! What can go wrong around an evaluation. A model's bad answer is never one of these.

use std::path::PathBuf;

/// Why a suite cannot be opened, run or scored.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// No suite of that name.
    #[error("there is no suite {name:?}; suites: {known}")]
    UnknownSuite {
        /// What was asked for.
        name: String,
        /// The names there are, joined.
        known: String,
    },
    /// A data file is nowhere to be found and may not or could not be downloaded.
    #[error("no data for {file}: {reason}; give the folder with --data DIR or AZR_DATA")]
    NoData {
        /// Path inside the data folder.
        file: String,
        /// What was tried.
        reason: String,
    },
    /// A data file is not the published one.
    #[error("{} is not the published file: sha256 {want} was expected, {got} was found", path.display())]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// Its hash.
        got: String,
        /// The hash it must have.
        want: &'static str,
    },
    /// A file larger than any published one.
    #[error("{}: larger than the bound of {bound} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        bound: u64,
    },
    /// A line of data or samples that does not read.
    #[error("{file}, line {line}: {message}")]
    BadLine {
        /// The file.
        file: String,
        /// 1-based line.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was attempted, e.g. `cannot write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The model could not generate.
    #[error("generation failed: {0}")]
    Generate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Options that do not fit together.
    #[error("{0}")]
    Options(String),
}

impl BenchmarkError {
    /// For `map_err` on file operations.
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
