//! Token-wise functions on matrices that stand feature by feature, `[feature][row]`: with few rows, products
//! then read the weights in place, where row-major ones would pack (copy) all weights in every pass.
//!
//! Each row is one lane: its bits do not depend on the number of rows or its place.

use super::math::exp;

/// Rows of a feature-major matrix come in multiples of this.
pub(crate) const ROW_MULTIPLE: usize = 16;

/// `target[c][r] = source[r][c]`.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn transpose(
    rows: usize,
    columns: usize,
    source: &[f32],
    source_stride: usize,
    target: &mut [f32],
    target_stride: usize,
) {
    const BLOCK: usize = 16;
    for row_start in (0..rows).step_by(BLOCK) {
        let row_end = (row_start + BLOCK).min(rows);
        for column_start in (0..columns).step_by(BLOCK) {
            let column_end = (column_start + BLOCK).min(columns);
            for column in column_start..column_end {
                let target = &mut target[column * target_stride..][row_start..row_end];
                for (value, row) in target.iter_mut().zip(row_start..row_end) {
                    *value = source[row * source_stride + column];
                }
            }
        }
    }
}

/// Root-mean-square norm of every row; `scales` is scratch, a value a row.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, scales: &mut [f32], y: &mut [f32]) {
    let rows = scales.len();
    scales.fill(0.0);
    for feature in x.chunks_exact(rows) {
        for (sum, value) in scales.iter_mut().zip(feature) {
            *sum += value * value;
        }
    }
    for scale in scales.iter_mut() {
        *scale = 1.0 / (*scale / weight.len() as f32 + epsilon).sqrt();
    }
    for ((y, x), weight) in y.chunks_exact_mut(rows).zip(x.chunks_exact(rows)).zip(weight) {
        for ((y, x), scale) in y.iter_mut().zip(x).zip(scales.iter()) {
            *y = x * scale * weight;
        }
    }
}

/// `silu(gate) * up`: gate features first, then up features.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn swiglu(gate_up: &[f32], y: &mut [f32]) {
    let (gate, up) = gate_up.split_at(y.len());
    for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
        *y = gate * up / (1.0 + exp(-gate));
    }
}
