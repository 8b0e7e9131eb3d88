//! What a person gets for a mistake or a broken machine: one clear message (what, where, what to do), exit
//! code 2, and nothing lost.

use azr_tests::skip::skipped;
use azr_tests::{Finished, Fixture, finish, spawn};

/// Exit code 2 and one message with advice that has all `parts`.
#[track_caller]
fn refused(finished: Finished, parts: &[&str]) {
    finished.expect_refusal(parts);
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
fn absurd_numbers_name_key_value_and_range() {
    let fixture = Fixture::new();
    for (set, range) in [
        ("update.learning_rate=1e30", "above 0, at most 1"),
        ("update.learning_rate=0", "above 0, at most 1"),
        ("update.learning_rate=-1e-4", "above 0, at most 1"),
        ("update.learning_rate=nan", "above 0, at most 1"),
        ("update.learning_rate=inf", "above 0, at most 1"),
        ("update.beta2=1.0", "above 0 and below 1"),
        ("update.clip_low=0", "above 0 and below 1"),
        ("evaluation.limit=0", "from 1 to 1000000"),
        ("evaluation.n_samples=0", "from 1 to 1000"),
        ("evaluation.subset=0", "from 1 to 1000000"),
        ("seeding.seed_batch_factor=0", "from 1 to 4096"),
        ("rollout.temperature=0", "from 0.01 to 10"),
        ("rollout.temperature=-1", "from 0.01 to 10"),
        ("learnability.temperature=1000", "from 0.01 to 10"),
        ("rollout.max_response_tokens=0", "from 1 to 1000000"),
        ("run.steps=-3", "from 1 to 1000000"),
    ] {
        let (key, value) = set.split_once('=').unwrap();
        refused(fixture.azr(&["train", "tiny", "--dry-run", "--set", set]), &[set, key, value, range]);
    }
    fixture.write("mine.toml", "[update]\nlearning_rate = 1e30\n");
    refused(
        fixture.azr(&["train", "tiny", "mine.toml", "--dry-run"]),
        &["mine.toml:2", "update.learning_rate", "1e30", "above 0, at most 1"],
    );
    for (flag, value) in [
        ("--limit", "0"),
        ("--n", "0"),
        ("--n", "1001"),
        ("--max-new-tokens", "0"),
        ("--temperature", "1e9"),
        ("--temperature", "nan"),
        ("--temperature=-1", ""),
    ] {
        let arguments = ["eval", "tiny", flag, value];
        let given = if value.is_empty() { &arguments[..3] } else { &arguments[..] };
        let name = flag.split('=').next().unwrap();
        refused(fixture.azr(given), &[name, "is not allowed, only"]);
    }
    refused(fixture.azr(&["eval", "tiny", "--n", "4", "--temperature", "0"]), &["the same answer 4 times"]);
    refused(fixture.azr(&["pretrain", "--steps", "0"]), &["steps", "from 1 to"]);
    refused(
        fixture.azr(&["pretrain", "--set", "learning_rate=1e30"]),
        &["learning_rate", "1e30", "at most 1"],
    );
}

#[test]
fn a_data_file_that_is_not_the_published_one_is_refused_and_left_alone() {
    let fixture = Fixture::new();
    let content = "{\"id\": 1, \"question\": \"1 + 1\", \"answer\": \"2\"}\n";
    let path = fixture.write("data/aime24/test.jsonl", content);
    let finished = fixture.azr(&["eval", "aime24", "--limit", "1", "--data", "data"]).expect_code(2);
    for word in ["remove", "delete"] {
        assert!(!finished.stderr.contains(word), "{}", finished.stderr);
    }
    refused(
        finished,
        &[
            "data/aime24/test.jsonl is not the published file",
            "sha256 af2b8bd2aa911b6333ad0df32f3ca05c7ae8ed10f1731f4372c8ae26990bf7ac was expected",
            "was found",
            "the file stays as it is",
            "--data DIR",
        ],
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    let file = path.to_str().unwrap();
    refused(fixture.azr(&["eval", "aime24", "--limit", "1", "--data", file]), &["is a file, not a folder"]);
    fixture.write("cut/aime24/test.jsonl.gz", [0x1f, 0x8b, 8, 0, 0, 0]);
    refused(
        fixture.azr(&["eval", "aime24", "--limit", "1", "--data", "cut"]),
        &["cut/aime24/test.jsonl.gz", "cut short or damaged"],
    );
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

/// Changes `config.json` of a model folder.
fn with_config(folder: &std::path::Path, change: impl Fn(&mut serde_json::Value)) {
    let path = folder.join("config.json");
    let text = std::fs::read_to_string(&path).expect("the folder has a config.json");
    let mut value = serde_json::from_str(&text).expect("it is JSON");
    change(&mut value);
    std::fs::write(&path, value.to_string()).expect("it can be written");
}

#[test]
fn weights_of_another_shape_are_refused() {
    let fixture = Fixture::new();
    for key in ["intermediate_size", "hidden_size", "vocab_size"] {
        let folder = model_folder(&fixture, key);
        with_config(&folder, |config| config[key] = (2 * config[key].as_u64().unwrap()).into());
        refused(
            fixture.azr(&["model", "info", key]),
            &["model.safetensors", "has shape", "the configuration asks for"],
        );
        refused(fixture.azr(&["eval", "tiny", "--model", key, "--limit", "1"]), &["has shape"]);
    }
    let folder = model_folder(&fixture, "deeper");
    with_config(&folder, |config| {
        config["num_hidden_layers"] = (1 + config["num_hidden_layers"].as_u64().unwrap()).into();
    });
    refused(fixture.azr(&["model", "info", "deeper"]), &["model.safetensors", "is missing"]);
}

#[test]
fn a_transposed_matrix_is_refused() {
    let fixture = Fixture::new();
    let folder = model_folder(&fixture, "model");
    let path = folder.join("model.safetensors");
    let file = std::fs::read(&path).unwrap();
    let length = usize::try_from(u64::from_le_bytes(file[..8].try_into().unwrap())).unwrap();
    let (header, data) = file[8..].split_at(length);
    let mut header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let name = "model.layers.0.mlp.gate_proj.weight";
    let shape = header[name]["shape"].as_array().unwrap().clone();
    header[name]["shape"] = [shape[1].clone(), shape[0].clone()].into_iter().collect();
    let header = header.to_string();
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat();
    std::fs::write(&path, file).unwrap();
    refused(
        fixture.azr(&["model", "info", "model"]),
        &[
            "model.safetensors",
            name,
            &format!("has shape [{}, {}]", shape[1], shape[0]),
            &format!("asks for [{}, {}]", shape[0], shape[1]),
        ],
    );
}

#[test]
fn a_full_device_is_reported() {
    if !std::path::Path::new("/dev/full").exists() {
        skipped("this system has no /dev/full");
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
    // What Python cannot read is a syntax error of the program, and that a verdict.
    let verdict = fixture.azr(&["sandbox", "run", "binary.py", "--call", "f()"]).expect_code(0).stdout;
    assert!(verdict.contains("syntax error in line 1") && verdict.contains("0xff"), "{verdict}");
    fixture.write("marked.py", "\u{feff}def f():\r\n    return 1\r\n");
    let verdict = fixture.azr(&["sandbox", "run", "marked.py", "--call", "f()"]).expect_code(0).stdout;
    assert!(verdict.contains("f() -> 1"), "{verdict}");
    fixture.write("latin.py", b"# -*- coding: latin-1 -*-\ndef f():\n    return '\xe9'\n");
    let verdict = fixture.azr(&["sandbox", "run", "latin.py", "--call", "f()"]).expect_code(0).stdout;
    assert!(verdict.contains('\u{e9}'), "{verdict}");
    fixture.write("bytes.jsonl", b"{\"item\": \"a\", \"completion\": \"\"}\n\xff\xfe\n");
    refused(
        fixture.azr(&["score", "tiny", "--samples", "bytes.jsonl"]),
        &["bytes.jsonl", "line 2", "not text in UTF-8"],
    );
    fixture.write("cut.jsonl.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2]);
    refused(
        fixture.azr(&["score", "tiny", "--samples", "cut.jsonl.gz"]),
        &["cut.jsonl.gz", "cut short or damaged"],
    );
    refused(fixture.azr(&["sandbox", "check", "cut.jsonl.gz"]), &["cut.jsonl.gz", "cut short or damaged"]);
    fixture.write("rows.jsonl", "{\"snippet\": 1}\n");
    refused(fixture.azr(&["sandbox", "check", "rows.jsonl"]), &["rows.jsonl:1"]);
}
