//! Runs untrusted Python: CPython compiled to WebAssembly, a fresh instance for every program.

pub mod analysis;
mod job;
mod sandbox;
mod verdict;

pub use job::{CallReport, FUEL_PER_SECOND, Job, Limits, Report, StartState};
pub use sandbox::{Sandbox, SandboxConfig, SandboxError};
pub use verdict::Verdict;
