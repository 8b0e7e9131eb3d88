//! How fast the rotary angles turn: the base, and what long-context models change of it.

use std::f64::consts::TAU;

use crate::error::{ModelError, Result};

/// Rotary angles of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// Base of the angles.
    pub theta: f64,
    /// What is done to them.
    pub scaling: RopeScaling,
}

/// Scaling of rotary frequencies (`rope_type`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// None (`default`).
    None,
    /// All are slowed down (`linear`).
    Linear {
        /// By so much.
        factor: f64,
    },
    /// Slow ones are slowed down, fast ones stay, between them it is blended (`llama3`).
    Llama3 {
        /// How much the slow ones are slowed down.
        factor: f64,
        /// Frequencies that turn fewer times in the original context are slow.
        low_freq_factor: f64,
        /// Frequencies that turn more often are fast.
        high_freq_factor: f64,
        /// Context before the scaling, in tokens.
        original_context: usize,
    },
}

impl Rope {
    /// Angle of one position for each pair of a head, in 64 bits until the end. (transformers computes in 32
    /// bits, so its numbers may differ from these in the last bit or two.)
    pub(crate) fn frequencies(&self, head_dim: usize) -> Vec<f32> {
        (0..head_dim / 2)
            .map(|i| {
                let frequency = 1.0 / self.theta.powf(2.0 * i as f64 / head_dim as f64);
                self.scaling.scale(frequency) as f32
            })
            .collect()
    }
}

impl RopeScaling {
    fn scale(self, frequency: f64) -> f64 {
        match self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_context } => {
                let turns = original_context as f64 * frequency / TAU;
                if turns > high_freq_factor {
                    frequency
                } else if turns < low_freq_factor {
                    frequency / factor
                } else {
                    let keep = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
                    (1.0 - keep) * frequency / factor + keep * frequency
                }
            }
        }
    }

    /// Refuses numbers that make no sense.
    pub(crate) fn check(self) -> Result<()> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let reason = match self {
            Self::Linear { factor } | Self::Llama3 { factor, .. } if !positive(factor) => {
                format!("factor is {factor}, it must be positive")
            }
            Self::Llama3 { low_freq_factor: low, high_freq_factor: high, .. }
                if !(positive(low) && positive(high) && low < high) =>
            {
                format!("low_freq_factor ({low}) must be positive and below high_freq_factor ({high})")
            }
            Self::Llama3 { original_context: 0, .. } => "original_max_position_embeddings is 0".to_owned(),
            Self::None | Self::Linear { .. } | Self::Llama3 { .. } => return Ok(()),
        };
        Err(ModelError::Config(format!("rope scaling: {reason}")))
    }
}
