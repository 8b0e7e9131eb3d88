//! `azr/train/start|stop|subscribe|unsubscribe` and the notification `azr/train/event`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What to train.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartParams {
    /// Preset or file (a string), or an object of settings over the preset `tiny` (keys as in a TOML file).
    #[serde(default)]
    pub config: Option<Value>,
    /// Folder of the run; a new one under the state folder where absent.
    #[serde(default)]
    pub run_dir: Option<String>,
    /// Start from the functions of the task pool instead of tasks that the model proposes; refused where it is empty.
    #[serde(default)]
    pub pool: bool,
    /// Go on with the run in that folder.
    #[serde(default)]
    pub resume: bool,
}

/// The run has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartResult {
    /// Name of the run, for the other requests.
    pub run_id: String,
    /// Its folder.
    pub run_dir: String,
}

/// Which run to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopParams {
    /// The run.
    pub run_id: String,
    /// Runs always stop with a checkpoint; `false` is refused.
    #[serde(default = "yes")]
    pub checkpoint: bool,
}

fn yes() -> bool {
    true
}

/// Where the run stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopResult {
    /// The last step done.
    pub step: u64,
    /// Folder of its checkpoint.
    pub checkpoint: Option<String>,
}

/// Whose events to get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeParams {
    /// The run.
    pub run_id: String,
    /// Replay the events of the steps after this one first.
    #[serde(default)]
    pub from_step: Option<u64>,
}

/// Where the run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeResult {
    /// The last step done.
    pub step: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventKind {
    /// A step is recorded; for a slow client several may come as the last of them.
    Step,
    /// An evaluation during the run.
    Eval,
    /// A checkpoint is complete.
    Checkpoint,
    /// The run ended with an error.
    Error,
    /// The run ended.
    Done,
}

/// Parameters of `azr/train/event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainEvent {
    /// The run.
    pub run_id: String,
    /// Counts what this client got, from 0, without a gap.
    pub seq: u64,
    /// What happened.
    pub kind: EventKind,
    /// The step.
    pub step: u64,
    /// Figures of the step, metrics of the evaluation, folder of the checkpoint, or text of the error.
    pub metrics: Value,
}
