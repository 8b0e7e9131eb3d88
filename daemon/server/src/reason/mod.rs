//! Verified reasoning: what does a function return, for which input does it return this, which function does that?
//!
//! The executor goes first, the model proposes, and what it proposes is run before anybody sees it. Every answer says
//! where it comes from ([`Source`]) and what execution says about it ([`crate::Claim`]). The same question with the same
//! seed and the same weights gives the same answer, but for times and for what the budget in milliseconds cut off.
//!
//! All calls block: from async code, run them on a thread for blocking work. The paper asks its three questions to train;
//! here the same questions, in the same prompts, are asked by a person.

mod abduce;
mod deduce;
mod error;
mod execute;
mod induce;
pub(crate) mod literal;
mod model;
mod program;
pub mod protocol;
mod search;

pub use error::ReasonError;
pub use protocol::Source;

use crate::actor::{CancelFlag, ModelActor, Priority, now};
use crate::lanes::Lanes;
use azr_executor::Sandbox;
use std::time::{Duration, Instant};

/// Nominal seconds of a run for an editor.
const SECONDS: f64 = 2.0;
/// Longest program, input or value, in bytes.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Answers questions about programs.
#[derive(Clone)]
pub struct Reasoner {
    lanes: Lanes,
    model: Option<ModelActor>,
}

/// Who asks, and whether they still want the answer.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Checked between runs and at every token.
    pub cancel: CancelFlag,
    /// Queue of the model.
    pub priority: Priority,
}

impl Caller {
    fn check(&self) -> Result<(), ReasonError> {
        if self.cancel.is_set() { Err(ReasonError::Cancelled) } else { Ok(()) }
    }
}

impl Reasoner {
    /// A reasoner; without a model it answers by execution and search alone.
    pub fn new(lanes: impl Into<Lanes>, model: Option<ModelActor>) -> Self {
        Self { lanes: lanes.into(), model }
    }

    /// The sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        self.lanes.sandbox()
    }

    /// The model.
    pub fn model(&self) -> Option<&ModelActor> {
        self.model.as_ref()
    }
}

fn deadline(ms: u64) -> Instant {
    now() + Duration::from_millis(ms)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn check_length(what: &str, text: &str) -> Result<(), ReasonError> {
    if text.len() <= MAX_TEXT_BYTES {
        return Ok(());
    }
    Err(ReasonError::bad(
        format!("the {what} has {} bytes, at most {MAX_TEXT_BYTES} are read", text.len()),
        "pass a shorter one",
    ))
}

#[cfg(test)]
mod tests;
