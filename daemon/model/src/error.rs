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
    /// A file, or several, has not exactly the tensors that the configuration asks for.
    #[error("{path}: {}", list(problems))]
    Tensors {
        /// The weights file, or the index of several.
        path: PathBuf,
        /// All that is wrong.
        problems: Vec<TensorProblem>,
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
    /// The chat template is missing, wrong, or refused the messages.
    #[error("chat template: {0}")]
    ChatTemplate(String),
    /// The tokenizer refused.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The tensor library refused.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// What is wrong with a tensor of the weights files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TensorProblem {
    /// The configuration asks for it and no file has it.
    #[error("tensor `{tensor}` of shape {expected:?} is missing")]
    Missing {
        /// HF name of the tensor.
        tensor: String,
        /// The shape the configuration asks for.
        expected: Vec<usize>,
    },
    /// It is there more than once.
    #[error("tensor `{tensor}` is there more than once")]
    Doubled {
        /// Its name.
        tensor: String,
    },
    /// The configuration does not ask for it, so the model would compute something else with it.
    #[error("tensor `{tensor}` is none of this model")]
    Surplus {
        /// Its name.
        tensor: String,
    },
    /// The index names another file than the one that has it, or none.
    #[error("tensor `{tensor}` is not where the index says")]
    Misplaced {
        /// Its name.
        tensor: String,
    },
}

/// The first few of a list; a wrong configuration may give thousands.
fn list(problems: &[TensorProblem]) -> String {
    const SHOWN: usize = 12;
    let mut text: Vec<String> = problems.iter().take(SHOWN).map(ToString::to_string).collect();
    if problems.len() > SHOWN {
        text.push(format!("and {} more", problems.len() - SHOWN));
    }
    text.join("; ")
}

/// Result of this crate.
pub(crate) type Result<T> = std::result::Result<T, ModelError>;
