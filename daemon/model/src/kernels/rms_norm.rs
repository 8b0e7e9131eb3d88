//! Root-mean-square norm of rows.

use rayon::prelude::*;

use super::math::{add_assign, dot};
use super::{ROW_BLOCK, Threads};

#[inline(always)]
pub(super) fn inverse_root(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot(x, x) / x.len() as f32 + epsilon).sqrt()
}

/// `y = x / rms(x) * weight`, row by row.
pub(crate) fn forward(x: &[f32], weight: &[f32], epsilon: f32, y: &mut [f32], threads: Threads) {
    if threads == Threads::One {
        return forward_rows(x, weight, epsilon, y);
    }
    let block = ROW_BLOCK * weight.len();
    y.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(y, x)| forward_rows(x, weight, epsilon, y));
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn forward_rows(x: &[f32], weight: &[f32], epsilon: f32, y: &mut [f32]) {
    let width = weight.len();
    for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
        let scale = inverse_root(x, epsilon);
        for i in 0..width {
            y[i] = x[i] * scale * weight[i];
        }
    }
}

/// Adds the gradient of the input to `dx` (which already holds that of the residual path) and the gradient of
/// the weight to `d_weight`: the sums of fixed blocks of rows, in their order.
pub(crate) fn backward(
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    dy: &[f32],
    dx: &mut [f32],
    d_weight: &mut [f32],
    threads: Threads,
) {
    let block = ROW_BLOCK * weight.len();
    let run = |((x, dy), dx): ((&[f32], &[f32]), &mut [f32])| {
        let mut part = vec![0f32; weight.len()];
        backward_rows(x, weight, epsilon, dy, dx, &mut part);
        part
    };
    let parts: Vec<Vec<f32>> = if threads == Threads::One {
        x.chunks(block).zip(dy.chunks(block)).zip(dx.chunks_mut(block)).map(run).collect()
    } else {
        x.par_chunks(block).zip(dy.par_chunks(block)).zip(dx.par_chunks_mut(block)).map(run).collect()
    };
    for part in &parts {
        add_assign(d_weight, part);
    }
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn backward_rows(x: &[f32], weight: &[f32], epsilon: f32, dy: &[f32], dx: &mut [f32], d_weight: &mut [f32]) {
    let width = weight.len();
    let mut weighted = vec![0f32; width];
    let rows = x.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
    for ((x, dy), dx) in rows {
        let scale = inverse_root(x, epsilon);
        for i in 0..width {
            weighted[i] = dy[i] * weight[i];
            d_weight[i] += dy[i] * x[i] * scale;
        }
        let correction = dot(&weighted, x) * scale * scale * scale / width as f32;
        for i in 0..width {
            dx[i] += weighted[i] * scale - x[i] * correction;
        }
    }
}
