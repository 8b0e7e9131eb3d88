//! The long-running process: editor sessions, verified code reasoning, training while serving.
//!
//! A claim of the model never reaches an editor without a verdict by execution: [`Claim`].
//!
//! * [`actor`]: one thread owns the model; requests queue by priority, are cancelled between two tokens, and keep the
//!   weights they began with.
//! * [`slice`]: a function of a real file with what it needs of its module, and what the file claims about it.
//! * [`http`]: the same model for clients of the OpenAI interface, with metrics.
//! * [`reason`]: deduction, abduction, induction and execution, over sandbox, search and model.

pub mod actor;
mod claim;
pub mod http;
pub mod reason;
pub mod slice;

pub use claim::Claim;
