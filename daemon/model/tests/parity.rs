//! Agreement with transformers on the reference files that `golden/reference.py` and `golden/families.py` write:
//! scores, loss, every gradient and greedy text of each family, near the start and at long positions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use azr_model::{
    AdamWConfig, Engine, EngineConfig, Generate, GenerateRequest, ModelBytes, ModelFolder, OptimizerConfig,
    Sampling, Trainer, TrainerConfig, WeightedSequence, random::DrawKey,
};
use common::{letters_tokenizer, text};
use safetensors::{SafeTensors, tensor::TensorView};

/// Small Qwen2 models with weights of 32 bits.
const FIRST: [&str; 2] = ["tied", "untied"];
/// Every family, with weights stored as bf16 and a long sequence.
const FAMILIES: [&str; 5] = ["qwen2", "qwen3", "qwen3-untied", "llama3", "llama-linear"];

fn all() -> impl Iterator<Item = &'static str> {
    FIRST.into_iter().chain(FAMILIES)
}

struct Reference {
    bytes: Vec<u8>,
    config: Vec<u8>,
}

impl Reference {
    fn open(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        Self {
            bytes: std::fs::read(folder.join(format!("{name}.safetensors"))).unwrap(),
            config: std::fs::read(folder.join(format!("{name}.config.json"))).unwrap(),
        }
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap()
    }

    fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let file = self.file();
        let view = file.tensor(name).ok()?;
        Some(view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect())
    }

    fn tokens(&self, name: &str) -> Option<Vec<u32>> {
        let file = self.file();
        let view = file.tensor(name).ok()?;
        Some(view.data().chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect())
    }

    /// The model, with a tokenizer of one letter a token.
    fn model(&self) -> ModelFolder {
        let file = self.file();
        let weights: Vec<(String, TensorView<'_>)> = file
            .tensors()
            .into_iter()
            .filter_map(|(name, view)| Some((name.strip_prefix("weight.")?.to_owned(), view)))
            .collect();
        let weights = safetensors::serialize(weights, None).unwrap();
        let tokenizer = letters_tokenizer(96);
        ModelFolder::from_bytes(ModelBytes {
            config: &self.config,
            weights: &weights,
            tokenizer: tokenizer.as_bytes(),
            generation_config: b"{}",
        })
        .unwrap()
    }

    fn sequences(&self) -> Vec<WeightedSequence> {
        (0..)
            .map_while(|index| {
                Some(WeightedSequence {
                    tokens: self.tokens(&format!("sequence.{index}.tokens"))?,
                    weights: self.floats(&format!("sequence.{index}.weights"))?,
                })
            })
            .collect()
    }
}

fn relative_error(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let difference = square(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    (difference / square(&mut expected.iter().map(|value| f64::from(*value))).max(1e-30)).sqrt()
}

fn trainer(model: &ModelFolder, chunk_sequences: usize) -> Trainer {
    let config = TrainerConfig {
        chunk_sequences,
        max_gradient_norm: 0.0,
        optimizer: OptimizerConfig::AdamW(AdamWConfig::default()),
    };
    Trainer::new(Arc::clone(&model.weights), config).unwrap()
}

#[test]
fn scores_agree() {
    for name in all() {
        let reference = Reference::open(name);
        let sequences = reference.sequences();
        let tokens: Vec<&[u32]> = sequences.iter().map(|sequence| sequence.tokens.as_slice()).collect();
        let scores = trainer(&reference.model(), 2).score(&tokens).unwrap();
        for (index, scores) in scores.iter().enumerate() {
            for (found, what) in [(&scores.logprobs, "logprobs"), (&scores.entropies, "entropies")] {
                let expected = reference.floats(&format!("sequence.{index}.{what}")).unwrap_or_default();
                let error = relative_error(found, &expected);
                assert!(error < 1e-5, "{name} {what} of sequence {index}: {error:.2e}");
            }
        }
    }
}

#[test]
fn loss_and_every_gradient_agree() {
    for name in all() {
        let reference = Reference::open(name);
        let sequences = reference.sequences();
        let mut worst = (0.0, String::new());
        for chunk_sequences in [1, 3, 8] {
            let model = reference.model();
            let (loss, gradients) =
                trainer(&model, chunk_sequences).cross_entropy_gradient(&sequences, 10.0).unwrap();
            let expected = f64::from(reference.floats("loss").unwrap()[0]);
            assert!((loss - expected).abs() < 1e-5 * expected, "{name}: loss {loss}, expected {expected}");
            assert_eq!(gradients.len(), model.weights.tensors().unwrap().len());
            for (parameter, gradient) in gradients {
                let expected = reference.floats(&format!("gradient.{parameter}")).unwrap();
                let error = relative_error(&gradient.flatten_all().unwrap().to_vec1().unwrap(), &expected);
                if error > worst.0 {
                    worst = (error, parameter);
                }
            }
        }
        assert!(worst.0 < 1e-5, "{name}: gradient of {}: {:.2e}", worst.1, worst.0);
    }
}

#[test]
fn greedy_text_is_identical() {
    for name in all() {
        let reference = Reference::open(name);
        let model = reference.model();
        let prompts: Vec<Vec<u32>> =
            (0..).map_while(|index| reference.tokens(&format!("greedy.{index}.prompt"))).collect();
        let requests: Vec<GenerateRequest> = prompts
            .iter()
            .enumerate()
            .map(|(index, prompt)| GenerateRequest {
                prompt: text(prompt),
                max_new_tokens: 24,
                stop: Vec::new(),
                sampling: Sampling::GREEDY,
                key: DrawKey::new(0, 0, "parity", index as u64),
            })
            .collect();
        let config = EngineConfig { slots: 3, max_context: 128 };
        let mut engine =
            Engine::new(Arc::clone(&model.weights), Arc::clone(&model.tokenizer), config).unwrap();
        for (index, completion) in engine.generate(&requests).unwrap().iter().enumerate() {
            let expected = reference.tokens(&format!("greedy.{index}.tokens")).unwrap();
            assert_eq!(completion.prompt_tokens, prompts[index]);
            assert_eq!(completion.tokens, expected, "{name}, prompt {index}");
            assert_eq!(completion.text, text(&expected));
        }
    }
}

/// One sequence of more than 4,096 tokens.
#[test]
fn long_positions_agree() {
    for name in FAMILIES {
        let reference = Reference::open(name);
        let model = reference.model();
        let tokens = reference.tokens("long.tokens").unwrap();
        let expected = reference.floats("long.logprobs").unwrap();
        let first = tokens.len() - expected.len();
        assert!(first > 4096);

        let mut trainer = trainer(&model, 1);
        let scores = trainer.score(&[&tokens]).unwrap().remove(0);
        let found = &scores.logprobs[first - 1..];
        let error = relative_error(found, &expected);
        assert!(error < 1e-5, "{name}: log-probabilities: {error:.2e}");
        // Its own frequencies are off in the last bits.
        let error = relative_error(found, &reference.floats("long.logprobs.unchanged").unwrap());
        assert!(error < 1e-3, "{name}: log-probabilities of transformers unchanged: {error:.2e}");

        let weights = (0..tokens.len()).map(|i| f32::from(u8::from(i >= first))).collect();
        let sequence = WeightedSequence { tokens: tokens.clone(), weights };
        let (loss, gradients) = trainer.cross_entropy_gradient(&[sequence], 10.0).unwrap();
        let expected = f64::from(reference.floats("long.loss").unwrap()[0]);
        assert!((loss - expected).abs() < 1e-5 * expected, "{name}: loss {loss}, expected {expected}");
        let mut compared = 0;
        for (parameter, gradient) in gradients {
            let Some(expected) = reference.floats(&format!("long.gradient.{parameter}")) else { continue };
            let error = relative_error(&gradient.flatten_all().unwrap().to_vec1().unwrap(), &expected);
            assert!(error < 1e-5, "{name}: gradient of {parameter}: {error:.2e}");
            compared += 1;
        }
        assert!(compared >= 8, "{name}: {compared} gradients");

        let expected = reference.tokens("long.greedy").unwrap();
        let request = GenerateRequest {
            prompt: text(&tokens),
            max_new_tokens: expected.len(),
            stop: Vec::new(),
            sampling: Sampling::GREEDY,
            key: DrawKey::new(0, 0, "parity", 0),
        };
        let config = EngineConfig { slots: 1, max_context: tokens.len() + expected.len() };
        let mut engine =
            Engine::new(Arc::clone(&model.weights), Arc::clone(&model.tokenizer), config).unwrap();
        assert_eq!(engine.generate(&[request]).unwrap()[0].tokens, expected, "{name}");
    }
}
