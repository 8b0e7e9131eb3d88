//! Rotary positions and causal attention with shared key-value heads, for one sequence, forward and backward.
//!
//! Work goes block by block of [`BLOCK`] query positions; all query heads of a key-value head stand in one
//! product. Nothing is kept for the backward pass but the result: probabilities are computed again.

use super::Threads;
use super::gemm::{Into, Matrix, matmul};
use super::math::{dot, softmax_prefix};
use super::rope::RopeTable;

/// Query positions in a block.
const BLOCK: usize = 64;

/// Heads of an attention layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    /// Query heads.
    pub(crate) query: usize,
    /// Key and value heads.
    pub(crate) key_value: usize,
    /// Width of a head.
    pub(crate) width: usize,
}

impl Heads {
    /// Query heads that share a key-value head.
    pub(crate) fn group(self) -> usize {
        self.query / self.key_value
    }

    /// Width of packed queries, keys and values.
    pub(crate) fn qkv_width(self) -> usize {
        (self.query + 2 * self.key_value) * self.width
    }

    /// Width of the result.
    pub(crate) fn output_width(self) -> usize {
        self.query * self.width
    }

    fn key_offset(self, head: usize) -> usize {
        (self.query + head) * self.width
    }

    fn value_offset(self, head: usize) -> usize {
        (self.query + self.key_value + head) * self.width
    }

    fn query_offset(self, head: usize) -> usize {
        head * self.group() * self.width
    }

    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }
}

/// Buffers of one call, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct AttentionScratch {
    queries: Vec<f32>,
    keys: Vec<f32>,
    probabilities: Vec<f32>,
    outputs: Vec<f32>,
    d_scores: Vec<f32>,
    d_outputs: Vec<f32>,
    d_queries: Vec<f32>,
    d_keys: Vec<f32>,
    d_values: Vec<f32>,
}

impl AttentionScratch {
    fn fit(&mut self, heads: Heads, len: usize, backward: bool) {
        let group = heads.group();
        let block = group * len.min(BLOCK);
        grow(&mut self.queries, len * group * heads.width);
        grow(&mut self.keys, len * heads.width);
        grow(&mut self.probabilities, block * len);
        grow(&mut self.outputs, block * heads.width);
        if backward {
            grow(&mut self.d_scores, block * len);
            grow(&mut self.d_outputs, block * heads.width);
            grow(&mut self.d_queries, block * heads.width);
            grow(&mut self.d_keys, len * heads.width);
            grow(&mut self.d_values, len * heads.width);
        }
    }
}

fn grow(buffer: &mut Vec<f32>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
}

/// Attention of one sequence: `qkv` holds its packed rows, `y` gets its results.
pub(crate) fn forward(
    heads: Heads,
    rope: &RopeTable,
    qkv: &[f32],
    y: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    let len = qkv.len() / heads.qkv_width();
    if len == 0 {
        return;
    }
    let (group, width) = (heads.group(), heads.width);
    scratch.fit(heads, len, false);
    for head in 0..heads.key_value {
        let scratch = &mut *scratch;
        turn_queries_and_keys(heads, rope, head, qkv, &mut scratch.queries, &mut scratch.keys);
        let values = Matrix::rows(&qkv[heads.value_offset(head)..], heads.qkv_width());
        for start in (0..len).step_by(BLOCK) {
            let end = (start + BLOCK).min(len);
            let rows = (end - start) * group;
            probabilities(heads, start, end, scratch);
            let block = Matrix::rows(&scratch.probabilities, end);
            matmul(rows, width, end, &mut scratch.outputs, width, Into::Set, block, values, Threads::One);
            scatter(heads, head, start, end, &scratch.outputs, y);
        }
    }
}

/// Gradient of [`forward`] to `qkv`; `y` is its result and `dy` the gradient of that.
pub(crate) fn backward(
    heads: Heads,
    rope: &RopeTable,
    qkv: &[f32],
    y: &[f32],
    dy: &[f32],
    d_qkv: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    let len = qkv.len() / heads.qkv_width();
    if len == 0 {
        return;
    }
    let (group, width) = (heads.group(), heads.width);
    scratch.fit(heads, len, true);
    for head in 0..heads.key_value {
        let scratch = &mut *scratch;
        turn_queries_and_keys(heads, rope, head, qkv, &mut scratch.queries, &mut scratch.keys);
        let values = Matrix::rows(&qkv[heads.value_offset(head)..], heads.qkv_width());
        let (d_keys, d_values) = (&mut scratch.d_keys[..len * width], &mut scratch.d_values[..len * width]);
        d_keys.fill(0.0);
        d_values.fill(0.0);
        for start in (0..len).step_by(BLOCK) {
            let end = (start + BLOCK).min(len);
            let rows = (end - start) * group;
            probabilities(heads, start, end, scratch);
            gather(heads, head, start, end, y, &mut scratch.outputs);
            gather(heads, head, start, end, dy, &mut scratch.d_outputs);
            let (p, d_out) =
                (Matrix::rows(&scratch.probabilities, end), Matrix::rows(&scratch.d_outputs, width));
            let one = Threads::One;
            matmul(end, width, rows, &mut scratch.d_values, width, Into::Add, p.transposed(), d_out, one);
            matmul(rows, end, width, &mut scratch.d_scores, end, Into::Set, d_out, values.transposed(), one);
            score_gradient(rows, end, width, scratch);
            let d_scores = Matrix::rows(&scratch.d_scores, end);
            let keys = Matrix::rows(&scratch.keys, width);
            matmul(rows, width, end, &mut scratch.d_queries, width, Into::Set, d_scores, keys, one);
            let queries = Matrix::rows(&scratch.queries[start * group * width..], width);
            matmul(
                end,
                width,
                rows,
                &mut scratch.d_keys,
                width,
                Into::Add,
                d_scores.transposed(),
                queries,
                one,
            );
            turn_back_queries(heads, rope, head, start, end, &scratch.d_queries, d_qkv);
        }
        turn_back_keys(heads, rope, head, &scratch.d_keys, &scratch.d_values, d_qkv);
    }
}

/// Scores and softmax of a block into `scratch.probabilities`, rows of `end` values.
fn probabilities(heads: Heads, start: usize, end: usize, scratch: &mut AttentionScratch) {
    let (group, width) = (heads.group(), heads.width);
    let rows = (end - start) * group;
    let queries = Matrix::rows(&scratch.queries[start * group * width..], width);
    let keys = Matrix::rows(&scratch.keys, width).transposed();
    matmul(rows, end, width, &mut scratch.probabilities, end, Into::Set, queries, keys, Threads::One);
    causal_softmax(&mut scratch.probabilities[..rows * end], start, end, group);
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn causal_softmax(rows: &mut [f32], start: usize, end: usize, group: usize) {
    for (i, row) in rows.chunks_exact_mut(end).enumerate() {
        softmax_prefix(row, start + i / group + 1);
    }
}

/// `d_scores = p * (d_scores - dy . y)`, row by row.
fn score_gradient(rows: usize, end: usize, width: usize, scratch: &mut AttentionScratch) {
    softmax_gradient(
        &scratch.probabilities[..rows * end],
        &scratch.outputs[..rows * width],
        &scratch.d_outputs[..rows * width],
        end,
        width,
        &mut scratch.d_scores[..rows * end],
    );
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn softmax_gradient(p: &[f32], y: &[f32], dy: &[f32], end: usize, width: usize, d_scores: &mut [f32]) {
    let results = y.chunks_exact(width).zip(dy.chunks_exact(width));
    let rows = p.chunks_exact(end).zip(d_scores.chunks_exact_mut(end));
    for ((y, dy), (p, d_scores)) in results.zip(rows) {
        let mean = dot(y, dy);
        for i in 0..end {
            d_scores[i] = p[i] * (d_scores[i] - mean);
        }
    }
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn turn_queries_and_keys(
    heads: Heads,
    rope: &RopeTable,
    head: usize,
    qkv: &[f32],
    queries: &mut [f32],
    keys: &mut [f32],
) {
    let (group, width) = (heads.group(), heads.width);
    let (query_offset, key_offset, scale) = (heads.query_offset(head), heads.key_offset(head), heads.scale());
    for (position, row) in qkv.chunks_exact(heads.qkv_width()).enumerate() {
        let key = &mut keys[position * width..(position + 1) * width];
        rope.turn(position, 1.0, &row[key_offset..key_offset + width], key);
        let turned = &mut queries[position * group * width..(position + 1) * group * width];
        let source = &row[query_offset..query_offset + group * width];
        for (source, target) in source.chunks_exact(width).zip(turned.chunks_exact_mut(width)) {
            rope.turn(position, scale, source, target);
        }
    }
}

fn turn_back_queries(
    heads: Heads,
    rope: &RopeTable,
    head: usize,
    start: usize,
    end: usize,
    d_queries: &[f32],
    d_qkv: &mut [f32],
) {
    let (group, width) = (heads.group(), heads.width);
    let offset = heads.query_offset(head);
    let rows = d_qkv.chunks_exact_mut(heads.qkv_width()).skip(start).take(end - start);
    for (i, (row, source)) in rows.zip(d_queries.chunks_exact(group * width)).enumerate() {
        let target = &mut row[offset..offset + group * width];
        for (source, target) in source.chunks_exact(width).zip(target.chunks_exact_mut(width)) {
            rope.turn_back(start + i, heads.scale(), source, target);
        }
    }
}

fn turn_back_keys(
    heads: Heads,
    rope: &RopeTable,
    head: usize,
    d_keys: &[f32],
    d_values: &[f32],
    d_qkv: &mut [f32],
) {
    let width = heads.width;
    let (key, value) = (heads.key_offset(head), heads.value_offset(head));
    for (position, row) in d_qkv.chunks_exact_mut(heads.qkv_width()).enumerate() {
        let range = position * width..(position + 1) * width;
        rope.turn_back(position, 1.0, &d_keys[range.clone()], &mut row[key..key + width]);
        row[value..value + width].copy_from_slice(&d_values[range]);
    }
}

/// Puts a block's results (rows of one head) to their places.
fn scatter(heads: Heads, head: usize, start: usize, end: usize, block: &[f32], y: &mut [f32]) {
    let (width, offset) = (heads.group() * heads.width, heads.query_offset(head));
    let rows = y.chunks_exact_mut(heads.output_width()).skip(start).take(end - start);
    for (row, source) in rows.zip(block.chunks_exact(width)) {
        row[offset..offset + width].copy_from_slice(source);
    }
}

/// The inverse of [`scatter`].
fn gather(heads: Heads, head: usize, start: usize, end: usize, y: &[f32], block: &mut [f32]) {
    let (width, offset) = (heads.group() * heads.width, heads.query_offset(head));
    let rows = y.chunks_exact(heads.output_width()).skip(start).take(end - start);
    for (row, target) in rows.zip(block.chunks_exact_mut(width)) {
        target.copy_from_slice(&row[offset..offset + width]);
    }
}
