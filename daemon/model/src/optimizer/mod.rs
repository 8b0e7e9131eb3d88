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
    const FITS: &str = "the buffers are as long as the layout";
    layout
        .parameters
        .iter()
        .map(|parameter| {
            let len = parameter.range.len();
            let (this_gradient, rest) = gradient.split_at(len);
            gradient = rest;
            Slot {
                parameter,
                values: values.split_off_mut(..len).expect(FITS),
                gradient: this_gradient,
                first: first.split_off_mut(..len).expect(FITS),
                second: second.split_off_mut(..len).expect(FITS),
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
        for (lane, &value) in lanes.iter_mut().zip(row) {
            *lane += f64::from(value) * f64::from(value);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::SafeTensors;

    const REFERENCE: &[u8] = include_bytes!("../../tests/golden/optimizers.safetensors");

    fn values(name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(REFERENCE).unwrap();
        crate::file::from_bytes(file.tensor(name).unwrap().data())
    }

    /// The three tensors of the reference as a model of its own.
    fn layout() -> Layout {
        let mut len = 0;
        let mut parameter = |name: &str, shape: &[usize], kind| {
            let range = len..len + shape.iter().product::<usize>();
            len = range.end;
            Parameter { name: name.to_owned(), shape: shape.to_vec(), range, kind }
        };
        let parameters = vec![
            parameter("wide", &[24, 40], ParameterKind::Matrix),
            parameter("tall", &[40, 24], ParameterKind::Matrix),
            parameter("vector", &[24], ParameterKind::Vector),
        ];
        Layout { parameters, embedding: 0..0, layers: Vec::new(), final_norm: 0..0, head: 0..0, len }
    }

    /// Relative error of each tensor after four steps.
    fn errors(config: &OptimizerConfig, expected: &[&str]) -> Vec<f64> {
        let layout = layout();
        let gather = |prefix: &str| -> Vec<f32> {
            layout
                .parameters
                .iter()
                .flat_map(|parameter| values(&format!("{prefix}{}", parameter.name)))
                .collect()
        };
        let mut parameters = gather("start.");
        let mut state = OptimizerState::new(layout.len);
        for step in 0..4 {
            // A gradient twice as large at half the scale is the same gradient.
            let gradient: Vec<f32> =
                gather(&format!("gradient.{step}.")).iter().map(|value| value * 2.0).collect();
            state.apply(config, &layout, &mut parameters, &gradient, 0.5, 0.01 * (step + 1) as f32);
        }
        layout
            .parameters
            .iter()
            .zip(expected)
            .map(|(parameter, expected)| {
                let expected = values(expected);
                let found = &parameters[parameter.range.clone()];
                let norm =
                    |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>();
                let difference = norm(&mut found.iter().zip(&expected).map(|(a, b)| a - b));
                (difference / norm(&mut expected.iter().copied())).sqrt()
            })
            .collect()
    }

    const ADAMW: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weight_decay: 0.1 };

    #[test]
    fn adamw_agrees_with_torch() {
        let config = OptimizerConfig::AdamW(ADAMW);
        for error in errors(&config, &["adamw.wide", "adamw.tall", "adamw.vector"]) {
            assert!(error < 1e-6, "{error:.2e}");
        }
    }

    #[test]
    fn muon_agrees_with_torch() {
        let muon = MuonConfig { weight_decay: 0.1, learning_rate_factor: 1.0, ..MuonConfig::default() };
        let config = OptimizerConfig::Muon { muon, adamw: ADAMW };
        for error in errors(&config, &["muon.wide", "muon.tall", "adamw.vector"]) {
            assert!(error < 1e-6, "{error:.2e}");
        }
        // torch rounds to bf16 on the way.
        for error in errors(&config, &["torch_muon.wide", "torch_muon.tall", "adamw.vector"]) {
            assert!(error < 2e-3, "{error:.2e}");
        }
    }

    #[test]
    fn square_sums_do_not_depend_on_threads() {
        let values: Vec<f32> = (0..200_001).map(|i| (i as f32 * 0.37).sin()).collect();
        let sum = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| square_sum(&values)).to_bits()
        };
        assert_eq!(sum(1), sum(4));
        let exact: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
        assert!((f64::from_bits(sum(1)) - exact).abs() < 1e-6 * exact);
    }
}
