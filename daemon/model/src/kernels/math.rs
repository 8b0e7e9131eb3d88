//! Exponential, sums and dot products in fixed lanes. The building blocks are `inline(always)`, so they take
//! the instruction set of the run-time dispatched function that calls them.

use rayon::prelude::*;

use super::{ROW_BLOCK, Threads};

/// Lanes of a partial sum: one AVX-512 register.
pub(crate) const LANES: usize = 16;

/// `exp(x)` to about 1e-7 relative: range reduction and a polynomial of degree 6, without branches.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let power = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let rest = x - power * LN_2_HIGH - power * LN_2_LOW;
    let polynomial = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5
                        + rest
                            * (0.166_666_66
                                + rest * (0.041_665_763 + rest * (0.008_333_452 + rest * 0.001_393_043_6)))));
    f32::from_bits(((power as i32 + 127) << 23) as u32) * polynomial
}

/// Sum of partial sums, in the same order always.
#[inline(always)]
pub(crate) fn sum_lanes(lanes: [f32; LANES]) -> f32 {
    let mut eight = [0f32; 8];
    for i in 0..8 {
        eight[i] = lanes[i] + lanes[i + 8];
    }
    ((eight[0] + eight[4]) + (eight[2] + eight[6])) + ((eight[1] + eight[5]) + (eight[3] + eight[7]))
}

/// Dot product.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let mut rest = 0f32;
    for (x, y) in a_blocks.remainder().iter().zip(b_blocks.remainder()) {
        rest += x * y;
    }
    for (x, y) in a_blocks.zip(b_blocks) {
        for i in 0..LANES {
            lanes[i] += x[i] * y[i];
        }
    }
    sum_lanes(lanes) + rest
}

/// Greatest value.
#[inline(always)]
pub(crate) fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let blocks = values.chunks_exact(LANES);
    let mut greatest = f32::NEG_INFINITY;
    for &value in blocks.remainder() {
        greatest = if value > greatest { value } else { greatest };
    }
    for block in blocks {
        for i in 0..LANES {
            lanes[i] = if block[i] > lanes[i] { block[i] } else { lanes[i] };
        }
    }
    for lane in lanes {
        greatest = if lane > greatest { lane } else { greatest };
    }
    greatest
}

/// Replaces values by `exp(value - shift)` and returns their sum.
#[inline(always)]
pub(crate) fn exp_in_place(values: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let mut rest = 0f32;
    let mut blocks = values.chunks_exact_mut(LANES);
    for block in &mut blocks {
        for i in 0..LANES {
            let value = exp(block[i] - shift);
            block[i] = value;
            lanes[i] += value;
        }
    }
    for value in blocks.into_remainder() {
        *value = exp(*value - shift);
        rest += *value;
    }
    sum_lanes(lanes) + rest
}

/// Softmax of the first `valid` values; the others become 0.
#[inline(always)]
pub(crate) fn softmax_prefix(row: &mut [f32], valid: usize) {
    let (seen, hidden) = row.split_at_mut(valid);
    let shift = max(seen);
    let scale = 1.0 / exp_in_place(seen, shift);
    for value in seen {
        *value *= scale;
    }
    hidden.fill(0.0);
}

/// `target += source`.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn add_assign(target: &mut [f32], source: &[f32]) {
    for (x, y) in target.iter_mut().zip(source) {
        *x += y;
    }
}

/// `sums[j] += rows[i][j]` over all rows: the sums of fixed blocks of rows, in their order.
pub(crate) fn add_rows(sums: &mut [f32], rows: &[f32], threads: Threads) {
    let block = ROW_BLOCK * sums.len();
    let width = sums.len();
    let run = |rows: &[f32]| {
        let mut part = vec![0f32; width];
        for row in rows.chunks_exact(width) {
            add_assign(&mut part, row);
        }
        part
    };
    let parts: Vec<Vec<f32>> = if threads == Threads::One {
        rows.chunks(block).map(run).collect()
    } else {
        rows.par_chunks(block).map(run).collect()
    };
    for part in &parts {
        add_assign(sums, part);
    }
}
