//! Output head: log-probability of one given token a row and entropy of the row's distribution.
//!
//! Logits exist for [`ROWS`] rows at a time, never for all tokens: with 152k tokens in the vocabulary, 16k rows
//! would take 9 GiB. The backward pass computes them again.

use rayon::prelude::*;

use super::gemm::{Into, linear, linear_input_gradient, linear_weight_gradient};
use super::math::{exp_in_place, max};
use super::{ROW_BLOCK, Threads};

/// Rows of logits at a time.
const ROWS: usize = 512;

/// Shape of a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// `vocabulary x width`.
    pub(crate) weight: &'a [f32],
    /// Width of a hidden row.
    pub(crate) width: usize,
    /// Rows of the weight.
    pub(crate) vocabulary: usize,
    /// Who works.
    pub(crate) threads: Threads,
}

impl Head<'_> {
    /// Log-probabilities of `targets` and entropies, a row each.
    pub(crate) fn forward(
        self,
        hidden: &[f32],
        targets: &[u32],
        logprobs: &mut [f32],
        entropies: &mut [f32],
        logits: &mut Vec<f32>,
    ) {
        let blocks = targets.chunks(ROWS).zip(hidden.chunks(ROWS * self.width));
        let results = logprobs.chunks_mut(ROWS).zip(entropies.chunks_mut(ROWS));
        for ((targets, hidden), (logprobs, entropies)) in blocks.zip(results) {
            let logits = self.logits(hidden, targets.len(), logits);
            self.score(logits, targets, logprobs, entropies);
        }
    }

    /// Gradients of the hidden rows (set) and of the weight (added), from those of log-probabilities and
    /// entropies.
    #[expect(clippy::too_many_arguments, reason = "two gradients in, two out")]
    pub(crate) fn backward(
        self,
        hidden: &[f32],
        targets: &[u32],
        d_logprobs: &[f32],
        d_entropies: &[f32],
        d_hidden: &mut [f32],
        d_weight: &mut [f32],
        logits: &mut Vec<f32>,
    ) {
        let blocks = targets.chunks(ROWS).zip(hidden.chunks(ROWS * self.width));
        let gradients = d_logprobs.chunks(ROWS).zip(d_entropies.chunks(ROWS));
        let results = d_hidden.chunks_mut(ROWS * self.width);
        for (((targets, hidden), (d_logprobs, d_entropies)), d_hidden) in blocks.zip(gradients).zip(results) {
            let rows = targets.len();
            let logits = self.logits(hidden, rows, logits);
            self.logit_gradient(logits, targets, d_logprobs, d_entropies);
            let (n, k) = (self.vocabulary, self.width);
            linear_input_gradient(rows, n, k, d_hidden, logits, self.weight, self.threads);
            linear_weight_gradient(rows, n, k, d_weight, Into::Add, logits, hidden, self.threads);
        }
    }

    fn score(self, logits: &mut [f32], targets: &[u32], logprobs: &mut [f32], entropies: &mut [f32]) {
        let vocabulary = self.vocabulary;
        if self.threads == Threads::One {
            return score_rows(logits, vocabulary, targets, logprobs, entropies);
        }
        let results = logprobs.par_chunks_mut(ROW_BLOCK).zip(entropies.par_chunks_mut(ROW_BLOCK));
        logits
            .par_chunks_mut(ROW_BLOCK * vocabulary)
            .zip(targets.par_chunks(ROW_BLOCK))
            .zip(results)
            .for_each(|((logits, targets), (logprobs, entropies))| {
                score_rows(logits, vocabulary, targets, logprobs, entropies);
            });
    }

    fn logit_gradient(self, logits: &mut [f32], targets: &[u32], d_logprobs: &[f32], d_entropies: &[f32]) {
        let vocabulary = self.vocabulary;
        if self.threads == Threads::One {
            return logit_gradient(logits, vocabulary, targets, d_logprobs, d_entropies);
        }
        let gradients = d_logprobs.par_chunks(ROW_BLOCK).zip(d_entropies.par_chunks(ROW_BLOCK));
        logits
            .par_chunks_mut(ROW_BLOCK * vocabulary)
            .zip(targets.par_chunks(ROW_BLOCK))
            .zip(gradients)
            .for_each(|((logits, targets), (d_logprobs, d_entropies))| {
                logit_gradient(logits, vocabulary, targets, d_logprobs, d_entropies);
            });
    }

    fn logits<'l>(&self, hidden: &[f32], rows: usize, logits: &'l mut Vec<f32>) -> &'l mut [f32] {
        let len = rows * self.vocabulary;
        if logits.len() < len {
            logits.resize(len, 0.0);
        }
        let logits = &mut logits[..len];
        linear(rows, self.vocabulary, self.width, logits, Into::Set, hidden, self.weight, self.threads);
        logits
    }
}

/// Sum of `probability * shifted` over a row.
#[inline(always)]
fn weighted_sum(probabilities: &[f32], shifted: impl Fn(usize) -> f32) -> f32 {
    let mut sum = 0f32;
    let mut lanes = [0f32; super::math::LANES];
    let full = probabilities.len() / lanes.len() * lanes.len();
    for start in (0..full).step_by(lanes.len()) {
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane += probabilities[start + i] * shifted(start + i);
        }
    }
    for (i, probability) in probabilities.iter().enumerate().skip(full) {
        sum += probability * shifted(i);
    }
    super::math::sum_lanes(lanes) + sum
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn score_rows(
    logits: &mut [f32],
    vocabulary: usize,
    targets: &[u32],
    logprobs: &mut [f32],
    entropies: &mut [f32],
) {
    let mut shifted = vec![0f32; vocabulary];
    let rows = logits.chunks_exact_mut(vocabulary).zip(targets);
    for ((row, &target), (logprob, entropy)) in rows.zip(logprobs.iter_mut().zip(entropies)) {
        let shift = max(row);
        for i in 0..vocabulary {
            shifted[i] = row[i] - shift;
        }
        let sum = exp_in_place(row, shift);
        let log_sum = sum.ln();
        *logprob = shifted[target as usize] - log_sum;
        *entropy = log_sum - weighted_sum(row, |i| shifted[i]) / sum;
    }
}

/// Turns logits into their gradient: `dl (onehot - p) - de p (log p + entropy)`.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn logit_gradient(
    logits: &mut [f32],
    vocabulary: usize,
    targets: &[u32],
    d_logprobs: &[f32],
    d_entropies: &[f32],
) {
    let mut shifted = vec![0f32; vocabulary];
    let rows = logits.chunks_exact_mut(vocabulary).zip(targets);
    for ((row, &target), (&d_logprob, &d_entropy)) in rows.zip(d_logprobs.iter().zip(d_entropies)) {
        let shift = max(row);
        for i in 0..vocabulary {
            shifted[i] = row[i] - shift;
        }
        let inverse = 1.0 / exp_in_place(row, shift);
        if d_entropy == 0.0 {
            let factor = -d_logprob * inverse;
            for value in row.iter_mut() {
                *value *= factor;
            }
        } else {
            // log p + entropy = shifted - mean of shifted under p.
            let mean = weighted_sum(row, |i| shifted[i]) * inverse;
            for i in 0..vocabulary {
                row[i] *= -inverse * (d_logprob + d_entropy * (shifted[i] - mean));
            }
        }
        row[target as usize] += d_logprob;
    }
}
