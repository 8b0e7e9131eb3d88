//! Paired differences of accuracies, with intervals in closed form.
//!
//! The same items are answered before and after, so the difference is taken item by item and its
//! standard error is that of a mean of differences: what the items have in common cancels. With several
//! samples an item, the item's mean is its value, so that samples of one item count as one cluster.
//! The interval is the normal one (1.96 standard errors): with hundreds of items it agrees with a paired
//! bootstrap to a tenth of a point, and it needs no random numbers.

use serde::Serialize;

/// Half-width of a 95 % interval in standard errors.
const Z_95: f64 = 1.959_964;

/// An estimate with its 95 % interval, all in percentage points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The interval around `value` for a standard error.
    pub fn around(value: f64, standard_error: f64) -> Self {
        let half = Z_95 * standard_error;
        Self { value, low: value - half, high: value + half }
    }

    /// Whether zero lies outside.
    pub fn excludes_zero(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Mean of values; 0 for none.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Squared standard error of the mean; 0 below two values, where it cannot be estimated.
pub fn squared_error_of_mean(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    let centre = mean(values);
    let sum: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    sum / (n - 1.0) / n
}

/// Chance that at least one of `k` samples is right, estimated from `n` samples of which `right` are
/// (the unbiased estimator of the HumanEval paper). Needs `k <= n`.
pub fn pass_at_k(n: usize, right: usize, k: usize) -> f64 {
    if n.saturating_sub(right) < k {
        return 1.0;
    }
    let all_wrong: f64 = (n - right + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product();
    1.0 - all_wrong
}

/// Mean of the values in a window that ends at each place and looks back `window` places, the window
/// being shorter at the start. Places without a value stay out of the mean.
pub fn trailing_mean(values: &[f64], window: usize) -> Vec<f64> {
    (0..values.len())
        .map(|end| {
            let start = (end + 1).saturating_sub(window.max(1));
            mean(&values[start..=end])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pass_at_k_agrees_with_counting() {
        // 4 samples, 1 right: 3 of the 6 pairs hold the right one.
        assert!((pass_at_k(4, 1, 2) - 0.5).abs() < 1e-12);
        assert!((pass_at_k(8, 3, 1) - 3.0 / 8.0).abs() < 1e-12);
        assert!((pass_at_k(8, 1, 8) - 1.0).abs() < 1e-12);
        assert!(pass_at_k(8, 0, 8).abs() < 1e-12);
    }

    #[test]
    fn the_standard_error_is_the_textbook_one() {
        // Differences 1, 0, 0, -1: variance 2/3, standard error of the mean sqrt(2/3/4).
        let error = squared_error_of_mean(&[1.0, 0.0, 0.0, -1.0]).sqrt();
        assert!((error - (2.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert!(squared_error_of_mean(&[3.0]).abs() < 1e-12);
    }

    #[test]
    fn trailing_mean_shortens_at_the_start() {
        assert_eq!(trailing_mean(&[1.0, 3.0, 5.0, 7.0], 2), [1.0, 2.0, 4.0, 6.0]);
        assert_eq!(trailing_mean(&[2.0], 0), [2.0]);
    }

    proptest! {
        #[test]
        fn pass_at_k_is_a_chance_and_grows(n in 1_usize..20, right in 0_usize..20, k in 1_usize..20) {
            let right = right.min(n);
            let k = k.min(n);
            let value = pass_at_k(n, right, k);
            prop_assert!((0.0..=1.0).contains(&value));
            if k < n {
                prop_assert!(pass_at_k(n, right, k + 1) >= value - 1e-12);
            }
        }

        #[test]
        fn an_interval_holds_its_value(value in -50.0_f64..50.0, error in 0.0_f64..10.0) {
            let interval = Interval::around(value, error);
            prop_assert!(interval.low <= interval.value && interval.value <= interval.high);
        }
    }
}
