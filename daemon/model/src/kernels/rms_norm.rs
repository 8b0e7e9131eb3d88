//! Root-mean-square norm of rows.

use super::math::dot;

#[inline(always)]
fn inverse_root(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot(x, x) / x.len() as f32 + epsilon).sqrt()
}

/// `y = x / rms(x) * weight`, row by row.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn forward(x: &[f32], weight: &[f32], epsilon: f32, y: &mut [f32]) {
    let width = weight.len();
    for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
        let scale = inverse_root(x, epsilon);
        for i in 0..width {
            y[i] = x[i] * scale * weight[i];
        }
    }
}

/// Adds the gradient of the input to `dx` (which already holds that of the residual path) and the gradient of
/// the weight to `d_weight`, in row order.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn backward(
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    dy: &[f32],
    dx: &mut [f32],
    d_weight: &mut [f32],
) {
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
