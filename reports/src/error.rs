//! What can go wrong when a run folder is read and a report is written.

use std::path::PathBuf;

/// An error of this crate. Each variant names the file it is about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is larger than any that a run writes.
    #[error("{path} has {bytes} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// [`crate::run::MAX_FILE_BYTES`].
        limit: u64,
    },
    /// A record is not what the run folder's contract says.
    #[error("{path}, line {line}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 1 for files that are one value.
        line: usize,
        /// What was found.
        message: String,
    },
    /// The graded answers are not those that the figures beside them were computed from.
    #[error("{path} is not what metrics.json beside it was computed from: {message}")]
    ChangedAnswers {
        /// The file of answers.
        path: PathBuf,
        /// The first figure that differs.
        message: String,
    },
    /// A file of rollouts could not be read as the table it should be.
    #[error("{path} is not a readable table of rollouts: {message}")]
    Rollouts {
        /// The file.
        path: PathBuf,
        /// What polars found.
        message: String,
    },
    /// There is nothing to report on.
    #[error("{path} is not a run folder: it has neither steps.jsonl nor eval/")]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// A plot could not be drawn.
    #[error("cannot draw the plot \"{title}\": {message}")]
    Plot {
        /// Its title.
        title: String,
        /// The backend's reason.
        message: String,
    },
    /// The page's template failed.
    #[error("cannot fill the page: {0}")]
    Page(#[from] minijinja::Error),
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
