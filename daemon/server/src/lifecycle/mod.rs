//! One daemon a user: where it lies, who holds the lock, how it is found or started, and how it ends.
//!
//! [`bridge`] is what editors start; [`connect`] finds or starts the daemon; [`serve`] is the daemon.

pub mod bridge;
pub mod connect;
mod control;
pub mod lock;
pub mod log;
mod mirror;
pub mod parent;
pub mod placement;
pub mod serve;
pub mod standalone;
pub mod token;
