//! What the integration tests share: one sandbox, golden files, a script that plays the method without a model.
#![allow(dead_code, reason = "every test file uses its own part")]

#[path = "../../../../tests/src/skip.rs"]
mod skip;

/// Says that the calling test was skipped.
pub fn skipped(reason: &str) {
    skip::skipped(reason);
}

use azr_executor::{Sandbox, SandboxConfig};
use azr_selfplay::config::{Mode, PromptProfile, SeedSource, SelfPlayConfig};
use azr_selfplay::policy::ScriptedPolicy;
use azr_selfplay::prompt::compact;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The sandbox, compiled once and cached beside the test's own files.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let cache_dir = Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox"));
        Sandbox::open(&SandboxConfig { cache_dir, ..SandboxConfig::default() })
            .expect("the embedded guest opens")
    })
}

/// Rows of a golden file, or `None` with the reason shown where the data is absent.
#[expect(
    clippy::disallowed_methods,
    reason = "the folder of the golden files is an environment variable of tests"
)]
pub fn golden(name: &str) -> Option<Vec<serde_json::Value>> {
    let folder = std::env::var("AZR_GOLDEN").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/azr-golden")),
        PathBuf::from,
    );
    let path = folder.join(format!("{name}.jsonl.gz"));
    let Ok(file) = std::fs::File::open(&path) else {
        skip::skipped(&format!("no {}", path.display()));
        return None;
    };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// A small `clean` configuration in the shape of the preset `tiny`.
pub fn tiny_config() -> SelfPlayConfig {
    let mut config = SelfPlayConfig { mode: Mode::Clean, ..SelfPlayConfig::default() };
    config.run.seed = 11;
    config.run.steps = 4;
    config.run.checkpoint_every = 2;
    config.run.evaluate_every = 2;
    config.run.prompts = PromptProfile::Compact;
    config.rollout.n_proposals = 6;
    config.rollout.n_solves = 6;
    config.rollout.content_max_tokens = 2_000;
    config.rollout.max_response_tokens = 500;
    config.seeding.source = SeedSource::Propose;
    config.seeding.seed_batch_factor = 2;
    config.proposer.n_references = 1;
    config.proposer.n_inputs = 6;
    config.proposer.duplicate_reward = Some(-0.5);
    config.learnability.n_samples = 3;
    config.execution.seconds = 0.1;
    config.update.updates_per_step = 2;
    config
}

/// Proposes programs that add a number, solves them right about half of the time.
pub fn script() -> ScriptedPolicy {
    ScriptedPolicy::new(
        Box::new(|request, version| {
            let key = &request.key;
            let draw = (key.item * 7 + key.step * 13 + key.seed + version * 5) % 97;
            let number = draw % 17;
            let prompt = request.prompt.as_str();
            if prompt.starts_with("Propose inputs") {
                let inputs: Vec<String> = (0..6).map(|index| (draw + index).to_string()).collect();
                return compact::induction_proposal("", inputs.iter().map(String::as_str), "adds");
            }
            if prompt.starts_with("Propose") {
                return match draw % 6 {
                    0 => "no answer".into(),
                    1 => compact::proposal("", "def f(x):\n    return x +", "1"),
                    2 => compact::proposal("", "import random\ndef f(x):\n    return random.random()", "1"),
                    _ => {
                        let program = format!("def f(x):\n    return x + {number}");
                        compact::proposal("plan", &program, &draw.to_string())
                    }
                };
            }
            solve(prompt, draw % 2 == 0)
        }),
        4_000,
    )
}

fn solve(prompt: &str, right: bool) -> String {
    let block = |tag: &str| {
        let tail = prompt.split(&format!("```{tag}\n")).nth(1).unwrap_or_default();
        tail.split("\n```").next().unwrap_or_default().to_owned()
    };
    let added = block("python").rsplit("+ ").next().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    let given = |tag: &str| block(tag).parse::<i64>().unwrap_or(0);
    let shift = i64::from(!right);
    if prompt.starts_with("Deduce") {
        compact::answer_deduction("x", &(given("input") + added + shift).to_string())
    } else if prompt.starts_with("Find") {
        compact::answer_abduction("", &(given("output") - added + shift).to_string())
    } else {
        let found = given("output") - given("input") + shift;
        compact::answer_induction("", &format!("def f(x):\n    return x + {found}"))
    }
}
