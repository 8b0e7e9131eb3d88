//! Transformer families, weights, tokenizer, generation engine, losses, optimizers, checkpoints of weights.

mod generate;
pub mod random;

pub use generate::{Completion, FinishReason, Generate, GenerateRequest, Sampling};
