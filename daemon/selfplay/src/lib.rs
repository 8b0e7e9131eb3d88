//! The Absolute Zero Reasoner's method: a model proposes tasks, solves them, and learns from both.
//!
//! Read in the order of a step: `task`, `config`, `buffers`, `seed`, `prompt`, `parse`, `propose`, `validate`,
//! `learnability`, `solve`, `reward`, `advantage`, `policy`, `step`, `run`.

pub mod advantage;
pub mod buffers;
pub mod chain;
pub mod checkpoint;
pub mod config;
mod draw;
mod error;
mod files;
pub mod intrinsic;
pub mod judge;
pub mod learnability;
pub mod observe;
mod paper_verdicts;
pub mod parse;
pub mod policy;
pub mod prompt;
pub mod propose;
pub mod record;
pub mod reward;
mod rollout;
pub mod run;
pub mod seed;
#[cfg(test)]
#[path = "../../../tests/src/skip.rs"]
mod skip;
pub mod solve;
pub mod step;
pub mod task;
pub mod validate;

pub use config::SelfPlayConfig;
pub use error::SelfPlayError;
pub use policy::Policy;
pub use task::{Group, InductionTask, Pair, Role, Task, TaskType, Triplet};
