//! Evaluations of a run: do the figures follow from the answers, and the answers from the weights where they were made again?

use crate::files::{read_json_lines, read_text};
use anyhow::Context;
use azr_benchmarks::{ItemRecord, Metrics};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Checks every evaluation below `run/eval`; those that the audit made again lie below `again/eval`. Returns how many have the
/// figures of their answers.
pub fn check(run: &Path, again: &Path, mismatches: &mut Vec<String>) -> anyhow::Result<usize> {
    let mut sound = 0;
    for folder in folders(&run.join("eval"))? {
        let name = folder.strip_prefix(run).unwrap_or(&folder).to_owned();
        let answers = folder.join("items.jsonl");
        match figures(&folder, &answers) {
            Ok(true) => sound += 1,
            Ok(false) => {
                let what = "metrics.json is not what items.jsonl gives";
                mismatches.push(format!("{}: {what}", name.display()));
            }
            // A damaged line is a finding, too.
            Err(error) => mismatches.push(format!("{}: {error}", name.display())),
        }
        let made_again = again.join(&name).join("items.jsonl");
        if made_again.is_file() && std::fs::read(&made_again).ok() != std::fs::read(&answers).ok() {
            mismatches.push(format!("{}: answered again, items.jsonl differs", name.display()));
        }
    }
    Ok(sound)
}

/// Does `metrics.json` say what the answers give?
fn figures(folder: &Path, answers: &Path) -> anyhow::Result<bool> {
    let records: Vec<ItemRecord> = read_json_lines(answers)?;
    let text = read_text(&folder.join("metrics.json"))?;
    let written: Metrics = serde_json::from_str(&text)?;
    let computed = Metrics::compute(&written.suite, written.model.as_deref(), &records);
    // Through text on both sides, since reading a float may change its last digit.
    Ok(holds(&serde_json::from_str(&serde_json::to_string(&computed)?)?, &serde_json::from_str(&text)?))
}

/// Has `computed` everything that is written? An earlier version of the program wrote fewer figures.
fn holds(computed: &Value, written: &Value) -> bool {
    match (computed, written) {
        (Value::Object(computed), Value::Object(written)) => {
            written.iter().all(|(key, value)| computed.get(key).is_some_and(|own| holds(own, value)))
        }
        (computed, written) => computed == written,
    }
}

/// `eval/SUITE/step-N` and `eval/SUITE`, where they hold a finished evaluation.
fn folders(eval: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for suite in below(eval)? {
        found.extend(below(&suite)?);
        found.push(suite);
    }
    found.retain(|folder| folder.join("metrics.json").is_file());
    found.sort();
    Ok(found)
}

/// Folders in a folder, which need not be there.
fn below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    Ok(folders)
}
