//! A whole run in its folder: seeding, steps, records, checkpoints, evaluation, stop and resume.
//!
//! The folder is the only state. Resume starts from the last complete checkpoint and plays the steps after it again;
//! the lines that are already there must come out the same (`exact`, on the CPU), nothing is appended twice.

use crate::checkpoint;
use crate::config::{ConfigError, SelfPlayConfig};
use crate::error::SelfPlayError;
use crate::files::{append_line, cannot_write, make_folder, replace};
use crate::judge::Judge;
use crate::observe::{Clock, Evaluate, Event, Observer};
use crate::policy::Policy;
use crate::prompt::{Prompts, ReferenceTexts};
use crate::record::{StepRecord, write_rollouts};
use crate::seed::{Seeds, seeds};
use crate::step::{State, StepContext, play_step};
use crate::task::TaskType;
use crate::task_kind::TaskKind;
use azr_executor::Sandbox;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

mod folder;

use folder::RunFolder;
pub(crate) use folder::{chain_start, config_hash, first_difference};
pub use folder::{cut_lines, same_settings};

/// Everything a run needs from outside.
pub struct RunContext<'a, P: Policy> {
    /// What to do.
    pub config: &'a SelfPlayConfig,
    /// The model; on resume it must be the one that the run started from or any of the same shape.
    pub policy: &'a mut P,
    /// Runs the programs.
    pub sandbox: &'a Sandbox,
    /// The run folder; created where it does not exist.
    pub folder: &'a Path,
    /// Go on from the last complete checkpoint.
    pub resume: bool,
    /// Recomputed steps must equal the recorded ones (true on the CPU); else the recorded ones are set aside in
    /// `superseded/`.
    pub exact: bool,
    /// Tasks to start from instead of those that the configuration asks for.
    pub seeds: Option<Seeds>,
    /// Programs of the evaluations: proposals that are one of them are refused (ours; the reference has no such
    /// case, its benchmarks are not programs of the method).
    pub held_out: &'a BTreeSet<String>,
    /// Texts of the prompt profile `reference`.
    pub reference_texts: Option<ReferenceTexts>,
    /// What `run.json` says beside seed and hashes: code version, machine, model (any JSON object).
    pub info: serde_json::Value,
    /// Receives events.
    pub observer: &'a mut dyn Observer,
    /// Scores the policy every `evaluate_every` steps.
    pub evaluate: &'a mut dyn Evaluate<P>,
    /// Set to stop after the current step, with a checkpoint.
    pub stop: &'a AtomicBool,
    /// Seconds since any fixed point.
    pub clock: Clock<'a>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Finished {
        /// Steps of the run.
        steps: u64,
        /// Hash of the last line of `steps.jsonl`.
        chain: String,
    },
    /// Stopped by the flag; a checkpoint of this step is complete.
    Stopped {
        /// The last step done.
        step: u64,
    },
}

/// Where a run stands.
struct Position {
    step: u64,
    chain: String,
    state: State,
    /// Recorded lines after the checkpoint, still to be recomputed.
    recorded: std::collections::VecDeque<StepRecord>,
}

/// Runs self-play to its end or to the stop flag.
pub fn run<P: Policy>(context: RunContext<'_, P>) -> Result<Outcome, SelfPlayError> {
    run_with_task(context, None)
}

/// [`run`] with a task type of the caller's own, named `custom` in `run.task_types`.
pub fn run_with_task<P: Policy>(
    mut context: RunContext<'_, P>,
    custom: Option<Arc<dyn TaskKind>>,
) -> Result<Outcome, SelfPlayError> {
    context.config.check()?;
    let config = context.config;
    if config.run.task_types.contains(&TaskType::Custom) && custom.is_none() {
        return Err(SelfPlayError::Config(ConfigError {
            key: "run.task_types",
            reason:
                "`custom` is the name of a type that a program brings along (run_with_task); none was given"
                    .into(),
        }));
    }
    let prompts = Prompts::new(config, context.reference_texts.take())?.with_custom(custom.clone());
    let judge = Judge::new(context.sandbox, config).holding_out(context.held_out).with_custom(custom);
    let folder = RunFolder::open(context.folder)?;
    let mut position = if context.resume {
        resume(&mut context, &folder)?
    } else {
        folder.refuse_existing_run()?;
        None
    };
    if position.is_none() {
        position = Some(start(&mut context, &folder, &prompts, &judge)?);
    }
    let mut position = position.expect("a run is either resumed or started");
    while position.step < config.run.steps {
        if context.stop.load(Ordering::Relaxed) {
            return stop(&mut context, &folder, &position);
        }
        one_step(&mut context, &folder, &prompts, &judge, &mut position)?;
        if position.step.is_multiple_of(config.run.checkpoint_every) || position.step == config.run.steps {
            save(&mut context, &folder, &position)?;
        }
    }
    Ok(Outcome::Finished { steps: position.step, chain: position.chain })
}

/// A fresh run: seeds, `run.json`, the checkpoint after seeding.
fn start<P: Policy>(
    context: &mut RunContext<'_, P>,
    folder: &RunFolder,
    prompts: &Prompts,
    judge: &Judge<'_>,
) -> Result<Position, SelfPlayError> {
    let config = context.config;
    folder.write_config(config)?;
    let weights_hash =
        context.policy.weights_hash().map_err(|error| SelfPlayError::policy("hash its weights", &error))?;
    let chain = folder.write_run_json(config, &weights_hash, context.sandbox.guest_hash(), &context.info)?;
    let given = context.seeds.take();
    let seeds = seeds(
        given,
        &mut StepContext {
            config,
            policy: &mut *context.policy,
            judge,
            prompts,
            observer: &mut *context.observer,
            clock: context.clock,
        },
    )?;
    make_folder(&folder.seeds())?;
    for (name, text) in seeds.files() {
        replace(&folder.seeds().join(name), text.as_bytes())?;
    }
    let position = Position {
        step: 0,
        chain,
        state: seeds.state(config.mode),
        recorded: std::collections::VecDeque::new(),
    };
    save(context, folder, &position)?;
    Ok(position)
}

/// The last complete checkpoint and the lines after it; `None` where the run never got to one.
fn resume<P: Policy>(
    context: &mut RunContext<'_, P>,
    folder: &RunFolder,
) -> Result<Option<Position>, SelfPlayError> {
    let Some(path) = checkpoint::newest(&folder.checkpoints())? else {
        // Nothing was trained yet, at most a first checkpoint was begun; lines without a checkpoint cannot be continued.
        if folder.steps().exists() {
            return Err(SelfPlayError::RunFolder {
                path: context.folder.to_owned(),
                reason: "it has recorded steps and no checkpoint to go on from".into(),
                advice: "start a new run with another --run-dir, or put a copy of its checkpoints back",
            });
        }
        return Ok(None);
    };
    folder.check_config(context.config)?;
    let (manifest, state) = checkpoint::load(&path, context.policy)?;
    let records = folder.read_steps()?;
    folder.cut_timings(manifest.step)?;
    let continued = records.iter().find(|record| record.step == manifest.step);
    if manifest.step > 0 && continued.is_none_or(|record| record.hash != manifest.chain) {
        return Err(SelfPlayError::RunFolder {
            path: folder.steps(),
            reason: format!(
                "the record of step {} is not the one that the checkpoint continues",
                manifest.step
            ),
            advice: "restore the file from a copy, or start a new run with another --run-dir",
        });
    }
    let recorded: std::collections::VecDeque<StepRecord> =
        records.into_iter().filter(|record| record.step > manifest.step).collect();
    context.observer.event(Event::Resumed { step: manifest.step, lines_to_verify: recorded.len() as u64 });
    Ok(Some(Position { step: manifest.step, chain: manifest.chain, state, recorded }))
}

/// Plays the next step and writes it down.
fn one_step<P: Policy>(
    context: &mut RunContext<'_, P>,
    folder: &RunFolder,
    prompts: &Prompts,
    judge: &Judge<'_>,
    position: &mut Position,
) -> Result<(), SelfPlayError> {
    let config = context.config;
    let (step, started) = (position.step + 1, (context.clock)());
    context.observer.event(Event::StepStarted { step, steps: config.run.steps });
    let mut result = play_step(
        &mut StepContext {
            config,
            policy: &mut *context.policy,
            judge,
            prompts,
            observer: &mut *context.observer,
            clock: context.clock,
        },
        &mut position.state,
        step,
    )?;
    let every = config.run.evaluate_every;
    let due = every > 0 && (step.is_multiple_of(every) || step == config.run.steps);
    // A step that is recorded is evaluated if it was then: the cadence may have changed since.
    let due = position.recorded.front().map_or(due, |recorded| recorded.eval.is_some());
    if due {
        context.observer.event(Event::Phase { step, name: "evaluate" });
        let from = (context.clock)();
        let metrics = context
            .evaluate
            .evaluate(context.policy, step)
            .map_err(|reason| SelfPlayError::Evaluation { step, reason })?;
        result.record.eval = (!metrics.is_empty()).then_some(metrics);
        result.seconds.insert("evaluate".into(), (context.clock)() - from);
    }
    result.seconds.insert("total".into(), (context.clock)() - started);
    result.record.seal(&position.chain);

    make_folder(&folder.rollouts())?;
    let path = folder.rollouts().join(format!("step-{step}.parquet"));
    let aside = path.with_extension("tmp");
    write_rollouts(&aside, &result.rollouts)?;
    std::fs::rename(&aside, &path).map_err(cannot_write(&path))?;
    let recorded = position.recorded.pop_front();
    match recorded {
        Some(recorded) if recorded == result.record => {}
        Some(recorded) if context.exact => {
            return Err(SelfPlayError::Diverged {
                step,
                field: folder::first_difference(&recorded, &result.record),
            });
        }
        Some(recorded) => {
            position.recorded.push_front(recorded);
            folder.supersede(step, &position.recorded)?;
            position.recorded.clear();
            folder.append_step(&result.record)?;
        }
        None => folder.append_step(&result.record)?,
    }
    let timing = serde_json::json!({ "step": step, "seconds": result.seconds });
    append_line(&folder.timings(), &timing.to_string())?;
    position.step = step;
    position.chain.clone_from(&result.record.hash);
    context.observer.event(Event::StepFinished {
        record: &result.record,
        rollouts: &result.rollouts,
        seconds: &result.seconds,
    });
    Ok(())
}

fn save<P: Policy>(
    context: &mut RunContext<'_, P>,
    folder: &RunFolder,
    position: &Position,
) -> Result<(), SelfPlayError> {
    let checkpoints = folder.checkpoints();
    make_folder(&checkpoints)?;
    let path =
        checkpoint::save(&checkpoints, position.step, &position.chain, context.policy, &position.state)?;
    checkpoint::prune(&checkpoints, context.config.run.checkpoints_kept)?;
    context.observer.event(Event::Checkpoint { step: position.step, folder: &path });
    Ok(())
}

fn stop<P: Policy>(
    context: &mut RunContext<'_, P>,
    folder: &RunFolder,
    position: &Position,
) -> Result<Outcome, SelfPlayError> {
    save(context, folder, position)?;
    Ok(Outcome::Stopped { step: position.step })
}
