//! Evaluations found in a run folder, reduced to one value an item.
//!
//! The layout is described in the crate documentation. Answers of one item that were sampled are one
//! cluster: the item's value is the share of right ones, and pass@k is estimated item by item.

use crate::run::{list, read_json, read_lines};
use crate::{Error, statistics};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How answers were drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoding {
    /// The most likely token each time; one answer an item.
    Greedy,
    /// Temperature 1; several answers an item.
    Sampled,
}

impl Decoding {
    /// The heading used in tables.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Greedy => "greedy",
            Self::Sampled => "temperature 1",
        }
    }
}

/// One answer, a row of `items.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    /// Name of the item within its suite, e.g. `deduction/17`.
    pub item: String,
    /// Whether it is right.
    pub pass: bool,
    /// Task type, if the suite has several.
    #[serde(default)]
    pub group: Option<String>,
    /// How it was drawn.
    #[serde(default)]
    pub decoding: Option<Decoding>,
    /// Text of the model.
    #[serde(default)]
    pub output: String,
    /// What was taken from the text as the answer.
    #[serde(default)]
    pub extracted: String,
    /// Verdict of the grader, one word.
    #[serde(default)]
    pub verdict: String,
    /// Length of the answer in tokens.
    #[serde(default)]
    pub tokens: Option<f64>,
    /// Whether it thinks before it answers.
    #[serde(default)]
    pub thought: Option<bool>,
}

impl Answer {
    /// The group the item belongs to: its task type, else the part of its name before the slash.
    pub fn group_name(&self) -> &str {
        match &self.group {
            Some(group) => group,
            None => self.item.split_once('/').map_or("all", |(group, _)| group),
        }
    }

    /// How it was drawn; greedy if nothing is said.
    pub fn decoding(&self) -> Decoding {
        self.decoding.unwrap_or(Decoding::Greedy)
    }
}

/// One suite, scored at one state of the weights.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Name of the suite.
    pub suite: String,
    /// Step after which it was made: 0 for the base model, `None` where the folder does not say.
    pub step: Option<u64>,
    /// All answers.
    pub answers: Vec<Answer>,
    /// `metrics.json`, null if absent.
    pub metrics: Value,
}

/// Answers to one item under one decoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of answers.
    pub n: usize,
    /// Number of right ones.
    pub right: usize,
}

impl Tally {
    /// Share of right answers, 0 to 1.
    pub fn share(self) -> f64 {
        self.right as f64 / self.n.max(1) as f64
    }
}

/// Tallies by item, within one group and decoding.
pub type Tallies = BTreeMap<String, Tally>;

impl Evaluation {
    /// Tallies by group, then item.
    pub fn tallies(&self, decoding: Decoding) -> BTreeMap<String, Tallies> {
        let mut groups: BTreeMap<String, Tallies> = BTreeMap::new();
        for answer in self.answers.iter().filter(|answer| answer.decoding() == decoding) {
            let tally =
                groups.entry(answer.group_name().into()).or_default().entry(answer.item.clone()).or_default();
            tally.n += 1;
            tally.right += usize::from(answer.pass);
        }
        groups
    }

    /// Items that were answered, however often.
    pub fn n_items(&self) -> usize {
        let items: BTreeSet<&str> = self.answers.iter().map(|answer| answer.item.as_str()).collect();
        items.len()
    }

    /// Accuracy in percent by group.
    pub fn accuracy(&self, decoding: Decoding) -> BTreeMap<String, f64> {
        self.tallies(decoding)
            .into_iter()
            .map(|(group, items)| {
                let shares: Vec<f64> = items.values().map(|tally| tally.share()).collect();
                (group, 100.0 * statistics::mean(&shares))
            })
            .collect()
    }

    /// Mean of the groups' accuracies: every task type counts the same, however many items it has.
    pub fn mean_accuracy(&self, decoding: Decoding) -> Option<f64> {
        let groups: Vec<f64> = self.accuracy(decoding).into_values().collect();
        (!groups.is_empty()).then(|| statistics::mean(&groups))
    }

    /// Share of answers that think, in percent; `None` where the rows do not say.
    pub fn thinking_share(&self, decoding: Decoding) -> Option<f64> {
        let known: Vec<f64> = self
            .answers
            .iter()
            .filter(|answer| answer.decoding() == decoding)
            .filter_map(|answer| answer.thought)
            .map(|thought| f64::from(u8::from(thought)))
            .collect();
        (!known.is_empty()).then(|| 100.0 * statistics::mean(&known))
    }
}

/// Loads every evaluation under `eval/`.
pub(crate) fn load_all(folder: &Path) -> Result<Vec<Evaluation>, Error> {
    let mut evaluations = Vec::new();
    for suite in list(folder)? {
        let suite_folder = folder.join(&suite);
        if suite_folder.join("items.jsonl").is_file() {
            evaluations.push(load(&suite_folder, &suite, None)?);
        }
        for name in list(&suite_folder)? {
            let step = name.strip_prefix("step-").and_then(|text| text.parse().ok());
            if step.is_some() && suite_folder.join(&name).join("items.jsonl").is_file() {
                evaluations.push(load(&suite_folder.join(&name), &suite, step)?);
            }
        }
    }
    evaluations.sort_by(|a, b| {
        let key = |e: &Evaluation| (e.suite.clone(), e.step.unwrap_or(u64::MAX));
        key(a).cmp(&key(b))
    });
    Ok(evaluations)
}

fn load(folder: &Path, suite: &str, step: Option<u64>) -> Result<Evaluation, Error> {
    let path = folder.join("items.jsonl");
    let evaluation = Evaluation {
        suite: suite.into(),
        step,
        answers: read_lines(&path)?,
        metrics: read_json(&folder.join("metrics.json"))?.unwrap_or_default(),
    };
    match changed_answers(&evaluation) {
        Some(message) => Err(Error::ChangedAnswers { path, message }),
        None => Ok(evaluation),
    }
}

/// The first figure of `metrics.json` that the answers do not give: how many there are with each verdict, and the share
/// of right ones in each group. `None` when all agree, or there are no figures.
fn changed_answers(evaluation: &Evaluation) -> Option<String> {
    let decodings = evaluation.metrics.get("decodings")?.as_object()?;
    decodings.iter().find_map(|(name, figures)| {
        let decoding = if name == "sampled" { Decoding::Sampled } else { Decoding::Greedy };
        changed_counts(evaluation, decoding, figures)
            .or_else(|| changed_shares(evaluation, decoding, figures))
            .map(|message| format!("{name}: {message}"))
    })
}

fn changed_counts(evaluation: &Evaluation, decoding: Decoding, figures: &Value) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for answer in evaluation.answers.iter().filter(|answer| answer.decoding() == decoding) {
        *counts.entry(&answer.verdict).or_default() += 1;
    }
    let mut recorded: BTreeMap<&str, u64> = BTreeMap::new();
    for (verdict, count) in figures.get("counts")?.as_object()? {
        recorded.insert(verdict, count.as_u64()?);
    }
    let verdicts: BTreeSet<&str> = counts.keys().chain(recorded.keys()).copied().collect();
    verdicts.into_iter().find_map(|verdict| {
        let [found, figure] = [&counts, &recorded].map(|map| map.get(verdict).copied().unwrap_or(0));
        (found != figure)
            .then(|| format!("{found} answers with the verdict {verdict}, the figures say {figure}"))
    })
}

fn changed_shares(evaluation: &Evaluation, decoding: Decoding, figures: &Value) -> Option<String> {
    // Skipped answers count in a way of their own.
    if figures.get("counts")?.get("skipped").is_some() {
        return None;
    }
    let accuracy = evaluation.accuracy(decoding);
    figures.get("groups")?.as_object()?.iter().find_map(|(group, figures)| {
        let figure = figures.get("metrics")?.get("pass@1")?.as_f64()?;
        let found = accuracy.get(group).copied().unwrap_or(0.0);
        ((found - figure).abs() > 1e-6)
            .then(|| format!("{group}: {found:.1} % right, the figures say {figure:.1} %"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(lines: &str) -> Evaluation {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("tiny/step-0");
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("items.jsonl"), lines).unwrap();
        load_all(folder.path()).unwrap().remove(0)
    }

    #[test]
    fn samples_of_an_item_are_one_value_and_groups_weigh_the_same() {
        let evaluation = evaluation(
            r#"{"item": "deduction/1", "pass": true, "decoding": "sampled", "sample": 0}
{"item": "deduction/1", "pass": false, "decoding": "sampled", "sample": 1}
{"item": "deduction/2", "pass": true, "decoding": "sampled", "sample": 0}
{"item": "abduction/1", "pass": false, "decoding": "sampled", "sample": 0}
{"item": "abduction/1", "pass": true, "decoding": "greedy"}
"#,
        );
        assert_eq!(evaluation.step, Some(0));
        let accuracy = evaluation.accuracy(Decoding::Sampled);
        let expected = BTreeMap::from([("abduction".to_owned(), 0.0), ("deduction".to_owned(), 75.0)]);
        assert_eq!(accuracy, expected);
        assert_eq!(evaluation.mean_accuracy(Decoding::Sampled), Some(37.5));
        assert_eq!(evaluation.mean_accuracy(Decoding::Greedy), Some(100.0));
        assert_eq!(evaluation.thinking_share(Decoding::Greedy), None);
    }

    #[test]
    fn rows_without_a_group_are_one_group() {
        let evaluation = evaluation("{\"item\": \"HumanEval\", \"pass\": true}\n");
        assert_eq!(evaluation.accuracy(Decoding::Greedy).get("all"), Some(&100.0));
    }

    #[test]
    fn answers_and_figures_belong_together() {
        let line = |item: &str, pass: bool| {
            let verdict = if pass { "pass" } else { "fail" };
            format!(
                "{{\"item\": \"deduction/{item}\", \"pass\": {pass}, \"decoding\": \"greedy\", \"verdict\": \"{verdict}\"}}\n"
            )
        };
        let figures = r#"{"decodings": {"greedy": {"counts": {"pass": 1, "fail": 1},
            "groups": {"deduction": {"metrics": {"pass@1": 50.0}}}}}}"#;
        let read = |lines: &str| {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("tiny/step-0");
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("items.jsonl"), lines).unwrap();
            std::fs::write(place.join("metrics.json"), figures).unwrap();
            load_all(folder.path()).map(|_| ()).map_err(|error| error.to_string())
        };
        let intact = line("1", true) + &line("2", false);
        assert_eq!(read(&intact), Ok(()));
        let cut = read(&line("1", true)).unwrap_err();
        assert!(cut.contains("0 answers with the verdict fail, the figures say 1"), "{cut}");
        let flipped = read(&intact.replace("\"pass\": false", "\"pass\": true")).unwrap_err();
        assert!(flipped.contains("deduction: 100.0 % right, the figures say 50.0 %"), "{flipped}");
        assert!(read("").is_err());
    }
}
