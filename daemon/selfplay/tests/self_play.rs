//! Self-play from end to end with a scripted policy: seeding, steps, records, checkpoints, resume.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is the failure; a skipped test says why"
)]

mod support;

use azr_selfplay::config::SelfPlayConfig;
use azr_selfplay::judge::Judge;
use azr_selfplay::observe::{Evaluate, Event, Observer, Silent};
use azr_selfplay::policy::{Policy, ScriptedPolicy};
use azr_selfplay::record::StepRecord;
use azr_selfplay::run::{Outcome, RunContext, run};
use azr_selfplay::validate::{Candidate, validate};
use azr_selfplay::{SelfPlayError, TaskType};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{sandbox, script, tiny_config};

struct CountRequests;

impl Evaluate<ScriptedPolicy> for CountRequests {
    fn evaluate(&mut self, policy: &mut ScriptedPolicy, step: u64) -> Result<BTreeMap<String, f64>, String> {
        let hash = policy.weights_hash().map_err(|error| error.to_string())?;
        Ok(BTreeMap::from([
            ("first_byte".into(), f64::from(hash.as_bytes()[0])),
            ("step".into(), step as f64),
        ]))
    }
}

/// Sets the stop flag when a step begins.
struct StopAt<'a> {
    step: u64,
    flag: &'a AtomicBool,
}

impl Observer for StopAt<'_> {
    fn event(&mut self, event: Event<'_>) {
        if matches!(event, Event::StepStarted { step, .. } if step == self.step) {
            self.flag.store(true, Ordering::Relaxed);
        }
    }
}

fn play(
    config: &SelfPlayConfig,
    folder: &Path,
    resume: bool,
    stop_at: Option<u64>,
) -> Result<(Outcome, String), SelfPlayError> {
    let (mut policy, stop, mut silent) = (script(), AtomicBool::new(false), Silent);
    let mut stopper = StopAt { step: stop_at.unwrap_or(0), flag: &stop };
    let observer: &mut dyn Observer = if stop_at.is_some() { &mut stopper } else { &mut silent };
    let outcome = run(RunContext {
        config,
        policy: &mut policy,
        sandbox: sandbox(),
        folder,
        resume,
        exact: true,
        seeds: None,
        held_out: &BTreeSet::new(),
        reference_texts: None,
        info: serde_json::json!({ "test": true }),
        observer,
        evaluate: &mut CountRequests,
        stop: &stop,
        clock: &|| 0.0,
    })?;
    Ok((outcome, policy.weights_hash().unwrap()))
}

fn lines(folder: &Path) -> Vec<StepRecord> {
    let text = std::fs::read_to_string(folder.join("steps.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_leaves_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny_config();
    let (outcome, _) = play(&config, folder.path(), false, None).unwrap();
    let records = lines(folder.path());
    assert_eq!(records.len(), 4);
    assert_eq!(outcome, Outcome::Finished { steps: 4, chain: records[3].hash.clone() });
    assert!(records.windows(2).all(|pair| pair[1].follows(&pair[0].hash)));
    let first = &records[0];
    assert_eq!(first.groups.len(), 6);
    for (name, group) in &first.groups {
        assert_eq!(group.n, 6, "{name}");
        assert!(group.response_tokens_mean > 0.0);
    }
    let proposals = &first.groups["deduction_propose"];
    assert!(proposals.valid > 0.0 && proposals.valid < 1.0, "{proposals:?}");
    assert!(first.learnability.iter().all(|one| one.histogram.len() == 4));
    assert!(first.sandbox_runs > 0 && first.tokens > 0 && first.updates == 2);
    assert_eq!(records[1].eval.as_ref().unwrap()["step"], 2.0);
    assert!(records[0].eval.is_none());
    for name in
        ["config.toml", "run.json", "timings.jsonl", "seeds/triplets.jsonl", "rollouts/step-4.parquet"]
    {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    for step in [0, 2, 4] {
        assert!(folder.path().join(format!("checkpoints/step-{step}/checkpoint.json")).is_file(), "{step}");
    }
    let again = play(&config, folder.path(), false, None).unwrap_err().to_string();
    assert!(again.contains("holds a run already"), "{again}");
}

#[test]
fn a_stopped_and_resumed_run_equals_an_uninterrupted_one() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = tiny_config();
    let (_, weights) = play(&config, whole.path(), false, None).unwrap();
    let (outcome, _) = play(&config, parts.path(), false, Some(3)).unwrap();
    assert_eq!(outcome, Outcome::Stopped { step: 3 });
    let (_, resumed) = play(&config, parts.path(), true, None).unwrap();
    assert_eq!(lines(whole.path()), lines(parts.path()));
    assert_eq!(weights, resumed);
}

#[test]
fn a_killed_run_recomputes_the_lines_after_its_checkpoint() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = tiny_config();
    let (_, weights) = play(&config, whole.path(), false, None).unwrap();
    play(&config, killed.path(), false, Some(3)).unwrap();
    // As after `kill -9` in step 4: no checkpoint of step 3, half a line, an unfinished checkpoint.
    std::fs::remove_dir_all(killed.path().join("checkpoints/step-3")).unwrap();
    std::fs::create_dir_all(killed.path().join("checkpoints/.step-4.tmp")).unwrap();
    let steps = killed.path().join("steps.jsonl");
    let torn = std::fs::read_to_string(&steps).unwrap() + "{\"step\":4,\"ver";
    std::fs::write(&steps, torn).unwrap();
    let (_, resumed) = play(&config, killed.path(), true, None).unwrap();
    assert_eq!(lines(whole.path()), lines(killed.path()));
    assert_eq!(weights, resumed);
}

#[test]
fn a_recorded_line_that_cannot_be_recomputed_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny_config();
    play(&config, folder.path(), false, Some(3)).unwrap();
    std::fs::remove_dir_all(folder.path().join("checkpoints/step-3")).unwrap();
    let mut records = lines(folder.path());
    records[2].loss = 7.0;
    let prev = records[1].hash.clone();
    records[2].seal(&prev);
    let text: String = records.iter().map(|one| serde_json::to_string(one).unwrap() + "\n").collect();
    std::fs::write(folder.path().join("steps.jsonl"), text).unwrap();
    let error = play(&config, folder.path(), true, None).unwrap_err();
    assert!(matches!(&error, SelfPlayError::Diverged { step: 3, field } if field == "loss"), "{error}");
}

#[test]
fn a_resume_with_other_settings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny_config();
    play(&config, folder.path(), false, Some(2)).unwrap();
    config.update.learning_rate *= 2.0;
    let error = play(&config, folder.path(), true, None).unwrap_err().to_string();
    assert!(error.contains("other settings"), "{error}");
    config.update.learning_rate /= 2.0;
    config.run.steps = 3;
    assert!(play(&config, folder.path(), true, None).is_ok(), "the length may change");
}

#[test]
fn batching_the_types_draws_the_same_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny_config();
    config.rollout.batch_types = true;
    config.run.steps = 2;
    play(&config, folder.path(), false, None).unwrap();
    assert_eq!(lines(folder.path())[0].groups.len(), 6);
}

#[test]
fn programs_of_an_evaluation_are_refused_as_proposals() {
    let config = tiny_config();
    let candidate = |program: &str| Candidate::Triplet {
        task_type: TaskType::Deduction,
        program: program.to_owned(),
        input: "1".to_owned(),
    };
    let held_out = BTreeSet::from(["def f(x):\n    return x + 1".to_owned()]);
    let judge = Judge::new(sandbox(), &config).holding_out(&held_out);
    let outcomes = validate(
        &judge,
        &config,
        &[candidate("def f(x):\n    return x + 1"), candidate("def f(x):\n    return x + 2")],
    );
    assert_eq!(outcomes[0], Err("held_out".to_owned()));
    assert!(outcomes[1].is_ok(), "{outcomes:?}");
}
