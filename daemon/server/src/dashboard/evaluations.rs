//! The figures of a run's evaluations: `eval/<suite>/step-N/metrics.json`.

use super::run::read_json;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Evaluations that are shown.
const MAX_EVALUATIONS: usize = 5_000;

/// One suite after one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Evaluation {
    suite: String,
    /// 0 is the model that the run began with.
    step: u64,
    items: u64,
    /// Percent right, by way of decoding.
    right: BTreeMap<String, f64>,
}

/// All of a run. What is complete is read once: a file of figures is written when its evaluation has ended.
#[derive(Debug)]
pub(super) struct Evaluations {
    folder: PathBuf,
    known: BTreeMap<(String, u64), Evaluation>,
}

impl Evaluations {
    pub(super) fn new(run: &Path) -> Self {
        Self { folder: run.join("eval"), known: BTreeMap::new() }
    }

    pub(super) fn look(&mut self) -> Vec<Evaluation> {
        for suite in names(&self.folder) {
            for name in names(&self.folder.join(&suite)) {
                let Some(step) = name.strip_prefix("step-").and_then(|step| step.parse().ok()) else {
                    continue;
                };
                let key = (suite.clone(), step);
                if self.known.contains_key(&key) || self.known.len() >= MAX_EVALUATIONS {
                    continue;
                }
                let figures = read_json(&self.folder.join(&suite).join(&name).join("metrics.json"));
                if let Some(evaluation) = evaluation(&suite, step, &figures) {
                    self.known.insert(key, evaluation);
                }
            }
        }
        self.known.values().cloned().collect()
    }
}

fn evaluation(suite: &str, step: u64, figures: &serde_json::Value) -> Option<Evaluation> {
    let mut right = BTreeMap::new();
    if let Some(decodings) = figures.get("decodings").and_then(serde_json::Value::as_object) {
        for (name, one) in decodings {
            if let Some(share) = one.pointer("/metrics/pass@1").and_then(serde_json::Value::as_f64) {
                right.insert(name.clone(), share);
            }
        }
    }
    if right.is_empty() {
        right.insert("greedy".to_owned(), figures.get("pass@1")?.as_f64()?);
    }
    let items = figures.get("n_items").and_then(serde_json::Value::as_u64).unwrap_or_default();
    Some(Evaluation { suite: suite.to_owned(), step, items, right })
}

/// Names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names =
        entries.take(MAX_EVALUATIONS).flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
