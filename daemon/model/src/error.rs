//! Everything that can fail in this crate, each variant saying what was attempted and with what.

use std::path::PathBuf;

/// Why a model operation failed. Bad text from a model is never an error.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the model folder could not be read or written.
    #[error("{path}: {action} failed: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// `"reading"`, `"writing"`, ...
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is there but its content is not what the format asks for.
    #[error("{path}: {reason}")]
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor that the configuration asks for is missing.
    #[error("{path}: tensor `{tensor}` of shape {expected:?} is missing")]
    MissingTensor {
        /// Which file.
        path: PathBuf,
        /// HF name of the tensor.
        tensor: String,
        /// The shape the configuration asks for.
        expected: Vec<usize>,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("{path}: tensor `{tensor}` has shape {found:?}, the configuration asks for {expected:?}")]
    TensorShape {
        /// Which file.
        path: PathBuf,
        /// HF name of the tensor.
        tensor: String,
        /// The shape the configuration asks for.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// The configuration names something this crate does not do, or contradicts itself.
    #[error("model configuration: {0}")]
    Config(String),
    /// A batch does not fit the model (token outside the vocabulary, lengths that differ, too long).
    #[error("sequence {index}: {reason}")]
    Sequence {
        /// Index within the batch.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A request that the engine cannot serve.
    #[error("request {index}: {reason}")]
    Request {
        /// Index within the requests.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer refused.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The tensor library refused.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// Result of this crate.
pub(crate) type Result<T> = std::result::Result<T, ModelError>;
