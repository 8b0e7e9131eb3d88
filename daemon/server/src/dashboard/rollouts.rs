//! What the model proposed and answered in a step, and what became of it.

use crate::http::HttpError;
use axum::http::StatusCode;
use azr_selfplay::record::{RolloutRecord, read_rollouts};
use serde::Serialize;
use std::path::Path;

/// Bytes of a file of rollouts that is opened.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Rollouts of a step that are shown.
const MAX_ROLLOUTS: usize = 600;
/// Characters of a text that are shown.
const MAX_CHARS: usize = 4_000;

/// A rollout for the page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Shown {
    task_type: String,
    role: String,
    task: u64,
    sample: u32,
    prompt: String,
    response: String,
    verdict: String,
    reward: f64,
    advantage: f64,
    tokens: u32,
    version: u64,
}

/// The rollouts of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct StepRollouts {
    step: u64,
    /// How many there are; fewer may be shown.
    all: usize,
    rollouts: Vec<Shown>,
}

/// The first and the last part of a long text: prompts end with what is asked.
fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= MAX_CHARS {
        return text.to_owned();
    }
    let half = MAX_CHARS / 2;
    let begin: String = text.chars().take(half).collect();
    let end: String = text.chars().skip(count - half).collect();
    format!("{begin}\n[… {} characters …]\n{end}", count - MAX_CHARS)
}

fn shown(rollout: &RolloutRecord) -> Shown {
    Shown {
        task_type: rollout.task_type.clone(),
        role: rollout.role.clone(),
        task: rollout.task_id,
        sample: rollout.sample,
        prompt: cut(&rollout.prompt),
        response: cut(&rollout.response),
        verdict: cut(&rollout.verdict),
        reward: rollout.reward,
        advantage: rollout.advantage,
        tokens: rollout.response_tokens,
        version: rollout.weights_version,
    }
}

/// Reads them from the run folder. Answers that only measure how hard a proposal is are left out.
pub(super) fn of_step(run: &Path, step: u64) -> Result<StepRollouts, HttpError> {
    let path = run.join(format!("rollouts/step-{step}.parquet"));
    let none = |reason: &str| HttpError::new(StatusCode::NOT_FOUND, "no_rollouts", reason);
    let metadata = path.metadata().map_err(|_| none("the run keeps no rollouts of this step"))?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return Err(none("the rollouts of this step cannot be shown: they are no file, or too large"));
    }
    // The file may be damaged, and its reader is not ours.
    let read = std::panic::catch_unwind(|| read_rollouts(&path));
    let Ok(Ok(all)) = read else { return Err(none("the rollouts of this step cannot be read")) };
    let rollouts = all.iter().filter(|rollout| rollout.role != "estimate");
    let rollouts: Vec<Shown> = rollouts.take(MAX_ROLLOUTS).map(shown).collect();
    Ok(StepRollouts { step, all: all.len(), rollouts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_both_ends() {
        let text = format!("begin{}end", "é".repeat(MAX_CHARS));
        let shown = cut(&text);
        assert!(shown.starts_with("begin") && shown.ends_with("end") && shown.contains("[… 8 characters …]"));
        assert_eq!(cut("short"), "short");
    }
}
