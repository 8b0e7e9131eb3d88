//! `rollouts/step-N.parquet`: every prompt, response, verdict, reward and advantage of a step.

use crate::error::SelfPlayError;
use crate::files::cannot_read;
use polars::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// One rollout of a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RolloutRecord {
    /// Step.
    pub step: u64,
    /// Task type.
    pub task_type: String,
    /// `propose`, `solve`, or `estimate` for the learnability answers, which are not trained on.
    pub role: String,
    /// Index of the prompt within its group; for `estimate` that of the proposal.
    pub task_id: u64,
    /// Index of the response to the prompt.
    pub sample: u32,
    /// Prompt.
    pub prompt: String,
    /// Response.
    pub response: String,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the response.
    pub response_tokens: u32,
    /// Sum of the response tokens' log-probabilities.
    pub logprob_sum: f64,
    /// What became of it.
    pub verdict: String,
    /// Reward.
    pub reward: f64,
    /// Advantage of the last token.
    pub advantage: f64,
    /// Hashes of the reference programs, joined by spaces.
    pub references: String,
    /// Version of the weights that generated it.
    pub weights_version: u64,
}

/// Hash over all rollouts of a step, for the chain.
pub(crate) fn hash_of(rollouts: &[RolloutRecord]) -> String {
    let mut hash = Sha256::new();
    for rollout in rollouts {
        hash.update(serde_json::to_vec(rollout).expect("a record is plain data"));
        hash.update(b"\n");
    }
    super::hex(&hash.finalize())
}

/// Steps that have a file in the folder, ascending.
pub(crate) fn rollout_steps(folder: &Path) -> Result<Vec<u64>, SelfPlayError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut steps = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot_read(folder))? {
        let name = entry.map_err(cannot_read(folder))?.file_name();
        let step = name.to_str().and_then(|name| name.strip_prefix("step-")?.strip_suffix(".parquet"));
        steps.extend(step.and_then(|step| step.parse::<u64>().ok()));
    }
    steps.sort_unstable();
    Ok(steps)
}

/// Reads what [`write_rollouts`] wrote.
pub fn read_rollouts(path: &Path) -> Result<Vec<RolloutRecord>, SelfPlayError> {
    let bad = |error: &dyn std::fmt::Display| SelfPlayError::Read {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = std::fs::File::open(path).map_err(|error| bad(&error))?;
    let frame = ParquetReader::new(file).finish().map_err(|error| bad(&error))?;
    rows_of(&frame).map_err(|error| bad(&error))
}

fn rows_of(frame: &DataFrame) -> PolarsResult<Vec<RolloutRecord>> {
    let texts = |name: &str| -> PolarsResult<Vec<String>> {
        Ok(frame.column(name)?.str()?.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
    };
    let counts = |name: &str| -> PolarsResult<Vec<u64>> {
        let column = frame.column(name)?.cast(&DataType::UInt64)?;
        Ok(column.u64()?.iter().map(Option::unwrap_or_default).collect())
    };
    let numbers = |name: &str| -> PolarsResult<Vec<f64>> {
        Ok(frame.column(name)?.f64()?.iter().map(Option::unwrap_or_default).collect())
    };
    let (step, task_id, sample) = (counts("step")?, counts("task_id")?, counts("sample")?);
    let (prompt_tokens, response_tokens) = (counts("prompt_tokens")?, counts("response_tokens")?);
    let weights_version = counts("weights_version")?;
    let (logprob_sum, reward, advantage) =
        (numbers("logprob_sum")?, numbers("reward")?, numbers("advantage")?);
    let (mut task_type, mut role) = (texts("task_type")?, texts("role")?);
    let (mut prompt, mut response) = (texts("prompt")?, texts("response")?);
    let (mut verdict, mut references) = (texts("verdict")?, texts("references")?);
    let row = |index: usize| RolloutRecord {
        step: step[index],
        task_type: std::mem::take(&mut task_type[index]),
        role: std::mem::take(&mut role[index]),
        task_id: task_id[index],
        sample: sample[index] as u32,
        prompt: std::mem::take(&mut prompt[index]),
        response: std::mem::take(&mut response[index]),
        prompt_tokens: prompt_tokens[index] as u32,
        response_tokens: response_tokens[index] as u32,
        logprob_sum: logprob_sum[index],
        verdict: std::mem::take(&mut verdict[index]),
        reward: reward[index],
        advantage: advantage[index],
        references: std::mem::take(&mut references[index]),
        weights_version: weights_version[index],
    };
    Ok((0..frame.height()).map(row).collect())
}

/// Writes the rollouts of one step.
pub fn write_rollouts(path: &Path, rollouts: &[RolloutRecord]) -> Result<(), SelfPlayError> {
    let text = |value: fn(&RolloutRecord) -> &str| rollouts.iter().map(value).collect::<Vec<_>>();
    let columns = vec![
        Column::new("step".into(), rollouts.iter().map(|one| one.step).collect::<Vec<_>>()),
        Column::new("task_type".into(), text(|one| &one.task_type)),
        Column::new("role".into(), text(|one| &one.role)),
        Column::new("task_id".into(), rollouts.iter().map(|one| one.task_id).collect::<Vec<_>>()),
        Column::new("sample".into(), rollouts.iter().map(|one| one.sample).collect::<Vec<_>>()),
        Column::new("prompt".into(), text(|one| &one.prompt)),
        Column::new("response".into(), text(|one| &one.response)),
        Column::new("prompt_tokens".into(), rollouts.iter().map(|one| one.prompt_tokens).collect::<Vec<_>>()),
        Column::new(
            "response_tokens".into(),
            rollouts.iter().map(|one| one.response_tokens).collect::<Vec<_>>(),
        ),
        Column::new("logprob_sum".into(), rollouts.iter().map(|one| one.logprob_sum).collect::<Vec<_>>()),
        Column::new("verdict".into(), text(|one| &one.verdict)),
        Column::new("reward".into(), rollouts.iter().map(|one| one.reward).collect::<Vec<_>>()),
        Column::new("advantage".into(), rollouts.iter().map(|one| one.advantage).collect::<Vec<_>>()),
        Column::new("references".into(), text(|one| &one.references)),
        Column::new(
            "weights_version".into(),
            rollouts.iter().map(|one| one.weights_version).collect::<Vec<_>>(),
        ),
    ];
    let failed = |error: &dyn std::fmt::Display| SelfPlayError::Write {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut frame = DataFrame::new(rollouts.len(), columns).map_err(|error| failed(&error))?;
    let file = std::fs::File::create(path).map_err(|error| failed(&error))?;
    ParquetWriter::new(file).finish(&mut frame).map_err(|error| failed(&error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_step_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("step-1.parquet");
        let rollouts = vec![
            RolloutRecord { step: 1, prompt: "a\n\"b\"".into(), reward: -0.5, ..RolloutRecord::default() },
            RolloutRecord { step: 1, sample: 3, verdict: "right".into(), ..RolloutRecord::default() },
        ];
        write_rollouts(&path, &rollouts).unwrap();
        let read = read_rollouts(&path).unwrap();
        assert_eq!(read, rollouts);
        assert_eq!(hash_of(&read), hash_of(&rollouts));
        std::fs::write(&path, "no parquet").unwrap();
        assert!(read_rollouts(&path).is_err());
    }
}
