//! Which model is served: the option of the command line, the setting of an editor, GGUF files as they are.

use azr_tests::language_client::Home;
use serde_json::{Value, json};

/// A one-layer model, packed (`fixtures/make_gguf.py`).
const GGUF: &[u8] = include_bytes!("../fixtures/small.gguf");

fn served(home: &Home) -> Value {
    home.azr(&["daemon", "status", "--json"]).expect_code(0).json()["model"].clone()
}

#[test]
fn a_daemon_that_runs_loads_the_model_that_is_named() {
    let home = Home::new();
    home.fixture.write("small.gguf", GGUF);
    let file = home.fixture.path().join("small.gguf").display().to_string();
    home.azr(&["daemon", "start"]).expect_code(0);
    assert_eq!(served(&home)["name"], "azr-tiny");
    let again =
        home.azr(&["daemon", "start", "--model", "small.gguf", "--http", "127.0.0.1:0"]).expect_code(0);
    assert!(again.stderr.contains("--http changes nothing"), "{}", again.stderr);
    assert_eq!(served(&home)["name"], file.as_str(), "a path is that of the caller's folder");
    home.azr(&["daemon", "start", "--model", "no/such"]).expect_refusal(&["no/such", "azr model get"]);
    assert_eq!(served(&home)["name"], file.as_str());
    home.azr(&["daemon", "stop"]).expect_code(0);

    home.azr(&["daemon", "start", "--model", "small.gguf"]).expect_code(0);
    let mut editor = home.editor(&["lsp", "--model", "azr-tiny"]);
    editor.initialize(&json!({}));
    while editor.request("azr/status", &json!({}))["model"]["name"] != "azr-tiny" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn an_editors_setting_names_the_model_for_everybody() {
    let home = Home::new();
    home.fixture.write("small.gguf", GGUF);
    let mut editor = home.editor(&["lsp"]);
    editor.initialize(&json!({}));
    let name = |editor: &mut azr_tests::language_client::LanguageClient| {
        editor.request("azr/status", &json!({}))["model"]["name"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(name(&mut editor), "azr-tiny");
    let set = |editor: &mut azr_tests::language_client::LanguageClient, model: &str| {
        let settings = json!({ "settings": { "azr": { "model": model } } });
        editor.notify("workspace/didChangeConfiguration", &settings);
    };
    set(&mut editor, "small.gguf");
    while !name(&mut editor).ends_with("small.gguf") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // What cannot be had is said, and what is served stays.
    set(&mut editor, "nothing/here");
    let told = editor.wait_for(|message| message["method"] == "window/showMessage");
    let text = told["params"]["message"].as_str().unwrap();
    assert!(text.contains("nothing/here") && text.contains("azr model get"), "{text}");
    assert!(name(&mut editor).ends_with("small.gguf"));
    // A GGUF file answers questions as any model does.
    let question =
        json!({ "program": "def f(a):\n    return a * 2\n", "input": "4", "budget": { "ms": 200 } });
    assert_eq!(editor.request("azr/deduce", &question)["actual"], "8");
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn a_gguf_file_is_a_model() {
    let home = Home::new();
    home.fixture.write("small.gguf", GGUF);
    let model = home.azr(&["model", "info", "small.gguf", "--json"]).expect_code(0).json();
    assert_eq!(model["layers"], 1, "{model}");
    home.fixture.write("in.jsonl", "{\"prompt\": \"abc 1\"}\n");
    let generate = |out: &str| {
        let options = ["--prompts", "in.jsonl", "--out", out, "--max-tokens", "8", "--greedy"];
        home.azr(&[&["model", "generate", "--model", "small.gguf"], &options[..]].concat()).expect_code(0);
        home.fixture.read(out)
    };
    let packed = generate("packed.jsonl");
    home.azr(&["model", "import", "small.gguf", "--out", "folder"]).expect_code(0);
    let options = ["--prompts", "in.jsonl", "--out", "folder.jsonl", "--max-tokens", "8", "--greedy"];
    home.azr(&[&["model", "generate", "--model", "folder"], &options[..]].concat()).expect_code(0);
    // What is read from the prompt is the same; new tokens go through the packed form.
    let first = |text: &str| serde_json::from_str::<Value>(text).unwrap()["logprobs"][0].clone();
    assert_eq!(first(&packed), first(&home.fixture.read("folder.jsonl")));
    home.fixture.write("cut.gguf", &GGUF[..GGUF.len() / 2]);
    home.azr(&["model", "info", "cut.gguf"]).expect_refusal(&["cut.gguf", "whole GGUF file"]);
}
