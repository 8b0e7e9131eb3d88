//! `azr/stop`: ends the daemon. Only connections of the command line have it.

use serde::{Deserialize, Serialize};

/// How to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopParams {
    /// Cancel the requests in flight instead of waiting for them (5 s). Training writes its checkpoint either way.
    #[serde(default)]
    pub now: bool,
}

/// The daemon stops; the connection ends when it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopResult {
    /// Process that ends.
    pub daemon_pid: u32,
}
