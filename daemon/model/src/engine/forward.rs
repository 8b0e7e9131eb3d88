//! Forward pass over rows `(slot, position, token)`: prompt rows and new rows share one call.
//!
//! A row's bits depend on its own sequence only: products are padded to the row count from which on they are
//! independent of it, everything else works row by row.

use crate::config::Qwen2Config;
use crate::kernels::gemm::{Into, linear, row_count};
use crate::kernels::rope::RopeTable;
use crate::kernels::{Threads, decode, rms_norm, swiglu};
use crate::layout::{LayerRanges, Layout};

use super::cache::Cache;

/// One input row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) slot: usize,
    pub(super) position: usize,
    pub(super) token: u32,
    /// Whether its logits are wanted.
    pub(super) wanted: bool,
}

/// The model as the engine reads it.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) config: &'a Qwen2Config,
    pub(super) layout: &'a Layout,
    pub(super) parameters: &'a [f32],
    pub(super) rope: &'a RopeTable,
}

/// Buffers, kept between calls.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    stream: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    gate_up: Vec<f32>,
    activated: Vec<f32>,
    scores: Vec<f32>,
    queries: Vec<f32>,
    key: Vec<f32>,
    logits: Vec<f32>,
}

fn sized(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

impl Model<'_> {
    fn at(&self, range: &std::ops::Range<usize>) -> &[f32] {
        &self.parameters[range.clone()]
    }

    /// Rows that every product must have at least.
    fn least_rows(&self) -> usize {
        let config = self.config;
        [config.qkv_width(), config.hidden_size, 2 * config.intermediate_size, config.vocab_size]
            .into_iter()
            .map(row_count)
            .max()
            .unwrap_or(1)
    }

    /// Runs the rows, extends the cache and returns the logits of the wanted rows, in row order.
    pub(super) fn forward<'b>(&self, rows: &[Row], cache: &mut Cache, buffers: &'b mut Buffers) -> &'b [f32] {
        let config = self.config;
        let width = config.hidden_size;
        let count = rows.len().max(self.least_rows());
        let embedding = self.at(&self.layout.embedding);
        let stream = sized(&mut buffers.stream, count * width);
        stream.fill(0.0);
        for (target, row) in stream.chunks_exact_mut(width).zip(rows) {
            target.copy_from_slice(&embedding[row.token as usize * width..][..width]);
        }
        for (index, layer) in self.layout.layers.iter().enumerate() {
            self.layer(index, layer, rows, count, cache, buffers);
        }
        self.logits(rows, buffers)
    }

    fn layer(
        &self,
        index: usize,
        layer: &LayerRanges,
        rows: &[Row],
        count: usize,
        cache: &mut Cache,
        buffers: &mut Buffers,
    ) {
        let config = self.config;
        let (width, inner, epsilon) =
            (config.hidden_size, config.intermediate_size, config.rms_norm_eps as f32);
        let (qkv_width, out_width) = (config.qkv_width(), config.num_attention_heads * config.head_width());
        let one = Threads::One;
        let normed = sized(&mut buffers.normed, count * width);
        let stream = &mut buffers.stream[..count * width];
        rms_norm::forward(stream, self.at(&layer.input_norm), epsilon, normed, one);
        let qkv = sized(&mut buffers.qkv, count * qkv_width);
        let bias = self.at(&layer.qkv_bias);
        for row in qkv.chunks_exact_mut(qkv_width) {
            row.copy_from_slice(bias);
        }
        linear(count, qkv_width, width, qkv, Into::Add, normed, self.at(&layer.qkv), one);
        let attended = sized(&mut buffers.attended, count * out_width);
        let scratch = (&mut buffers.queries, &mut buffers.key, &mut buffers.scores);
        self.attention(index, rows, qkv, attended, cache, scratch);
        linear(count, width, out_width, stream, Into::Add, attended, self.at(&layer.output), one);
        rms_norm::forward(stream, self.at(&layer.post_norm), epsilon, normed, one);
        let gate_up = sized(&mut buffers.gate_up, count * 2 * inner);
        linear(count, 2 * inner, width, gate_up, Into::Set, normed, self.at(&layer.gate_up), one);
        let activated = sized(&mut buffers.activated, count * inner);
        swiglu::forward(gate_up, inner, activated, one);
        linear(count, width, inner, stream, Into::Add, activated, self.at(&layer.down), one);
    }

    fn attention(
        &self,
        layer: usize,
        rows: &[Row],
        qkv: &[f32],
        attended: &mut [f32],
        cache: &mut Cache,
        (queries, key, scores): (&mut Vec<f32>, &mut Vec<f32>, &mut Vec<f32>),
    ) {
        let config = self.config;
        let (width, group) = (config.head_width(), config.num_attention_heads / config.num_key_value_heads);
        let (query_width, kv_width) =
            (config.num_attention_heads * width, config.num_key_value_heads * width);
        let scale = 1.0 / (width as f32).sqrt();
        let key = sized(key, width);
        let queries = sized(queries, query_width);
        let scores = sized(scores, cache.shape().capacity);
        let packed = qkv.chunks_exact(config.qkv_width());
        for ((row, packed), attended) in rows.iter().zip(packed).zip(attended.chunks_exact_mut(query_width)) {
            for head in 0..config.num_key_value_heads {
                let start = query_width + head * width;
                self.rope.turn(row.position, 1.0, &packed[start..start + width], key);
                let value = &packed[start + kv_width..start + kv_width + width];
                cache.store(layer, row.slot, head, row.position, key, value);
            }
            for (source, target) in
                packed[..query_width].chunks_exact(width).zip(queries.chunks_exact_mut(width))
            {
                self.rope.turn(row.position, scale, source, target);
            }
            let groups = queries.chunks_exact(group * width).zip(attended.chunks_exact_mut(group * width));
            for (head, (queries, attended)) in groups.enumerate() {
                let (keys, values) = cache.head(layer, row.slot, head);
                decode::attend(queries, width, keys, values, row.position + 1, scores, attended);
            }
        }
    }

    fn logits<'b>(&self, rows: &[Row], buffers: &'b mut Buffers) -> &'b [f32] {
        let config = self.config;
        let width = config.hidden_size;
        let wanted: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].wanted).collect();
        let count = wanted.len().max(self.least_rows());
        // The wanted rows move to the front; they are in order, so none is overwritten before it moved.
        for (target, &row) in wanted.iter().enumerate() {
            buffers.stream.copy_within(row * width..(row + 1) * width, target * width);
        }
        let normed = sized(&mut buffers.normed, count * width);
        let norm = self.at(&self.layout.final_norm);
        rms_norm::forward(
            &buffers.stream[..count * width],
            norm,
            config.rms_norm_eps as f32,
            normed,
            Threads::One,
        );
        let logits = sized(&mut buffers.logits, count * config.vocab_size);
        let head = self.at(&self.layout.head);
        linear(count, config.vocab_size, width, logits, Into::Set, normed, head, Threads::One);
        &logits[..wanted.len() * config.vocab_size]
    }
}
