//! What a person gets for a mistake or a broken machine: one clear message (what, where, what to do), exit
//! code 2, and nothing lost.

use azr_tests::{Finished, Fixture, finish, spawn};
use std::process::Command;

/// Exit code 2, one message with advice on standard error, nothing on standard output.
#[track_caller]
fn refused(finished: Finished, parts: &[&str]) {
    let finished = finished.expect_code(2);
    assert!(finished.stdout.is_empty(), "{}", finished.stdout);
    for part in parts.iter().chain(&["azr: ", "help: "]) {
        assert!(finished.stderr.contains(part), "'{part}' is missing in\n{}", finished.stderr);
    }
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
}

#[test]
fn unknown_names_get_the_nearest() {
    let fixture = Fixture::new();
    refused(fixture.azr(&["reproduce", "tinny"]), &["unknown preset 'tinny'", "did you mean 'tiny'?"]);
    refused(
        fixture.azr(&["train", "qwen2.5-7b-codr", "--dry-run"]),
        &["unknown preset", "did you mean 'qwen2.5-7b-coder'?"],
    );
    refused(
        fixture.azr(&["eval", "humaneval_pls", "--limit", "1"]),
        &["unknown suite 'humaneval_pls'", "did you mean 'humaneval_plus'?"],
    );
    refused(fixture.azr(&["eval", "tiny", "--model", "nowhere"]), &["no model 'nowhere'", "azr-tiny"]);
}

#[test]
fn unknown_keys_name_file_and_line() {
    let fixture = Fixture::new();
    fixture.write("mine.toml", "mode = \"clean\"\n\n[update]\nlearning_rat = 1e-4\n");
    refused(
        fixture.azr(&["train", "tiny", "mine.toml", "--dry-run"]),
        &["mine.toml:4", "unknown key 'update.learning_rat'", "did you mean 'update.learning_rate'?"],
    );
    refused(
        fixture.azr(&["reproduce", "tiny", "--set", "run.step=3"]),
        &["--set run.step=3", "did you mean 'run.steps'?"],
    );
    fixture.write("mine.toml", "[run]\nsteps = \"many\"\n");
    refused(fixture.azr(&["train", "mine.toml", "--dry-run"]), &["mine.toml:2", "run.steps"]);
    fixture.write("mine.toml", "[run\n");
    refused(fixture.azr(&["train", "mine.toml", "--dry-run"]), &["mine.toml:1", "not valid TOML"]);
    refused(fixture.azr(&["train", "missing.toml", "--dry-run"]), &["no configuration file missing.toml"]);
    assert!(!fixture.path().join("runs").exists(), "a refused configuration leaves no run behind");
}

#[test]
fn missing_weights_say_where_to_put_them() {
    let fixture = Fixture::new();
    refused(
        fixture.azr(&["train", "qwen2.5-7b-coder"]),
        &["the weights of Qwen/Qwen2.5-Coder-7B are missing", "model.safetensors", "AZR_MODELS"],
    );
    assert!(!fixture.path().join("runs").exists());
}

#[test]
fn an_existing_run_is_not_overwritten() {
    let fixture = Fixture::new();
    fixture.write("mine/notes.txt", "keep me");
    refused(
        fixture.azr(&["reproduce", "tiny", "--run-dir", "mine"]),
        &["the run folder mine exists already", "--resume"],
    );
    assert_eq!(fixture.read("mine/notes.txt"), "keep me");
    refused(
        fixture.azr(&["reproduce", "tiny", "--run-dir", "other", "--resume"]),
        &["nothing to resume", "other"],
    );
    refused(fixture.azr(&["report", "mine"]), &["is not a run folder"]);
}

/// Copies the embedded model to a folder of the fixture.
fn model_folder(fixture: &Fixture, name: &str) -> std::path::PathBuf {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/assets/azr-tiny");
    for file in ["config.json", "model.safetensors", "tokenizer.json", "generation_config.json"] {
        let content =
            std::fs::read(source.join(file)).expect("the embedded model is part of the source tree");
        fixture.write(&format!("{name}/{file}"), content);
    }
    fixture.path().join(name)
}

#[test]
fn a_damaged_model_is_named_with_its_file() {
    let fixture = Fixture::new();
    let folder = model_folder(&fixture, "model");
    let weights = folder.join("model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    fixture.azr(&["model", "info", "model"]).expect_code(0);

    std::fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    refused(fixture.azr(&["model", "info", "model"]), &["cannot load the model model", "model.safetensors"]);
    std::fs::write(&weights, b"").unwrap();
    refused(fixture.azr(&["eval", "tiny", "--model", "model", "--limit", "1"]), &["model.safetensors"]);
    std::fs::remove_file(&weights).unwrap();
    refused(fixture.azr(&["model", "info", "model"]), &["model.safetensors"]);

    std::fs::write(&weights, &whole).unwrap();
    std::fs::write(folder.join("tokenizer.json"), "{").unwrap();
    refused(fixture.azr(&["model", "info", "model"]), &["tokenizer"]);
}

#[test]
fn weights_of_another_shape_are_refused() {
    let fixture = Fixture::new();
    let folder = model_folder(&fixture, "model");
    let config = folder.join("config.json");
    let mut value: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    let size = value["intermediate_size"].as_u64().unwrap();
    value["intermediate_size"] = (size * 2).into();
    std::fs::write(&config, value.to_string()).unwrap();
    refused(fixture.azr(&["model", "info", "model"]), &["model.safetensors", "has shape", "asks for"]);
}

/// Settings of a run whose steps take seconds.
const SMALL: [&str; 20] = [
    "--set",
    "rollout.n_proposals=2",
    "--set",
    "rollout.n_solves=2",
    "--set",
    "rollout.max_response_tokens=32",
    "--set",
    "learnability.n_samples=2",
    "--set",
    "seeding.source=identity",
    "--set",
    "run.checkpoint_every=1",
    "--set",
    "run.evaluate_every=0",
    "--set",
    "evaluation.limit=3",
    "--set",
    "evaluation.n_samples=0",
    "--set",
    "evaluation.subset=0",
];

fn reproduce<'a>(run: &'a str, steps: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    ["reproduce", "tiny", "--run-dir", run, "--steps", steps]
        .into_iter()
        .chain(SMALL)
        .chain(more.iter().copied())
        .collect()
}

#[test]
fn a_broken_checkpoint_is_named_and_the_run_kept() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("run", "1", &[])).expect_code(0);
    let before = fixture.read("run/steps.jsonl");
    let checkpoint = fixture.path().join("run/checkpoints/step-1");
    let weights = checkpoint.join("model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..100]).unwrap();
    refused(fixture.azr(&reproduce("run", "2", &["--resume"])), &["step-1", "model.safetensors"]);
    assert_eq!(fixture.read("run/steps.jsonl"), before, "nothing is lost");
    std::fs::write(&weights, &whole).unwrap();
    fixture.azr(&reproduce("run", "2", &["--resume"])).expect_code(0);
    assert_eq!(fixture.read("run/steps.jsonl").lines().count(), 2);
}

/// Runs the program under a limit on the size of files, the nearest thing to a full disk that needs no rights:
/// writing beyond it fails as on a full disk, with another error number.
fn with_file_limit(fixture: &Fixture, blocks: u32, arguments: &[&str]) -> Finished {
    let command = fixture.command(arguments);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"])
        .arg(command.get_program())
        .args(arguments);
    shell.current_dir(fixture.path()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    finish(spawn(&mut shell))
}

#[test]
fn a_full_disk_ends_the_run_with_a_message_and_resume_completes_it() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("whole", "2", &[])).expect_code(0);
    // Records fit, weights do not.
    let finished = with_file_limit(&fixture, 256, &reproduce("full", "2", &[]));
    refused(finished, &["full"]);
    fixture.azr(&reproduce("full", "2", &["--resume"])).expect_code(0);
    assert_eq!(fixture.read("whole/steps.jsonl"), fixture.read("full/steps.jsonl"));
}

#[test]
fn a_full_device_is_reported() {
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("skipped: this system has no /dev/full");
        return;
    }
    let fixture = Fixture::new();
    fixture.write(
        "samples.jsonl",
        "{\"item\": \"deduction/0\", \"completion\": \"</think><answer>```output\\n1\\n```\\n</answer>\"}\n",
    );
    refused(
        fixture.azr(&["score", "tiny", "--samples", "samples.jsonl", "--out", "/dev/full"]),
        &["/dev/full"],
    );
}

#[test]
fn an_unwritable_cache_is_named() {
    let fixture = Fixture::new();
    fixture.write("program.py", "def f():\n    return 1\n");
    // A file where the folder should be cannot be written into, not even by the superuser.
    fixture.write("cache", "a file");
    let mut command = fixture.command(&["sandbox", "run", "program.py", "--call", "f()"]);
    refused(finish(spawn(command.env("AZR_CACHE", fixture.path().join("cache")))), &["cache", "AZR_CACHE"]);
}

#[test]
fn broken_samples_and_programs_are_named() {
    let fixture = Fixture::new();
    fixture.write("samples.jsonl", "{\"item\": 3}\n");
    refused(fixture.azr(&["score", "tiny", "--samples", "samples.jsonl"]), &["samples.jsonl", "line 1"]);
    refused(fixture.azr(&["sandbox", "run", "missing.py", "--call", "f()"]), &["missing.py"]);
    fixture.write("binary.py", [0xff, 0xfe, 0x00]);
    refused(fixture.azr(&["sandbox", "run", "binary.py", "--call", "f()"]), &["binary.py", "UTF-8"]);
    fixture.write("rows.jsonl", "{\"snippet\": 1}\n");
    refused(fixture.azr(&["sandbox", "check", "rows.jsonl"]), &["rows.jsonl:1"]);
}
