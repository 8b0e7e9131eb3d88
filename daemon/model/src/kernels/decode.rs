//! Attention of single query rows over a key-value cache.
//!
//! Keys stand in blocks of 16 positions, `[block][width][16]`, so that scores of 16 positions form in one register;
//! values stand as rows. A row's result depends on the sequence before it and on nothing else.

use super::math::{LANES, exp_in_place, max};

/// Positions that a cache of `len` positions takes room for.
pub(crate) fn padded(len: usize) -> usize {
    len.next_multiple_of(LANES)
}

/// Puts the key of a position into its place.
pub(crate) fn store_key(keys: &mut [f32], width: usize, position: usize, key: &[f32]) {
    let start = position / LANES * LANES * width + position % LANES;
    for (slot, value) in keys[start..].iter_mut().step_by(LANES).zip(&key[..width]) {
        *slot = *value;
    }
}

/// Attention of the queries of one key-value head (turned and scaled) over the first `len` positions.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(crate) fn attend(
    queries: &[f32],
    width: usize,
    keys: &[f32],
    values: &[f32],
    len: usize,
    scores: &mut [f32],
    y: &mut [f32],
) {
    let scores = &mut scores[..padded(len)];
    for (query, y) in queries.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let wide = scores.len() / (4 * LANES) * 4;
        for block in (0..wide).step_by(4) {
            score_blocks::<4>(query, &keys[block * LANES * width..], &mut scores[block * LANES..]);
        }
        for block in wide..scores.len() / LANES {
            score_blocks::<1>(query, &keys[block * LANES * width..], &mut scores[block * LANES..]);
        }
        let seen = &mut scores[..len];
        let shift = max(seen);
        let scale = 1.0 / exp_in_place(seen, shift);
        let mut column = 0;
        while column + 32 <= width {
            weighted_values::<32>(seen, &values[column..], width, scale, &mut y[column..column + 32]);
            column += 32;
        }
        while column + 8 <= width {
            weighted_values::<8>(seen, &values[column..], width, scale, &mut y[column..column + 8]);
            column += 8;
        }
        while column < width {
            weighted_values::<1>(seen, &values[column..], width, scale, &mut y[column..=column]);
            column += 1;
        }
    }
}

#[inline(always)]
fn score_blocks<const N: usize>(query: &[f32], keys: &[f32], scores: &mut [f32]) {
    let width = query.len();
    let mut sums = [[0f32; LANES]; N];
    let blocks: [&[f32]; N] = std::array::from_fn(|n| &keys[n * LANES * width..(n + 1) * LANES * width]);
    for (d, &q) in query.iter().enumerate() {
        for n in 0..N {
            let key = &blocks[n][d * LANES..(d + 1) * LANES];
            for i in 0..LANES {
                sums[n][i] = q.mul_add(key[i], sums[n][i]);
            }
        }
    }
    for (sums, scores) in sums.iter().zip(scores.chunks_exact_mut(LANES)) {
        scores.copy_from_slice(sums);
    }
}

#[inline(always)]
fn weighted_values<const W: usize>(
    weights: &[f32],
    values: &[f32],
    stride: usize,
    scale: f32,
    y: &mut [f32],
) {
    const ROWS: usize = 4;
    let mut sums = [[0f32; W]; ROWS];
    let full = weights.len() / ROWS * ROWS;
    for t in (0..full).step_by(ROWS) {
        for r in 0..ROWS {
            let row = &values[(t + r) * stride..(t + r) * stride + W];
            let weight = weights[t + r];
            for i in 0..W {
                sums[r][i] = weight.mul_add(row[i], sums[r][i]);
            }
        }
    }
    for t in full..weights.len() {
        let row = &values[t * stride..t * stride + W];
        for i in 0..W {
            sums[0][i] = weights[t].mul_add(row[i], sums[0][i]);
        }
    }
    for i in 0..W {
        y[i] = ((sums[0][i] + sums[1][i]) + (sums[2][i] + sums[3][i])) * scale;
    }
}
