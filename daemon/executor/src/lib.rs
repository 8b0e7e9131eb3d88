//! Runs untrusted Python: CPython compiled to WebAssembly, a fresh instance for every program.

pub mod analysis;
pub mod build;
mod cache;
pub mod check;
mod engine;
mod guest;
mod instance;
mod job;
pub mod literal;
mod pool;
mod sandbox;
mod verdict;
mod wasi;

pub use guest::{Manifest, manifest};
pub use job::{CallReport, FUEL_PER_SECOND, Job, Limits, Report, StartState};
pub use sandbox::{Sandbox, SandboxConfig, SandboxError};
pub use verdict::Verdict;
