//! Forward pass over rows `(slot, position, token)`: prompt rows and new rows share one call.
//!
//! Matrices stand feature by feature (see [`columns`]). A row's bits depend on its own sequence only: products
//! are padded to the row count from which on they are independent of it, everything else works row by row.

use crate::config::ModelConfig;
use crate::kernels::attention::Heads;
use crate::kernels::gemm::{Into, Matrix, matmul, row_count};
use crate::kernels::head_norm::{self, HeadNorm};
use crate::kernels::packed::Activations;
use crate::kernels::rope::RopeTable;
use crate::kernels::{Threads, columns, decode};
use crate::layout::{LayerRanges, Layout};
use crate::packed::PackedWeights;

use super::cache::Cache;

/// One input row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) slot: usize,
    pub(super) position: usize,
    pub(super) token: u32,
    /// Whether its logits are wanted.
    pub(super) wanted: bool,
    /// Whether it is a token that the model wrote.
    pub(super) new: bool,
}

/// The model as the engine reads it.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) config: &'a ModelConfig,
    pub(super) layout: &'a Layout,
    pub(super) parameters: &'a [f32],
    /// The packed form, which new tokens go through.
    pub(super) packed: Option<&'a PackedWeights>,
    pub(super) rope: &'a RopeTable,
}

/// Buffers, kept between calls. Feature-major but for those of `attention` and the final logits.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    stream: Vec<f32>,
    normed: Vec<f32>,
    scales: Vec<f32>,
    wide: Vec<f32>,
    activated: Vec<f32>,
    attention: AttentionBuffers,
    logits: Vec<f32>,
    rounded: Activations,
}

#[derive(Debug, Default)]
struct AttentionBuffers {
    packed: Vec<f32>,
    attended: Vec<f32>,
    queries: Vec<f32>,
    key: Vec<f32>,
    scores: Vec<f32>,
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

    /// `y = w x` or `y += w x` for feature-major `x` (`k` features) and `y` (`n` features).
    #[expect(clippy::too_many_arguments, reason = "the shape of a matrix product")]
    fn product(
        &self,
        n: usize,
        k: usize,
        rows: usize,
        y: &mut [f32],
        into: Into,
        w: &std::ops::Range<usize>,
        x: &[f32],
        rounded: &mut Activations,
    ) {
        if let Some(packed) = self.packed {
            rounded.take(&x[..k * rows], k, rows);
            packed.matrix(w).multiply(self.parameters, rounded, into == Into::Add, &mut y[..n * rows]);
            return;
        }
        let (weights, x) = (Matrix::rows(self.at(w), k), Matrix::rows(x, rows));
        matmul(n, rows, k, y, rows, into, weights, x, Threads::One);
    }

    /// The same model without the packed form.
    pub(super) fn unpacked(self) -> Self {
        Self { packed: None, ..self }
    }

    fn epsilon(&self) -> f32 {
        self.config.rms_norm_eps as f32
    }

    fn head_norm(&self, layer: &LayerRanges) -> Option<HeadNorm<'_>> {
        let (query, key) = self.at(layer.head_norms.as_ref()?).split_at(self.config.head_dim);
        Some(HeadNorm { query, key, epsilon: self.epsilon() })
    }

    /// Rows that products of so many rows are made with.
    fn padded(&self, rows: usize) -> usize {
        if self.packed.is_some() {
            // Packed products are independent of the number of rows as they are.
            return rows;
        }
        let config = self.config;
        let least = [config.qkv_width(), config.hidden_size, 2 * config.intermediate_size, config.vocab_size]
            .into_iter()
            .map(row_count)
            .max()
            .unwrap_or(1);
        rows.max(least).next_multiple_of(columns::ROW_MULTIPLE)
    }

    /// Runs the rows, extends the cache and returns the logits of the wanted rows, row by row.
    pub(super) fn forward<'b>(&self, rows: &[Row], cache: &mut Cache, buffers: &'b mut Buffers) -> &'b [f32] {
        let width = self.config.hidden_size;
        let count = self.padded(rows.len());
        let embedding = self.at(&self.layout.embedding);
        let stream = sized(&mut buffers.stream, count * width);
        stream.fill(0.0);
        for (index, row) in rows.iter().enumerate() {
            let source = &embedding[row.token as usize * width..][..width];
            columns::transpose(1, width, source, width, &mut stream[index..], count);
        }
        for (index, layer) in self.layout.layers.iter().enumerate() {
            self.layer(index, layer, rows, count, cache, buffers);
        }
        self.logits(rows, count, buffers)
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
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let (qkv_width, out_width) = (config.qkv_width(), config.num_attention_heads * config.head_dim);
        let stream = &mut buffers.stream[..count * width];
        let normed = sized(&mut buffers.normed, count * width);
        let scales = sized(&mut buffers.scales, count);
        columns::rms_norm(stream, self.at(&layer.input_norm), self.epsilon(), scales, normed);
        let qkv = sized(&mut buffers.wide, count * qkv_width);
        let into = layer.qkv_bias.as_ref().map_or(Into::Set, |bias| {
            for (feature, bias) in qkv.chunks_exact_mut(count).zip(self.at(bias)) {
                feature.fill(*bias);
            }
            Into::Add
        });
        self.product(qkv_width, width, count, qkv, into, &layer.qkv, normed, &mut buffers.rounded);
        let attended = sized(&mut buffers.activated, count * out_width);
        let norm = self.head_norm(layer);
        self.attention(index, norm, rows, count, qkv, attended, cache, &mut buffers.attention);
        self.product(
            width,
            out_width,
            count,
            stream,
            Into::Add,
            &layer.output,
            attended,
            &mut buffers.rounded,
        );
        columns::rms_norm(stream, self.at(&layer.post_norm), self.epsilon(), scales, normed);
        let gate_up = sized(&mut buffers.wide, count * 2 * inner);
        self.product(
            2 * inner,
            width,
            count,
            gate_up,
            Into::Set,
            &layer.gate_up,
            normed,
            &mut buffers.rounded,
        );
        let activated = sized(&mut buffers.activated, count * inner);
        columns::swiglu(gate_up, activated);
        self.product(width, inner, count, stream, Into::Add, &layer.down, activated, &mut buffers.rounded);
    }

    #[expect(clippy::too_many_arguments, reason = "what a layer reads and writes")]
    fn attention(
        &self,
        layer: usize,
        norm: Option<HeadNorm<'_>>,
        rows: &[Row],
        count: usize,
        qkv: &[f32],
        attended: &mut [f32],
        cache: &mut Cache,
        buffers: &mut AttentionBuffers,
    ) {
        let config = self.config;
        let (width, group) = (config.head_dim, config.num_attention_heads / config.num_key_value_heads);
        let (query_width, kv_width) =
            (config.num_attention_heads * width, config.num_key_value_heads * width);
        let qkv_width = config.qkv_width();
        let scale = 1.0 / (width as f32).sqrt();
        let packed = sized(&mut buffers.packed, rows.len() * qkv_width);
        columns::transpose(qkv_width, rows.len(), qkv, count, packed, qkv_width);
        if let Some(norm) = norm {
            let (query, key_value) = (config.num_attention_heads, config.num_key_value_heads);
            head_norm::forward(Heads { query, key_value, width }, norm, packed, Threads::One);
        }
        let key = sized(&mut buffers.key, width);
        let queries = sized(&mut buffers.queries, query_width);
        let scores = sized(&mut buffers.scores, cache.shape().capacity);
        let results = sized(&mut buffers.attended, rows.len() * query_width);
        let outputs = packed.chunks_exact(qkv_width).zip(results.chunks_exact_mut(query_width));
        for (row, (packed, output)) in rows.iter().zip(outputs) {
            for head in 0..config.num_key_value_heads {
                let start = query_width + head * width;
                self.rope.turn(row.position, 1.0, &packed[start..start + width], key);
                let value = &packed[start + kv_width..start + kv_width + width];
                cache.store(layer, row.slot, head, row.position, key, value);
            }
            let heads = packed[..query_width].chunks_exact(width).zip(queries.chunks_exact_mut(width));
            for (source, target) in heads {
                self.rope.turn(row.position, scale, source, target);
            }
            let groups = queries.chunks_exact(group * width).zip(output.chunks_exact_mut(group * width));
            for (head, (queries, output)) in groups.enumerate() {
                let (keys, values) = cache.head(layer, row.slot, head);
                decode::attend(queries, width, keys, values, row.position + 1, scores, output);
            }
        }
        attended.fill(0.0);
        columns::transpose(rows.len(), query_width, results, query_width, attended, count);
    }

    fn logits<'b>(&self, rows: &[Row], stride: usize, buffers: &'b mut Buffers) -> &'b [f32] {
        let (width, vocabulary) = (self.config.hidden_size, self.config.vocab_size);
        let wanted: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].wanted).collect();
        if wanted.is_empty() {
            return &[];
        }
        let count = self.padded(wanted.len());
        let chosen = sized(&mut buffers.activated, count * width);
        chosen.fill(0.0);
        let features = buffers.stream.chunks_exact(stride).zip(chosen.chunks_exact_mut(count));
        for (source, target) in features.take(width) {
            for (value, &row) in target.iter_mut().zip(&wanted) {
                *value = source[row];
            }
        }
        let normed = sized(&mut buffers.normed, count * width);
        let scales = sized(&mut buffers.scales, count);
        columns::rms_norm(chosen, self.at(&self.layout.final_norm), self.epsilon(), scales, normed);
        let by_token = sized(&mut buffers.wide, count * vocabulary);
        self.product(
            vocabulary,
            width,
            count,
            by_token,
            Into::Set,
            &self.layout.head,
            normed,
            &mut buffers.rounded,
        );
        let logits = sized(&mut buffers.logits, wanted.len() * vocabulary);
        columns::transpose(vocabulary, wanted.len(), by_token, count, logits, vocabulary);
        logits
    }
}
