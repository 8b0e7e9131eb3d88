//! Adapters: exact gradients, nothing else changes, files as PEFT has them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use azr_model::{
    AdamWConfig, Lora, LoraConfig, OptimizerConfig, Trainer, TrainerConfig, WeightedSequence, Weights,
    random::DrawKey,
};
use common::{tokens, weights};

fn config() -> TrainerConfig {
    let optimizer = OptimizerConfig::AdamW(AdamWConfig::default());
    TrainerConfig { chunk_sequences: 4, max_gradient_norm: 1.0, optimizer }
}

fn batch() -> Vec<WeightedSequence> {
    (0..6)
        .map(|item| {
            let tokens = tokens(12 + item * 7, item as u64);
            WeightedSequence { weights: vec![1.0; tokens.len()], tokens }
        })
        .collect()
}

fn settings(targets: &[&str]) -> LoraConfig {
    let targets = targets.iter().map(|&name| name.to_owned()).collect();
    LoraConfig { rank: 3, alpha: 6.0, targets }
}

fn trainer(weights: &Arc<Weights>, targets: &[&str]) -> Trainer {
    let lora = Lora::new(weights, settings(targets), &DrawKey::new(2, 0, "test.lora", 0)).unwrap();
    Trainer::with_lora(Arc::clone(weights), config(), lora).unwrap()
}

fn flat(weights: &Weights, name: &str) -> Vec<f32> {
    weights.tensors().unwrap()[name].flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn training_lowers_the_loss_and_changes_the_adapted_matrices_alone() {
    let weights = weights(true, 4);
    let before = weights.tensors().unwrap();
    let mut trainer = trainer(&weights, &["q_proj", "down_proj"]);
    let losses: Vec<f64> = (0..30)
        .map(|_| {
            let stats = trainer.cross_entropy_step(&batch(), 100.0, 1e-2).unwrap();
            assert!(stats.applied && stats.gradient_norm > 0.0);
            stats.loss
        })
        .collect();
    assert!(losses[29] < 0.9 * losses[0], "{losses:?}");
    for (name, tensor) in before {
        let old: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        let adapted = name.contains("q_proj.weight") || name.contains("down_proj.weight");
        assert_eq!(old != flat(&weights, &name), adapted, "{name}");
    }
}

/// The addition has the rank of the factors, and the first step, where B is zero, moves B along `-s G Aᵀ`.
#[test]
fn gradients_are_those_of_the_factors() {
    let weights = weights(false, 5);
    let name = "model.layers.1.mlp.gate_proj.weight";
    let lora = Lora::new(&weights, settings(&["gate_proj"]), &DrawKey::new(2, 0, "test.lora", 0)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    lora.save(folder.path()).unwrap();
    let factor = |part: &str, path: &std::path::Path| -> Vec<f32> {
        let bytes = std::fs::read(path.join("adapter_model.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let name = format!("base_model.model.model.layers.1.mlp.gate_proj.{part}.weight");
        let view = file.tensor(&name).unwrap();
        view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    let a = factor("lora_A", folder.path());
    assert!(factor("lora_B", folder.path()).iter().all(|value| *value == 0.0));
    let (outputs, inputs, rank) = (96, 48, 3);
    assert_eq!(a.len(), rank * inputs);
    let mut plain = common::trainer(&weights, 4);
    let full: Vec<f32> = plain.cross_entropy_gradient(&batch(), 100.0).unwrap().1[name]
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap();
    let mut trainer = Trainer::with_lora(Arc::clone(&weights), config(), lora).unwrap();
    trainer.cross_entropy_step(&batch(), 100.0, 1e-3).unwrap();
    trainer.lora().unwrap().save(folder.path()).unwrap();
    let b = factor("lora_B", folder.path());
    for row in 0..outputs {
        for column in 0..rank {
            let slope: f32 = (0..inputs).map(|i| full[row * inputs + i] * a[column * inputs + i]).sum();
            // AdamW's first step is the learning rate in the direction of the sign.
            let moved = b[row * rank + column];
            assert!(slope.abs() < 1e-4 || moved * slope < 0.0, "{row} {column}: {slope} {moved}");
        }
    }
}

#[test]
fn a_saved_adapter_on_the_base_is_the_trained_model() {
    let trained = weights(true, 6);
    let mut trainer = trainer(&trained, &["q_proj", "v_proj", "up_proj"]);
    for _ in 0..5 {
        trainer.cross_entropy_step(&batch(), 100.0, 1e-2).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    trainer.lora().unwrap().save(folder.path()).unwrap();
    let base = weights(true, 6);
    assert_ne!(base.hash(), trained.hash());
    let lora = Lora::load(&base, folder.path()).unwrap();
    assert_eq!(base.hash(), trained.hash());
    // And training goes on from there as if nothing had happened.
    trainer.save_state(&folder.path().join("optimizer")).unwrap();
    let mut resumed = Trainer::with_lora(Arc::clone(&base), config(), lora).unwrap();
    resumed.load_state(&folder.path().join("optimizer")).unwrap();
    trainer.cross_entropy_step(&batch(), 100.0, 1e-2).unwrap();
    resumed.cross_entropy_step(&batch(), 100.0, 1e-2).unwrap();
    assert_eq!(base.hash(), trained.hash());
}

#[test]
fn what_is_no_plain_adapter_of_the_model_is_refused() {
    let model = weights(true, 7);
    let folder = tempfile::tempdir().unwrap();
    let lora = Lora::new(&model, settings(&["k_proj"]), &DrawKey::new(2, 0, "test.lora", 0)).unwrap();
    lora.save(folder.path()).unwrap();
    let path = folder.path().join("adapter_config.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let untouched = model.hash();
    for (from, to, reason) in [
        ("\"use_dora\": false", "\"use_dora\": true", "only plain LoRA"),
        ("\"LORA\"", "\"IA3\"", "only plain LoRA"),
        ("\"r\": 3", "\"r\": 4", "shape"),
        ("\"r\": 3", "\"r\": 0", "rank"),
        ("\"k_proj\"", "\"v_proj\"", "missing"),
        ("\"k_proj\"", "\"lm_head\"", "`lm_head` cannot be adapted"),
        ("{", "", "adapter_config.json"),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = Lora::load(&model, folder.path()).unwrap_err().to_string();
        assert!(error.contains(reason), "{to}: {error}");
        assert_eq!(model.hash(), untouched);
    }
}

#[test]
fn a_step_that_is_not_finite_leaves_a_record() {
    let model = weights(true, 8);
    let mut trainer = common::trainer(&model, 4);
    assert!(trainer.refused().is_none());
    let before = model.hash();
    let mut batch = batch();
    batch[2].weights[5] = f32::NAN;
    assert!(!trainer.cross_entropy_step(&batch, 100.0, 1e-2).unwrap().applied);
    let refused = trainer.refused().unwrap();
    assert!(refused.loss.is_nan() && refused.parameter.is_some());
    assert_eq!(refused.sequences.len(), 6);
    assert_eq!(refused.sequences[2], batch[2].tokens[..batch[2].tokens.len() - 1]);
    assert_eq!(model.hash(), before);
}
