//! Transformer families, weights, tokenizer, generation engine, losses, optimizers, checkpoints of weights.
//!
//! Entry points: [`ModelFolder`] reads and writes the HF layout, [`Weights`] is the one parameter storage,
//! [`Engine`] generates from it, [`Trainer`] changes it. The paper trains with FSDP and generates with vLLM,
//! two copies of the weights; here both sides read the same storage, and [`Weights::version`] tells which
//! update a completion came from.

mod batch;
mod chat;
mod config;
mod engine;
mod error;
mod families;
mod file;
mod folder;
mod generate;
mod gguf;
#[allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "loops over several slices in step must take the instruction set of their caller"
)]
mod kernels;
mod layout;
mod lora;
mod loss;
mod network;
mod ops;
mod optimizer;
mod packed;
pub mod random;
mod rotary;
mod shards;
mod state_file;
mod tensors;
mod tokenizer;
mod trainer;
mod weights;

pub use chat::{ChatFormat, ChatMessage, Strftime};
pub use config::{EosTokens, ModelConfig};
pub use engine::{Engine, EngineConfig, Served, Serving, ServingRequest};
pub use error::{ModelError, TensorProblem};
pub use families::Qwen2Shape;
pub use folder::{GenerationConfig, ModelBytes, ModelFolder, WeightFormat};
pub use generate::{Completion, FinishReason, Generate, GenerateRequest, Sampling};
pub use lora::{Lora, LoraConfig};
pub use loss::{Aggregation, PolicyLoss, PolicySequence, WeightedSequence};
pub use optimizer::{AdamWConfig, MuonConfig, OptimizerConfig};
pub use packed::PackedWeights;
pub use rotary::{Rope, RopeScaling};
pub use tokenizer::Tokenizer;
pub use trainer::{RefusedStep, StepStats, TokenScores, Trainer, TrainerConfig};
pub use weights::{Snapshot, Weights};
