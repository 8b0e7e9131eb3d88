//! A task type of your own, in one file: given a program and an input, how many characters does the printed result have?
//!
//! A type says what its first task is, how proposers and solvers are asked, what the right answer is, and how answers are
//! graded. Buffers, references, learnability, rewards, baselines and records are the method's.
//!
//!     cargo run --release -p azr-selfplay --example task_type -- FOLDER

use azr_executor::{Sandbox, Verdict};
use azr_selfplay::config::{Mode, PromptProfile};
use azr_selfplay::judge::Judge;
use azr_selfplay::observe::{NoEvaluation, Silent};
use azr_selfplay::policy::ScriptedPolicy;
use azr_selfplay::prompt::{Prompts, compact};
use azr_selfplay::run::{RunContext, run_with_task};
use azr_selfplay::solve::Grade;
use azr_selfplay::task_kind::{Proposed, TaskKind};
use azr_selfplay::{SelfPlayConfig, TaskType, Triplet};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The task type.
struct ResultLength;

impl TaskKind for ResultLength {
    fn first(&self) -> Triplet {
        Triplet { output: "13".into(), ..Triplet::identity() }
    }

    fn propose(&self, references: &[Triplet], _prompts: &Prompts) -> String {
        let mut text = String::from(
            "Propose a program and an input whose printed result has a length that is hard to tell.\n",
        );
        for one in references {
            text += &format!("```python\n{}\n```\n```input\n{}\n```\n", one.program, one.input);
        }
        text
    }

    fn solve(&self, task: &Triplet, _prompts: &Prompts) -> String {
        format!("How long is the result?\n```python\n{}\n```\n```input\n{}\n```\n", task.program, task.input)
    }

    fn answers(
        &self,
        judge: &Judge<'_>,
        _config: &SelfPlayConfig,
        proposals: &[Proposed<'_>],
    ) -> Vec<Result<String, String>> {
        let run = |one: &Proposed<'_>| {
            let report = judge.sandbox().run(&judge.job(one.program, vec![format!("f({})", one.input)]));
            match report.calls.first().map(|call| &call.verdict) {
                Some(Verdict::Value { text }) => Ok(text.chars().count().to_string()),
                Some(other) => Err(other.name().to_owned()),
                None => Err("crashed".to_owned()),
            }
        };
        proposals.iter().map(run).collect()
    }

    fn grade(&self, _judge: &Judge<'_>, answers: &[(&Triplet, &str)]) -> Vec<Grade> {
        let grade = |(task, answer): &(&Triplet, &str)| Grade::of(answer.trim() == task.output);
        answers.iter().map(grade).collect()
    }
}

/// Stands for a model: proposes lists, guesses their length.
fn script() -> ScriptedPolicy {
    let answer = |request: &azr_model::GenerateRequest, _version: u64| {
        let number = (request.key.item + request.key.step) % 5;
        if request.prompt.starts_with("Propose") {
            compact::proposal("", &format!("def f(x):\n    return [x] * {}", number + 1), "7")
        } else {
            compact::answer_deduction("", &(3 * number + 3).to_string())
        }
    };
    ScriptedPolicy::new(Box::new(answer), 4_096)
}

/// Plays a few steps in `folder` and returns the number of tasks in the type's buffer.
pub fn play(sandbox: &Sandbox, folder: &Path, steps: u64) -> Result<u64, Box<dyn std::error::Error>> {
    let mut config = SelfPlayConfig { mode: Mode::Clean, ..SelfPlayConfig::default() };
    config.run.steps = steps;
    config.run.prompts = PromptProfile::Compact;
    config.run.task_types = vec![TaskType::Custom];
    (config.rollout.n_proposals, config.rollout.n_solves) = (5, 5);
    config.proposer.n_references = 1;
    config.seeding.max_batches = 1;
    config.learnability.n_samples = 2;
    config.execution.seconds = 0.1;
    let context = RunContext {
        config: &config,
        policy: &mut script(),
        sandbox,
        folder,
        resume: false,
        exact: true,
        seeds: None,
        held_out: &BTreeSet::new(),
        reference_texts: None,
        info: serde_json::json!({}),
        observer: &mut Silent,
        evaluate: &mut NoEvaluation,
        stop: &AtomicBool::new(false),
        clock: &|| 0.0,
    };
    run_with_task(context, Some(Arc::new(ResultLength)))?;
    let text = std::fs::read_to_string(folder.join("steps.jsonl"))?;
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    Ok(last["buffers"]["custom"].as_u64().unwrap_or_default())
}

#[allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test includes this file; a program has arguments and prints"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "runs/example-task-type".into());
    let sandbox = Sandbox::open(&azr_executor::SandboxConfig::default())?;
    let tasks = play(&sandbox, Path::new(&folder), 3)?;
    println!("{folder}: {tasks} tasks in the buffer");
    Ok(())
}
