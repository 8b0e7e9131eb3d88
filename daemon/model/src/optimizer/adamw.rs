//! `AdamW` in one pass over each parameter.

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

/// The numbers of one pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    scale: f32,
    keep: f32,
    step_size: f32,
    inverse_root_correction: f32,
}

impl Pass {
    pub(super) fn new(
        config: &AdamWConfig,
        step: u64,
        decayed: bool,
        scale: f32,
        learning_rate: f32,
    ) -> Self {
        let power = |beta: f32| 1.0 - f64::from(beta).powi(i32::try_from(step).unwrap_or(i32::MAX));
        let decay = if decayed { config.weight_decay } else { 0.0 };
        Self {
            beta1: config.beta1,
            beta2: config.beta2,
            epsilon: config.epsilon,
            scale,
            keep: 1.0 - learning_rate * decay,
            step_size: (f64::from(learning_rate) / power(config.beta1)) as f32,
            inverse_root_correction: (1.0 / power(config.beta2).sqrt()) as f32,
        }
    }
}

/// One step of one parameter.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
pub(super) fn apply(
    pass: &Pass,
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let pass = *pass;
    let moments = first.iter_mut().zip(second.iter_mut());
    for ((value, &gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
        let gradient = gradient * pass.scale;
        *first = pass.beta1 * *first + (1.0 - pass.beta1) * gradient;
        *second = pass.beta2 * *second + (1.0 - pass.beta2) * gradient * gradient;
        let root = second.sqrt() * pass.inverse_root_correction + pass.epsilon;
        *value = *value * pass.keep - pass.step_size * *first / root;
    }
}
