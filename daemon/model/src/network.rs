//! Forward and backward pass over a packed batch.
//!
//! The whole network is one differentiable operation of the tape (see [`crate::ops`]): candle's tape would
//! allocate, zero and add a tensor for every argument of every layer, several passes over memory that a
//! hand-written backward pass does not need. Activations kept for the backward pass are the inputs of the products that cannot be
//! had again cheaply; norms, `SwiGLU` results, attention probabilities and logits are computed again.

use crate::batch::PackedBatch;
use crate::config::ModelConfig;
use crate::kernels::attention::{self, AttentionScratch, Heads};
use crate::kernels::gemm::{Into, linear, linear_input_gradient, linear_weight_gradient};
use crate::kernels::head::Head;
use crate::kernels::head_norm::{self, HeadNorm};
use crate::kernels::rope::RopeTable;
use crate::kernels::{Threads, math, rms_norm, swiglu};
use crate::layout::{LayerRanges, Layout};
use rayon::prelude::*;

/// Parameters and shape, ready to run.
#[derive(Clone, Copy)]
pub(crate) struct Network<'a> {
    pub(crate) config: &'a ModelConfig,
    pub(crate) layout: &'a Layout,
    pub(crate) parameters: &'a [f32],
    pub(crate) rope: &'a RopeTable,
    pub(crate) threads: Threads,
}

/// What a layer keeps for its backward pass.
#[derive(Debug, Default)]
struct Activations {
    input: Vec<f32>,
    qkv: Vec<f32>,
    attention: Vec<f32>,
    middle: Vec<f32>,
    gate_up: Vec<f32>,
}

/// Buffers of one pass, kept between passes.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    layers: Vec<Activations>,
    stream: Vec<f32>,
    normed: Vec<f32>,
    inner: Vec<f32>,
    d_wide: Vec<f32>,
    /// Packed rows with normed heads, where the model has such norms.
    head_normed: Vec<f32>,
    d_normed: Vec<f32>,
    final_rows: Vec<f32>,
    hidden: Vec<f32>,
    logits: Vec<f32>,
    attention: AttentionScratch,
    /// Log-probability of each target.
    pub(crate) logprobs: Vec<f32>,
    /// Entropy of each scored row.
    pub(crate) entropies: Vec<f32>,
}

/// Whether the forward pass keeps what the backward pass needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Scores only.
    Nothing,
    /// A backward pass follows.
    Activations,
}

fn sized(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

impl Network<'_> {
    fn at(&self, range: &std::ops::Range<usize>) -> &[f32] {
        &self.parameters[range.clone()]
    }

    fn heads(&self) -> Heads {
        Heads {
            query: self.config.num_attention_heads,
            key_value: self.config.num_key_value_heads,
            width: self.config.head_dim,
        }
    }

    fn epsilon(&self) -> f32 {
        self.config.rms_norm_eps as f32
    }

    fn head_norm(&self, layer: &LayerRanges) -> Option<HeadNorm<'_>> {
        let (query, key) = self.at(layer.head_norms.as_ref()?).split_at(self.config.head_dim);
        Some(HeadNorm { query, key, epsilon: self.epsilon() })
    }

    fn head(&self) -> Head<'_> {
        Head {
            weight: self.at(&self.layout.head),
            width: self.config.hidden_size,
            vocabulary: self.config.vocab_size,
            threads: self.threads,
        }
    }

    /// Scores of the batch, into `work.logprobs` and `work.entropies`.
    pub(crate) fn forward(&self, batch: &PackedBatch, keep: Keep, work: &mut Workspace) {
        let width = self.config.hidden_size;
        let stream_len = batch.tokens.len() * width;
        let mut stream = std::mem::take(&mut work.stream);
        let embedding = self.at(&self.layout.embedding);
        for (row, &token) in sized(&mut stream, stream_len).chunks_exact_mut(width).zip(&batch.tokens) {
            row.copy_from_slice(&embedding[token as usize * width..][..width]);
        }
        let kept = if keep == Keep::Activations { self.layout.layers.len() } else { 1 };
        if work.layers.len() < kept {
            work.layers.resize_with(kept, Activations::default);
        }
        for (index, layer) in self.layout.layers.iter().enumerate() {
            let mut activations = std::mem::take(&mut work.layers[index % kept]);
            self.layer_forward(layer, batch, keep, &mut stream[..stream_len], &mut activations, work);
            work.layers[index % kept] = activations;
        }
        let scored = batch.scored.len();
        let rows = sized(&mut work.final_rows, scored * width);
        for (target, &row) in rows.chunks_exact_mut(width).zip(&batch.scored) {
            target.copy_from_slice(&stream[row * width..(row + 1) * width]);
        }
        let hidden = sized(&mut work.hidden, scored * width);
        rms_norm::forward(rows, self.at(&self.layout.final_norm), self.epsilon(), hidden, self.threads);
        work.logprobs.resize(scored, 0.0);
        work.entropies.resize(scored, 0.0);
        self.head().forward(
            hidden,
            &batch.targets,
            &mut work.logprobs,
            &mut work.entropies,
            &mut work.logits,
        );
        work.stream = stream;
    }

    fn layer_forward(
        &self,
        layer: &LayerRanges,
        batch: &PackedBatch,
        keep: Keep,
        stream: &mut [f32],
        activations: &mut Activations,
        work: &mut Workspace,
    ) {
        let (width, heads, inner) = (self.config.hidden_size, self.heads(), self.config.intermediate_size);
        let rows = stream.len() / width;
        let normed = sized(&mut work.normed, rows * width);
        let Activations { input, qkv, attention, middle, gate_up } = activations;
        if keep == Keep::Activations {
            sized(input, stream.len()).copy_from_slice(stream);
        }
        rms_norm::forward(stream, self.at(&layer.input_norm), self.epsilon(), normed, self.threads);
        let qkv = sized(qkv, rows * heads.qkv_width());
        let into = layer.qkv_bias.as_ref().map_or(Into::Set, |bias| {
            for row in qkv.chunks_exact_mut(bias.len()) {
                row.copy_from_slice(self.at(bias));
            }
            Into::Add
        });
        linear(rows, heads.qkv_width(), width, qkv, into, normed, self.at(&layer.qkv), self.threads);
        let qkv = match self.head_norm(layer) {
            None => qkv,
            Some(norm) => {
                let normed = sized(&mut work.head_normed, qkv.len());
                normed.copy_from_slice(qkv);
                head_norm::forward(heads, norm, normed, self.threads);
                normed
            }
        };
        let attended = sized(attention, rows * heads.output_width());
        self.attention_forward(batch, qkv, attended, &mut work.attention);
        let output = self.at(&layer.output);
        linear(rows, width, heads.output_width(), stream, Into::Add, attended, output, self.threads);
        if keep == Keep::Activations {
            sized(middle, stream.len()).copy_from_slice(stream);
        }
        rms_norm::forward(stream, self.at(&layer.post_norm), self.epsilon(), normed, self.threads);
        let gate_up = sized(gate_up, rows * 2 * inner);
        linear(rows, 2 * inner, width, gate_up, Into::Set, normed, self.at(&layer.gate_up), self.threads);
        let activated = sized(&mut work.inner, rows * inner);
        swiglu::forward(gate_up, inner, activated, self.threads);
        linear(rows, width, inner, stream, Into::Add, activated, self.at(&layer.down), self.threads);
    }

    fn attention_forward(
        &self,
        batch: &PackedBatch,
        qkv: &[f32],
        y: &mut [f32],
        scratch: &mut AttentionScratch,
    ) {
        let heads = self.heads();
        let (in_width, out_width) = (heads.qkv_width(), heads.output_width());
        if self.threads == Threads::One {
            for range in &batch.sequences {
                let qkv = &qkv[range.start * in_width..range.end * in_width];
                let y = &mut y[range.start * out_width..range.end * out_width];
                attention::forward(heads, self.rope, qkv, y, scratch);
            }
        } else {
            split_rows(y, &batch.sequences, out_width).into_par_iter().for_each_init(
                AttentionScratch::default,
                |scratch, (range, y)| {
                    let qkv = &qkv[range.start * in_width..range.end * in_width];
                    attention::forward(heads, self.rope, qkv, y, scratch);
                },
            );
        }
    }

    /// Gradient of all parameters after [`Self::forward`] with [`Keep::Activations`], set into `gradient`, from
    /// those of log-probabilities and entropies. Consumes the activations.
    pub(crate) fn backward(
        &self,
        batch: &PackedBatch,
        d_logprobs: &[f32],
        d_entropies: &[f32],
        gradient: &mut [f32],
        work: &mut Workspace,
    ) {
        gradient.fill(0.0);
        let width = self.config.hidden_size;
        let (rows, scored) = (batch.tokens.len(), batch.scored.len());
        let mut stream = std::mem::take(&mut work.stream);
        let d_stream = &mut stream[..rows * width];
        {
            let d_hidden = sized(&mut work.d_normed, scored * width);
            let hidden = &work.hidden[..scored * width];
            let d_head = &mut gradient[self.layout.head.clone()];
            let logits = &mut work.logits;
            self.head().backward(hidden, &batch.targets, d_logprobs, d_entropies, d_hidden, d_head, logits);
            let d_rows = sized(&mut work.normed, scored * width);
            d_rows.fill(0.0);
            let d_norm = &mut gradient[self.layout.final_norm.clone()];
            let norm = self.at(&self.layout.final_norm);
            rms_norm::backward(
                &work.final_rows[..scored * width],
                norm,
                self.epsilon(),
                d_hidden,
                d_rows,
                d_norm,
                self.threads,
            );
            d_stream.fill(0.0);
            for (source, &row) in d_rows.chunks_exact(width).zip(&batch.scored) {
                d_stream[row * width..(row + 1) * width].copy_from_slice(source);
            }
        }
        for (index, layer) in self.layout.layers.iter().enumerate().rev() {
            let mut activations = std::mem::take(&mut work.layers[index]);
            self.layer_backward(layer, batch, d_stream, &mut activations, gradient, work);
            work.layers[index] = activations;
        }
        let d_embedding = &mut gradient[self.layout.embedding.clone()];
        for (source, &token) in d_stream.chunks_exact(width).zip(&batch.tokens) {
            math::add_assign(&mut d_embedding[token as usize * width..][..width], source);
        }
        work.stream = stream;
    }

    fn layer_backward(
        &self,
        layer: &LayerRanges,
        batch: &PackedBatch,
        d_stream: &mut [f32],
        kept: &mut Activations,
        gradient: &mut [f32],
        work: &mut Workspace,
    ) {
        let (width, heads, inner) = (self.config.hidden_size, self.heads(), self.config.intermediate_size);
        let (rows, threads, epsilon) = (d_stream.len() / width, self.threads, self.epsilon());
        let normed = sized(&mut work.normed, rows * width);
        let d_normed = sized(&mut work.d_normed, rows * width);

        let activated = sized(&mut work.inner, rows * inner);
        linear_input_gradient(rows, width, inner, activated, d_stream, self.at(&layer.down), threads);
        let d_gate_up = &mut kept.gate_up[..rows * 2 * inner];
        swiglu::backward_in_place(d_gate_up, inner, activated, threads);
        let d_down = &mut gradient[layer.down.clone()];
        linear_weight_gradient(rows, width, inner, d_down, Into::Set, d_stream, activated, threads);
        let middle = &kept.middle[..rows * width];
        rms_norm::forward(middle, self.at(&layer.post_norm), epsilon, normed, threads);
        let d_weight = &mut gradient[layer.gate_up.clone()];
        linear_weight_gradient(rows, 2 * inner, width, d_weight, Into::Set, d_gate_up, normed, threads);
        linear_input_gradient(rows, 2 * inner, width, d_normed, d_gate_up, self.at(&layer.gate_up), threads);
        let d_norm = &mut gradient[layer.post_norm.clone()];
        rms_norm::backward(middle, self.at(&layer.post_norm), epsilon, d_normed, d_stream, d_norm, threads);

        let out_width = heads.output_width();
        let attended = &kept.attention[..rows * out_width];
        let d_attended = sized(&mut work.inner, rows * out_width);
        linear_input_gradient(rows, width, out_width, d_attended, d_stream, self.at(&layer.output), threads);
        let d_output = &mut gradient[layer.output.clone()];
        linear_weight_gradient(rows, width, out_width, d_output, Into::Set, d_stream, attended, threads);
        let qkv_width = heads.qkv_width();
        let d_qkv = sized(&mut work.d_wide, rows * qkv_width);
        let qkv = &kept.qkv[..rows * qkv_width];
        if let (Some(norm), Some(weights)) = (self.head_norm(layer), &layer.head_norms) {
            let normed = sized(&mut work.head_normed, qkv.len());
            normed.copy_from_slice(qkv);
            head_norm::forward(heads, norm, normed, threads);
            self.attention_backward(batch, normed, attended, d_attended, d_qkv, &mut work.attention);
            let d_weights = &mut gradient[weights.clone()];
            head_norm::backward(heads, norm, qkv, d_qkv, d_weights, threads);
        } else {
            self.attention_backward(batch, qkv, attended, d_attended, d_qkv, &mut work.attention);
        }
        if let Some(bias) = &layer.qkv_bias {
            math::add_rows(&mut gradient[bias.clone()], d_qkv, threads);
        }
        let input = &kept.input[..rows * width];
        rms_norm::forward(input, self.at(&layer.input_norm), epsilon, normed, threads);
        let d_weight = &mut gradient[layer.qkv.clone()];
        linear_weight_gradient(rows, qkv_width, width, d_weight, Into::Set, d_qkv, normed, threads);
        linear_input_gradient(rows, qkv_width, width, d_normed, d_qkv, self.at(&layer.qkv), threads);
        let d_norm = &mut gradient[layer.input_norm.clone()];
        rms_norm::backward(input, self.at(&layer.input_norm), epsilon, d_normed, d_stream, d_norm, threads);
    }

    fn attention_backward(
        &self,
        batch: &PackedBatch,
        qkv: &[f32],
        y: &[f32],
        dy: &[f32],
        d_qkv: &mut [f32],
        scratch: &mut AttentionScratch,
    ) {
        let heads = self.heads();
        let (in_width, out_width) = (heads.qkv_width(), heads.output_width());
        let one = |range: &std::ops::Range<usize>, d_qkv: &mut [f32], scratch: &mut AttentionScratch| {
            let qkv = &qkv[range.start * in_width..range.end * in_width];
            let outputs = range.start * out_width..range.end * out_width;
            attention::backward(heads, self.rope, qkv, &y[outputs.clone()], &dy[outputs], d_qkv, scratch);
        };
        if self.threads == Threads::One {
            for range in &batch.sequences {
                one(range, &mut d_qkv[range.start * in_width..range.end * in_width], scratch);
            }
        } else {
            split_rows(d_qkv, &batch.sequences, in_width).into_par_iter().for_each_init(
                AttentionScratch::default,
                |scratch, (range, d_qkv)| {
                    one(range, d_qkv, scratch);
                },
            );
        }
    }
}

/// The rows of each sequence, as separate slices.
fn split_rows<'r, 'v>(
    mut values: &'v mut [f32],
    sequences: &'r [std::ops::Range<usize>],
    width: usize,
) -> Vec<(&'r std::ops::Range<usize>, &'v mut [f32])> {
    sequences
        .iter()
        .map(|range| {
            let (rows, rest) = std::mem::take(&mut values).split_at_mut(range.len() * width);
            values = rest;
            (range, rows)
        })
        .collect()
}
