//! A completion depends on its request and the weights only: not on the other requests, slots, threads or what
//! the engine served before.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use azr_model::{
    Completion, Engine, EngineConfig, FinishReason, Generate, GenerateRequest, Sampling, Serving,
    ServingRequest, WeightedSequence, random::DrawKey,
};
use common::{letter, on_threads, text, tokenizer, tokens, trainer, weights};
use proptest::prelude::*;

fn engine(slots: usize) -> Engine {
    let config = EngineConfig { slots, max_context: 120 };
    Engine::new(weights(false, 11), tokenizer(80), config).unwrap()
}

fn request(item: u64) -> GenerateRequest {
    // Prompts that share starts, equal ones, short ones.
    let mut prompt = tokens(30, item % 3);
    prompt.truncate(1 + (item as usize * 7) % 30);
    if item % 4 == 1 {
        prompt.extend(tokens(1 + item as usize % 40, 50 + item));
    }
    GenerateRequest {
        prompt: text(&prompt),
        max_new_tokens: 1 + (item as usize * 13) % 40,
        stop: Vec::new(),
        sampling: match item % 3 {
            0 => Sampling::GREEDY,
            1 => Sampling::TEMPERATURE_1,
            _ => Sampling { top_p: 0.9, ..Sampling::at(0.7) },
        },
        key: DrawKey::new(3, 1, "test", item),
    }
}

fn bits(completion: &Completion) -> (Vec<u32>, Vec<u32>, String) {
    let logprobs = completion.logprobs.iter().map(|logprob| logprob.to_bits()).collect();
    (completion.tokens.clone(), logprobs, completion.text.clone())
}

#[test]
fn a_completion_is_the_same_alone_and_in_any_company() {
    let items: Vec<u64> = (0..40).collect();
    let requests: Vec<GenerateRequest> = items.iter().map(|&item| request(item)).collect();
    let alone: Vec<_> = requests
        .iter()
        .map(|request| bits(&engine(1).generate(std::slice::from_ref(request)).unwrap()[0]))
        .collect();
    for (slots, threads) in [(1, 1), (3, 1), (40, 1), (64, 2), (7, 3), (2, 5)] {
        let together = on_threads(threads, || engine(slots).generate(&requests).unwrap());
        for (item, completion) in together.iter().enumerate() {
            assert_eq!(bits(completion), alone[item], "item {item}, {slots} slots, {threads} threads");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_batch_gives_the_same_completions(
        items in prop::collection::vec(0u64..40, 1..20), slots in 1usize..24, threads in 1usize..4,
    ) {
        let mut engine = engine(slots);
        let requests: Vec<GenerateRequest> = items.iter().map(|&item| request(item)).collect();
        let completions = on_threads(threads, || engine.generate(&requests).unwrap());
        let index = items.len() / 2;
        let alone = engine.generate(&requests[index..=index]).unwrap();
        prop_assert_eq!(bits(&completions[index]), bits(&alone[0]));
    }
}

#[test]
fn log_probabilities_are_those_of_the_trainer() {
    let weights = weights(true, 12);
    let config = EngineConfig { slots: 8, max_context: 120 };
    let mut engine = Engine::new(Arc::clone(&weights), tokenizer(80), config).unwrap();
    let requests: Vec<GenerateRequest> = (0..12).map(request).collect();
    for completion in engine.generate(&requests).unwrap() {
        let mut all = completion.prompt_tokens.clone();
        all.extend(&completion.tokens);
        let scores = trainer(&weights, 4).score(&[&all]).unwrap();
        for (found, expected) in
            completion.logprobs.iter().zip(&scores[0].logprobs[completion.prompt_tokens.len() - 1..])
        {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}

#[test]
fn the_engine_sees_every_update() {
    let weights = weights(true, 13);
    let config = EngineConfig { slots: 4, max_context: 120 };
    let mut engine = Engine::new(Arc::clone(&weights), tokenizer(80), config).unwrap();
    let mut trainer = trainer(&weights, 4);
    let requests: Vec<GenerateRequest> = (0..4).map(request).collect();
    let before = engine.generate(&requests).unwrap();
    assert_eq!(engine.version(), 0);
    let batch = vec![WeightedSequence { tokens: tokens(40, 1), weights: vec![1.0; 40] }];
    trainer.cross_entropy_step(&batch, 39.0, 0.05).unwrap();
    assert_eq!(engine.version(), 1);
    let after = engine.generate(&requests).unwrap();
    assert_ne!(bits(&before[0]).1, bits(&after[0]).1);
    let mut fresh = Engine::new(Arc::clone(&weights), tokenizer(80), config).unwrap();
    assert_eq!(
        fresh.generate(&requests).unwrap().iter().map(bits).collect::<Vec<_>>(),
        after.iter().map(bits).collect::<Vec<_>>()
    );
}

#[test]
fn stop_texts_and_the_end_of_text_end_a_completion() {
    let mut engine = engine(4);
    let plain = GenerateRequest { max_new_tokens: 60, ..request(1) };
    let whole = engine.generate(std::slice::from_ref(&plain)).unwrap().remove(0);
    assert!(whole.tokens.len() > 8);
    let stop = text(&whole.tokens[4..6]);
    let stopped = engine
        .generate(&[GenerateRequest { stop: vec!["never".to_owned(), stop.clone()], ..plain.clone() }])
        .unwrap()
        .remove(0);
    let place = whole.text.find(&stop).unwrap();
    assert_eq!(stopped.finish, FinishReason::Stop);
    assert_eq!(stopped.text, whole.text[..place]);
    assert_eq!(stopped.tokens, whole.tokens[..stopped.tokens.len()]);
    assert!(stopped.tokens.len() <= 6);
    // Token 0 ends a text: some of many samples meet it.
    let many: Vec<GenerateRequest> = (0..60)
        .map(|item| GenerateRequest { key: DrawKey::new(5, 0, "eos", item), ..plain.clone() })
        .collect();
    let ended = engine.generate(&many).unwrap();
    let ended: Vec<_> = ended.iter().filter(|completion| completion.finish == FinishReason::Stop).collect();
    assert!(!ended.is_empty());
    for completion in ended {
        assert_eq!(completion.tokens.last(), Some(&0));
        assert_eq!(completion.logprobs.len(), completion.tokens.len());
        assert!(!completion.text.contains(letter(0)));
    }
}

#[test]
fn limits_are_kept() {
    let mut engine = engine(2);
    let long = text(&tokens(119, 1));
    let full = text(&tokens(120, 1));
    let base = GenerateRequest { max_new_tokens: 50, sampling: Sampling::GREEDY, ..request(0) };
    let completions = engine
        .generate(&[
            GenerateRequest { prompt: long, ..base.clone() },
            GenerateRequest { prompt: full, ..base.clone() },
            GenerateRequest { max_new_tokens: 0, ..base.clone() },
        ])
        .unwrap();
    let lengths: Vec<usize> = completions.iter().map(|completion| completion.tokens.len()).collect();
    assert_eq!(lengths, [1, 0, 0]);
    assert!(completions.iter().all(|completion| completion.finish != FinishReason::Stop));
    assert!(engine.generate(&[]).unwrap().is_empty());
    let error =
        engine.generate(&[base.clone(), GenerateRequest { prompt: String::new(), ..base }]).unwrap_err();
    assert_eq!(error.to_string(), "request 1: the prompt has no tokens");
}

fn serving(slots: usize) -> Serving {
    let config = EngineConfig { slots, max_context: 120 };
    Serving::new(weights(false, 11), tokenizer(80), config).unwrap()
}

#[test]
fn a_completion_served_a_token_at_a_time_is_the_same_although_others_come_and_go() {
    let requests: Vec<GenerateRequest> = (0..24).map(request).collect();
    let alone: Vec<_> = engine(8)
        .generate(&requests)
        .unwrap()
        .iter()
        .map(|completion| (bits(completion), completion.finish))
        .collect();
    for (slots, threads) in [(1, 1), (5, 1), (6, 2)] {
        let served = on_threads(threads, || {
            let mut serving = serving(slots);
            let (mut waiting, mut ended) =
                ((0..24_u64).collect::<Vec<_>>(), std::collections::BTreeMap::new());
            let mut told: std::collections::BTreeMap<u64, Vec<u32>> = std::collections::BTreeMap::new();
            let mut passes = 0;
            while !waiting.is_empty() || serving.active() > 0 {
                while let Some(&id) = waiting.last() {
                    let request = ServingRequest { request: requests[id as usize].clone(), top_logprobs: 0 };
                    if serving.begin(id, &request).unwrap().is_none() {
                        break;
                    }
                    waiting.pop();
                }
                // A stranger that is ended early changes nobody's completion.
                let stranger = ServingRequest { request: request(99), top_logprobs: 2 };
                if passes % 3 == 0 {
                    let _ = serving.begin(1_000, &stranger).unwrap();
                }
                for served in serving.advance().unwrap() {
                    told.entry(served.id).or_default().extend(served.token);
                    if served.id == 1_000 {
                        assert_eq!(served.top.len(), 2);
                        assert!(served.top[0].1 >= served.top[1].1 && served.top[0].1 <= 0.0);
                    } else if let Some(end) = served.end {
                        ended.insert(served.id, end);
                    }
                }
                if passes % 3 == 1 {
                    serving.cancel(1_000);
                }
                passes += 1;
            }
            for (id, completion) in &ended {
                assert_eq!(told.get(id).cloned().unwrap_or_default(), completion.tokens, "{id}");
            }
            ended
        });
        assert_eq!(served.len(), 24);
        for (id, completion) in &served {
            assert_eq!(
                (bits(completion), completion.finish),
                alone[*id as usize],
                "{id}, {slots} slots, {threads} threads"
            );
        }
    }
}

#[test]
fn a_request_is_served_by_the_weights_it_began_with() {
    let weights = weights(false, 11);
    let config = EngineConfig { slots: 4, max_context: 120 };
    let mut engine = Engine::new(Arc::clone(&weights), tokenizer(80), config).unwrap();
    let long = GenerateRequest { max_new_tokens: 30, sampling: Sampling::GREEDY, ..request(6) };
    let before = bits(&engine.generate(std::slice::from_ref(&long)).unwrap()[0]);
    let mut serving = Serving::new(Arc::clone(&weights), tokenizer(80), config).unwrap();
    let asked = ServingRequest { request: long.clone(), top_logprobs: 0 };
    assert_eq!(serving.begin(1, &asked).unwrap(), Some(0));
    serving.advance().unwrap();
    let mut trainer = trainer(&weights, 1);
    let batch = vec![WeightedSequence { tokens: tokens(40, 1), weights: vec![1.0; 40] }];
    trainer.cross_entropy_step(&batch, 39.0, 0.05).unwrap();
    assert_eq!(serving.ready_version(), None);
    assert_eq!(serving.begin(2, &asked).unwrap(), None, "the old request is still in work");
    let mut ended = None;
    while ended.is_none() {
        ended = serving.advance().unwrap().into_iter().find_map(|served| served.end);
    }
    assert_eq!(bits(&ended.unwrap()), before);
    assert_eq!(serving.begin(2, &asked).unwrap(), Some(1));
    let after = bits(&engine.generate(&[long]).unwrap()[0]);
    assert_ne!(after, before, "the update was meant to matter");
    let mut ended = None;
    while ended.is_none() {
        ended = serving.advance().unwrap().into_iter().find_map(|served| served.end);
    }
    assert_eq!(bits(&ended.unwrap()), after);
}
