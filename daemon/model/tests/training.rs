//! What a training step promises: same bits for any number of threads and any resume, a gradient for every
//! parameter, and nothing applied when something is not finite.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use azr_model::{
    AdamWConfig, Aggregation, ModelError, MuonConfig, OptimizerConfig, PolicyLoss, PolicySequence, Trainer,
    TrainerConfig, WeightedSequence, Weights,
};
use common::{on_threads, tokens, trainer, weights};

fn batch(sequences: usize) -> Vec<WeightedSequence> {
    (0..sequences)
        .map(|i| {
            let tokens = tokens(3 + (i * 37) % 100, i as u64);
            let weights = (0..tokens.len()).map(|j| ((i + j) % 4) as f32 * 0.5).collect();
            WeightedSequence { tokens, weights }
        })
        .collect()
}

fn rollouts(trainer: &Trainer, sequences: usize) -> Vec<PolicySequence> {
    let all: Vec<Vec<u32>> = (0..sequences).map(|i| tokens(8 + (i * 23) % 60, 100 + i as u64)).collect();
    let views: Vec<&[u32]> = all.iter().map(Vec::as_slice).collect();
    let scores = trainer.score(&views).unwrap();
    let rollout = |(i, (tokens, scores)): (usize, (&Vec<u32>, azr_model::TokenScores))| {
        let prompt_len = 2 + i % 5;
        let old_logprobs = scores.logprobs[prompt_len - 1..].to_vec();
        let advantage = if i % 2 == 0 { 1.5 } else { -0.7 };
        PolicySequence {
            tokens: tokens.clone(),
            prompt_len,
            advantages: vec![advantage; old_logprobs.len()],
            reference_logprobs: old_logprobs.iter().map(|logprob| logprob - 0.1).collect(),
            old_logprobs,
        }
    };
    all.iter().zip(scores).enumerate().map(rollout).collect()
}

fn muon() -> OptimizerConfig {
    OptimizerConfig::Muon { muon: MuonConfig::default(), adamw: AdamWConfig::default() }
}

#[test]
fn every_parameter_receives_a_gradient() {
    for tied in [true, false] {
        let weights = weights(tied, 1);
        let mut trainer = trainer(&weights, 4);
        let rollouts = rollouts(&trainer, 10);
        let (_, cross_entropy) = trainer.cross_entropy_gradient(&batch(10), 100.0).unwrap();
        let (_, policy) = trainer.policy_gradient(&rollouts, &PolicyLoss::default()).unwrap();
        assert_eq!(cross_entropy.len(), weights.tensors().unwrap().len());
        for (name, gradient) in cross_entropy.into_iter().chain(policy) {
            let values: Vec<f32> = gradient.flatten_all().unwrap().to_vec1().unwrap();
            assert!(values.iter().all(|value| value.is_finite()), "{name} is not finite");
            let non_zero = values.iter().filter(|value| **value != 0.0).count();
            // Tokens that never occur have no embedding gradient where the head is not tied.
            assert!(2 * non_zero > values.len(), "{name}: {non_zero} of {} are not zero", values.len());
        }
    }
}

fn hash_after_steps(threads: usize, optimizer: OptimizerConfig) -> (String, f64) {
    let weights = weights(true, 2);
    let config = TrainerConfig { chunk_sequences: 4, max_gradient_norm: 1.0, optimizer };
    let mut trainer = Trainer::new(Arc::clone(&weights), config).unwrap();
    on_threads(threads, || {
        let mut loss = 0.0;
        for step in 0..3 {
            loss = trainer.cross_entropy_step(&batch(17 + step), 50.0, 1e-3).unwrap().loss;
            let rollouts = rollouts(&trainer, 9);
            trainer.policy_step(&rollouts, &PolicyLoss::default(), 1e-3).unwrap();
        }
        (weights.hash(), loss)
    })
}

#[test]
fn threads_change_no_bit() {
    for optimizer in [OptimizerConfig::AdamW(AdamWConfig::default()), muon()] {
        let one = hash_after_steps(1, optimizer);
        for threads in [2, 3, 7] {
            assert_eq!(one, hash_after_steps(threads, optimizer), "{threads} threads");
        }
    }
}

#[test]
fn one_chunk_gives_the_same_bits_on_one_thread_and_on_all() {
    let gradient = |threads| {
        let weights = weights(false, 3);
        let mut trainer = trainer(&weights, 64);
        on_threads(threads, || {
            let (loss, gradients) = trainer.cross_entropy_gradient(&batch(40), 10.0).unwrap();
            let bits: Vec<u32> = gradients
                .values()
                .flat_map(|tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap())
                .map(f32::to_bits)
                .collect();
            (loss, bits)
        })
    };
    let one = gradient(1);
    assert!(one == gradient(2));
    assert!(one == gradient(5));
}

#[test]
fn resume_continues_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimizer.safetensors");
    for optimizer in [OptimizerConfig::AdamW(AdamWConfig::default()), muon()] {
        let config = TrainerConfig { chunk_sequences: 4, max_gradient_norm: 1.0, optimizer };
        let whole = weights(true, 4);
        let mut trainer = Trainer::new(Arc::clone(&whole), config.clone()).unwrap();
        for _ in 0..2 {
            trainer.cross_entropy_step(&batch(9), 50.0, 1e-3).unwrap();
        }
        trainer.save_state(&path).unwrap();
        let resumed = weights(true, 5);
        resumed.restore(&whole, whole.version()).unwrap();
        assert_eq!(resumed.hash(), whole.hash());
        let mut second = Trainer::new(Arc::clone(&resumed), config.clone()).unwrap();
        second.load_state(&path).unwrap();
        assert_eq!((second.step(), resumed.version()), (2, 2));
        for trainer in [&mut trainer, &mut second] {
            for _ in 0..2 {
                trainer.cross_entropy_step(&batch(11), 50.0, 1e-3).unwrap();
            }
        }
        assert_eq!(resumed.hash(), whole.hash());
    }
}

#[test]
fn state_of_another_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimizer.safetensors");
    trainer(&weights(true, 1), 4).save_state(&path).unwrap();
    let mut other = trainer(&weights(false, 1), 4);
    assert!(other.load_state(&path).unwrap_err().to_string().contains("another shape"));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(trainer(&weights(true, 1), 4).load_state(&path), Err(ModelError::Format { .. })));
}

#[test]
fn a_step_that_is_not_finite_is_not_applied() {
    let weights = weights(true, 6);
    let mut trainer = trainer(&weights, 4);
    let before = weights.hash();
    let mut bad = batch(6);
    bad[3].weights[2] = f32::NAN;
    let stats = trainer.cross_entropy_step(&bad, 1.0, 1e-3).unwrap();
    assert!(!stats.applied);
    let mut rollouts = rollouts(&trainer, 4);
    rollouts[1].advantages[0] = f32::INFINITY;
    assert!(!trainer.policy_step(&rollouts, &PolicyLoss::default(), 1e-3).unwrap().applied);
    assert_eq!((weights.hash(), weights.version(), trainer.step()), (before, 0, 0));
    assert!(trainer.cross_entropy_step(&batch(6), 10.0, 1e-3).unwrap().applied);
    assert_eq!((weights.version(), trainer.step()), (1, 1));
}

#[test]
fn an_empty_batch_is_not_a_step() {
    let weights = weights(true, 6);
    let mut trainer = trainer(&weights, 4);
    let silent = vec![WeightedSequence { tokens: vec![1, 2, 3], weights: vec![0.0; 3] }];
    for batch in [Vec::new(), silent] {
        assert!(!trainer.cross_entropy_step(&batch, 1.0, 1e-3).unwrap().applied);
    }
    assert!(trainer.score(&[]).unwrap().is_empty());
    assert_eq!(trainer.score(&[&[], &[5]]).unwrap(), vec![azr_model::TokenScores::default(); 2]);
}

#[test]
fn sequences_that_do_not_fit_are_named() {
    let weights = weights(true, 6);
    let mut trainer = trainer(&weights, 4);
    let good = WeightedSequence { tokens: vec![1, 2], weights: vec![1.0; 2] };
    for (tokens, weights, reason) in [
        (vec![1, 80], 2, "token 80 is outside the vocabulary of 80"),
        (vec![1; 161], 161, "161 tokens, the model's context holds 160"),
        (vec![1, 2], 3, "3 weights for 2 tokens"),
    ] {
        let bad = WeightedSequence { tokens, weights: vec![1.0; weights] };
        let error = trainer.cross_entropy_step(&[good.clone(), bad], 1.0, 1e-3).unwrap_err();
        assert_eq!(error.to_string(), format!("sequence 1: {reason}"));
    }
}

/// Scores do not depend on the sequences beside them, nor on the chunks.
#[test]
fn scores_stand_alone() {
    let weights = weights(false, 7);
    let all: Vec<Vec<u32>> = (0..13).map(|i| tokens(66 + i * 7, i as u64)).collect();
    let views: Vec<&[u32]> = all.iter().map(Vec::as_slice).collect();
    let together = trainer(&weights, 5).score(&views).unwrap();
    for (view, scores) in views.iter().zip(&together) {
        assert_eq!(&trainer(&weights, 1).score(&[view]).unwrap()[0], scores);
    }
}

/// The gradient of every kind of loss against differences of the loss itself.
#[test]
fn policy_gradient_agrees_with_differences() {
    let base = weights(true, 8);
    let mut rollouts = rollouts(&trainer(&base, 3), 6);
    for (i, rollout) in rollouts.iter_mut().enumerate() {
        for (j, old) in rollout.old_logprobs.iter_mut().enumerate() {
            // Ratios on both sides of both clips.
            *old += ((i * 5 + j * 3) % 7) as f32 * 0.3 - 0.9;
        }
    }
    for aggregation in
        [Aggregation::GroupTokenMean { group: 2 }, Aggregation::TokenMean, Aggregation::SequenceMean]
    {
        let loss = PolicyLoss {
            entropy_coefficient: 0.3,
            kl_coefficient: 0.2,
            aggregation,
            ..PolicyLoss::default()
        };
        let (_, gradients) = trainer(&base, 3).policy_gradient(&rollouts, &loss).unwrap();
        for name in [
            "model.layers.0.self_attn.k_proj.weight",
            "model.layers.1.mlp.up_proj.weight",
            "model.norm.weight",
        ] {
            let gradient: Vec<f32> = gradients[name].flatten_all().unwrap().to_vec1().unwrap();
            let norm = gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            let step = 2e-3;
            let at = |sign: f64| {
                let moved = moved(&base, name, &gradient, sign * step / norm);
                trainer(&moved, 3).policy_gradient(&rollouts, &loss).unwrap().0
            };
            let slope = (at(1.0) - at(-1.0)) / (2.0 * step);
            assert!((slope - norm).abs() < 0.02 * norm, "{aggregation:?} {name}: {slope} against {norm}");
        }
    }
}

/// The weights with one parameter moved along a direction.
fn moved(base: &Arc<Weights>, name: &str, direction: &[f32], factor: f64) -> Arc<Weights> {
    use safetensors::tensor::{Dtype, TensorView};
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = base
        .tensors()
        .unwrap()
        .into_iter()
        .map(|(tensor, values)| {
            let mut numbers: Vec<f32> = values.flatten_all().unwrap().to_vec1().unwrap();
            if tensor == name {
                for (number, direction) in numbers.iter_mut().zip(direction) {
                    *number = (f64::from(*number) + factor * f64::from(*direction)) as f32;
                }
            }
            (tensor, values.dims().to_vec(), numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, data)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
    });
    let file = safetensors::serialize(views, None).unwrap();
    let tokenizer = common::letters_tokenizer(80);
    azr_model::ModelFolder::from_bytes(azr_model::ModelBytes {
        config: base.config().to_json().as_bytes(),
        weights: &file,
        tokenizer: tokenizer.as_bytes(),
        generation_config: b"{}",
    })
    .unwrap()
    .weights
}
