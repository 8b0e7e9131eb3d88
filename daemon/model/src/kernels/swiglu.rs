//! `silu(gate) * up` on rows that hold gate and up side by side.

use super::math::exp;

/// Forward.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn forward(gate_up: &[f32], width: usize, y: &mut [f32]) {
    for (y, row) in y.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width)) {
        let (gate, up) = row.split_at(width);
        for i in 0..width {
            y[i] = gate[i] * up[i] / (1.0 + exp(-gate[i]));
        }
    }
}

/// Backward in place: `gate_up` becomes its gradient, and `dy`, the gradient of the result, becomes the result,
/// which the next product needs and which was not kept.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn backward_in_place(gate_up: &mut [f32], width: usize, dy: &mut [f32]) {
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
