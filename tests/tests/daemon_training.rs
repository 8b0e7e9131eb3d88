//! Self-play in the daemon, while editors are served: events, stop, disconnects, and a kill in the middle.

use azr_tests::language_client::{Home, LanguageClient};
use azr_tests::signal;
use serde_json::{Value, json};

/// A short run: small enough for a test, with checkpoints.
fn settings(steps: u64) -> Value {
    json!({
        "run": { "steps": steps, "checkpoint_every": 1, "evaluate_every": 2 },
        // More answers a step than the daemon generates between two looks for people's requests.
        "rollout": { "n_proposals": 4, "n_solves": 12, "max_response_tokens": 48 },
        "learnability": { "n_samples": 2 },
        "seeding": { "seed_batch_factor": 2, "max_batches": 3 },
        "evaluation": { "limit": 12, "n_samples": 2, "subset": 6 },
    })
}

fn start(editor: &mut LanguageClient, folder: &str, steps: u64, resume: bool) -> String {
    let params = json!({ "config": settings(steps), "runDir": folder, "resume": resume });
    let result = editor.request("azr/train/start", &params);
    result["runId"].as_str().expect("a run has a name").to_owned()
}

fn event(editor: &mut LanguageClient, kind: &str, step: u64) -> Value {
    editor.wait_for(|message| {
        let params = &message["params"];
        message["method"] == "azr/train/event"
            && (params["kind"] == "error"
                || (params["kind"] == kind && params["step"].as_u64() >= Some(step)))
    })
}

fn editor(home: &Home) -> LanguageClient {
    let mut editor = home.editor(&["lsp"]);
    editor.initialize(&json!({}));
    editor
}

/// Hashes of the steps and of the last weights: what two equal runs have in common.
fn chain(home: &Home, run: &str) -> Vec<String> {
    home.fixture
        .read(&format!("{run}/steps.jsonl"))
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).expect("a line is JSON");
            record["hash"].as_str().expect("a step has a hash").to_owned()
        })
        .collect()
}

#[test]
fn a_run_is_served_stopped_killed_and_resumed_to_the_same_end() {
    const STEPS: u64 = 3;
    let home = Home::new();
    let folder = |name: &str| home.fixture.path().join(name).display().to_string();
    let program = json!({ "program": "def f(a):\n    return a * 2\n", "input": "4" });

    // An uninterrupted run, watched by an editor that asks while it goes, and that nobody else can disturb.
    let mut one = editor(&home);
    let run = start(&mut one, &folder("whole"), STEPS, false);
    one.request("azr/train/subscribe", &json!({ "runId": run, "fromStep": 0 }));
    let busy = one.refusal("azr/train/start", &json!({ "config": settings(STEPS) }));
    assert_eq!(busy["data"]["kind"], "TrainingBusy");
    assert_eq!(
        one.refusal("azr/model/load", &json!({ "source": "azr-tiny" }))["data"]["kind"],
        "TrainingBusy"
    );
    assert_eq!(one.request("azr/execute", &program)["value"], "8");
    let done = event(&mut one, "done", STEPS);
    assert_eq!(done["params"]["kind"], "done", "{done}");
    let sequence: Vec<u64> = one
        .aside
        .iter()
        .filter(|message| message["method"] == "azr/train/event")
        .map(|message| message["params"]["seq"].as_u64().unwrap())
        .chain([done["params"]["seq"].as_u64().unwrap()])
        .collect();
    assert_eq!(sequence, (0..sequence.len() as u64).collect::<Vec<_>>(), "the numbers have no gap");
    let model = &one.request("azr/status", &json!({}))["model"];
    assert!(model["version"].as_u64() >= Some(STEPS), "nobody asked it anything since: {model}");
    home.azr(&["daemon", "stop"]).expect_code(0);
    drop(one);

    // On the command line, where nobody is let go first, batches are not cut: the same bits.
    let sets: Vec<String> = settings(STEPS)
        .as_object()
        .expect("settings are tables")
        .iter()
        .flat_map(|(table, keys)| {
            keys.as_object().into_iter().flatten().map(move |(key, value)| format!("{table}.{key}={value}"))
        })
        .collect();
    let mut plain = vec!["train", "tiny", "--run-dir", "plain"];
    plain.extend(sets.iter().flat_map(|set| ["--set", set.as_str()]));
    home.azr(&plain).expect_code(0);
    assert_eq!(chain(&home, "plain"), chain(&home, "whole"));

    // The same run in a fresh daemon, left by its editor, killed after its first step, and resumed.
    let mut two = editor(&home);
    let run = start(&mut two, &folder("killed"), STEPS, false);
    drop(two);
    home.fixture.wait_for("killed/steps.jsonl", |text| text.lines().count() >= 1);
    signal(home.daemon(), "KILL");
    let mut three = editor(&home);
    assert_eq!(start(&mut three, &folder("killed"), STEPS, true), run);
    three.request("azr/train/subscribe", &json!({ "runId": run, "fromStep": 0 }));
    let done = event(&mut three, "done", STEPS);
    assert_eq!(done["params"]["kind"], "done", "{done}");
    assert_eq!(chain(&home, "killed"), chain(&home, "whole"));
    assert_eq!(three.request("azr/status", &json!({}))["training"], Value::Null);

    // SIGTERM in the middle writes a checkpoint and ends well.
    let run = start(&mut three, &folder("stopped"), 1000, false);
    let stopped = three.request("azr/train/stop", &json!({ "runId": run }));
    assert!(
        stopped["checkpoint"].as_str().is_some_and(|folder| std::path::Path::new(folder).is_dir()),
        "{stopped}"
    );
    assert_eq!(three.shut_down(), Some(0));
}
