//! Paired comparison of two evaluations over the same items.
//!
//! The unit is the item: all samples of an item form one cluster and enter as their mean, so several samples of
//! one item never pretend to be independent. With groups (task types) the difference is the plain mean of the
//! groups' differences, and the variance that of this stratified mean.

use crate::ItemRecord;
use crate::metrics::samples_by_item;
use azr_model::random::DrawKey;
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A paired difference in percentage points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// Items in both.
    pub n_items: usize,
    /// Rate of the first, percent.
    pub first: f64,
    /// Rate of the second, percent.
    pub second: f64,
    /// Second minus first, points.
    pub difference: f64,
    /// Standard error of the difference, clustered by item; `None` where a group has a single item.
    pub stderr: Option<f64>,
    /// Ends of the 95 % interval; `None` where there is no standard error.
    pub interval: Option<(f64, f64)>,
}

impl PairedDifference {
    /// Does the interval exclude zero? Without an interval nothing is significant.
    pub fn is_significant(&self) -> bool {
        self.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// How the interval is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalMethod {
    /// Difference +- 1.96 standard errors.
    Normal,
    /// Percentile bootstrap over items within groups, from draws keyed by `seed`.
    Bootstrap {
        /// Seed of the draws.
        seed: u64,
        /// Resamples.
        resamples: usize,
    },
}

/// One item in both evaluations: mean of its samples in each.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Group, empty if none.
    pub group: String,
    /// Name of the item.
    pub item: String,
    /// Rate in the first, 0 to 1.
    pub first: f64,
    /// Rate in the second, 0 to 1.
    pub second: f64,
}

/// Pairs the records of one decoding by item (items in one evaluation only are left out), in item order.
pub fn pair_by_item(first: &[ItemRecord], second: &[ItemRecord], decoding: &str) -> Vec<Pair> {
    let rates = |records: &[ItemRecord]| {
        let mut by_group: BTreeMap<String, Vec<ItemRecord>> = BTreeMap::new();
        for record in records.iter().filter(|record| record.decoding == decoding) {
            by_group.entry(record.group.clone()).or_default().push(record.clone());
        }
        let mut rates: BTreeMap<(String, String), f64> = BTreeMap::new();
        for (group, members) in by_group {
            let members: Vec<&ItemRecord> = members.iter().collect();
            for (item, (n, right)) in samples_by_item(&members) {
                rates.insert((group.clone(), item.to_owned()), right as f64 / n as f64);
            }
        }
        rates
    };
    let second = rates(second);
    rates(first)
        .into_iter()
        .filter_map(|(key, first)| {
            let second = *second.get(&key)?;
            Some(Pair { group: key.0, item: key.1, first, second })
        })
        .collect()
}

/// The paired difference of `pairs`, or `None` when there are none. A group of one item has no spread that could be
/// estimated: then the difference has no interval.
pub fn paired_difference(pairs: &[Pair], method: IntervalMethod) -> Option<PairedDifference> {
    let mut groups: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
    for pair in pairs {
        groups.entry(&pair.group).or_default().push(pair);
    }
    if groups.is_empty() {
        return None;
    }
    let n_groups = groups.len() as f64;
    let mean_over_groups = |value: &dyn Fn(&Pair) -> f64| -> f64 {
        let of_group =
            |members: &Vec<&Pair>| members.iter().map(|pair| value(pair)).sum::<f64>() / members.len() as f64;
        100.0 * groups.values().map(of_group).sum::<f64>() / n_groups
    };
    let first = mean_over_groups(&|pair| pair.first);
    let second = mean_over_groups(&|pair| pair.second);
    let difference = mean_over_groups(&|pair| pair.second - pair.first);
    let strata: Vec<Vec<f64>> = groups
        .values()
        .map(|members| members.iter().map(|pair| pair.second - pair.first).collect())
        .collect();
    let squared: Option<Vec<f64>> = strata.iter().map(|values| squared_error(values)).collect();
    let stderr = squared.map(|squared| 100.0 * squared.iter().sum::<f64>().sqrt() / n_groups);
    let interval = match method {
        IntervalMethod::Normal => {
            stderr.map(|stderr| (difference - 1.959_964 * stderr, difference + 1.959_964 * stderr))
        }
        IntervalMethod::Bootstrap { seed, resamples } => bootstrap_interval(&strata, seed, resamples),
    };
    Some(PairedDifference { n_items: pairs.len(), first, second, difference, stderr, interval })
}

/// Squared standard error of the mean of `values`; `None` for fewer than two, which say nothing about their spread.
pub(crate) fn squared_error(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    Some(values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
}

/// Ends of the 95 % percentile bootstrap of the mean of the strata's means, in percent; values are resampled within
/// their stratum. `None` where a stratum has fewer than two values.
pub(crate) fn bootstrap_interval(strata: &[Vec<f64>], seed: u64, resamples: usize) -> Option<(f64, f64)> {
    if strata.is_empty() || strata.iter().any(|values| values.len() < 2) {
        return None;
    }
    let resamples = resamples.max(1);
    let mut means: Vec<f64> = (0..resamples)
        .map(|resample| {
            let mut rng = DrawKey::new(seed, 0, "statistics.bootstrap", resample as u64).rng();
            let of_stratum = |values: &Vec<f64>| {
                let n = values.len();
                // A 64-bit product maps a draw to an index; its bias of 2^-32 * n is far below the noise.
                let mut draw = || values[((u64::from(rng.next_u32()) * n as u64) >> 32) as usize];
                (0..n).map(|_| draw()).sum::<f64>() / n as f64
            };
            100.0 * strata.iter().map(of_stratum).sum::<f64>() / strata.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((resamples - 1) as f64 * share).round() as usize];
    Some((at(0.025), at(0.975)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::tests::record;

    fn pairs(values: &[(&str, f64, f64)]) -> Vec<Pair> {
        values
            .iter()
            .map(|(group, first, second)| Pair {
                group: (*group).into(),
                item: String::new(),
                first: *first,
                second: *second,
            })
            .collect()
    }

    #[test]
    fn normal_interval_by_hand() {
        // Differences 1, 0, 0, 1: mean 0.5, variance 1/3, squared error 1/12.
        let result = paired_difference(
            &pairs(&[("", 0.0, 1.0), ("", 0.0, 0.0), ("", 1.0, 1.0), ("", 0.0, 1.0)]),
            IntervalMethod::Normal,
        )
        .unwrap();
        assert_eq!((result.n_items, result.first, result.second, result.difference), (4, 25.0, 75.0, 50.0));
        let stderr = 100.0 * (1.0_f64 / 12.0).sqrt();
        assert!((result.stderr.unwrap() - stderr).abs() < 1e-9);
        assert!((result.interval.unwrap().1 - (50.0 + 1.959_964 * stderr)).abs() < 1e-9);
        assert!(!result.is_significant());
    }

    #[test]
    fn groups_are_strata_of_equal_weight() {
        let result = paired_difference(
            &pairs(&[("a", 0.0, 1.0), ("a", 0.0, 1.0), ("b", 0.0, 0.0), ("b", 0.0, 0.0), ("b", 0.0, 0.0)]),
            IntervalMethod::Normal,
        )
        .unwrap();
        assert_eq!((result.difference, result.stderr), (50.0, Some(0.0)));
        assert!(result.is_significant());
    }

    #[test]
    fn a_group_of_one_item_leaves_no_interval() {
        for method in [IntervalMethod::Normal, IntervalMethod::Bootstrap { seed: 1, resamples: 100 }] {
            let one = [("a", 0.0, 1.0), ("b", 0.0, 0.0), ("b", 0.0, 0.0)];
            let result = paired_difference(&pairs(&one), method).unwrap();
            assert_eq!((result.difference, result.stderr, result.interval), (50.0, None, None));
            assert!(!result.is_significant());
        }
    }

    #[test]
    fn bootstrap_agrees_with_the_normal_interval_and_repeats_exactly() {
        let many: Vec<Pair> = (0..300)
            .map(|index| Pair {
                group: if index % 2 == 0 { "a".into() } else { "b".into() },
                item: index.to_string(),
                first: f64::from(u8::from(index % 3 == 0)),
                second: f64::from(u8::from(index % 5 != 0)),
            })
            .collect();
        let normal = paired_difference(&many, IntervalMethod::Normal).unwrap();
        let method = IntervalMethod::Bootstrap { seed: 1, resamples: 2_000 };
        let bootstrap = paired_difference(&many, method).unwrap();
        let (a, b) = (normal.interval.unwrap(), bootstrap.interval.unwrap());
        assert!((a.0 - b.0).abs() < 1.5 && (a.1 - b.1).abs() < 1.5);
        assert_eq!(paired_difference(&many, method).unwrap(), bootstrap);
    }

    #[test]
    fn samples_of_an_item_form_one_cluster() {
        let first: Vec<_> = (0..4).map(|sample| record("", "x", sample, sample == 0)).collect();
        let mut second: Vec<_> = (0..2).map(|sample| record("", "x", sample, true)).collect();
        second.push(record("", "only here", 0, true));
        assert_eq!(
            pair_by_item(&first, &second, "greedy"),
            [Pair { group: String::new(), item: "x".into(), first: 0.25, second: 1.0 }]
        );
        assert!(pair_by_item(&first, &second, "sampled").is_empty());
        assert_eq!(paired_difference(&[], IntervalMethod::Normal), None);
    }
}
