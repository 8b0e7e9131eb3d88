//! The long-running process: editor sessions, verified code reasoning, training while serving.
//!
//! A claim of the model never reaches an editor without a verdict by execution: [`Claim`].
//!
//! * [`lifecycle`]: one daemon a user, found or started by the bridge that an editor runs.
//! * [`lsp`] and [`protocol`]: what a session answers, and the messages.
//! * [`host`]: what all sessions share; [`verdicts`]: what is known of calls; [`training`]: self-play on the served model.
//! * [`lanes`]: runs of programs, where one that never ends holds up nobody else.
//! * [`pool`]: functions of the user's files that self-play may start from, where the user wants that.
//! * [`actor`]: one thread owns the model; requests queue by priority, are cancelled between two tokens, and keep the
//!   weights they began with.
//! * [`slice`]: a function of a real file with what it needs of its module, and what the file claims about it.
//! * [`http`]: the same model for clients of the OpenAI interface, with metrics.
//! * [`dashboard`]: a page in the browser that shows runs from their folders alone.
//! * [`reason`]: deduction, abduction, induction and execution, over sandbox, search and model.

pub mod actor;
mod claim;
pub mod dashboard;
pub mod host;
pub mod http;
pub mod lanes;
pub mod lifecycle;
pub mod lsp;
pub mod pool;
pub mod protocol;
pub mod reason;
pub mod slice;
pub mod training;
pub mod verdicts;

pub use claim::Claim;

/// One sandbox for all tests of this crate: compiling the guest takes longer than the tests.
#[cfg(test)]
static SANDBOX: std::sync::LazyLock<azr_executor::Sandbox> = std::sync::LazyLock::new(|| {
    azr_executor::Sandbox::open(&azr_executor::SandboxConfig::default()).expect("the embedded guest opens")
});
