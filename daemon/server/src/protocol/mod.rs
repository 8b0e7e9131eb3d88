//! The protocol between editors, the command line and the daemon: one file a request.
//!
//! Frames and messages are those of the Language Server Protocol; what LSP has no word for is a method under `azr/`.
//! Field names are camelCase. The types know nothing of the crate that speaks LSP for us.

pub mod dashboard;
pub mod failure;
pub mod frame;
pub mod hello;
pub mod model;
pub mod pool;
pub mod status;
pub mod stop;
pub mod train;

/// Major version: part of the socket's name, of `azr/hello` and of the announced capability.
pub const VERSION: u32 = 1;

/// The custom requests of an editor session, announced in `capabilities.experimental.azr.methods`.
pub const METHODS: [&str; 13] = [
    "azr/abduce",
    "azr/dashboard",
    "azr/deduce",
    "azr/execute",
    "azr/induce",
    "azr/model/load",
    "azr/pool/list",
    "azr/pool/remove",
    "azr/status",
    "azr/train/start",
    "azr/train/stop",
    "azr/train/subscribe",
    "azr/train/unsubscribe",
];
