//! The files of a run folder (architecture: "the run folder is the contract").

use crate::chain;
use crate::config::{RunConfig, SelfPlayConfig};
use crate::error::SelfPlayError;
use crate::files::{append_line, cannot_read, cannot_write, make_folder, replace};
use crate::record::{StepRecord, hex};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// An open run folder; the lock in it lives as long as this value and falls with the process.
pub(super) struct RunFolder {
    root: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Opens or makes the folder; refuses one that another process is running in.
    pub(super) fn open(root: &Path) -> Result<Self, SelfPlayError> {
        make_folder(root)?;
        let path = root.join("lock");
        let lock = File::create(&path).map_err(cannot_write(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(SelfPlayError::RunFolder {
                path: root.to_owned(),
                reason: "another process is running in it".into(),
                advice: "wait until that process ends or stop it, or start a new run with another --run-dir",
            }),
            Err(fs::TryLockError::Error(error)) => Err(cannot_write(&path)(error)),
        }
    }

    pub(super) fn steps(&self) -> PathBuf {
        self.root.join("steps.jsonl")
    }

    pub(super) fn timings(&self) -> PathBuf {
        self.root.join("timings.jsonl")
    }

    pub(super) fn rollouts(&self) -> PathBuf {
        self.root.join("rollouts")
    }

    pub(super) fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    pub(super) fn seeds(&self) -> PathBuf {
        self.root.join("seeds")
    }

    fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// A new run must not overwrite an old one.
    pub(super) fn refuse_existing_run(&self) -> Result<(), SelfPlayError> {
        if self.steps().exists() || self.checkpoints().exists() {
            return Err(SelfPlayError::RunFolder {
                path: self.root.clone(),
                reason: "it holds a run already".into(),
                advice: "go on with --resume, or start a new run with another --run-dir",
            });
        }
        Ok(())
    }

    /// Writes the resolved configuration, unless the caller has put a wider one there that contains it.
    pub(super) fn write_config(&self, config: &SelfPlayConfig) -> Result<(), SelfPlayError> {
        if self.config().exists() {
            return Ok(());
        }
        replace(&self.config(), text(config).as_bytes())
    }

    /// The configuration must be that of the run, but for its length and the cadence of checkpoints and evaluations.
    pub(super) fn check_config(&self, config: &SelfPlayConfig) -> Result<(), SelfPlayError> {
        same_settings(&self.root, config)
    }

    /// Writes `run.json` and returns the start of the chain.
    pub(super) fn write_run_json(
        &self,
        config: &SelfPlayConfig,
        weights_hash: &str,
        guest_hash: &str,
        info: &serde_json::Value,
    ) -> Result<String, SelfPlayError> {
        let chain = chain_start(&config_hash(config), weights_hash, guest_hash);
        let record = serde_json::json!({
            "seed": config.run.seed,
            "config_hash": config_hash(config),
            "weights_hash": weights_hash,
            "guest_hash": guest_hash,
            "prompts": config.run.prompts,
            "chain_start": chain,
            "info": info,
        });
        let text = serde_json::to_string_pretty(&record).expect("a JSON value serialises") + "\n";
        replace(&self.root.join("run.json"), text.as_bytes())?;
        Ok(chain)
    }

    /// Removes the times of steps after `step`, which are played again, and a last line that a crash or a full disk cut short.
    pub(super) fn cut_timings(&self, step: u64) -> Result<(), SelfPlayError> {
        cut_lines(&self.timings(), step)
    }

    /// The recorded steps. A last line that a crash cut short is removed, one that only lacks its end gets it; any
    /// other fault is an error, and nothing is written.
    pub(super) fn read_steps(&self) -> Result<Vec<StepRecord>, SelfPlayError> {
        let path = self.steps();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let bytes = fs::read(&path).map_err(cannot_read(&path))?;
        let chain = chain::read(&bytes, None);
        if let Some(reason) = chain.damage {
            return Err(SelfPlayError::Read { path, reason });
        }
        let mut kept = bytes[..chain.end].to_vec();
        if kept.last().is_some_and(|byte| *byte != b'\n') {
            kept.push(b'\n');
        }
        if kept != bytes {
            replace(&path, &kept)?;
        }
        Ok(chain.records)
    }

    /// Appends a sealed record.
    pub(super) fn append_step(&self, record: &StepRecord) -> Result<(), SelfPlayError> {
        let line = serde_json::to_string(record).expect("a record is plain data");
        append_line(&self.steps(), &line)
    }

    /// Moves the recorded lines from `step` on into `superseded/`.
    pub(super) fn supersede(&self, step: u64, lines: &VecDeque<StepRecord>) -> Result<(), SelfPlayError> {
        let folder = self.root.join("superseded");
        make_folder(&folder)?;
        for record in lines {
            let line = serde_json::to_string(record).expect("a record is plain data");
            append_line(&folder.join(format!("steps-from-{step}.jsonl")), &line)?;
        }
        let kept: Vec<String> = self
            .read_steps()?
            .iter()
            .filter(|record| record.step < step)
            .map(|record| serde_json::to_string(record).expect("a record is plain data") + "\n")
            .collect();
        replace(&self.steps(), kept.concat().as_bytes())
    }
}

/// Keeps the whole lines of a file of JSON lines whose `step` is at most `step`, each step once (the last line of it counts).
pub fn cut_lines(path: &Path, step: u64) -> Result<(), SelfPlayError> {
    if !path.exists() {
        return Ok(());
    }
    let bytes = fs::read(path).map_err(cannot_read(path))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let step_of = |line: &[u8]| serde_json::from_slice::<serde_json::Value>(line).ok()?["step"].as_u64();
    let mut kept: Vec<(u64, &[u8])> = Vec::new();
    for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
        let Some(of) = step_of(line).filter(|of| *of <= step) else { continue };
        kept.retain(|(other, _)| *other < of);
        kept.push((of, line));
    }
    let kept: Vec<u8> = kept.into_iter().flat_map(|(_, line)| line).copied().collect();
    if kept == bytes { Ok(()) } else { replace(path, &kept) }
}

/// Refuses a configuration that the run in `root` was not started with, but for its length and the cadence of checkpoints and
/// evaluations.
pub fn same_settings(root: &Path, config: &SelfPlayConfig) -> Result<(), SelfPlayError> {
    let path = root.join("run.json");
    let found = fs::read_to_string(&path).map_err(cannot_read(&path))?;
    let found: serde_json::Value = serde_json::from_str(&found)
        .map_err(|error| SelfPlayError::Read { path: path.clone(), reason: error.to_string() })?;
    let Some(recorded) = found["config_hash"].as_str() else {
        return Err(SelfPlayError::Read { path, reason: "it has no config_hash".into() });
    };
    if recorded == config_hash(config) {
        return Ok(());
    }
    Err(SelfPlayError::RunFolder {
        path: root.to_owned(),
        reason:
            "the run was started with other settings (see its config.toml); only its number of steps and the \
                 cadence of checkpoints and evaluations may change"
                .into(),
        advice: "use the settings of its config.toml, or start a new run with another --run-dir",
    })
}

fn text(config: &SelfPlayConfig) -> String {
    toml::to_string(config).expect("a configuration is plain data")
}

/// Where the chain of records begins: what a run is made from.
pub(crate) fn chain_start(config_hash: &str, weights_hash: &str, guest_hash: &str) -> String {
    let identity = [config_hash, weights_hash, guest_hash].join("\n");
    hex(&Sha256::digest(identity.as_bytes()))
}

/// Hash of everything that decides the lines of a run, its length aside.
pub(crate) fn config_hash(config: &SelfPlayConfig) -> String {
    let mut identity = config.clone();
    identity.update.schedule = identity.update.schedule.settled(config.run.steps);
    let RunConfig { steps, checkpoint_every, checkpoints_kept, evaluate_every, .. } = RunConfig::default();
    identity.run = RunConfig { steps, checkpoint_every, checkpoints_kept, evaluate_every, ..identity.run };
    hex(&Sha256::digest(text(&identity).as_bytes()))
}

/// Name of the first field in which two records differ.
pub(crate) fn first_difference(recorded: &StepRecord, computed: &StepRecord) -> String {
    let fields = |record: &StepRecord| serde_json::to_value(record).unwrap_or_default();
    let (recorded, computed) = (fields(recorded), fields(computed));
    let names =
        ["groups", "learnability", "buffers", "rollouts_hash", "loss", "grad_norm", "health", "eval", "prev"];
    names.into_iter().find(|name| recorded[*name] != computed[*name]).unwrap_or("another field").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cut_by_a_full_disk_are_removed_on_resume() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(place.path()).unwrap();
        let mut record = StepRecord { step: 1, ..StepRecord::default() };
        record.seal("start");
        folder.append_step(&record).unwrap();
        let whole = fs::read(folder.steps()).unwrap();
        fs::write(folder.steps(), [whole.as_slice(), &whole[..40]].concat()).unwrap();
        assert_eq!(folder.read_steps().unwrap(), [record.clone()]);
        assert_eq!(fs::read(folder.steps()).unwrap(), whole);
        let (one, two) = ("{\"step\":1}\n", "{\"step\":2}\n");
        for (found, kept) in [
            (format!("{one}{{\"st"), one.to_owned()),
            ("{\"st".to_owned(), String::new()),
            (format!("{one}{two}{{\"step\":3}}\n"), [one, two].concat()),
            (format!("{one}{two}{one}{two}{{\"step\":3}}\n"), [one, two].concat()),
            ([one, two].concat(), [one, two].concat()),
        ] {
            fs::write(folder.timings(), found).unwrap();
            folder.cut_timings(2).unwrap();
            assert_eq!(fs::read_to_string(folder.timings()).unwrap(), kept);
        }
    }
}
