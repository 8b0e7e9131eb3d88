//! The unbiased estimator of pass@k.

/// Probability that at least one of `k` samples drawn without replacement from `n`, of which `right` are
/// right, is right: 1 if n - c < k, else 1 - product over i = n-c+1 ..= n of (1 - k/i).
///
/// `None` when fewer than `k` samples exist or `right > n`: a reported k needs k samples of every item.
pub fn pass_at_k(n: usize, right: usize, k: usize) -> Option<f64> {
    if right > n || k == 0 || n < k {
        return None;
    }
    if n - right < k {
        return Some(1.0);
    }
    let missed: f64 = (n - right + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product();
    Some(1.0 - missed)
}

#[cfg(test)]
mod tests {
    use super::pass_at_k;
    use proptest::prelude::*;

    fn binomial(n: u64, k: u64) -> f64 {
        (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
    }

    #[test]
    fn known_values() {
        assert_eq!(pass_at_k(1, 0, 1), Some(0.0));
        assert_eq!(pass_at_k(1, 1, 1), Some(1.0));
        assert_eq!(pass_at_k(8, 0, 8), Some(0.0));
        assert_eq!(pass_at_k(8, 1, 8), Some(1.0));
        assert!((pass_at_k(10, 3, 5).unwrap() - (1.0 - 21.0 / 252.0)).abs() < 1e-12);
        assert_eq!(pass_at_k(4, 2, 5), None);
        assert_eq!(pass_at_k(4, 5, 1), None);
    }

    proptest! {
        #[test]
        fn equals_the_ratio_of_binomials(n in 1_usize..60, right in 0_usize..60, k in 1_usize..60) {
            prop_assume!(right <= n && k <= n);
            let want = if n - right < k {
                1.0
            } else {
                1.0 - binomial((n - right) as u64, k as u64) / binomial(n as u64, k as u64)
            };
            prop_assert!((pass_at_k(n, right, k).unwrap() - want).abs() < 1e-9);
        }
    }
}
