//! A packed file (`tests/fixtures/make_gguf.py`: `Q4_0`, `Q4_1`, `Q8_0` and `F16`): what the engine makes of it.

use azr_model::random::DrawKey;
use azr_model::{
    AdamWConfig, Completion, Engine, EngineConfig, Generate, GenerateRequest, ModelFolder, OptimizerConfig,
    Sampling, Trainer, TrainerConfig,
};
use std::path::PathBuf;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/small.gguf")
}

fn request(item: u64) -> GenerateRequest {
    let prompts = ["abc 1", "a", "21 ab c", "abc 1 b"];
    GenerateRequest {
        prompt: prompts[item as usize % prompts.len()].to_owned(),
        max_new_tokens: 4 + item as usize % 9,
        stop: Vec::new(),
        sampling: if item.is_multiple_of(2) { Sampling::GREEDY } else { Sampling::TEMPERATURE_1 },
        key: DrawKey::new(3, 1, "test", item),
    }
}

fn generate(model: &ModelFolder, slots: usize, requests: &[GenerateRequest]) -> Vec<Completion> {
    let config = EngineConfig { slots, ..EngineConfig::default() };
    let mut engine = Engine::new(model.weights.clone(), model.tokenizer.clone(), config).expect("an engine");
    engine.generate(requests).expect("completions")
}

#[test]
fn a_completion_does_not_depend_on_the_batch() {
    let model = ModelFolder::from_gguf_packed(&file()).unwrap();
    assert!(model.weights.is_packed());
    let requests: Vec<GenerateRequest> = (0..24).map(request).collect();
    let together = generate(&model, 16, &requests);
    for slots in [1, 3, 7] {
        assert_eq!(generate(&model, slots, &requests), together);
    }
    for (request, completion) in requests.iter().zip(&together) {
        assert_eq!(&generate(&model, 1, std::slice::from_ref(request))[0], completion);
    }
}

#[test]
fn its_probabilities_are_nearly_those_of_the_numbers() {
    let (packed, plain) =
        (ModelFolder::from_gguf_packed(&file()).unwrap(), ModelFolder::from_gguf(&file()).unwrap());
    assert!(!plain.weights.is_packed());
    assert_eq!(packed.weights.hash(), plain.weights.hash());
    let requests: Vec<GenerateRequest> = (0..8).map(|item| request(2 * item)).collect();
    let (ours, exact) = (generate(&packed, 4, &requests), generate(&plain, 4, &requests));
    let mut differs = false;
    for (ours, exact) in ours.iter().zip(&exact) {
        // The first new token comes from the prompt, whose products are not packed.
        assert_eq!((ours.tokens[0], ours.logprobs[0]), (exact.tokens[0], exact.logprobs[0]));
        let common = ours.tokens.iter().zip(&exact.tokens).take_while(|(a, b)| a == b).count();
        for (ours, exact) in ours.logprobs.iter().zip(&exact.logprobs).take(common) {
            assert!((ours - exact).abs() < 0.15, "{ours} {exact}");
            differs |= ours.to_bits() != exact.to_bits();
        }
    }
    assert!(differs, "the packed form was not read");
}

#[test]
fn a_trainer_and_its_engine_have_the_same_numbers() {
    let model = ModelFolder::from_gguf_packed(&file()).unwrap();
    let optimizer = OptimizerConfig::AdamW(AdamWConfig::default());
    let _trainer = Trainer::new(
        model.weights.clone(),
        TrainerConfig { chunk_sequences: 1, max_gradient_norm: 1.0, optimizer },
    )
    .unwrap();
    assert!(!model.weights.is_packed());
    let requests: Vec<GenerateRequest> = (0..4).map(request).collect();
    let plain = ModelFolder::from_gguf(&file()).unwrap();
    assert_eq!(generate(&model, 4, &requests), generate(&plain, 4, &requests));
}
