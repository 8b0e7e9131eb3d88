//! The figures of an evaluation, computed from its item records.
//!
//! `eval/<suite>/items.jsonl` holds one [`ItemRecord`] a line, ordered by decoding, item, sample.
//! `eval/<suite>/metrics.json` holds one [`Metrics`] object. Neither holds a wall-clock value, so that the
//! same model, seed and settings give the same bytes; the caller prints the seconds.
//!
//! ```json
//! {"suite": "tiny", "model": "azr-tiny", "n_items": 1500, "pass@1": 41.2,
//!  "metrics": {"pass@1": 41.2, "pass@1_low": 38.7, "pass@1_high": 43.8, "stderr": 1.3},
//!  "counts": {"fail": 700, "no_answer": 12, "pass": 788},
//!  "decodings": {"greedy": {"n": 1, "n_items": 1500,
//!    "metrics": {"pass@1", "stderr", "response_tokens", "thought_share", "pass@1_with_thought", ...},
//!    "counts": {...},
//!    "groups": {"deduction": {"n_items", "metrics", "counts"}, ...}}, "sampled": {...}}}
//! ```
//!
//! `metrics` and `counts` at the top are those of the first decoding. All rates are in percent. With groups
//! every rate of a decoding is the plain mean over the groups (each task type weighs the same).
//!
//! The unit of every error is the item: its samples form one cluster and enter as their mean. `stderr` is the standard
//! error of the mean over items, `pass@1_low` and `pass@1_high` the ends of a 95 % percentile bootstrap over items within
//! groups, from fixed draws. All three are absent where a group has a single item, whose spread nothing can tell.
//! `avg@k` is the mean over the k samples that every item has.

use crate::passk::pass_at_k;
use crate::statistics::{bootstrap_interval, squared_error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Draws of the interval in the figures: fixed, so that the same records give the same bytes.
const INTERVAL_SEED: u64 = 0;
const INTERVAL_RESAMPLES: usize = 2_000;

/// One graded sample: a line of `items.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// Name of the item.
    pub item: String,
    /// Group of the item (task type), empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Name of the decoding, e.g. `greedy`.
    pub decoding: String,
    /// Index of the sample of this item and decoding.
    pub sample: usize,
    /// sha256 of the prompt, first 16 hex digits.
    pub prompt_hash: String,
    /// What the model wrote.
    pub output: String,
    /// The answer found in it.
    pub extracted: String,
    /// `pass`, `fail`, `timeout`, `unsupported`, `skipped`, `no_answer`.
    pub verdict: String,
    /// Why, empty for a pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Does it count as right?
    pub pass: bool,
    /// New tokens.
    pub tokens: usize,
    /// Did the completion end by itself (not by its length)?
    pub finished: bool,
    /// Fuel spent in the sandbox.
    pub fuel: u64,
    /// Has it a thought? Absent where the suite asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thought: Option<bool>,
    /// Further fields of the suite, e.g. `base_status`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

/// Figures of one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupMetrics {
    /// Items of the group.
    pub n_items: usize,
    /// Rates in percent, and mean lengths.
    pub metrics: BTreeMap<String, f64>,
    /// Samples by verdict.
    pub counts: BTreeMap<String, usize>,
}

/// Figures of one decoding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecodingMetrics {
    /// Samples an item.
    pub n: usize,
    /// Items.
    pub n_items: usize,
    /// Rates in percent, and mean lengths.
    pub metrics: BTreeMap<String, f64>,
    /// Samples by verdict.
    pub counts: BTreeMap<String, usize>,
    /// By group, empty if the suite has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, GroupMetrics>,
}

/// Figures of one evaluation: `metrics.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Name of the suite.
    pub suite: String,
    /// Name of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Items.
    pub n_items: usize,
    /// pass@1 of the first decoding, percent.
    #[serde(rename = "pass@1")]
    pub pass_at_1: f64,
    /// All figures of the first decoding.
    pub metrics: BTreeMap<String, f64>,
    /// Samples by verdict of the first decoding.
    pub counts: BTreeMap<String, usize>,
    /// By decoding.
    pub decodings: BTreeMap<String, DecodingMetrics>,
}

impl Metrics {
    /// Computes the figures; `records` in the order of `items.jsonl`.
    pub fn compute(suite: &str, model: Option<&str>, records: &[ItemRecord]) -> Self {
        let mut order: Vec<&str> = Vec::new();
        let mut by_decoding: BTreeMap<&str, Vec<&ItemRecord>> = BTreeMap::new();
        for record in records {
            let members = by_decoding.entry(&record.decoding).or_default();
            if members.is_empty() {
                order.push(&record.decoding);
            }
            members.push(record);
        }
        let decodings: BTreeMap<String, DecodingMetrics> =
            by_decoding.iter().map(|(name, members)| ((*name).to_owned(), of_decoding(members))).collect();
        let headline = order.first().and_then(|name| decodings.get(*name)).cloned().unwrap_or_default();
        Self {
            suite: suite.into(),
            model: model.map(Into::into),
            n_items: headline.n_items,
            pass_at_1: headline.metrics.get("pass@1").copied().unwrap_or(0.0),
            metrics: headline.metrics,
            counts: headline.counts,
            decodings,
        }
    }
}

fn of_decoding(records: &[&ItemRecord]) -> DecodingMetrics {
    let mut by_group: BTreeMap<&str, Vec<&ItemRecord>> = BTreeMap::new();
    for record in records {
        by_group.entry(&record.group).or_default().push(record);
    }
    let n = records.iter().map(|record| record.sample + 1).max().unwrap_or(0);
    let groups: BTreeMap<String, GroupMetrics> =
        by_group.iter().map(|(name, members)| ((*name).to_owned(), of_group(members))).collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for group in groups.values() {
        for (verdict, count) in &group.counts {
            *counts.entry(verdict.clone()).or_default() += count;
        }
    }
    let mut metrics = mean_over_groups(&groups);
    let strata: Vec<Vec<f64>> = by_group.values().map(|members| rates(members)).collect();
    insert_interval(&mut metrics, &strata);
    DecodingMetrics {
        n,
        n_items: groups.values().map(|group| group.n_items).sum(),
        metrics,
        counts,
        groups: if groups.keys().all(String::is_empty) { BTreeMap::new() } else { groups },
    }
}

/// Share of right samples of each item, 0 to 1, in the order of the items' names.
fn rates(records: &[&ItemRecord]) -> Vec<f64> {
    samples_by_item(records).values().map(|(n, right)| *right as f64 / *n as f64).collect()
}

/// The bootstrap interval of pass@1, where there is one.
fn insert_interval(metrics: &mut BTreeMap<String, f64>, strata: &[Vec<f64>]) {
    if let Some((low, high)) = bootstrap_interval(strata, INTERVAL_SEED, INTERVAL_RESAMPLES) {
        metrics.insert("pass@1_low".to_owned(), low);
        metrics.insert("pass@1_high".to_owned(), high);
    }
}

/// Plain mean of each figure over the groups that have it; standard errors add as those of independent means, and
/// are left out where a group has none. Intervals are no means: the caller adds them.
fn mean_over_groups(groups: &BTreeMap<String, GroupMetrics>) -> BTreeMap<String, f64> {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for group in groups.values() {
        for (name, value) in &group.metrics {
            values.entry(name).or_default().push(*value);
        }
    }
    let combine = |name: &str, values: &[f64]| {
        let n = values.len() as f64;
        if !name.starts_with("stderr") {
            return Some(values.iter().sum::<f64>() / n);
        }
        (values.len() == groups.len())
            .then(|| values.iter().map(|value| value * value).sum::<f64>().sqrt() / n)
    };
    values
        .into_iter()
        .filter(|(name, _)| !name.ends_with("_low") && !name.ends_with("_high"))
        .filter_map(|(name, values)| Some((name.to_owned(), combine(name, &values)?)))
        .collect()
}

fn of_group(records: &[&ItemRecord]) -> GroupMetrics {
    let by_item = samples_by_item(records);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for record in records {
        *counts.entry(record.verdict.clone()).or_default() += 1;
    }
    let mut metrics = BTreeMap::new();
    let rates = rates(records);
    metrics.insert("pass@1".to_owned(), 100.0 * mean(&rates));
    insert_error(&mut metrics, "stderr", &rates);
    insert_interval(&mut metrics, std::slice::from_ref(&rates));
    // A k is reported only where every item was asked for at least k samples.
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        *asked.entry(&record.item).or_default() += 1;
    }
    let least = asked.values().copied().min().unwrap_or(0);
    if least > 1 && asked.values().all(|n| *n == least) {
        metrics.insert(format!("avg@{least}"), 100.0 * mean(&rates));
    }
    for k in [2, 4, 5, 8, 10, 16, 32, 64, 100].into_iter().filter(|k| *k <= least) {
        // Fewer than k samples are left only of an item that has a right one: some k of them hold it.
        let estimates: Vec<f64> =
            by_item.values().map(|(n, right)| pass_at_k(*n, *right, k).unwrap_or(1.0)).collect();
        metrics.insert(format!("pass@{k}"), 100.0 * mean(&estimates));
        insert_error(&mut metrics, &format!("stderr_pass@{k}"), &estimates);
    }
    let share = |of: &dyn Fn(&ItemRecord) -> bool| {
        100.0 * records.iter().filter(|record| of(record)).count() as f64 / records.len() as f64
    };
    metrics.insert("finished_share".to_owned(), share(&|record| record.finished));
    let tokens: Vec<f64> = records.iter().map(|record| record.tokens as f64).collect();
    metrics.insert("response_tokens".to_owned(), mean(&tokens));
    if records.iter().any(|record| record.thought.is_some()) {
        metrics.insert("thought_share".to_owned(), share(&|record| record.thought == Some(true)));
        for (name, wanted) in [("pass@1_with_thought", true), ("pass@1_without_thought", false)] {
            let of_kind: Vec<f64> = records
                .iter()
                .filter(|record| record.thought == Some(wanted))
                .map(|record| f64::from(u8::from(record.pass)))
                .collect();
            if !of_kind.is_empty() {
                metrics.insert(name.to_owned(), 100.0 * mean(&of_kind));
            }
        }
    }
    GroupMetrics { n_items: by_item.len(), metrics, counts }
}

/// The standard error of the mean of `values` in percent, where it can be estimated.
fn insert_error(metrics: &mut BTreeMap<String, f64>, name: &str, values: &[f64]) {
    if let Some(squared) = squared_error(values) {
        metrics.insert(name.to_owned(), 100.0 * squared.sqrt());
    }
}

/// (samples, right) by item. `skipped` samples (CRUXEval) are left out of an item's list, unless no other is right:
/// then the whole list is wrong.
pub(crate) fn samples_by_item<'a>(records: &[&'a ItemRecord]) -> BTreeMap<&'a str, (usize, usize)> {
    let mut by_item: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    for record in records {
        let (asked, counted, right) = by_item.entry(&record.item).or_default();
        *asked += 1;
        *counted += usize::from(record.verdict != "skipped");
        *right += usize::from(record.pass);
    }
    by_item
        .into_iter()
        .map(|(item, (asked, counted, right))| (item, (if right > 0 { counted } else { asked }, right)))
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record with what the figures need.
    pub(crate) fn record(group: &str, item: &str, sample: usize, pass: bool) -> ItemRecord {
        ItemRecord {
            item: item.into(),
            group: group.into(),
            decoding: if sample < 100 { "greedy".into() } else { "sampled".into() },
            sample: sample % 100,
            prompt_hash: String::new(),
            output: String::new(),
            extracted: String::new(),
            verdict: if pass { "pass".into() } else { "fail".into() },
            reason: String::new(),
            pass,
            tokens: 10 + sample,
            finished: true,
            fuel: 0,
            thought: Some(pass),
            details: BTreeMap::new(),
        }
    }

    #[test]
    fn groups_weigh_the_same_whatever_their_size() {
        let records = [
            record("a", "a/0", 0, true),
            record("b", "b/0", 0, false),
            record("b", "b/1", 0, false),
            record("b", "b/2", 0, true),
        ];
        let metrics = Metrics::compute("tiny", Some("m"), &records);
        let third = 100.0 / 3.0;
        assert!((metrics.pass_at_1 - f64::midpoint(100.0, third)).abs() < 1e-9);
        assert_eq!(metrics.counts, BTreeMap::from([("fail".into(), 2), ("pass".into(), 2)]));
        let greedy = &metrics.decodings["greedy"];
        assert!((greedy.groups["b"].metrics["stderr"] - third).abs() < 1e-9);
        // A group of one item has no error, so the mean over groups has none.
        for key in ["stderr", "pass@1_low", "pass@1_high"] {
            assert_eq!((greedy.groups["a"].metrics.get(key), greedy.metrics.get(key)), (None, None), "{key}");
        }
        assert!((greedy.groups["b"].metrics["thought_share"] - third).abs() < 1e-9);
        assert_eq!(greedy.groups["a"].metrics.get("pass@1_without_thought"), None);
    }

    #[test]
    fn errors_of_groups_add_as_those_of_independent_means() {
        let records: Vec<_> = [("a", 4, 1), ("b", 3, 1)]
            .into_iter()
            .flat_map(|(group, n, right)| {
                (0..n).map(move |item| record(group, &format!("{group}/{item}"), 0, item < right))
            })
            .collect();
        let greedy = &Metrics::compute("s", None, &records).decodings["greedy"];
        // Variances of the means by hand: (3/16)/3 of a, (2/9)/2 of b.
        let (a, b) = (1.0_f64 / 16.0, 1.0_f64 / 9.0);
        assert!((greedy.groups["a"].metrics["stderr"] - 100.0 * a.sqrt()).abs() < 1e-9);
        assert!((greedy.metrics["stderr"] - 50.0 * (a + b).sqrt()).abs() < 1e-9);
        let (low, high) = (greedy.metrics["pass@1_low"], greedy.metrics["pass@1_high"]);
        assert!(low < greedy.metrics["pass@1"] && greedy.metrics["pass@1"] < high, "{low} {high}");
    }

    #[test]
    fn samples_of_an_item_are_one_cluster() {
        // Eight samples an item that all agree tell no more than one: the error is that of four items.
        let many: Vec<_> = (0..4)
            .flat_map(|item| (0..8).map(move |sample| record("", &format!("{item}"), sample, item < 2)))
            .collect();
        let one: Vec<_> = many.iter().filter(|record| record.sample == 0).cloned().collect();
        let (many, one) = (Metrics::compute("s", None, &many), Metrics::compute("s", None, &one));
        for key in ["pass@1", "pass@1_low", "pass@1_high", "stderr"] {
            assert!((many.metrics[key] - one.metrics[key]).abs() < 1e-9, "{key}");
        }
        assert_eq!((many.metrics["avg@8"], one.metrics.get("avg@1")), (50.0, None));
    }

    #[test]
    fn a_k_needs_k_samples_of_every_item() {
        let mut records: Vec<_> = (0..8).map(|sample| record("", "x", 100 + sample, sample < 2)).collect();
        let metrics = Metrics::compute("s", None, &records);
        let sampled = &metrics.decodings["sampled"];
        assert_eq!((sampled.n, sampled.metrics["pass@1"], sampled.metrics["pass@8"]), (8, 25.0, 100.0));
        assert!(sampled.groups.is_empty());
        records.push(record("", "y", 100, false));
        let metrics = Metrics::compute("s", None, &records);
        assert_eq!(metrics.metrics.get("pass@8"), None);
        assert_eq!(metrics.pass_at_1, 12.5);
    }

    #[test]
    fn skipped_samples_leave_the_list_of_an_item_with_a_right_one() {
        let mut records: Vec<_> = (0..5).map(|sample| record("", "x", sample, sample == 0)).collect();
        for skipped in &mut records[2..] {
            skipped.verdict = "skipped".into();
        }
        let mut lost = record("", "y", 0, false);
        lost.verdict = "skipped".into();
        let metrics = Metrics::compute("s", None, &records);
        assert_eq!((metrics.pass_at_1, metrics.metrics["pass@5"]), (50.0, 100.0));
        records.push(lost);
        assert_eq!(Metrics::compute("s", None, &records).pass_at_1, 25.0);
    }

    #[test]
    fn nothing_evaluated_gives_zeros() {
        let metrics = Metrics::compute("s", None, &[]);
        assert_eq!((metrics.n_items, metrics.pass_at_1), (0, 0.0));
    }
}
