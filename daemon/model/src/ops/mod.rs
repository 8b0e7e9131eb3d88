//! Differentiable operations on candle's tape.
//!
//! `parameters --Score--> log-probabilities and entropies --TokenLoss--> loss`. Anything differentiable may stand
//! in place of the second, since the first gives per-token tensors.

mod score;
mod token_loss;

pub(crate) use score::{GradientSink, Score};
pub(crate) use token_loss::TokenLoss;
