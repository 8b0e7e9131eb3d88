//! `azr/hello`: the first frame on every connection to the daemon, before anything else is read.

use serde::{Deserialize, Serialize};

/// What a connection is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// A session of the Language Server Protocol follows.
    #[default]
    Editor,
    /// Requests of the command line follow: `azr/status`, `azr/stop`. They do not count as a client.
    Control,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloParams {
    /// Major version of the protocol that the caller speaks.
    pub protocol: u32,
    /// Build of the caller.
    #[serde(default)]
    pub build_id: String,
    /// Process of the caller.
    #[serde(default)]
    pub client_pid: Option<u32>,
    /// Folder that the caller's relative paths mean.
    #[serde(default)]
    pub cwd: Option<String>,
    /// The daemon's token: needed on TCP, not looked at on the Unix socket, where the kernel names the user.
    #[serde(default)]
    pub token: Option<String>,
    /// What follows.
    #[serde(default)]
    pub role: Role,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloResult {
    /// Major version of the protocol that the daemon speaks.
    pub protocol: u32,
    /// Build of the daemon.
    pub build_id: String,
    /// Process of the daemon.
    pub daemon_pid: u32,
}
