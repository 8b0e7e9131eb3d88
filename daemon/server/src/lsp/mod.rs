//! Editor sessions: the Language Server Protocol on `tower-lsp`, behind a transport of our own.
//!
//! Only this module knows that crate. [`transport`] supplies what it lacks (docs/adr): requests that do not wait for each
//! other, cancellation that always takes effect, edits in order, an end at `exit`, and one reply lost to a panic at most.

mod actions;
mod commands;
mod diagnostics;
pub mod documents;
pub mod facts;
mod hints;
pub mod hover;
mod model;
mod patience;
mod pool;
pub mod position;
mod requests;
pub mod session;
mod status;
mod training;
pub mod transport;
