//! Auditing a finished run: does its record follow from its seed, configuration and weights?
//!
//! Nothing is written. What the files say of each other is always checked: configuration and seed, the chain of hashes, the
//! hash of every step's rollouts, the files of every checkpoint ([`folder`]). Steps are then played again from the checkpoints that the run
//! kept, and each must come out as it was recorded, weights included. On the same kind of processor that is equality bit for bit.

use crate::checkpoint;
use crate::config::SelfPlayConfig;
use crate::error::SelfPlayError;
use crate::judge::Judge;
use crate::observe::{Clock, Evaluate, Event, Observer};
use crate::policy::Policy;
use crate::prompt::{Prompts, ReferenceTexts};
use crate::record::StepRecord;
use crate::run::first_difference;
use crate::seed::{Seeds, seeds};
use crate::step::{State, StepContext, play_step};
use azr_executor::Sandbox;
use std::collections::BTreeSet;
use std::path::Path;

mod folder;

/// Which steps are played again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steps {
    /// None: hashes only.
    None,
    /// The step after every checkpoint.
    AfterCheckpoints,
    /// All of them.
    All,
    /// These.
    These(BTreeSet<u64>),
}

/// Everything a replay needs from outside.
pub struct ReplayContext<'a, P: Policy> {
    /// The run's configuration.
    pub config: &'a SelfPlayConfig,
    /// The model that the configuration names; its weights are replaced.
    pub policy: &'a mut P,
    /// Runs the programs.
    pub sandbox: &'a Sandbox,
    /// The run folder.
    pub folder: &'a Path,
    /// Which steps are played again; with all of them the seeding is, too.
    pub steps: Steps,
    /// Tasks that the run was started from, where they came from files.
    pub seeds: Option<Seeds>,
    /// Programs of the evaluations, as in the run.
    pub held_out: &'a BTreeSet<String>,
    /// Texts of the prompt profile `reference`.
    pub reference_texts: Option<ReferenceTexts>,
    /// Recomputes the evaluations of steps that have one; without it the recorded figures are taken as they are.
    pub evaluate: Option<&'a mut dyn Evaluate<P>>,
    /// Receives events.
    pub observer: &'a mut dyn Observer,
    /// Seconds since any fixed point.
    pub clock: Clock<'a>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Findings {
    /// Records of the run.
    pub steps: u64,
    /// Steps whose rollouts have the recorded hash.
    pub rollouts_checked: u64,
    /// Checkpoints whose files are what was written, and that continue the record.
    pub checkpoints_checked: u64,
    /// Whether the tasks of `seeds/` were made again.
    pub seeding_recomputed: bool,
    /// Steps that were played again.
    pub recomputed: Vec<u64>,
    /// Checkpoints whose weights came out again.
    pub weights_checked: Vec<u64>,
    /// What does not agree; empty for a sound run.
    pub mismatches: Vec<String>,
}

/// Audits a run.
pub fn replay<P: Policy>(mut context: ReplayContext<'_, P>) -> Result<Findings, SelfPlayError> {
    let mut findings = Findings::default();
    let (config, folder) = (context.config, context.folder);
    let hash = context.policy.weights_hash();
    let hash = hash.map_err(|error| SelfPlayError::policy("hash its weights", &error))?;
    let (run, records) = folder::read_record(folder, config, &mut findings)?;
    if run.weights_hash != hash {
        findings.mismatches.push(
            "the model that config.toml names has other weights than those that the run began with (weights_hash of run.json)"
                .into(),
        );
    }
    findings.steps = records.len() as u64;
    folder::check_rollouts(folder, config, &records, &mut findings)?;
    let checkpoints = folder.join("checkpoints");
    let kept = checkpoint::steps(&checkpoints)?;
    let start = records.first().map_or("", |record| record.prev.as_str());
    folder::check_checkpoints(&checkpoints, &kept, start, &records, &mut findings);
    folder::check_start(folder, &run, config.mode, &kept, &mut findings)?;
    let recorded: BTreeSet<u64> = records.iter().map(|record| record.step).collect();
    let wanted: BTreeSet<u64> = match &context.steps {
        Steps::None => BTreeSet::new(),
        Steps::All => recorded.clone(),
        Steps::AfterCheckpoints => {
            kept.iter().map(|step| step + 1).filter(|step| recorded.contains(step)).collect()
        }
        Steps::These(steps) => steps.clone(),
    };
    let prompts = Prompts::new(context.config, context.reference_texts.take())?;
    let judge = Judge::new(context.sandbox, context.config).holding_out(context.held_out);
    if context.steps == Steps::All && run.weights_hash == hash {
        seed_again(&mut context, &prompts, &judge, &mut findings)?;
    }
    let mut position: Option<(u64, State)> = None;
    for target in wanted {
        if !recorded.contains(&target) {
            findings.mismatches.push(format!("step {target} is not recorded"));
            continue;
        }
        let Some(nearest) = kept.iter().copied().filter(|step| *step < target).max() else {
            findings.mismatches.push(format!("step {target} has no checkpoint before it to start from"));
            continue;
        };
        let (mut at, mut state) = match position.take() {
            Some((at, state)) if at >= nearest && at < target => (at, state),
            _ => match checkpoint::load(&checkpoints.join(format!("step-{nearest}")), context.policy) {
                Ok((manifest, state)) => {
                    check_loaded(context.policy, &manifest, &mut findings)?;
                    (nearest, state)
                }
                Err(error @ SelfPlayError::Read { .. }) => {
                    let finding = error.to_string();
                    if !findings.mismatches.contains(&finding) {
                        findings.mismatches.push(finding);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            },
        };
        while at < target {
            at += 1;
            let Some(record) = records.iter().find(|record| record.step == at) else { break };
            context.observer.event(Event::StepStarted { step: at, steps: findings.steps });
            if !play_again(&mut context, &prompts, &judge, &mut state, record, &mut findings)? {
                return Ok(findings);
            }
            if kept.contains(&at) {
                check_weights(&context, &checkpoints, at, &mut findings)?;
            }
        }
        position = Some((at, state));
    }
    if context.steps != Steps::None && findings.recomputed.is_empty() {
        findings.mismatches.push("nothing was played again: no step has a checkpoint before it".into());
    }
    Ok(findings)
}

/// Makes the tasks of the start again, with the model that the policy still is.
fn seed_again<P: Policy>(
    context: &mut ReplayContext<'_, P>,
    prompts: &Prompts,
    judge: &Judge<'_>,
    findings: &mut Findings,
) -> Result<(), SelfPlayError> {
    let given = context.seeds.take();
    let seeds = seeds(
        given,
        &mut StepContext {
            config: context.config,
            policy: &mut *context.policy,
            judge,
            prompts,
            observer: &mut *context.observer,
            clock: context.clock,
        },
    )?;
    findings.seeding_recomputed = true;
    for (name, text) in seeds.files() {
        if std::fs::read_to_string(context.folder.join("seeds").join(&name)).is_ok_and(|found| found == text)
        {
            continue;
        }
        findings.mismatches.push(format!("seeds/{name}: made again it differs"));
    }
    Ok(())
}

/// Plays the step of `record` again; `false` where it differs, since what follows would differ too.
fn play_again<P: Policy>(
    context: &mut ReplayContext<'_, P>,
    prompts: &Prompts,
    judge: &Judge<'_>,
    state: &mut State,
    record: &StepRecord,
    findings: &mut Findings,
) -> Result<bool, SelfPlayError> {
    let mut result = play_step(
        &mut StepContext {
            config: context.config,
            policy: &mut *context.policy,
            judge,
            prompts,
            observer: &mut *context.observer,
            clock: context.clock,
        },
        state,
        record.step,
    )?;
    result.record.eval = match (&record.eval, &mut context.evaluate) {
        (Some(_), Some(evaluate)) => {
            let step = record.step;
            let metrics = evaluate
                .evaluate(context.policy, step)
                .map_err(|reason| SelfPlayError::Evaluation { step, reason })?;
            (!metrics.is_empty()).then_some(metrics)
        }
        (recorded, _) => recorded.clone(),
    };
    // Records of versions without these figures are compared without them.
    if record.health.is_none() {
        result.record.health = None;
    }
    result.record.seal(&record.prev);
    findings.recomputed.push(record.step);
    if result.record == *record {
        return Ok(true);
    }
    let field = first_difference(record, &result.record);
    findings.mismatches.push(format!("step {}: played again it differs in {field}", record.step));
    Ok(false)
}

/// Has a checkpoint the weights that it names?
fn check_loaded<P: Policy>(
    policy: &P,
    manifest: &checkpoint::Manifest,
    findings: &mut Findings,
) -> Result<(), SelfPlayError> {
    let hash = policy.weights_hash().map_err(|error| SelfPlayError::policy("hash its weights", &error))?;
    let finding = format!("the checkpoint of step {} has other weights than it names", manifest.step);
    if hash != manifest.weights_hash && !findings.mismatches.contains(&finding) {
        findings.mismatches.push(finding);
    }
    Ok(())
}

fn check_weights<P: Policy>(
    context: &ReplayContext<'_, P>,
    checkpoints: &Path,
    step: u64,
    findings: &mut Findings,
) -> Result<(), SelfPlayError> {
    let manifest = checkpoint::manifest(&checkpoints.join(format!("step-{step}")))?;
    let hash =
        context.policy.weights_hash().map_err(|error| SelfPlayError::policy("hash its weights", &error))?;
    if hash == manifest.weights_hash {
        findings.weights_checked.push(step);
    } else {
        findings.mismatches.push(format!("step {step}: played again it ends with other weights"));
    }
    Ok(())
}
