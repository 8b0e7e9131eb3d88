//! Functions of the user's files for self-play: none unless switched on, each with where it comes from, all removable.

use azr_tests::language_client::{Home, LanguageClient};
use serde_json::{Value, json};

const URI: &str = "file:///project/mine.py";
const TEXT: &str = "SCALE = 2\n\n\ndef double(a):\n    return a * SCALE\n\n\ndouble(21)\nassert double(2) == 4\ndouble(open('x'))\nassert double(1) == 3\n";

fn editor(home: &Home, on: bool) -> LanguageClient {
    let mut editor = home.editor(&["lsp"]);
    let options = if on { json!({ "taskPool": { "enabled": true } }) } else { json!({}) };
    editor.request(
        "initialize",
        &json!({ "processId": null, "capabilities": {}, "initializationOptions": options }),
    );
    editor.notify("initialized", &json!({}));
    editor
}

fn entries(editor: &mut LanguageClient) -> Vec<Value> {
    editor.request("azr/pool/list", &json!({}))["entries"].as_array().expect("a list").clone()
}

/// Waits for the diagnostics of the document, and a little for what comes after them.
fn checked(editor: &mut LanguageClient, wanted: usize) -> Vec<Value> {
    editor.wait_for(|message| message["method"] == "textDocument/publishDiagnostics");
    for _ in 0..100 {
        let found = entries(editor);
        if wanted > 0 && found.len() >= wanted {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(if wanted > 0 { 100 } else { 10 }));
    }
    entries(editor)
}

#[test]
fn nothing_is_kept_unless_it_is_switched_on_and_what_is_kept_can_go() {
    let home = Home::new();
    let mut off = editor(&home, false);
    off.open(URI, TEXT);
    assert_eq!(checked(&mut off, 0), Vec::<Value>::new());
    let empty = off.refusal("azr/train/start", &json!({ "pool": true }));
    assert!(empty["message"].as_str().is_some_and(|text| text.contains("the task pool is empty")), "{empty}");
    assert!(!home.fixture.path().join("h/state/pool.jsonl").exists());

    let mut on = editor(&home, true);
    on.open(URI, TEXT);
    let found = checked(&mut on, 3);
    let mut calls: Vec<(&str, &str)> =
        found.iter().map(|one| (one["input"].as_str().unwrap(), one["output"].as_str().unwrap())).collect();
    calls.sort_unstable();
    // The value is that of execution, also where the text claims another.
    assert_eq!(calls, [("1", "2"), ("2", "4"), ("21", "42")]);
    for one in &found {
        assert_eq!(one["origin"], json!({ "uri": URI, "function": "double" }));
        assert!(one["snippet"].as_str().unwrap().contains("SCALE = 2"), "{one}");
    }
    let id = found[0]["id"].as_str().unwrap();
    assert_eq!(on.request("azr/pool/remove", &json!({ "ids": [id] })), json!({ "removed": 1, "left": 2 }));

    // The command line works on the same file, also while the daemon runs.
    let listed = home.azr(&["daemon", "pool", "--json"]).expect_code(0).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let shown = home.azr(&["daemon", "pool"]).expect_code(0).stdout;
    assert!(shown.contains("double(") && shown.contains(URI), "{shown}");

    // Self-play starts from them.
    let folder = home.fixture.path().join("run").display().to_string();
    let settings = json!({
        "run": { "steps": 1, "checkpoint_every": 1, "evaluate_every": 0 },
        "rollout": { "n_proposals": 2, "n_solves": 2, "max_response_tokens": 32 },
        "learnability": { "n_samples": 2 },
    });
    let run = on.request("azr/train/start", &json!({ "config": settings, "runDir": folder, "pool": true }));
    on.request("azr/train/subscribe", &json!({ "runId": run["runId"], "fromStep": 0 }));
    let end = on.wait_for(|message| {
        let kind = &message["params"]["kind"];
        message["method"] == "azr/train/event" && (*kind == "done" || *kind == "error")
    });
    assert_eq!(end["params"]["kind"], "done", "{end}");
    let seeds = home.fixture.read("run/seeds/triplets.jsonl");
    assert_eq!(seeds.lines().filter(|line| line.contains("def double")).count(), 2, "{seeds}");

    assert!(home.azr(&["daemon", "pool", "--clear"]).expect_code(0).stdout.contains("2 removed, 0 left"));
    assert_eq!(entries(&mut on), Vec::<Value>::new());
    assert_eq!((off.shut_down(), on.shut_down()), (Some(0), Some(0)));
}
