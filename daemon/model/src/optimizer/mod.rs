//! Optimizers: fused passes over the flat storage, 32-bit moments, state that is saved and resumed exactly.
//!
//! candle's own `AdamW` has no decay groups, no clipping and no way to its moments.

mod adamw;
mod muon;

pub use adamw::AdamWConfig;
pub use muon::MuonConfig;

use rayon::prelude::*;

use crate::layout::{Layout, Parameter, ParameterKind};

/// Which optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerConfig {
    /// `AdamW` for everything.
    AdamW(AdamWConfig),
    /// Muon for the matrices of the blocks, `AdamW` for the rest.
    Muon {
        /// The matrices of the blocks.
        muon: MuonConfig,
        /// Embedding, head, norms and biases.
        adamw: AdamWConfig,
    },
}

/// Moments of all parameters, in the order of the layout.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OptimizerState {
    /// Steps applied.
    pub(crate) step: u64,
    /// First moment of `AdamW`, momentum of Muon.
    pub(crate) first: Vec<f32>,
    /// Second moment of `AdamW`; zeros for Muon's matrices.
    pub(crate) second: Vec<f32>,
}

/// One parameter with its gradient and moments.
struct Slot<'a> {
    parameter: &'a Parameter,
    values: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl OptimizerState {
    /// State before the first step.
    pub(crate) fn new(len: usize) -> Self {
        Self { step: 0, first: vec![0.0; len], second: vec![0.0; len] }
    }

    /// One step with `scale * gradient`.
    pub(crate) fn apply(
        &mut self,
        config: &OptimizerConfig,
        layout: &Layout,
        parameters: &mut [f32],
        gradient: &[f32],
        scale: f32,
        learning_rate: f32,
    ) {
        self.step += 1;
        let step = self.step;
        slots(layout, parameters, gradient, &mut self.first, &mut self.second).into_par_iter().for_each(
            |slot| {
                let is_block_matrix = slot.parameter.kind == ParameterKind::Matrix;
                match config {
                    OptimizerConfig::Muon { muon, .. } if is_block_matrix => {
                        muon::apply(
                            muon,
                            &slot.parameter.shape,
                            slot.values,
                            slot.gradient,
                            slot.first,
                            scale,
                            learning_rate,
                        );
                    }
                    OptimizerConfig::AdamW(adamw) | OptimizerConfig::Muon { adamw, .. } => {
                        let decayed =
                            matches!(slot.parameter.kind, ParameterKind::Matrix | ParameterKind::Head);
                        let pass = adamw::Pass::new(adamw, step, decayed, scale, learning_rate);
                        adamw::apply(&pass, slot.values, slot.gradient, slot.first, slot.second);
                    }
                }
            },
        );
    }
}

fn slots<'a>(
    layout: &'a Layout,
    mut values: &'a mut [f32],
    mut gradient: &'a [f32],
    mut first: &'a mut [f32],
    mut second: &'a mut [f32],
) -> Vec<Slot<'a>> {
    fn cut<'s>(rest: &mut &'s mut [f32], len: usize) -> &'s mut [f32] {
        let (head, tail) = std::mem::take(rest).split_at_mut(len);
        *rest = tail;
        head
    }
    layout
        .parameters
        .iter()
        .map(|parameter| {
            let len = parameter.range.len();
            let (this_gradient, rest) = gradient.split_at(len);
            gradient = rest;
            Slot {
                parameter,
                values: cut(&mut values, len),
                gradient: this_gradient,
                first: cut(&mut first, len),
                second: cut(&mut second, len),
            }
        })
        .collect()
}

/// Sum of squares, over fixed blocks in their order: the same bits whatever the number of threads.
pub(crate) fn square_sum(gradient: &[f32]) -> f64 {
    const BLOCK: usize = 1 << 15;
    let sums: Vec<f64> = gradient.par_chunks(BLOCK).map(block_square_sum).collect();
    sums.iter().sum()
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn block_square_sum(block: &[f32]) -> f64 {
    let mut lanes = [0f64; 16];
    let rows = block.chunks_exact(16);
    let rest: f64 = rows.remainder().iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    for row in rows {
        for i in 0..16 {
            lanes[i] += f64::from(row[i]) * f64::from(row[i]);
        }
    }
    lanes.iter().sum::<f64>() + rest
}
