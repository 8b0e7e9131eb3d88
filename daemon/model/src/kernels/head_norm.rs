//! Root-mean-square norm of every query head and every key head, in place in packed rows; values stay as they are.

use rayon::prelude::*;

use super::attention::Heads;
use super::math::{add_assign, dot};
use super::rms_norm::inverse_root;
use super::{ROW_BLOCK, Threads};

/// Weights, each as wide as a head.
#[derive(Clone, Copy)]
pub(crate) struct HeadNorm<'a> {
    pub(crate) query: &'a [f32],
    pub(crate) key: &'a [f32],
    pub(crate) epsilon: f32,
}

/// Norms the heads of packed rows.
pub(crate) fn forward(heads: Heads, norm: HeadNorm<'_>, qkv: &mut [f32], threads: Threads) {
    if threads == Threads::One {
        return forward_rows(heads, norm.query, norm.key, norm.epsilon, qkv);
    }
    let block = ROW_BLOCK * heads.qkv_width();
    qkv.par_chunks_mut(block).for_each(|qkv| forward_rows(heads, norm.query, norm.key, norm.epsilon, qkv));
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn forward_rows(heads: Heads, query: &[f32], key: &[f32], epsilon: f32, qkv: &mut [f32]) {
    let queries = heads.output_width();
    let keys = queries..queries + heads.key_value * heads.width;
    for row in qkv.chunks_exact_mut(heads.qkv_width()) {
        norm_heads(&mut row[..queries], query, epsilon);
        norm_heads(&mut row[keys.clone()], key, epsilon);
    }
}

#[inline(always)]
fn norm_heads(heads: &mut [f32], weight: &[f32], epsilon: f32) {
    let width = weight.len();
    for head in heads.chunks_exact_mut(width) {
        let scale = inverse_root(head, epsilon);
        for i in 0..width {
            head[i] = head[i] * scale * weight[i];
        }
    }
}

/// Turns the gradient `d_qkv` of the normed rows into that of `qkv`, the rows before the norm, and adds the
/// gradients of the weights (queries' first) to `d_weights`: the sums of fixed blocks of rows, in their order.
pub(crate) fn backward(
    heads: Heads,
    norm: HeadNorm<'_>,
    qkv: &[f32],
    d_qkv: &mut [f32],
    d_weights: &mut [f32],
    threads: Threads,
) {
    let block = ROW_BLOCK * heads.qkv_width();
    let run = |(qkv, d_qkv): (&[f32], &mut [f32])| {
        let mut part = vec![0f32; 2 * heads.width];
        backward_rows(heads, norm.query, norm.key, norm.epsilon, qkv, d_qkv, &mut part);
        part
    };
    let parts: Vec<Vec<f32>> = if threads == Threads::One {
        qkv.chunks(block).zip(d_qkv.chunks_mut(block)).map(run).collect()
    } else {
        qkv.par_chunks(block).zip(d_qkv.par_chunks_mut(block)).map(run).collect()
    };
    for part in &parts {
        add_assign(d_weights, part);
    }
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn backward_rows(
    heads: Heads,
    query: &[f32],
    key: &[f32],
    epsilon: f32,
    qkv: &[f32],
    d_qkv: &mut [f32],
    d_weights: &mut [f32],
) {
    let (row_width, queries) = (heads.qkv_width(), heads.output_width());
    let keys = queries..queries + heads.key_value * heads.width;
    let (d_query, d_key) = d_weights.split_at_mut(heads.width);
    for (row, d_row) in qkv.chunks_exact(row_width).zip(d_qkv.chunks_exact_mut(row_width)) {
        heads_gradient(&row[..queries], &mut d_row[..queries], query, epsilon, d_query);
        heads_gradient(&row[keys.clone()], &mut d_row[keys.clone()], key, epsilon, d_key);
    }
}

#[inline(always)]
fn heads_gradient(heads: &[f32], d_heads: &mut [f32], weight: &[f32], epsilon: f32, d_weight: &mut [f32]) {
    let width = weight.len();
    let d_weight = &mut d_weight[..width];
    for (x, d) in heads.chunks_exact(width).zip(d_heads.chunks_exact_mut(width)) {
        let scale = inverse_root(x, epsilon);
        for i in 0..width {
            d_weight[i] += d[i] * x[i] * scale;
            d[i] *= weight[i];
        }
        let correction = dot(d, x) * scale * scale * scale / width as f32;
        for i in 0..width {
            d[i] = d[i] * scale - x[i] * correction;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WIDTH: usize = 6;
    const HEADS: Heads = Heads { query: 4, key_value: 2, width: WIDTH };
    const EPSILON: f32 = 1e-3;

    /// Weighted sum of the normed rows, in 64 bits.
    fn sum_of(rows: &[f32], weights: &[f32], d: &[f32]) -> f64 {
        let head = |(index, (x, d)): (usize, (&[f32], &[f32]))| {
            let weight = match index % 8 {
                0..4 => Some(&weights[..WIDTH]),
                4 | 5 => Some(&weights[WIDTH..]),
                _ => None,
            };
            let square: f64 = x.iter().map(|x| f64::from(*x).powi(2)).sum();
            let root = (square / WIDTH as f64 + f64::from(EPSILON)).sqrt();
            let scale = |i: usize| weight.map_or(1.0, |weight| f64::from(weight[i]) / root);
            (0..WIDTH).map(|i| f64::from(x[i]) * scale(i) * f64::from(d[i])).sum::<f64>()
        };
        rows.chunks_exact(WIDTH).zip(d.chunks_exact(WIDTH)).enumerate().map(head).sum()
    }

    fn norm(weights: &[f32]) -> HeadNorm<'_> {
        HeadNorm { query: &weights[..WIDTH], key: &weights[WIDTH..], epsilon: EPSILON }
    }

    fn numbers(len: usize) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-2f32..2.0, len)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn gradient_agrees_with_differences(
            (rows, d) in (1usize..4).prop_flat_map(|rows| (numbers(rows * 48), numbers(rows * 48))),
            weights in numbers(2 * WIDTH),
        ) {
            let mut normed = rows.clone();
            forward(HEADS, norm(&weights), &mut normed, Threads::One);
            let found: f64 = normed.iter().zip(&d).map(|(y, d)| f64::from(*y) * f64::from(*d)).sum();
            prop_assert!((found - sum_of(&rows, &weights, &d)).abs() < 1e-3);

            let (mut d_rows, mut d_weights) = (d.clone(), vec![0f32; 2 * WIDTH]);
            backward(HEADS, norm(&weights), &rows, &mut d_rows, &mut d_weights, Threads::One);
            let step = 1e-3;
            let slope = |at: &dyn Fn(f32) -> f64| (at(step) - at(-step)) / f64::from(2.0 * step);
            for index in 0..rows.len() {
                let expected = slope(&|by| {
                    let mut rows = rows.clone();
                    rows[index] += by;
                    sum_of(&rows, &weights, &d)
                });
                let found = f64::from(d_rows[index]);
                prop_assert!((found - expected).abs() < 0.01 * (1.0 + expected.abs()), "{found} {expected}");
            }
            for index in 0..weights.len() {
                let expected = slope(&|by| {
                    let mut weights = weights.clone();
                    weights[index] += by;
                    sum_of(&rows, &weights, &d)
                });
                let found = f64::from(d_weights[index]);
                prop_assert!((found - expected).abs() < 0.01 * (1.0 + expected.abs()), "{found} {expected}");
            }
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let rows: Vec<f32> = (0..200 * 48).map(|i| ((i * 37 % 101) as f32 - 50.0) / 30.0).collect();
        let weights: Vec<f32> = (0..2 * WIDTH).map(|i| 0.5 + i as f32 / 10.0).collect();
        let run = |threads| {
            let mut normed = rows.clone();
            forward(HEADS, norm(&weights), &mut normed, threads);
            let mut d_weights = vec![0f32; 2 * WIDTH];
            backward(HEADS, norm(&weights), &rows, &mut normed, &mut d_weights, threads);
            (normed, d_weights)
        };
        assert!(run(Threads::One) == run(Threads::All));
    }
}
