//! `azr/status`, and the notification `azr/statusChanged` with the same content, at most twice a second.

use serde::{Deserialize, Serialize};

/// How the daemon, its model and its queues stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusResult {
    /// The process.
    pub daemon: DaemonStatus,
    /// The model.
    pub model: ModelStatus,
    /// Requests that wait or run.
    pub queue: QueueStatus,
    /// The training run, while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingStatus>,
}

/// The process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonStatus {
    /// Whether programs can be run: `preparing` (for the first time on a machine that takes a minute), `ready` or `failed`.
    #[serde(default)]
    pub sandbox: SandboxStatus,
    /// Build of the daemon.
    pub version: String,
    /// Seconds since its start.
    pub uptime: f64,
    /// Editor sessions.
    pub clients: usize,
    /// Its process.
    pub pid: u32,
    /// Address of HTTP, where it is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
}

/// State of the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SandboxStatus {
    /// Its guest is compiled, or read from the cache.
    Preparing,
    /// Programs can be run; also what a daemon says that does not know this.
    #[default]
    Ready,
    /// It cannot be opened.
    Failed,
}

/// The model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelStatus {
    /// What the user called it.
    pub name: String,
    /// Updates that its weights have seen.
    pub version: u64,
    /// Where it computes.
    pub device: String,
    /// Whether it answers.
    pub loaded: bool,
    /// Why it could not be loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Requests that wait or run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueStatus {
    /// Requests that a person waits for.
    pub interactive: usize,
    /// Hints and the like.
    pub background: usize,
}

/// The training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainingStatus {
    /// Its name.
    pub run_id: String,
    /// The last step recorded.
    pub step: u64,
    /// Steps of the run.
    pub steps: u64,
    /// Where the run stands: `starting`, `running`, `stopping`.
    pub state: String,
}
