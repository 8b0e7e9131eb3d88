//! Optimizers with saved state.

/// Settings of `AdamW`. Norms, biases and the embedding are never decayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
}

impl Default for AdamWConfig {
    /// The paper's run: 0.9, 0.999, 1e-8, 0.01 (the reference implementation's actor).
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

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
