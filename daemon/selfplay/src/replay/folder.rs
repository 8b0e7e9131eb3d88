//! What the files of a run say of each other, without playing anything.

use super::Findings;
use crate::chain;
use crate::checkpoint;
use crate::config::{Mode, SelfPlayConfig};
use crate::error::SelfPlayError;
use crate::files::cannot_read;
use crate::record::{StepRecord, read_rollouts, rollout_steps, rollouts_hash};
use crate::run::{chain_start, config_hash};
use crate::seed::Seeds;
use std::path::Path;

/// What `run.json` says that the rest of the folder must agree with.
pub(super) struct RunIdentity {
    /// Hash of the weights that the run began with.
    pub(super) weights_hash: String,
}

/// Reads `run.json` and the chain of records that begins there.
pub(super) fn read_record(
    folder: &Path,
    config: &SelfPlayConfig,
    findings: &mut Findings,
) -> Result<(RunIdentity, Vec<StepRecord>), SelfPlayError> {
    let path = folder.join("run.json");
    let text = std::fs::read_to_string(&path).map_err(cannot_read(&path))?;
    let run: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| SelfPlayError::Read { path: path.clone(), reason: error.to_string() })?;
    check_identity(&run, config, findings);
    let path = folder.join("steps.jsonl");
    let bytes = std::fs::read(&path).map_err(cannot_read(&path))?;
    let chain = chain::read(&bytes, run["chain_start"].as_str());
    if let Some(damage) = chain.damage {
        findings.mismatches.push(format!("steps.jsonl: {damage}"));
    } else if chain.end < bytes.len() {
        findings.mismatches.push(
            "steps.jsonl: the last line is cut short (`azr train --resume` plays that step again)".into(),
        );
    }
    if chain.records.is_empty() {
        findings.mismatches.push("steps.jsonl holds no record: there is nothing to audit".into());
    }
    let identity = RunIdentity { weights_hash: run["weights_hash"].as_str().unwrap_or_default().to_owned() };
    Ok((identity, chain.records))
}

/// Does the checkpoint after seeding have the weights that `run.json` names, and the tasks of `seeds/`?
pub(super) fn check_start(
    folder: &Path,
    run: &RunIdentity,
    mode: Mode,
    kept: &[u64],
    findings: &mut Findings,
) -> Result<(), SelfPlayError> {
    if !kept.contains(&0) {
        findings.mismatches.push("the checkpoint of step 0, which every run keeps, is missing".into());
        return Ok(());
    }
    let checkpoint = folder.join("checkpoints/step-0");
    let manifest = checkpoint::manifest(&checkpoint)?;
    if manifest.weights_hash != run.weights_hash {
        findings.mismatches.push(
            "the checkpoint of step 0 has other weights than those that the run began with (weights_hash of run.json)".into(),
        );
    }
    let state = checkpoint::state(&checkpoint)?;
    match Seeds::of_folder(&folder.join("seeds")) {
        Ok(seeds) if seeds.state(mode) == state => {}
        Ok(_) => findings.mismatches.push("seeds/ has other tasks than the checkpoint of step 0".into()),
        Err(error) => findings.mismatches.push(format!("seeds/ cannot be read: {error}")),
    }
    Ok(())
}

/// Does `run.json` fit the configuration, and its start of the chain what it is made of?
fn check_identity(run: &serde_json::Value, config: &SelfPlayConfig, findings: &mut Findings) {
    let text = |key: &str| run[key].as_str().unwrap_or_default();
    if run["seed"].as_u64() != Some(config.run.seed) {
        findings
            .mismatches
            .push(format!("run.json has seed {}, config.toml has {}", run["seed"], config.run.seed));
    }
    if text("config_hash") != config_hash(config) {
        findings.mismatches.push(
            "config.toml is not the configuration that the run was started with (config_hash of run.json; a version of \
             the program that knows other settings gives another hash, too)"
                .into(),
        );
    }
    if text("chain_start") != chain_start(text("config_hash"), text("weights_hash"), text("guest_hash")) {
        findings.mismatches.push(
            "run.json: the start of the chain does not follow from the hashes of configuration, weights and guest"
                .into(),
        );
    }
}

/// Has every record its rollouts, and are there none beyond?
pub(super) fn check_rollouts(
    folder: &Path,
    config: &SelfPlayConfig,
    records: &[StepRecord],
    findings: &mut Findings,
) -> Result<(), SelfPlayError> {
    let folder = folder.join("rollouts");
    for record in records {
        let path = folder.join(format!("step-{}.parquet", record.step));
        match read_rollouts(&path) {
            Ok(rollouts) if rollouts_hash(&rollouts) == record.rollouts_hash => {
                findings.rollouts_checked += 1;
            }
            Ok(_) => findings
                .mismatches
                .push(format!("step {}: the rollouts are not those of the record", record.step)),
            Err(error) => findings.mismatches.push(format!("step {}: {error}", record.step)),
        }
    }
    let last = records.last().map_or(0, |record| record.step);
    // A process that was killed may have written the rollouts of the next step, and not yet its record.
    let begun = if last == config.run.steps { last } else { last + 1 };
    for step in rollout_steps(&folder)?.into_iter().filter(|step| *step > begun) {
        findings
            .mismatches
            .push(format!("there are rollouts of step {step}, and the record ends at step {last}"));
    }
    Ok(())
}

/// Is every checkpoint whole, and does it continue the record?
pub(super) fn check_checkpoints(
    checkpoints: &Path,
    kept: &[u64],
    start: &str,
    records: &[StepRecord],
    findings: &mut Findings,
) {
    let last = records.last().map_or(0, |record| record.step);
    for &step in kept {
        let manifest = match checkpoint::check(&checkpoints.join(format!("step-{step}")), |_| true) {
            Ok(manifest) => manifest,
            Err(error) => {
                findings.mismatches.push(error.to_string());
                continue;
            }
        };
        let before = records.iter().find(|record| record.step == step).map(|record| record.hash.as_str());
        let before = if step == 0 { Some(start) } else { before };
        if manifest.step == step && before == Some(manifest.chain.as_str()) {
            findings.checkpoints_checked += 1;
        } else if before.is_none() {
            findings.mismatches.push(format!(
                "the record ends at step {last}, and the checkpoint of step {step} was written after that"
            ));
        } else {
            findings.mismatches.push(format!("the checkpoint of step {step} continues another record"));
        }
    }
}
