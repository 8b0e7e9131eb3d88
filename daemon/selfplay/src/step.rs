//! One self-play step (spec section 3): propose, validate, estimate, buffer, solve, learn.
//!
//! The paper's order is kept: solver tasks are drawn from the buffers as they stood before the step, the types are
//! handled one after the other, valid proposals enter the buffer at once, and the six groups make one update. With
//! `rollout.batch_types` (ours) the responses of all types are generated together, for engines that are faster on
//! large batches; then the proposals of one type cannot yet be references of another in the same step.

use crate::advantage::{Rewarded, advantages};
use crate::buffers::Buffers;
use crate::config::{Mode, SelfPlayConfig};
use crate::draw::{self, Purpose, stream};
use crate::error::SelfPlayError;
use crate::health::Health;
use crate::intrinsic::AnswerCounts;
use crate::judge::Judge;
use crate::learnability::Learnability;
use crate::observe::{Clock, Event, Observer};
use crate::parse;
use crate::policy::{Policy, TrainSequence, UpdateBatch, UpdateStats};
use crate::prompt::Prompts;
use crate::propose::ProposerPrompt;
use crate::record::rollouts_hash;
use crate::record::{LearnabilityStats, RolloutRecord, StepRecord};
use crate::reward::solver_reward;
use crate::rollout::{Rollout, completion_record, group_stats};
use crate::solve::grade_all;
use crate::task::{Group, Role, Task, TaskType};
use azr_model::random::DrawKey;
use azr_model::{Completion, GenerateRequest, Sampling};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod propose;

use propose::propose;

/// What a step reads and changes beside the weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The task buffers.
    pub buffers: Buffers,
    /// Answers counted for the rarity terms.
    pub counts: AnswerCounts,
}

/// Everything a step works with.
pub struct StepContext<'a, P: Policy> {
    /// What to do.
    pub config: &'a SelfPlayConfig,
    /// The model.
    pub policy: &'a mut P,
    /// The sandbox.
    pub judge: &'a Judge<'a>,
    /// The prompts.
    pub prompts: &'a Prompts,
    /// Receives events.
    pub observer: &'a mut dyn Observer,
    /// Time, for the report of seconds only.
    pub clock: Clock<'a>,
}

/// What a step leaves behind.
#[derive(Clone, Debug)]
pub struct StepResult {
    /// Its record, not yet sealed into the chain.
    pub record: StepRecord,
    /// Its rollouts.
    pub rollouts: Vec<RolloutRecord>,
    /// Wall-clock seconds of its parts.
    pub seconds: BTreeMap<String, f64>,
}

/// What a step gathers.
#[derive(Default)]
struct Gathered {
    rollouts: Vec<Rollout>,
    /// Learnability answers, which are recorded and not trained on.
    estimates: Vec<RolloutRecord>,
    learnability: Vec<LearnabilityStats>,
    tokens: u64,
    /// Mean distance of the sampler's and the trainer's log-probabilities.
    logprob_gap: Option<f64>,
    seconds: BTreeMap<String, f64>,
}

/// Plays one step (counted from 1) and updates the weights and the state.
pub fn play_step<P: Policy>(
    context: &mut StepContext<'_, P>,
    state: &mut State,
    step: u64,
) -> Result<StepResult, SelfPlayError> {
    let (runs_before, version) = (context.judge.runs(), context.policy.version());
    let mut gathered = Gathered::default();
    let tasks = draw_solver_tasks(context, &state.buffers, step)?;
    let types = &context.config.run.task_types;
    let waves: Vec<Vec<TaskType>> = if context.config.rollout.batch_types {
        vec![types.clone()]
    } else {
        types.iter().map(|&task_type| vec![task_type]).collect()
    };
    for wave in &waves {
        propose(context, state, step, wave, &mut gathered)?;
        solve(context, step, wave, &tasks, &mut gathered)?;
    }
    let scored = score(context.config, &gathered.rollouts);
    let updates = learn(context, step, &scored, &mut gathered)?;
    trim(context.config, &mut state.buffers, step);

    let mut rollouts: Vec<RolloutRecord> = gathered
        .rollouts
        .iter()
        .zip(&scored)
        .map(|(rollout, advantages)| {
            rollout.record(step, advantages.last().copied().unwrap_or_default(), version)
        })
        .collect();
    rollouts.append(&mut gathered.estimates);
    let mut record = StepRecord {
        step,
        version: context.policy.version(),
        groups: group_stats(&gathered.rollouts),
        learnability: gathered.learnability,
        buffers: TaskType::ALL
            .iter()
            .chain(types.iter().filter(|task_type| !TaskType::ALL.contains(task_type)))
            .map(|&task_type| (task_type.name().to_owned(), state.buffers.len_of(task_type)))
            .collect(),
        learning_rate: context.config.update.learning_rate_at(step, context.config.run.steps),
        tokens: gathered.tokens,
        sandbox_runs: context.judge.runs() - runs_before,
        rollouts_hash: rollouts_hash(&rollouts),
        health: Some(Health::of(&gathered.rollouts, gathered.logprob_gap)),
        ..StepRecord::default()
    };
    record.set_updates(&updates);
    Ok(StepResult { record, rollouts, seconds: gathered.seconds })
}

/// The solver's tasks of every type, from the buffers as they are now. Those whose prompt is too long are replaced by
/// draws with replacement from the others (spec 12).
fn draw_solver_tasks<P: Policy>(
    context: &StepContext<'_, P>,
    buffers: &Buffers,
    step: u64,
) -> Result<BTreeMap<TaskType, Vec<Task>>, SelfPlayError> {
    let config = context.config;
    let limit = prompt_limit(config, context.policy);
    let mut tasks = BTreeMap::new();
    for &task_type in &config.run.task_types {
        let name = stream(Purpose::Tasks, task_type);
        let mut rng = DrawKey::new(config.run.seed, step, name, 0).rng();
        let n = config.rollout.solves_of(task_type);
        let mut drawn = buffers.draw_tasks(task_type, n, step, &config.buffers, config.mode, &mut rng);
        drawn.retain(|task| context.policy.count_tokens(&context.prompts.solve(task)) <= limit);
        let kept = drawn.len();
        if kept == 0 && n > 0 && task_type != TaskType::Induction {
            return Err(SelfPlayError::NoTasks(format!(
                "step {step}: no {task_type} task of the buffer has a prompt of at most {limit} tokens"
            )));
        }
        while kept > 0 && drawn.len() < n {
            drawn.push(drawn[draw::index(&mut rng, kept)].clone());
        }
        tasks.insert(task_type, repeated(drawn, config.rollout.responses_per_prompt));
    }
    Ok(tasks)
}

/// The solver's part for the types of one wave.
fn solve<P: Policy>(
    context: &mut StepContext<'_, P>,
    step: u64,
    wave: &[TaskType],
    tasks: &BTreeMap<TaskType, Vec<Task>>,
    gathered: &mut Gathered,
) -> Result<(), SelfPlayError> {
    let config = context.config;
    context.observer.event(Event::Phase { step, name: "solve" });
    let started = (context.clock)();
    let chosen: Vec<(usize, &Task)> = wave
        .iter()
        .filter_map(|task_type| tasks.get(task_type))
        .flat_map(|tasks| tasks.iter().enumerate())
        .collect();
    let requests: Vec<GenerateRequest> = chosen
        .iter()
        .map(|(item, task)| {
            let name = stream(Purpose::Solve, task.task_type());
            rollout_request(
                config,
                &context.prompts.solve(task),
                DrawKey::new(config.run.seed, step, name, *item as u64),
            )
        })
        .collect();
    let completions = generate(context.policy, &requests)?;
    gathered.tokens += token_count(&completions);
    gathered.seconds("solve", (context.clock)() - started);

    context.observer.event(Event::Phase { step, name: "grade" });
    let started = (context.clock)();
    let answers: Vec<_> = requests
        .iter()
        .zip(&completions)
        .zip(&chosen)
        .map(|((request, completion), (_, task))| {
            let text = parse::response_text(&request.prompt, &completion.text, config.mode == Mode::Paper);
            context.judge.read_answer(task.task_type(), &text)
        })
        .collect();
    let graded: Vec<(&Task, &str)> = chosen
        .iter()
        .zip(&answers)
        .map(|((_, task), answer)| (*task, answer.text.as_deref().unwrap_or_default()))
        .collect();
    let grades = grade_all(context.judge, &graded, config.solver.induction_score);
    for ((((item, task), request), completion), (answer, grade)) in
        chosen.iter().zip(&requests).zip(completions).zip(answers.iter().zip(grades))
    {
        gathered.rollouts.push(Rollout {
            group: Group::new(task.task_type(), Role::Solve),
            task_id: *item / config.rollout.responses_per_prompt,
            sample: *item % config.rollout.responses_per_prompt,
            prompt: request.prompt.clone(),
            completion,
            reward: solver_reward(answer.well_formed, grade.accuracy, &config.solver),
            success: answer.well_formed && grade.is_right(),
            verdict: if answer.well_formed { grade.verdict } else { "format".into() },
            well_formed: answer.well_formed,
            traced: answer.traced,
            identity: None,
            program: None,
            answer: None,
            references: String::new(),
        });
    }
    gathered.seconds("grade", (context.clock)() - started);
    Ok(())
}

/// Advantages of all rollouts; those that are not trained on have none and weigh in no baseline.
fn score(config: &SelfPlayConfig, rollouts: &[Rollout]) -> Vec<Vec<f32>> {
    let trained: Vec<usize> =
        (0..rollouts.len()).filter(|&index| is_trained(config, &rollouts[index])).collect();
    let rewarded: Vec<Rewarded<'_>> = trained.iter().map(|&index| rollouts[index].rewarded()).collect();
    let mut scored = vec![Vec::new(); rollouts.len()];
    for (index, row) in trained.into_iter().zip(advantages(&rewarded, &config.advantage)) {
        scored[index] = row;
    }
    scored
}

fn is_trained(config: &SelfPlayConfig, rollout: &Rollout) -> bool {
    match rollout.group.role {
        Role::Propose => config.proposer.train,
        Role::Solve => config.solver.train,
    }
}

/// Every item `times` times, one after the other: the responses to one prompt.
fn repeated<T: Clone>(items: Vec<T>, times: usize) -> Vec<T> {
    if times == 1 {
        return items;
    }
    items.into_iter().flat_map(|item| std::iter::repeat_n(item, times)).collect()
}

/// The update, or the few of them that the step's rollouts are cut into.
fn learn<P: Policy>(
    context: &mut StepContext<'_, P>,
    step: u64,
    scored: &[Vec<f32>],
    gathered: &mut Gathered,
) -> Result<Vec<UpdateStats>, SelfPlayError> {
    let config = context.config;
    context.observer.event(Event::Phase { step, name: "update" });
    let started = (context.clock)();
    let mut sequences: Vec<TrainSequence> = gathered
        .rollouts
        .iter()
        .zip(scored)
        .filter(|(_, advantages)| !advantages.is_empty())
        .map(|(rollout, advantages)| rollout.sequence(advantages))
        .collect();
    if config.update.recompute_logprobs {
        let scores =
            context.policy.score(&sequences).map_err(|error| SelfPlayError::policy("score", &error))?;
        let (mut distance, mut count) = (0.0, 0_usize);
        for (sequence, logprobs) in sequences.iter_mut().zip(scores) {
            for (sampled, scored) in sequence.old_logprobs.iter().zip(&logprobs) {
                distance += f64::from((sampled - scored).abs());
                count += 1;
            }
            sequence.old_logprobs = logprobs;
        }
        gathered.logprob_gap = Some(distance / count.max(1) as f64);
    }
    let learning_rate = config.update.learning_rate_at(step, config.run.steps);
    let mut stats = Vec::new();
    for epoch in 0..config.update.epochs {
        for batch in minibatches(config, step, epoch as u64, &sequences) {
            let update = UpdateBatch { sequences: &batch, config: &config.update, learning_rate };
            stats.push(
                context.policy.update(&update).map_err(|error| SelfPlayError::policy("learn", &error))?,
            );
        }
    }
    gathered.seconds("update", (context.clock)() - started);
    Ok(stats)
}

/// The whole step in its own order where it makes one update (the paper), else cut in a drawn order.
fn minibatches(
    config: &SelfPlayConfig,
    step: u64,
    epoch: u64,
    sequences: &[TrainSequence],
) -> Vec<Vec<TrainSequence>> {
    let count = config.update.updates_per_step.min(sequences.len());
    if count <= 1 {
        return if sequences.is_empty() { Vec::new() } else { vec![sequences.to_vec()] };
    }
    let mut rng = DrawKey::new(config.run.seed, step, "minibatches", epoch).rng();
    let order = draw::sample(&mut rng, sequences.len(), sequences.len());
    (0..count)
        .map(|part| {
            let range = part * sequences.len() / count..(part + 1) * sequences.len() / count;
            order[range].iter().map(|&index| sequences[index].clone()).collect()
        })
        .collect()
}

fn trim(config: &SelfPlayConfig, buffers: &mut Buffers, step: u64) {
    let rng = |task_type| DrawKey::new(config.run.seed, step, stream(Purpose::Trim, task_type), 0).rng();
    buffers.deduction.trim(step, &config.buffers, &mut rng(TaskType::Deduction));
    buffers.abduction.trim(step, &config.buffers, &mut rng(TaskType::Abduction));
    buffers.induction.trim(step, &config.buffers, &mut rng(TaskType::Induction));
    buffers.error.trim(step, &config.buffers, &mut rng(TaskType::Error));
    buffers.custom.trim(step, &config.buffers, &mut rng(TaskType::Custom));
}

impl Gathered {
    fn seconds(&mut self, part: &str, seconds: f64) {
        *self.seconds.entry(part.to_owned()).or_default() += seconds;
    }

    fn record_estimates(
        &mut self,
        step: u64,
        task_type: TaskType,
        item: usize,
        one: &Learnability,
        version: u64,
    ) {
        for (sample, (completion, grade)) in one.answers.iter().enumerate() {
            self.tokens += completion.tokens.len() as u64;
            self.estimates.push(RolloutRecord {
                step,
                task_type: task_type.name().into(),
                role: "estimate".into(),
                task_id: item as u64,
                sample: sample as u32,
                verdict: grade.verdict.clone(),
                reward: grade.accuracy.unwrap_or_default(),
                weights_version: version,
                ..completion_record(&one.prompt, completion)
            });
        }
    }
}

/// Index of every prompt within its own type.
fn items_within_type(prompts: &[ProposerPrompt]) -> Vec<usize> {
    let mut next: BTreeMap<TaskType, usize> = BTreeMap::new();
    prompts
        .iter()
        .map(|prompt| {
            let count = next.entry(prompt.task_type).or_default();
            *count += 1;
            *count - 1
        })
        .collect()
}

/// What makes two tasks the same task.
fn identity(task: &Task) -> String {
    match task {
        Task::Deduction(triplet)
        | Task::Abduction(triplet)
        | Task::Error(triplet)
        | Task::Custom(triplet) => {
            format!("{}\u{0}{}\u{0}{}", task.task_type(), triplet.program, triplet.input)
        }
        Task::Induction(task) => {
            let inputs: Vec<&str> =
                task.shown.iter().chain(&task.hidden).map(|pair| pair.input.as_str()).collect();
            format!("induction\u{0}{}\u{0}{}", task.program, inputs.join("\u{0}"))
        }
    }
}

/// Indices of valid proposals that equal a buffer entry or an earlier proposal; empty where duplicates count.
fn find_duplicates(
    config: &SelfPlayConfig,
    buffers: &Buffers,
    outcomes: &[Result<Task, String>],
) -> BTreeSet<usize> {
    if config.proposer.duplicate_reward.is_none() {
        return BTreeSet::new();
    }
    let mut known: BTreeSet<String> = buffers.tasks().map(|task| identity(&task)).collect();
    outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| outcome.as_ref().is_ok_and(|task| !known.insert(identity(task))))
        .map(|(index, _)| index)
        .collect()
}

fn rollout_request(config: &SelfPlayConfig, prompt: &str, key: DrawKey) -> GenerateRequest {
    GenerateRequest {
        prompt: prompt.to_owned(),
        max_new_tokens: config.rollout.max_response_tokens,
        stop: Vec::new(),
        sampling: Sampling {
            temperature: config.rollout.temperature,
            top_p: config.rollout.top_p,
            ..Sampling::GREEDY
        },
        key,
    }
}

fn token_count(completions: &[Completion]) -> u64 {
    completions.iter().map(|completion| completion.tokens.len() as u64).sum()
}

/// Tokens that a prompt may have.
pub(crate) fn prompt_limit<P: Policy>(config: &SelfPlayConfig, policy: &P) -> usize {
    config.rollout.content_max_tokens.min(policy.context_tokens().saturating_sub(1))
}

/// Completes requests; nothing is asked of the model for none.
pub(crate) fn generate<P: Policy>(
    policy: &mut P,
    requests: &[GenerateRequest],
) -> Result<Vec<Completion>, SelfPlayError> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let completions = policy.generate(requests).map_err(|error| SelfPlayError::policy("generate", &error))?;
    if completions.len() == requests.len() {
        Ok(completions)
    } else {
        let reason = format!("{} completions for {} requests", completions.len(), requests.len());
        Err(SelfPlayError::Policy { what: "generate", reason })
    }
}
