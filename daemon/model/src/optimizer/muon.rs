//! Muon: momentum made orthogonal by Newton-Schulz iterations, for matrices.
//!
//! Follows `torch.optim.Muon` with `adjust_lr_fn="original"`, but iterates in 32 bits where torch uses bf16.

use crate::kernels::Threads;
use crate::kernels::gemm::{Into, Matrix, matmul};

/// Settings of Muon, for the matrices of the blocks; everything else goes to `AdamW`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MuonConfig {
    /// Momentum.
    pub momentum: f32,
    /// Nesterov's form of the momentum.
    pub nesterov: bool,
    /// Newton-Schulz iterations.
    pub newton_schulz_steps: usize,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Muon's learning rate over the learning rate of the step (which `AdamW` takes as it is).
    pub learning_rate_factor: f32,
}

impl Default for MuonConfig {
    /// As `torch.optim.Muon`, without decay; 1e-3 for `AdamW` goes with 0.02 for Muon.
    fn default() -> Self {
        Self {
            momentum: 0.95,
            nesterov: true,
            newton_schulz_steps: 5,
            weight_decay: 0.0,
            learning_rate_factor: 20.0,
        }
    }
}

/// Coefficients of the quintic iteration.
const COEFFICIENTS: (f32, f32, f32) = (3.4445, -4.775, 2.0315);

/// One step of one matrix; `first` is its momentum.
pub(super) fn apply(
    config: &MuonConfig,
    shape: &[usize],
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    scale: f32,
    learning_rate: f32,
) {
    let (rows, columns) = (shape[0], shape[1]);
    let mut update = vec![0f32; values.len()];
    for ((momentum, &gradient), update) in first.iter_mut().zip(gradient).zip(&mut update) {
        let gradient = gradient * scale;
        *momentum += (1.0 - config.momentum) * (gradient - *momentum);
        *update =
            if config.nesterov { gradient + config.momentum * (*momentum - gradient) } else { *momentum };
    }
    orthogonalize(&mut update, rows, columns, config.newton_schulz_steps);
    let rate = learning_rate * config.learning_rate_factor;
    let keep = 1.0 - rate * config.weight_decay;
    let step_size = rate * (rows as f32 / columns as f32).max(1.0).sqrt();
    for (value, update) in values.iter_mut().zip(&update) {
        *value = *value * keep - step_size * update;
    }
}

/// Brings the singular values of a matrix near 1: `X <- a X + (b A + c A A) X` with `A = X X^T`, on the shorter side.
fn orthogonalize(x: &mut Vec<f32>, rows: usize, columns: usize, steps: usize) {
    let norm = super::square_sum(x).sqrt().max(1e-7) as f32;
    for value in x.iter_mut() {
        *value /= norm;
    }
    let tall = rows > columns;
    let (short, long) = if tall { (columns, rows) } else { (rows, columns) };
    let (a, b, c) = COEFFICIENTS;
    let mut gram = vec![0f32; short * short];
    let mut polynomial = vec![0f32; short * short];
    let mut next = vec![0f32; x.len()];
    let one = Threads::One;
    for _ in 0..steps {
        // X is kept in its own orientation; `view` is its wide form.
        let stored = Matrix::rows(x, columns);
        let view = if tall { stored.transposed() } else { stored };
        matmul(short, short, long, &mut gram, short, Into::Set, view, view.transposed(), one);
        let square = Matrix::rows(&gram, short);
        matmul(short, short, short, &mut polynomial, short, Into::Set, square, square, one);
        for (i, (value, gram)) in polynomial.iter_mut().zip(&gram).enumerate() {
            *value = b * gram + c * *value;
            if i % (short + 1) == 0 {
                *value += a;
            }
        }
        // The polynomial is symmetric: P X = (X^T P)^T.
        let factor = Matrix::rows(&polynomial, short);
        if tall {
            matmul(rows, columns, short, &mut next, columns, Into::Set, stored, factor, one);
        } else {
            matmul(rows, columns, short, &mut next, columns, Into::Set, factor, stored, one);
        }
        std::mem::swap(x, &mut next);
    }
}
