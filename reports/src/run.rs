//! A run folder, loaded.
//!
//! Reading is lenient about what is absent (a report of an interrupted run is a report) and strict about
//! what is there: a line that cannot be parsed is an error that names the file and the line. The one
//! exception is a last line without its newline, which a killed process leaves behind: it is dropped.

use crate::Error;
use crate::evaluation::{self, Evaluation};
use polars::prelude::{DataFrame, ParquetReader, SerReader};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// No file of a run comes near this size; a larger one is refused instead of read.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// A loaded run. Rollouts stay on disk: they are read step by step, see [`Run::rollouts`].
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Name of the folder.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// Text of `config.toml`, empty if absent.
    pub config: String,
    /// `run.json`, null if absent.
    pub provenance: Value,
    /// `steps.jsonl`, in the order of the file.
    pub steps: Vec<StepRecord>,
    /// `timings.jsonl`.
    pub timings: Vec<Timing>,
    /// `eval/**`, ordered by suite, then step.
    pub evaluations: Vec<Evaluation>,
    /// Step numbers that have a file of rollouts, ascending.
    pub rollout_steps: Vec<u64>,
}

/// One line of `steps.jsonl`. What a line does not have stays at its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StepRecord {
    /// Step, counted from 1.
    pub step: u64,
    /// Statistics of the six (task type, role) groups, by name (`deduction_propose`).
    pub groups: BTreeMap<String, GroupRecord>,
    /// How hard the valid proposals are for the solver, by task type.
    pub learnability: Vec<LearnabilityRecord>,
    /// Loss, mean over the step's updates.
    pub loss: Option<f64>,
    /// Norm of the gradient before clipping.
    pub grad_norm: Option<f64>,
    /// Entropy in nats a token.
    pub entropy: Option<f64>,
    /// Learning rate.
    pub learning_rate: Option<f64>,
    /// Tokens generated in the step.
    pub tokens: Option<f64>,
    /// Programs run by the sandbox.
    pub sandbox_runs: Option<f64>,
    /// Metrics of the evaluation hook, by name.
    pub eval: BTreeMap<String, f64>,
}

/// One (task type, role) group in a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GroupRecord {
    /// Rollouts.
    pub n: f64,
    /// Share of valid proposals, or of right answers.
    pub valid: Option<f64>,
    /// Mean reward.
    pub reward_mean: Option<f64>,
    /// Share of well-formed responses.
    pub format: Option<f64>,
    /// Mean response length in tokens.
    pub response_tokens_mean: Option<f64>,
    /// Share of responses that think.
    pub traced: Option<f64>,
    /// Different valid proposals.
    pub distinct: Option<f64>,
}

/// Learnability of one task type's proposals in a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LearnabilityRecord {
    /// Task type.
    pub task_type: String,
    /// `histogram[k]`: proposals that the solver got right k times of n.
    pub histogram: Vec<f64>,
}

/// One line of `timings.jsonl`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Step.
    pub step: u64,
    /// Seconds the step took.
    pub seconds: Seconds,
}

/// Seconds of a step, whole or by part.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Seconds {
    /// All of it.
    Whole(f64),
    /// By name of the part.
    Parts(BTreeMap<String, f64>),
}

impl Default for Seconds {
    fn default() -> Self {
        Self::Whole(0.0)
    }
}

impl Seconds {
    /// All of it.
    pub fn total(&self) -> f64 {
        match self {
            Self::Whole(seconds) => *seconds,
            // The part called `total` is the step by the clock, the others and what lies between them included.
            Self::Parts(parts) => parts.get("total").copied().unwrap_or_else(|| parts.values().sum()),
        }
    }
}

impl Run {
    /// Loads a run folder. Fails if it has neither steps nor evaluations.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let name = folder
            .file_name()
            .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned());
        let steps_file = folder.join("steps.jsonl");
        let eval_folder = folder.join("eval");
        if !steps_file.is_file() && !eval_folder.is_dir() {
            return Err(Error::NotARun { path: folder.into() });
        }
        Ok(Self {
            name,
            folder: folder.into(),
            config: read_text(&folder.join("config.toml"))?.unwrap_or_default(),
            provenance: read_json(&folder.join("run.json"))?.unwrap_or_default(),
            steps: read_lines(&steps_file)?,
            timings: read_lines(&folder.join("timings.jsonl"))?,
            evaluations: evaluation::load_all(&eval_folder)?,
            rollout_steps: rollout_steps(&folder.join("rollouts"))?,
        })
    }

    /// The rollouts of one step, `None` if they were not kept.
    pub fn rollouts(&self, step: u64) -> Result<Option<DataFrame>, Error> {
        let path = self.folder.join(format!("rollouts/step-{step}.parquet"));
        if !path.is_file() {
            return Ok(None);
        }
        check_size(&path)?;
        let file = std::fs::File::open(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        ParquetReader::new(file)
            .finish()
            .map(Some)
            .map_err(|error| Error::Rollouts { path, message: error.to_string() })
    }

    /// Seconds of all steps together, `None` without timings.
    pub fn seconds(&self) -> Option<f64> {
        (!self.timings.is_empty()).then(|| self.timings.iter().map(|timing| timing.seconds.total()).sum())
    }

    /// A text or number of `run.json`, for people. Dots go into nested objects.
    pub fn provenance_text(&self, key: &str) -> Option<String> {
        let mut value = &self.provenance;
        for part in key.split('.') {
            value = value.get(part)?;
        }
        match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

fn rollout_steps(folder: &Path) -> Result<Vec<u64>, Error> {
    let mut steps: Vec<u64> = list(folder)?
        .iter()
        .filter_map(|name| name.strip_prefix("step-")?.strip_suffix(".parquet")?.parse().ok())
        .collect();
    steps.sort_unstable();
    Ok(steps)
}

/// Names in a folder, sorted; none if it does not exist.
pub(crate) fn list(folder: &Path) -> Result<Vec<String>, Error> {
    let reading = |source| Error::Read { path: folder.into(), source };
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(reading)? {
        names.push(entry.map_err(reading)?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn check_size(path: &Path) -> Result<(), Error> {
    let bytes = std::fs::metadata(path).map_err(|source| Error::Read { path: path.into(), source })?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(Error::TooLarge { path: path.into(), bytes, limit: MAX_FILE_BYTES });
    }
    Ok(())
}

/// Text of a file, `None` if it does not exist.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Error> {
    if !path.is_file() {
        return Ok(None);
    }
    check_size(path)?;
    std::fs::read_to_string(path).map(Some).map_err(|source| Error::Read { path: path.into(), source })
}

/// A JSON file, `None` if it does not exist.
pub(crate) fn read_json(path: &Path) -> Result<Option<Value>, Error> {
    let Some(text) = read_text(path)? else {
        return Ok(None);
    };
    serde_json::from_str(&text).map(Some).map_err(|error| Error::Malformed {
        path: path.into(),
        line: error.line(),
        message: error.to_string(),
    })
}

/// The records of a file of JSON lines; none if it does not exist.
pub(crate) fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Error> {
    let Some(text) = read_text(path)? else {
        return Ok(Vec::new());
    };
    let end = text.rfind('\n').map_or(0, |end| end + 1);
    let cut = serde_json::from_str::<Value>(&text[end..]).is_err();
    let complete = if cut { &text[..end] } else { text.as_str() };
    complete
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| Error::Malformed {
                path: path.into(),
                line: index + 1,
                message: error.to_string(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_run_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Run::load(folder.path()).unwrap_err();
        assert!(error.to_string().contains("is not a run folder"), "{error}");
    }

    #[test]
    fn a_line_cut_by_a_kill_is_dropped_and_a_bad_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let steps = folder.path().join("steps.jsonl");
        std::fs::write(&steps, "{\"step\": 1, \"loss\": 0.5}\n{\"step\": 2, \"lo").unwrap();
        let run = Run::load(folder.path()).unwrap();
        assert_eq!(run.steps.len(), 1);
        assert_eq!(run.steps[0].loss, Some(0.5));
        std::fs::write(&steps, "{\"step\": 1, \"lo").unwrap();
        assert!(read_lines::<Value>(&steps).unwrap().is_empty(), "the only line may be the cut one");

        std::fs::write(&steps, "{\"step\": 1}\n{\"step\": }\n{\"step\": 3}\n").unwrap();
        let error = Run::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("steps.jsonl, line 2"), "{error}");
    }

    #[test]
    fn unknown_fields_and_both_shapes_of_seconds_are_read() {
        let record: StepRecord =
            serde_json::from_str(r#"{"step": 3, "news": [1], "eval": {"tiny": 4}}"#).unwrap();
        assert_eq!(record.eval.get("tiny"), Some(&4.0));
        let timing: Timing =
            serde_json::from_str(r#"{"step": 3, "seconds": {"solve": 1.5, "update": 2}}"#).unwrap();
        assert!((timing.seconds.total() - 3.5).abs() < 1e-12);
        let timing: Timing =
            serde_json::from_str(r#"{"step": 3, "seconds": {"solve": 1.5, "total": 3, "update": 1}}"#)
                .unwrap();
        assert!((timing.seconds.total() - 3.0).abs() < 1e-12);
        let timing: Timing = serde_json::from_str(r#"{"step": 3, "seconds": 4}"#).unwrap();
        assert!((timing.seconds.total() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_broken_table_of_rollouts_is_an_error_not_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rollouts")).unwrap();
        std::fs::write(folder.path().join("steps.jsonl"), "").unwrap();
        std::fs::write(folder.path().join("rollouts/step-4.parquet"), "not parquet").unwrap();
        let run = Run::load(folder.path()).unwrap();
        assert_eq!(run.rollout_steps, [4]);
        assert!(matches!(run.rollouts(4), Err(Error::Rollouts { .. })));
        assert!(run.rollouts(5).unwrap().is_none());
    }
}
