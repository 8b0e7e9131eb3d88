//! The clock of the daemon: budgets, deadlines and the times shown to people. No value of a result depends on it but for
//! a request that a deadline ended, and those say so.

use std::time::Instant;

/// The present.
#[expect(
    clippy::disallowed_methods,
    reason = "deadlines and shown times; results say when a deadline ended them"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
