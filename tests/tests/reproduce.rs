//! `azr reproduce tiny` end to end, small: its records, a kill, an interrupt, and the way back.

use azr_tests::{Fixture, finish, signal};
use serde_json::Value;
use std::path::Path;

/// Settings of a run whose steps take seconds.
const SMALL: [&str; 22] = [
    "--set",
    "rollout.n_proposals=4",
    "--set",
    "rollout.n_solves=4",
    "--set",
    "rollout.max_response_tokens=48",
    "--set",
    "learnability.n_samples=2",
    "--set",
    "seeding.seed_batch_factor=2",
    "--set",
    "seeding.max_batches=3",
    "--set",
    "run.checkpoint_every=1",
    "--set",
    "run.evaluate_every=2",
    "--set",
    "evaluation.limit=12",
    "--set",
    "evaluation.n_samples=2",
    "--set",
    "evaluation.subset=6",
];

fn reproduce<'a>(run: &'a str, steps: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    ["reproduce", "tiny", "--run-dir", run, "--steps", steps]
        .into_iter()
        .chain(SMALL)
        .chain(more.iter().copied())
        .collect()
}

/// Hash of the weights of a run's last checkpoint.
fn weights(fixture: &Fixture, run: &str) -> String {
    let value = fixture.azr(&["model", "info", run, "--json"]).expect_code(0).json();
    value["weights"].as_str().expect("a model has a weights hash").to_owned()
}

/// What must be equal in two runs of the same seed, however they were interrupted.
fn assert_same_run(fixture: &Fixture, first: &str, second: &str) {
    assert_eq!(fixture.read(&format!("{first}/steps.jsonl")), fixture.read(&format!("{second}/steps.jsonl")));
    for step in [0, 3] {
        let items = |run: &str| fixture.read(&format!("{run}/eval/tiny/step-{step}/items.jsonl"));
        assert_eq!(items(first), items(second), "evaluation after step {step}");
    }
    assert_eq!(weights(fixture, first), weights(fixture, second));
}

#[test]
fn a_run_leaves_the_documented_folder_and_prints_its_table() {
    let fixture = Fixture::new();
    let finished = fixture.azr(&reproduce("run", "3", &["--json"])).expect_code(0);
    let value = finished.json();
    assert_eq!(value["steps"], 3);
    assert_eq!(value["tables"][0]["suite"], "tiny");
    let rows = value["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.last().unwrap()["label"], "mean");

    let steps: Vec<Value> =
        fixture.read("run/steps.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(steps.len(), 3);
    for (index, step) in steps.iter().enumerate() {
        assert_eq!(step["step"], index as u64 + 1);
        assert_eq!(step["groups"].as_object().unwrap().len(), 6);
    }
    assert_eq!(steps[1]["prev"], steps[0]["hash"]);
    assert!(steps[1]["eval"]["tiny"].is_number() && steps[0]["eval"].is_null());

    let run: Value = serde_json::from_str(&fixture.read("run/run.json")).unwrap();
    for key in ["seed", "config_hash", "weights_hash", "guest_hash", "chain_start"] {
        assert!(!run[key].is_null(), "run.json has {key}: {run}");
    }
    for key in ["code", "command", "machine", "model", "data"] {
        assert!(!run["info"][key].is_null(), "run.json has info.{key}: {run}");
    }
    assert!(run["info"]["machine"]["cores"].as_u64().unwrap() >= 1);
    for file in [
        "config.toml",
        "timings.jsonl",
        "rollouts/step-3.parquet",
        "eval/tiny/step-0/items.jsonl",
        "report/index.html",
    ] {
        assert!(fixture.path().join("run").join(file).is_file(), "{file}");
    }
    assert!(finished.stderr.contains("[held-out (6 of 1500): tiny "), "{}", finished.stderr);
    let page = fixture.read("run/report/index.html");
    assert!(
        page.contains("The evaluations after step 2 answered 6 of these 12 items."),
        "the page names the items"
    );
    assert!(
        !page.contains("src=\"http") && !page.contains("href=\"http"),
        "the report asks no other machine for anything"
    );

    // The resolved configuration repeats the run.
    let again = fixture.azr(&["train", "run/config.toml", "--dry-run"]).expect_code(0);
    assert_eq!(again.stdout.trim(), fixture.read("run/config.toml").trim());
}

#[test]
fn a_killed_run_resumes_to_the_same_end() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("whole", "3", &[])).expect_code(0);

    let mut child = fixture.start(&reproduce("killed", "3", &[]));
    fixture.wait_for("killed/steps.jsonl", |text| text.lines().count() >= 1);
    signal(child.id(), "KILL");
    child.wait().unwrap();
    let finished = fixture.azr(&reproduce("killed", "3", &["--resume"])).expect_code(0);
    assert!(finished.stdout.contains("report:"), "{}", finished.stdout);
    assert_same_run(&fixture, "whole", "killed");
}

#[test]
fn a_run_killed_in_its_first_evaluation_resumes_to_the_same_end() {
    let fixture = Fixture::new();
    let mut child = fixture.start(&reproduce("killed", "1", &[]));
    fixture.wait_for("killed/config.toml", |_| true);
    signal(child.id(), "KILL");
    child.wait().unwrap();
    fixture.azr(&reproduce("killed", "1", &["--resume"])).expect_code(0);
    assert_eq!(fixture.read("killed/steps.jsonl").lines().count(), 1);
    assert!(fixture.path().join("killed/report/index.html").is_file());
}

#[test]
fn an_interrupt_ends_with_code_85_and_says_how_to_go_on() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("whole", "3", &[])).expect_code(0);

    let child = fixture.start(&reproduce("stopped", "3", &[]));
    fixture.wait_for("stopped/steps.jsonl", |text| text.lines().count() >= 1);
    signal(child.id(), "INT");
    let stopped = finish(child).expect_code(85);
    assert!(stopped.stderr.contains("--resume"), "{}", stopped.stderr);
    fixture.azr(&reproduce("stopped", "3", &["--resume"])).expect_code(0);
    assert_same_run(&fixture, "whole", "stopped");
}

#[test]
fn compare_and_report_read_finished_runs() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("first", "3", &[])).expect_code(0);
    let finished = fixture.azr(&["compare", "first", "first", "--json"]).expect_code(0);
    let lines = finished.json();
    assert_eq!(lines[0]["suite"], "tiny");
    assert_eq!(lines[0]["difference"], 0.0);
    assert_eq!(lines[0]["significant"], false);

    // A run whose answers are all wrong is significantly worse than one whose answers are all right.
    for (name, verdict) in [("good", true), ("bad", false)] {
        let lines: Vec<String> = fixture
            .read("first/eval/tiny/step-3/items.jsonl")
            .lines()
            .map(|line| {
                let mut record: Value = serde_json::from_str(line).unwrap();
                record["pass"] = verdict.into();
                record.to_string()
            })
            .collect();
        fixture.write(&format!("{name}/eval/tiny/step-3/items.jsonl"), lines.join("\n") + "\n");
    }
    fixture.azr(&["compare", "bad", "good"]).expect_code(0);
    let worse = fixture.azr(&["compare", "good", "bad"]).expect_code(1);
    assert!(worse.stdout.contains("significantly worse"), "{}", worse.stdout);

    let finished = fixture.azr(&["report", "first", "first", "--out", "both.html"]).expect_code(0);
    assert!(finished.stdout.contains("first/report/index.html"), "{}", finished.stdout);
    assert!(Path::new(&fixture.path().join("both.html")).is_file());
    let unknown = fixture.azr(&["report", "first", "first", "--suite", "tinny"]);
    unknown.expect_refusal(&["the suite 'tinny'", "--suite with one of: tiny"]);
}
