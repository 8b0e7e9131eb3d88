//! The commands around a finished run: `replay`, `export`, `ablate`; and presets at toy width.

use azr_tests::Fixture;
use serde_json::Value;

/// Settings of a run whose steps take a second.
const SMALL: [&str; 9] = [
    "rollout.n_proposals=3",
    "rollout.n_solves=3",
    "rollout.max_response_tokens=32",
    "learnability.n_samples=2",
    "seeding.seed_batch_factor=2",
    "seeding.max_batches=2",
    "run.checkpoint_every=1",
    "run.evaluate_every=2",
    "evaluation.subset=6",
];

fn small<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let settings = SMALL.iter().flat_map(|setting| ["--set", setting]);
    arguments.iter().copied().chain(settings).collect()
}

#[test]
fn a_run_is_audited_and_exported() {
    let fixture = Fixture::new();
    fixture.azr(&small(&["train", "tiny", "--steps", "2", "--run-dir", "run"])).expect_code(0);
    let telemetry = fixture.read("run/telemetry.jsonl");
    let first: Value = serde_json::from_str(telemetry.lines().next().unwrap()).unwrap();
    assert_eq!(first["step"], 1);
    assert!(first["seconds"]["total"].is_number() && first["warnings"].is_array());

    let sound = fixture.azr(&["replay", "run", "--verify", "--steps", "all", "--json"]).expect_code(0).json();
    assert_eq!(sound["mismatches"], serde_json::json!([]));
    assert_eq!(sound["recomputed"], serde_json::json!([1, 2]));
    assert_eq!(sound["weights_checked"], serde_json::json!([1, 2]));
    let hashes = fixture.azr(&["replay", "run"]).expect_code(0);
    assert!(hashes.stdout.contains("the record is sound"), "{}", hashes.stdout);

    fixture.azr(&["export", "run", "--to", "tensorboard"]).expect_code(0);
    let events =
        std::fs::read(fixture.path().join("run/export/tensorboard/events.out.tfevents.0.azr")).unwrap();
    assert!(
        events.windows(30).any(|part| part == b"deduction_propose/reward_mean\x15"),
        "the figures have names"
    );
    fixture.azr(&["export", "run", "--to", "jsonl", "--out", "lines"]).expect_code(0);
    fixture.azr(&["export", "run", "--to", "parquet", "--out", "columns"]).expect_code(0);
    for name in std::fs::read_dir(fixture.path().join("run/rollouts")).unwrap() {
        let name = name.unwrap().file_name();
        let read = |folder: &str| std::fs::read(fixture.path().join(folder).join(&name)).unwrap();
        assert!(read("columns") == read("run/rollouts"), "{name:?} is copied whole");
    }
    let row: Value =
        serde_json::from_str(fixture.read("lines/step-2.jsonl").lines().next().unwrap()).unwrap();
    assert!(row["prompt"].as_str().unwrap().ends_with("<think>") && row["step"] == 2);
    fixture.azr(&["export", "run", "--to", "model", "--out", "model"]).expect_code(0);
    assert!(fixture.read("model/README.md").contains("from_pretrained"));
    let exported = fixture.azr(&["model", "info", "model", "--json"]).expect_code(0).json();
    let trained = fixture.azr(&["model", "info", "run", "--json"]).expect_code(0).json();
    assert_eq!(exported["weights"], trained["weights"]);

    std::fs::copy(
        fixture.path().join("run/rollouts/step-1.parquet"),
        fixture.path().join("run/rollouts/step-2.parquet"),
    )
    .unwrap();
    let changed = fixture.azr(&["replay", "run"]).expect_code(1);
    assert!(changed.stdout.contains("MISMATCH step 2: the rollouts"), "{}", changed.stdout);
    fixture.azr(&["replay", "nowhere"]).expect_refusal(&["nowhere", "not the folder of a run"]);
    fixture.azr(&["replay", "run", "--verify", "--steps", "some"]).expect_refusal(&["--steps some"]);
}

#[test]
fn every_file_of_a_run_is_audited() {
    let fixture = Fixture::new();
    fixture.azr(&small(&["train", "tiny", "--steps", "2", "--run-dir", "run"])).expect_code(0);
    let steps = fixture.read("run/steps.jsonl");
    let lines: Vec<&str> = steps.lines().collect();
    let items = fixture.read("run/eval/tiny/step-2/items.jsonl");
    let forged = items.replacen("\"pass\":false", "\"pass\":true", 1);
    assert_ne!(items, forged, "the model is wrong somewhere");
    let mut weights = std::fs::read(fixture.path().join("run/checkpoints/step-2/model.safetensors")).unwrap();
    let middle = weights.len() / 2;
    weights[middle] ^= 1;
    let mut buffers = fixture.read("run/checkpoints/step-1/buffers.json").into_bytes();
    buffers.truncate(buffers.len() / 2);
    let seed = fixture.read("run/run.json").replacen("\"seed\": ", "\"seed\": 5", 1);
    let config = fixture.read("run/config.toml").replacen("gamma = 1.0", "gamma = 0.5", 1);
    let changes: [(&str, Vec<u8>, &str); 8] = [
        ("steps.jsonl", format!("{}\n", lines[0]).into_bytes(), "the record ends at step 1"),
        ("steps.jsonl", Vec::new(), "holds no record"),
        ("steps.jsonl", steps.as_bytes()[..steps.len() - 100].to_vec(), "the last line is cut short"),
        ("eval/tiny/step-2/items.jsonl", forged.into_bytes(), "metrics.json is not what items.jsonl gives"),
        ("checkpoints/step-2/model.safetensors", weights, "this file is not what was written"),
        ("checkpoints/step-1/buffers.json", buffers, "this file is not what was written"),
        ("run.json", seed.into_bytes(), "run.json has seed 5"),
        ("config.toml", config.into_bytes(), "config.toml is not the configuration"),
    ];
    for (name, content, finding) in changes {
        let path = fixture.path().join("run").join(name);
        let whole = std::fs::read(&path).unwrap();
        assert_ne!(whole, content, "{name}");
        std::fs::write(&path, content).unwrap();
        let said = fixture.azr(&["replay", "run"]).expect_code(1).stdout;
        assert!(said.contains("MISMATCH") && said.contains(finding), "{name}: {said}");
        assert!(!said.contains("the record is sound"), "{name}");
        if name.ends_with("model.safetensors") {
            let asked: [&[&str]; 2] = [
                &["export", "run", "--to", "model", "--out", "out"],
                &["eval", "tiny", "--limit", "1", "--model", "run"],
            ];
            for arguments in asked {
                fixture.azr(arguments).expect_refusal(&["model.safetensors", "not what was written"]);
            }
        }
        std::fs::write(&path, whole).unwrap();
    }
    fixture.azr(&["replay", "run"]).expect_code(0);
    fixture.azr(&["replay", "run", "--verify", "--steps", "9"]).expect_refusal(&["step 9 is not recorded"]);
    std::fs::remove_dir_all(fixture.path().join("run/checkpoints")).unwrap();
    let said = fixture.azr(&["replay", "run", "--verify"]).expect_code(1).stdout;
    assert!(said.contains("nothing was played again"), "{said}");
}

#[test]
fn a_run_that_began_elsewhere_is_not_sound() {
    let fixture = Fixture::new();
    fixture.azr(&small(&["train", "tiny", "--steps", "2", "--run-dir", "honest"])).expect_code(0);
    fixture.azr(&["export", "honest", "--to", "model", "--out", "trained"]).expect_code(0);
    let card = fixture.read("trained/README.md");
    assert!(card.contains("No data set of tasks or answers was used"), "{card}");
    fixture
        .azr(&small(&["train", "tiny", "--steps", "1", "--run-dir", "other", "--set", "model.path=trained"]))
        .expect_code(0);
    fixture.azr(&["replay", "other"]).expect_code(0);
    // The configuration names another model than the one that the run began with.
    let config = fixture.read("other/config.toml");
    fixture.write("other/config.toml", config.replace("\"trained\"", "\"azr-tiny\""));
    let found = fixture.azr(&["replay", "other"]).expect_code(1).stdout;
    assert!(found.contains("MISMATCH the model that config.toml names has other weights"), "{found}");
}

#[test]
fn ablations_are_named_and_tabulated() {
    let fixture = Fixture::new();
    let rows = fixture.azr(&["ablate", "paper", "--dry-run"]).expect_code(0).stdout;
    for row in ["full", "deduction-only", "without-induction", "without-references", "solver-only"] {
        assert!(rows.contains(&format!("{row}: ")), "{rows}");
    }
    fixture.azr(&["ablate", "papier"]).expect_refusal(&["no ablation 'papier'", "did you mean 'paper'?"]);
    let grid = small(&[
        "ablate",
        "solver-only,one-baseline",
        "--seeds",
        "2",
        "--steps",
        "1",
        "--json",
        "--set",
        "evaluation.limit=6",
        "--set",
        "evaluation.n_samples=1",
    ]);
    let table = fixture.azr(&grid).expect_code(0).json();
    assert_eq!(
        (table[0]["row"].as_str(), table[1]["row"].as_str()),
        (Some("solver-only"), Some("one-baseline"))
    );
    assert_eq!(table[0]["gains"].as_array().unwrap().len(), 2);
    let config = fixture.read("runs/ablation/solver-only-seed2/config.toml");
    assert!(config.contains("seed = 2") && config.contains("train = false"), "{config}");
    // Finished runs are not done again.
    let before = fixture.read("runs/ablation/solver-only-seed1/steps.jsonl");
    assert_eq!(fixture.azr(&grid).expect_code(0).json(), table);
    assert_eq!(fixture.read("runs/ablation/solver-only-seed1/steps.jsonl"), before);
}

#[test]
fn presets_are_planned_and_played_at_toy_width() {
    let fixture = Fixture::new();
    let planned = fixture.azr(&["train", "qwen2.5-7b", "--dry-run"]).expect_code(0);
    assert!(planned.stdout.contains("n_proposals = 64"), "{}", planned.stdout);
    for part in ["7.616 B parameters", "# memory: ", "384 responses", "predicted step time"] {
        assert!(planned.stderr.contains(part), "{part}: {}", planned.stderr);
    }
    assert!(planned.stderr.contains("# not set: evaluation.limit"), "{}", planned.stderr);
    // The published prompts lie in the data folder, which this test does not name.
    assert!(
        planned.stderr.contains("the run would not start: run.prompts = 'reference'"),
        "{}",
        planned.stderr
    );
    let unknown = ["train", "tiny", "--dry-run", "--set", "evaluation.suite=human_eval"];
    let unknown = fixture.azr(&unknown).expect_code(2);
    assert!(unknown.stderr.contains("unknown suite 'human_eval'"), "{}", unknown.stderr);
    for preset in ["smollm2-135m", "qwen2.5-3b-coder", "qwen3-4b", "llama3.1-8b"] {
        let arguments = ["train", preset, "--toy", "--run-dir", preset, "--set", "run.prompts=paper"];
        fixture.azr(&arguments).expect_code(0);
        let steps = fixture.read(&format!("{preset}/steps.jsonl"));
        assert_eq!(steps.lines().count(), 2, "{preset}");
        assert!(fixture.read(&format!("{preset}/config.toml")).contains("toy:"));
    }
}

#[test]
fn seeds_come_from_files() {
    let fixture = Fixture::new();
    let row = r#"{"snippet": "def f(a):\n    return a + 5", "input": "1", "output": "6", "imports": []}"#;
    fixture.write("seeds.jsonl", format!("{row}\n"));
    let files = [
        "train",
        "tiny",
        "--steps",
        "1",
        "--run-dir",
        "run",
        "--set",
        "seeding.source=files",
        "--set",
        "seeding.deduction_file=seeds.jsonl",
    ];
    fixture.azr(&small(&files)).expect_code(0);
    assert!(fixture.read("run/seeds/triplets.jsonl").contains("a + 5"));
    let run: Value = serde_json::from_str(&fixture.read("run/run.json")).unwrap();
    assert_eq!(run["info"]["data"]["seeds: seeds.jsonl"].as_str().map(str::len), Some(64));
    fixture.azr(&["export", "run", "--to", "model", "--out", "model"]).expect_code(0);
    let card = fixture.read("model/README.md");
    assert!(card.contains("started from the tasks of these files: `seeds.jsonl`"), "{card}");
    fixture.azr(&["replay", "run", "--verify", "--steps", "all"]).expect_code(0);
    fixture.write("seeds.jsonl", format!("{}\n", row.replace("a + 5", "a + 6").replace('6', "7")));
    let other = fixture.azr(&["replay", "run", "--verify", "--steps", "all"]).expect_code(1);
    assert!(other.stdout.contains("seeds/triplets.jsonl: made again it differs"), "{}", other.stdout);
    let missing = [
        "train",
        "tiny",
        "--run-dir",
        "other",
        "--set",
        "seeding.source=files",
        "--set",
        "seeding.deduction_file=none.jsonl",
    ];
    fixture.azr(&missing).expect_refusal(&["none.jsonl", "data folder"]);
    assert!(!fixture.path().join("other").exists(), "what cannot begin leaves nothing behind");
    fixture
        .azr(&["train", "tiny", "--run-dir", "third", "--set", "seeding.source=files"])
        .expect_refusal(&["seeding.source"]);
}
