//! What a run will need, before it starts: memory, and the time of a step on this machine.
//!
//! The time rests on a measurement of a second or two with the embedded model (the same that `azr doctor` shows) and on the
//! work of a step: 2 operations a parameter and token to generate or score, 6 to learn. It assumes responses of a sixth of
//! their limit, at most 500 tokens, prompts of a quarter of theirs (about what the runs with published settings have), and half
//! of the proposals valid; a real step may take a few times more or less.

use crate::clock::{Stopwatch, readable};
use crate::config::Config;
use crate::memory::Needs;
use crate::models;
use crate::provenance::Machine;
use crate::published;
use crate::session;
use azr_model::random::DrawKey;
use azr_model::{Generate, GenerateRequest, Sampling};
use azr_selfplay::Policy;
use azr_selfplay::policy::TrainSequence;

/// What this machine does, measured with the embedded model, in operations a second.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// While generating.
    pub generating: f64,
    /// While scoring and learning.
    pub training: f64,
}

/// Measures the machine.
pub fn measure() -> anyhow::Result<Speed> {
    let config = crate::config::presets::load(&["tiny".to_owned()], &[])?;
    let model = models::load(models::EMBEDDED)?;
    let work = 2.0 * Needs::of(model.folder.weights.config()).active as f64;
    let mut policy = session::policy(&config, &model)?;
    let prompt = "Deduce the output.\n```python\ndef f(x):\n    return x + 1\n```\n```input\n1\n```\n<think>";
    let requests: Vec<GenerateRequest> = (0..64)
        .map(|item| GenerateRequest {
            prompt: prompt.into(),
            max_new_tokens: 64,
            stop: Vec::new(),
            sampling: Sampling::at(1.0),
            key: DrawKey::new(1, 0, "speed", item),
        })
        .collect();
    let clock = Stopwatch::start();
    let mut completions = policy.generate(&requests)?;
    let generated: usize = completions.iter().map(|one| one.tokens.len() + one.prompt_tokens.len()).sum();
    let generating = generated as f64 * work / clock.seconds().max(1e-6);
    let sequences: Vec<TrainSequence> = completions
        .drain(..)
        .map(|one| TrainSequence {
            advantages: vec![0.0; one.tokens.len()],
            old_logprobs: one.logprobs,
            prompt_tokens: one.prompt_tokens,
            response_tokens: one.tokens,
        })
        .collect();
    let scored: usize = sequences.iter().map(|one| one.prompt_tokens.len() + one.response_tokens.len()).sum();
    let clock = Stopwatch::start();
    policy.score(&sequences)?;
    Ok(Speed { generating, training: scored as f64 * work / clock.seconds().max(1e-6) })
}

/// What a step of a configuration amounts to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Work {
    /// Responses that are trained on.
    responses: f64,
    /// Learnability answers.
    estimates: f64,
    prompt_tokens: f64,
    response_tokens: f64,
}

fn work_of(config: &Config) -> Work {
    let selfplay = &config.selfplay;
    let types = &selfplay.run.task_types;
    let each = selfplay.rollout.responses_per_prompt as f64;
    let count = |of: &dyn Fn(azr_selfplay::TaskType) -> usize| {
        types.iter().map(|task_type| of(*task_type)).sum::<usize>() as f64 * each
    };
    let proposals = count(&|task_type| selfplay.rollout.proposals_of(task_type));
    let solves = count(&|task_type| selfplay.rollout.solves_of(task_type));
    Work {
        responses: proposals + solves,
        estimates: 0.5 * proposals * selfplay.learnability.n_samples as f64,
        prompt_tokens: 0.25 * selfplay.rollout.content_max_tokens as f64,
        response_tokens: (selfplay.rollout.max_response_tokens as f64 / 6.0).min(500.0),
    }
}

/// The plan as text, to stand below the resolved configuration (every line a comment of TOML).
pub fn describe(config: &Config) -> anyhow::Result<String> {
    let shape = published::shape(&config.model.path)?;
    let needs = Needs::of(&shape);
    let speed = measure()?;
    let machine = Machine::detect();
    let work = work_of(config);
    let parameters = needs.parameters as f64;
    let context =
        (config.selfplay.rollout.content_max_tokens + config.selfplay.rollout.max_response_tokens) as f64;
    let gib = |bytes: f64| format!("{:.2} GiB", bytes / (1_u64 << 30) as f64);
    // Weights, gradient and two moments in 32 bits; a chunk keeps about 14 numbers a token, layer and width, and the head's
    // logits once; the cache has a slot for each of 64 sequences.
    let weights = 4.0 * parameters;
    let optimizer = 8.0 * parameters;
    let activations = config.selfplay.update.chunk_sequences as f64
        * (work.prompt_tokens + work.response_tokens)
        * 4.0
        * (14.0 * (shape.num_hidden_layers * shape.hidden_size) as f64 + shape.vocab_size as f64);
    let cache = 64.0 * context * needs.cache_per_token as f64;
    // The KL term keeps the weights that the run began with, and scores every response under them.
    let held = config.selfplay.update.kl_coefficient > 0.0;
    let reference = if held { weights } else { 0.0 };
    let total = 2.0 * weights + reference + optimizer + activations + cache;
    let active = needs.active as f64;
    let tokens = (work.responses + work.estimates) * work.response_tokens;
    // The answers to one proposal share their prompt.
    let prompts = (work.responses + work.estimates / config.selfplay.learnability.n_samples.max(1) as f64)
        * work.prompt_tokens;
    let generate = (tokens + prompts) * 2.0 * active / speed.generating;
    let learned = work.responses * (work.prompt_tokens + work.response_tokens);
    let passes = config.selfplay.update.epochs as f64 * 6.0
        + if config.selfplay.update.recompute_logprobs { 2.0 } else { 0.0 }
        + if held { 2.0 } else { 0.0 };
    let learn = learned * passes * active / speed.training;
    let fits = if total < machine.memory_mib as f64 * 1_048_576.0 { "fits" } else { "does NOT fit" };
    Ok(format!(
        "# plan for {model}: {parameters:.3} B parameters ({family}, {layers} layers of width {hidden})\n\
         # memory: weights {weights} + gradient {gradient} + optimizer {optimizer} + activations {activations} + cache \
         {cache}{reference} = {total}, {fits} in {memory} GiB\n\
         # a step: {responses:.0} responses, about {estimates:.0} learnability answers, {tokens:.0} tokens to generate\n\
         # this machine: {generating:.1} GFLOP/s generating, {training:.1} GFLOP/s training ({cores} cores)\n\
         # predicted step time: {step} ({generate} generating, {learn} learning)\n",
        model = config.model.path,
        parameters = parameters / 1e9,
        family = shape.model_type,
        layers = shape.num_hidden_layers,
        hidden = shape.hidden_size,
        weights = gib(weights),
        gradient = gib(weights),
        optimizer = gib(optimizer),
        activations = gib(activations),
        cache = gib(cache),
        reference = if held { format!(" + frozen reference {}", gib(reference)) } else { String::new() },
        total = gib(total),
        memory = machine.memory_mib / 1_024,
        responses = work.responses,
        estimates = work.estimates,
        generating = speed.generating / 1e9,
        training = speed.training / 1e9,
        cores = machine.cores,
        step = readable(generate + learn),
        generate = readable(generate),
        learn = readable(learn),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::presets;

    #[test]
    fn the_published_step_has_its_responses() {
        let work = work_of(&presets::load(&["qwen2.5-7b-coder".to_owned()], &[]).unwrap());
        assert_eq!(work.responses, 384.0);
        assert_eq!(work.estimates, 0.5 * 192.0 * 8.0);
        assert_eq!(work.response_tokens, 500.0);
    }

    #[test]
    fn every_line_of_a_plan_is_a_comment() {
        let config = presets::load(&["qwen2.5-14b".to_owned()], &[]).unwrap();
        let plan = describe(&config).unwrap();
        assert!(plan.lines().all(|line| line.starts_with("# ")), "{plan}");
        assert!(plan.contains("14.770 B parameters"), "{plan}");
        assert!(plan.contains("predicted step time"));
    }
}
