//! Sequences of different lengths, packed without padding.

use std::ops::Range;

use crate::config::ModelConfig;
use crate::error::{ModelError, Result};

/// Packed input rows of several sequences, and which of them are scored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PackedBatch {
    /// Input tokens, sequence after sequence.
    pub(crate) tokens: Vec<u32>,
    /// Rows of each sequence.
    pub(crate) sequences: Vec<Range<usize>>,
    /// Rows whose prediction is scored.
    pub(crate) scored: Vec<usize>,
    /// The token that each scored row should predict.
    pub(crate) targets: Vec<u32>,
    /// Longest sequence, in rows.
    pub(crate) longest: usize,
}

impl PackedBatch {
    /// Adds a sequence of which the predictions of `tokens[i]` with `wanted(i)` are scored (never that of the
    /// first). Rows after the last scored one are left out, since nothing depends on them.
    pub(crate) fn push(&mut self, tokens: &[u32], wanted: impl Fn(usize) -> bool) {
        let start = self.tokens.len();
        let mut rows = 0;
        for target in (1..tokens.len()).filter(|&target| wanted(target)) {
            self.scored.push(start + target - 1);
            self.targets.push(tokens[target]);
            rows = target;
        }
        self.tokens.extend_from_slice(&tokens[..rows]);
        self.sequences.push(start..start + rows);
        self.longest = self.longest.max(rows);
    }
}

/// Refuses sequences that the model cannot read.
pub(crate) fn check_sequence(config: &ModelConfig, index: usize, tokens: &[u32]) -> Result<()> {
    let refuse = |reason: String| Err(ModelError::Sequence { index, reason });
    if tokens.len() > config.max_position_embeddings {
        return refuse(format!(
            "{} tokens, the model's context holds {}",
            tokens.len(),
            config.max_position_embeddings
        ));
    }
    if let Some(token) = tokens.iter().find(|&&token| token as usize >= config.vocab_size) {
        return refuse(format!("token {token} is outside the vocabulary of {}", config.vocab_size));
    }
    Ok(())
}
