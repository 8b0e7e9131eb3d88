//! The long-running process: editor sessions, verified code reasoning, training while serving.
//!
//! A claim of the model never reaches an editor without a verdict by execution: [`Claim`].

mod claim;

pub use claim::Claim;
