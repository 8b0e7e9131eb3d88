//! The Absolute Zero Reasoner's method: a model proposes tasks, solves them, and learns from both.
//!
//! Read in the order of a step: `task`, `config`, `buffers`, `seed`, `prompt`, `parse`, `propose`, `validate`,
//! `learnability`, `solve`, `reward`, `advantage`, `policy`, `step`, `run`.

pub mod advantage;
pub mod buffers;
pub mod chain;
pub mod checkpoint;
pub mod compose;
pub mod config;
mod draw;
mod error;
pub mod error_task;
mod files;
pub mod health;
pub mod intrinsic;
pub mod judge;
pub mod learnability;
pub mod observe;
mod paper_verdicts;
pub mod parse;
pub mod policy;
pub mod prompt;
pub mod propose;
mod python_literal;
pub mod record;
pub mod replay;
pub mod reward;
mod rollout;
pub mod run;
pub mod seed;
#[cfg(test)]
#[path = "../../../tests/src/skip.rs"]
mod skip;
pub mod solve;
mod statement;
pub mod step;
pub mod task;
pub mod task_kind;
pub mod validate;

pub use config::SelfPlayConfig;
pub use error::SelfPlayError;
pub use policy::Policy;
pub use task::{Group, InductionTask, Pair, Role, Task, TaskType, Triplet};
pub use task_kind::TaskKind;
