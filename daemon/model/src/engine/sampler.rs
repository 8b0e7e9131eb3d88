//! Choice of the next token from logits.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::generate::Sampling;
use crate::kernels::math;

/// The chosen token and its log-probability at temperature 1. `weights` is scratch.
pub(super) fn choose(
    logits: &[f32],
    sampling: Sampling,
    rng: &mut ChaCha8Rng,
    weights: &mut Vec<f32>,
) -> (u32, f32) {
    let (best, highest) = argmax(logits);
    let sum = exponentials(logits, highest, 1.0, weights);
    let token = if sampling.temperature <= 0.0 {
        best
    } else {
        // One draw a token, so the draw of a token is known by the request's key and the token's index.
        let uniform = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        if sampling.temperature.to_bits() != 1f32.to_bits() {
            exponentials(logits, highest, 1.0 / sampling.temperature, weights);
        }
        draw(weights, sampling, uniform)
    };
    (token as u32, logits[token] - highest - sum.ln())
}

/// The most probable tokens with their log-probabilities at temperature 1, most probable first.
pub(super) fn most_probable(logits: &[f32], count: usize) -> Vec<(u32, f32)> {
    let (_, highest) = argmax(logits);
    let sum = exponentials(logits, highest, 1.0, &mut Vec::new());
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    order.truncate(count);
    order.into_iter().map(|token| (token as u32, logits[token] - highest - sum.ln())).collect()
}

/// First greatest logit. A row without a finite logit gives token 0.
fn argmax(logits: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (index, logit);
        }
    }
    best
}

/// `exp((logit - highest) * inverse)` into `weights`; returns their sum.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn exponentials(logits: &[f32], highest: f32, inverse: f32, weights: &mut Vec<f32>) -> f32 {
    weights.clear();
    weights.extend(logits.iter().map(|logit| (logit - highest) * inverse));
    math::exp_in_place(weights, 0.0)
}

fn draw(weights: &[f32], sampling: Sampling, uniform: f64) -> usize {
    let weight = |index: usize| f64::from(weights[index]);
    if sampling.top_p >= 1.0 && sampling.top_k == 0 && sampling.min_p <= 0.0 {
        let total: f64 = (0..weights.len()).map(weight).sum();
        return pick((0..weights.len()).map(|index| (index, weight(index))), uniform * total);
    }
    let kept = kept(weights, sampling);
    let total: f64 = kept.iter().map(|&index| weight(index)).sum();
    pick(kept.iter().map(|&index| (index, weight(index))), uniform * total)
}

/// The tokens that may be drawn, most probable first (never none). As transformers: `top_k`, then of what is left
/// the nucleus, then `min_p`.
fn kept(weights: &[f32], sampling: Sampling) -> Vec<usize> {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let falling = |a: &usize, b: &usize| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b));
    let count = sampling.top_k as usize;
    if count > 0 && count < order.len() {
        order.select_nth_unstable_by(count, falling);
        order.truncate(count);
    }
    order.sort_unstable_by(falling);
    if sampling.top_p < 1.0 {
        let total: f64 = order.iter().map(|&index| f64::from(weights[index])).sum();
        let mut sum = 0.0;
        let last = order.iter().position(|&index| {
            sum += f64::from(weights[index]);
            sum >= f64::from(sampling.top_p) * total
        });
        order.truncate(last.map_or(order.len(), |last| last + 1));
    }
    if let (true, Some(&first)) = (sampling.min_p > 0.0, order.first()) {
        let least = sampling.min_p * weights[first];
        let count = order.iter().take_while(|&&index| weights[index] >= least).count();
        order.truncate(count.max(1));
    }
    order
}

/// The token in whose part of the line `point` lies.
fn pick(weights: impl Iterator<Item = (usize, f64)>, point: f64) -> usize {
    let mut sum = 0.0;
    let mut last = 0;
    for (index, weight) in weights {
        if weight > 0.0 {
            last = index;
        }
        sum += weight;
        if point < sum {
            return index;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::DrawKey;

    fn rng(item: u64) -> ChaCha8Rng {
        DrawKey::new(1, 0, "test", item).rng()
    }

    #[test]
    fn greedy_takes_the_first_greatest_and_scores_at_temperature_1() {
        let (token, logprob) = choose(&[1.0, 3.0, 3.0], Sampling::GREEDY, &mut rng(0), &mut Vec::new());
        let expected = 3.0 - (1f64.exp() + 2.0 * 3f64.exp()).ln();
        assert_eq!(token, 1);
        assert!((f64::from(logprob) - expected).abs() < 1e-6);
    }

    #[test]
    fn frequencies_follow_the_tempered_distribution() {
        let logits = [0.0, 1.0, 2.0];
        let sampling = Sampling::at(2.0);
        let mut rng = rng(1);
        let mut counts = [0f64; 3];
        for _ in 0..20_000 {
            counts[choose(&logits, sampling, &mut rng, &mut Vec::new()).0 as usize] += 1.0;
        }
        let total: f64 = logits.iter().map(|&logit| f64::from(logit / 2.0).exp()).sum();
        for (count, logit) in counts.iter().zip(logits) {
            let expected = f64::from(logit / 2.0).exp() / total;
            assert!((count / 20_000.0 - expected).abs() < 0.015, "{count} {expected}");
        }
    }

    #[test]
    fn nucleus_leaves_out_the_tail() {
        let logits = [0.0, 5.0, 4.9, -1.0];
        let sampling = Sampling { top_p: 0.9, ..Sampling::TEMPERATURE_1 };
        for item in 0..200 {
            let (token, _) = choose(&logits, sampling, &mut rng(item), &mut Vec::new());
            assert!(token == 1 || token == 2);
        }
    }

    #[test]
    fn what_is_kept_is_what_each_setting_says() {
        let weights = [0.2, 0.5, 0.3, 0.0, 0.05];
        for (top_p, top_k, min_p, expected) in [
            (0.4, 0, 0.0, &[1][..]),
            (0.0, 0, 0.0, &[1]),
            (1.0, 2, 0.0, &[1, 2]),
            (1.0, 9, 0.0, &[1, 2, 0, 4, 3]),
            (1.0, 0, 0.4, &[1, 2, 0]),
            (1.0, 0, 1.0, &[1]),
            (1.0, 0, 7.0, &[1]),
            // The nucleus is one of what top_k left: 0.5 is 62 % of the two.
            (0.62, 2, 0.0, &[1]),
            (0.9, 3, 0.5, &[1, 2]),
        ] {
            let sampling = Sampling { temperature: 1.0, top_p, top_k, min_p };
            assert_eq!(kept(&weights, sampling), expected, "{sampling:?}");
        }
    }

    #[test]
    fn odd_rows_choose_something() {
        for logits in [[f32::NAN; 3], [f32::NEG_INFINITY; 3], [f32::INFINITY; 3]] {
            let all = Sampling { temperature: 1.0, top_p: 0.5, top_k: 2, min_p: 0.1 };
            for sampling in [Sampling::GREEDY, Sampling::TEMPERATURE_1, all] {
                assert!(choose(&logits, sampling, &mut rng(3), &mut Vec::new()).0 < 3);
            }
        }
    }
}
