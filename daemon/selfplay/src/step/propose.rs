//! The proposer's part of a step: prompts, responses, validity, learnability, rewards, buffers.

use super::{
    Gathered, State, StepContext, find_duplicates, generate, identity, items_within_type, prompt_limit,
    repeated, rollout_request, token_count,
};
use crate::config::{Mode, SelfPlayConfig};
use crate::draw::{Purpose, stream};
use crate::error::SelfPlayError;
use crate::intrinsic;
use crate::learnability::{Estimate, Learnability, estimate};
use crate::observe::Event;
use crate::parse;
use crate::policy::Policy;
use crate::propose::{PromptSource, Proposal, ProposerPrompt, proposer_prompts, read_proposals};
use crate::reward::{IntrinsicValues, enters_buffer, proposer_reward};
use crate::rollout::{Rollout, learnability_stats, reference_hashes};
use crate::task::{Group, Role, Task, TaskType};
use crate::validate::validate;
use azr_model::Completion;
use azr_model::random::DrawKey;
use std::collections::BTreeSet;

/// A proposal's way through the step.
struct Proposed {
    prompt: ProposerPrompt,
    completion: Completion,
    /// Index of the prompt within its type, which keys its draws.
    item: usize,
    proposal: Proposal,
    /// The task, or the word for why there is none.
    outcome: Result<Task, String>,
    duplicate: bool,
    estimate: Option<(Learnability, IntrinsicValues)>,
}

/// The proposer's part for the types of one wave; valid proposals enter the buffers at once.
pub(super) fn propose<P: Policy>(
    context: &mut StepContext<'_, P>,
    state: &mut State,
    step: u64,
    wave: &[TaskType],
    gathered: &mut Gathered,
) -> Result<(), SelfPlayError> {
    let (prompts, completions) = respond(context, state, step, wave, gathered)?;
    let mut proposed = judge_proposals(context, state, step, prompts, completions, gathered);
    estimate_learnability(context, state, step, wave, &mut proposed, gathered)?;
    let entering = reward(context.config, proposed, gathered);
    let counted: Vec<&Task> = entering.iter().map(|(task, _)| task).collect();
    state.counts.add(context.judge, &context.config.intrinsic, &counted);
    for (task, accuracy) in entering {
        state.buffers.add(task, step, accuracy);
    }
    Ok(())
}

/// Prompts of every type of the wave, and the model's responses.
fn respond<P: Policy>(
    context: &mut StepContext<'_, P>,
    state: &State,
    step: u64,
    wave: &[TaskType],
    gathered: &mut Gathered,
) -> Result<(Vec<ProposerPrompt>, Vec<Completion>), SelfPlayError> {
    let config = context.config;
    context.observer.event(Event::Phase { step, name: "propose" });
    let started = (context.clock)();
    let limit = prompt_limit(config, context.policy);
    let mut prompts: Vec<ProposerPrompt> = Vec::new();
    let mut requests = Vec::new();
    for &task_type in wave {
        let fits = |text: &str| context.policy.count_tokens(text) <= limit;
        let n = config.rollout.proposals_of(task_type);
        let key = DrawKey::new(config.run.seed, step, stream(Purpose::References, task_type), 0);
        let source = PromptSource {
            config,
            prompts: context.prompts,
            buffers: &state.buffers,
            judge: context.judge,
            composition: config.compose.at(step, config.mode),
        };
        let made = proposer_prompts(&source, task_type, n, &key, fits);
        let made = repeated(made, config.rollout.responses_per_prompt);
        requests.extend(made.iter().enumerate().map(|(item, prompt)| {
            rollout_request(
                config,
                &prompt.text,
                DrawKey::new(config.run.seed, step, stream(Purpose::Propose, task_type), item as u64),
            )
        }));
        prompts.extend(made);
    }
    let completions = generate(context.policy, &requests)?;
    gathered.tokens += token_count(&completions);
    gathered.seconds("propose", (context.clock)() - started);
    Ok((prompts, completions))
}

/// Parses the responses and runs what they propose.
fn judge_proposals<P: Policy>(
    context: &mut StepContext<'_, P>,
    state: &State,
    step: u64,
    prompts: Vec<ProposerPrompt>,
    completions: Vec<Completion>,
    gathered: &mut Gathered,
) -> Vec<Proposed> {
    let (config, judge) = (context.config, context.judge);
    context.observer.event(Event::Phase { step, name: "validate" });
    let started = (context.clock)();
    let responses: Vec<(&ProposerPrompt, String)> = prompts
        .iter()
        .zip(&completions)
        .map(|(prompt, completion)| {
            (prompt, parse::response_text(&prompt.text, &completion.text, config.mode == Mode::Paper))
        })
        .collect();
    let proposals = read_proposals(judge, &config.proposer, &responses);
    let (places, candidates): (Vec<usize>, Vec<_>) = proposals
        .iter()
        .enumerate()
        .filter_map(|(index, proposal)| proposal.candidate.clone().map(|candidate| (index, candidate)))
        .unzip();
    let mut outcomes: Vec<Result<Task, String>> = vec![Err("unparsed".into()); proposals.len()];
    for (index, outcome) in places.into_iter().zip(validate(judge, config, &candidates)) {
        outcomes[index] = outcome;
    }
    let duplicates: BTreeSet<usize> = find_duplicates(config, &state.buffers, &outcomes);
    let items = items_within_type(&prompts);
    let proposed = prompts.into_iter().zip(completions).zip(items).zip(proposals).zip(outcomes);
    let proposed = proposed
        .enumerate()
        .map(|(index, ((((prompt, completion), item), proposal), outcome))| Proposed {
            prompt,
            completion,
            item,
            proposal,
            outcome,
            duplicate: duplicates.contains(&index),
            estimate: None,
        })
        .collect();
    gathered.seconds("validate", (context.clock)() - started);
    proposed
}

/// Lets the current policy solve every new valid proposal several times.
fn estimate_learnability<P: Policy>(
    context: &mut StepContext<'_, P>,
    state: &State,
    step: u64,
    wave: &[TaskType],
    proposed: &mut [Proposed],
    gathered: &mut Gathered,
) -> Result<(), SelfPlayError> {
    let (config, judge) = (context.config, context.judge);
    context.observer.event(Event::Phase { step, name: "learnability" });
    let started = (context.clock)();
    let (places, wanted): (Vec<usize>, Vec<Estimate<'_>>) = proposed
        .iter()
        .enumerate()
        .filter(|(_, one)| !one.duplicate)
        .filter_map(|(index, one)| {
            let task = one.outcome.as_ref().ok()?;
            Some((index, Estimate { task, proposal: one.item }))
        })
        .unzip();
    let found = estimate(context.policy, judge, config, context.prompts, step, &wanted)?;
    let measured: Vec<_> = places
        .iter()
        .zip(&wanted)
        .map(|(&index, one)| (one.task, proposed[index].prompt.references.as_slice()))
        .collect();
    let values = intrinsic::measure(judge, &config.intrinsic, &state.counts, &measured);
    for ((&index, learnability), value) in places.iter().zip(found).zip(values) {
        let one = &mut proposed[index];
        gathered.record_estimates(
            step,
            one.prompt.task_type,
            one.item,
            &learnability,
            context.policy.version(),
        );
        one.estimate = Some((learnability, value));
    }
    for &task_type in wave {
        let accuracies: Vec<f64> = proposed
            .iter()
            .filter(|one| one.prompt.task_type == task_type)
            .filter_map(|one| one.estimate.as_ref().map(|(learnability, _)| learnability.accuracy))
            .collect();
        gathered.learnability.push(learnability_stats(task_type, &accuracies, config.learnability.n_samples));
    }
    gathered.seconds("learnability", (context.clock)() - started);
    Ok(())
}

/// Rewards every proposal, records it, and returns the tasks that enter the buffers with the solver's accuracy on them.
fn reward(config: &SelfPlayConfig, proposed: Vec<Proposed>, gathered: &mut Gathered) -> Vec<(Task, f64)> {
    let mut entering = Vec::new();
    for one in proposed {
        let (reward, verdict, enters) = reward_of(config, &one);
        gathered.rollouts.push(Rollout {
            group: Group::new(one.prompt.task_type, Role::Propose),
            task_id: one.item / config.rollout.responses_per_prompt,
            sample: one.item % config.rollout.responses_per_prompt,
            prompt: one.prompt.text,
            completion: one.completion,
            verdict,
            success: one.outcome.is_ok(),
            well_formed: one.proposal.well_formed,
            traced: one.proposal.traced,
            reward,
            identity: one.outcome.as_ref().ok().map(identity),
            program: one.outcome.as_ref().ok().and_then(Task::triplet).map(|triplet| triplet.program.clone()),
            answer: one.outcome.as_ref().ok().and_then(Task::triplet).map(|triplet| triplet.output.clone()),
            references: reference_hashes(&one.prompt.references),
        });
        if let (true, Ok(task)) = (enters, one.outcome) {
            entering.push((task, one.estimate.map_or(0.0, |(learnability, _)| learnability.accuracy)));
        }
    }
    entering
}

/// Reward, the word for the record, and whether the task enters its buffer.
fn reward_of(config: &SelfPlayConfig, one: &Proposed) -> (f32, String, bool) {
    let format_reward = config.solver.format_reward;
    let task = match &one.outcome {
        Ok(task) => task,
        Err(reason) => return (format_reward, reason.clone(), false),
    };
    let Some((learnability, values)) = &one.estimate else {
        let duplicate_reward = config.proposer.duplicate_reward.filter(|_| one.proposal.well_formed);
        return (duplicate_reward.unwrap_or(format_reward), "duplicate".to_owned(), false);
    };
    let reward = proposer_reward(
        one.proposal.well_formed,
        Some(learnability.accuracy),
        values,
        &config.learnability,
        &intrinsic::terms_of(&config.intrinsic, task.task_type()),
        format_reward,
    );
    let verdict = if learnability.too_long { "prompt_too_long" } else { "valid" };
    let enters = !learnability.too_long && enters_buffer(learnability.accuracy, config.learnability.filter);
    (reward, verdict.to_owned(), enters)
}
