//! `silu(gate) * up` on rows that hold gate and up side by side.

use rayon::prelude::*;

use super::math::exp;
use super::{ROW_BLOCK, Threads};

/// Forward.
pub(crate) fn forward(gate_up: &[f32], width: usize, y: &mut [f32], threads: Threads) {
    if threads == Threads::One {
        return forward_rows(gate_up, width, y);
    }
    y.par_chunks_mut(ROW_BLOCK * width)
        .zip(gate_up.par_chunks(ROW_BLOCK * 2 * width))
        .for_each(|(y, gate_up)| forward_rows(gate_up, width, y));
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn forward_rows(gate_up: &[f32], width: usize, y: &mut [f32]) {
    for (y, row) in y.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width)) {
        let (gate, up) = row.split_at(width);
        for i in 0..width {
            y[i] = gate[i] * up[i] / (1.0 + exp(-gate[i]));
        }
    }
}

/// Backward in place: `gate_up` becomes its gradient, and `dy`, the gradient of the result, becomes the result,
/// which the next product needs and which was not kept.
pub(crate) fn backward_in_place(gate_up: &mut [f32], width: usize, dy: &mut [f32], threads: Threads) {
    if threads == Threads::One {
        return backward_rows(gate_up, width, dy);
    }
    dy.par_chunks_mut(ROW_BLOCK * width)
        .zip(gate_up.par_chunks_mut(ROW_BLOCK * 2 * width))
        .for_each(|(dy, gate_up)| backward_rows(gate_up, width, dy));
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn backward_rows(gate_up: &mut [f32], width: usize, dy: &mut [f32]) {
    for (dy, row) in dy.chunks_exact_mut(width).zip(gate_up.chunks_exact_mut(2 * width)) {
        let (gate, up) = row.split_at_mut(width);
        for i in 0..width {
            let sigmoid = 1.0 / (1.0 + exp(-gate[i]));
            let silu = gate[i] * sigmoid;
            let (gradient, factor) = (dy[i], up[i]);
            dy[i] = silu * factor;
            up[i] = gradient * silu;
            gate[i] = gradient * factor * (sigmoid + silu * (1.0 - sigmoid));
        }
    }
}
