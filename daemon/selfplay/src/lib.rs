//! The Absolute Zero Reasoner's method: a model proposes tasks, solves them, and learns from both.
//!
//! Read in the order of a step: `task`, `config`, `buffers`, `seed`, `prompt`, `parse`, `propose`, `validate`,
//! `learnability`, `solve`, `reward`, `advantage`, `policy`, `step`, `run`.

pub mod config;
mod error;
pub mod observe;
pub mod policy;
pub mod prompt;
pub mod record;
pub mod run;
pub mod task;

pub use config::SelfPlayConfig;
pub use error::SelfPlayError;
pub use policy::Policy;
pub use task::{Group, InductionTask, Pair, Role, Task, TaskType, Triplet};
