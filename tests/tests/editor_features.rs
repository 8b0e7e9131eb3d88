//! What an editor shows: hover, hints, diagnostics, lenses, actions, commands, on real files and by the real program.

use azr_tests::language_client::{Home, LanguageClient};
use serde_json::{Value, json};
use std::time::Instant;

const URI: &str = "file:///project/example.py";
const TEXT: &str = r#"import math

SCALE = 2


def f(a):
    """
    >>> f(3)
    7
    """
    return a * SCALE


def reads(path):
    return open(path).read()


def boom(a):
    return a // 0


assert f(2) == 5
f(4)  # -> 8
x = f(10)
reads("a")
boom(1)
broken = (
"#;

fn capabilities() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-8"] },
        "textDocument": {
            "hover": { "contentFormat": ["markdown"] },
            "publishDiagnostics": { "relatedInformation": true }
        }
    })
}

fn editor(home: &Home, capabilities: &Value) -> LanguageClient {
    let mut editor = home.editor(&["lsp", "--standalone"]);
    editor.initialize(capabilities);
    editor
}

/// Line and column of a text.
fn at(needle: &str) -> Value {
    let offset = TEXT.find(needle).unwrap_or_else(|| panic!("'{needle}' is in the text"));
    let before = &TEXT[..offset];
    let line = before.matches('\n').count();
    json!({ "line": line, "character": before.len() - before.rfind('\n').map_or(0, |end| end + 1) })
}

fn hover(editor: &mut LanguageClient, needle: &str) -> Value {
    editor.request("textDocument/hover", &json!({ "textDocument": { "uri": URI }, "position": at(needle) }))
}

fn diagnostics(editor: &mut LanguageClient, version: i64) -> Vec<Value> {
    let message = editor.wait_for(|message| {
        message["method"] == "textDocument/publishDiagnostics" && message["params"]["version"] == version
    });
    message["params"]["diagnostics"].as_array().expect("diagnostics are a list").clone()
}

#[test]
fn hover_shows_the_executed_value_with_its_verdict() {
    let home = Home::new();
    let mut editor = editor(&home, &capabilities());
    editor.open(URI, TEXT);
    let text = hover(&mut editor, "f(10)")["contents"]["value"].as_str().unwrap().to_owned();
    assert!(text.contains("`f(10)` → `20` ✓ verified by execution"), "{text}");
    let text = hover(&mut editor, "f(2) == 5")["contents"]["value"].as_str().unwrap().to_owned();
    assert!(text.contains("the text says `5` ✗ refuted by execution"), "{text}");
    let text = hover(&mut editor, "boom(1)")["contents"]["value"].as_str().unwrap().to_owned();
    assert!(text.contains("ZeroDivisionError") && text.contains("! error"), "{text}");
    let text = hover(&mut editor, "reads(\"a\")")["contents"]["value"].as_str().unwrap().to_owned();
    assert!(text.contains("? unverified"), "{text}");
    assert_eq!(hover(&mut editor, "SCALE = 2"), Value::Null);
    // What the model says comes with a verdict too, when it has answered.
    let answered = (0..2_400).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let text = hover(&mut editor, "f(10)")["contents"]["value"].as_str().unwrap_or_default().to_owned();
        text.contains("the model says nothing") || text.contains("(version 0) says")
    });
    assert!(answered, "the model does not answer");
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn refuted_claims_are_diagnostics_until_they_are_mended() {
    let home = Home::new();
    let mut editor = editor(&home, &capabilities());
    editor.open(URI, TEXT);
    let found = diagnostics(&mut editor, 1);
    let messages: Vec<&str> = found.iter().map(|one| one["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["f(3) is 6, not 7", "f(2) is 4, not 5"]);
    assert!(found.iter().all(|one| one["source"] == "azr" && one["code"] == "refuted"));
    assert_eq!(found[1]["relatedInformation"][0]["message"], "by execution: 4");

    let range = found[1]["range"].clone();
    let context = json!({ "diagnostics": [found[1]] });
    let actions = editor.request(
        "textDocument/codeAction",
        &json!({ "textDocument": { "uri": URI }, "range": range, "context": context }),
    );
    let fix = actions.as_array().unwrap().iter().find(|action| action["kind"] == "quickfix").unwrap();
    assert_eq!(fix["title"], "Replace with the actual value 4");
    let edit = &fix["edit"]["changes"][URI][0];
    assert_eq!((&edit["range"], &edit["newText"]), (&range, &json!("4")));
    let titles: Vec<&str> =
        actions.as_array().unwrap().iter().map(|action| action["title"].as_str().unwrap()).collect();
    assert!(
        titles.contains(&"AZR: deduce f(2)") && titles.contains(&"AZR: find an input of f for 5"),
        "{titles:?}"
    );

    // Mend the assertion, and the doctest by the whole text.
    editor.notify(
        "textDocument/didChange",
        &json!({
            "textDocument": { "uri": URI, "version": 2 },
            "contentChanges": [{ "range": range, "text": "4" }],
        }),
    );
    assert_eq!(diagnostics(&mut editor, 2).len(), 1);
    editor.notify(
        "textDocument/didChange",
        &json!({
            "textDocument": { "uri": URI, "version": 3 },
            "contentChanges": [{ "text": TEXT.replace("    7\n", "    6\n").replace("== 5", "== 4") }],
        }),
    );
    assert_eq!(diagnostics(&mut editor, 3).len(), 0);
    editor.notify("textDocument/didClose", &json!({ "textDocument": { "uri": URI } }));
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn hints_show_what_calls_in_sight_return() {
    let home = Home::new();
    let mut editor = editor(&home, &capabilities());
    editor.open(URI, TEXT);
    let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints =
        editor.request("textDocument/inlayHint", &json!({ "textDocument": { "uri": URI }, "range": all }));
    let labels: Vec<&str> =
        hints.as_array().unwrap().iter().map(|hint| hint["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["✗ 6", "✗ 4", "✓", "= 20 ✓", "= ZeroDivisionError: division by zero !"]);
    let line = at("x = f(10)")["line"].clone();
    let one = json!({ "start": { "line": line, "character": 0 }, "end": { "line": line, "character": 9 } });
    let hints =
        editor.request("textDocument/inlayHint", &json!({ "textDocument": { "uri": URI }, "range": one }));
    assert_eq!(hints.as_array().unwrap().len(), 1);
    assert_eq!(hints[0]["position"], json!({ "line": line, "character": 9 }));
    assert_eq!(editor.shut_down(), Some(0));
}

/// Two hundred calls that never end would keep it for two hundred times the limit of one.
#[test]
#[expect(clippy::disallowed_methods, reason = "one wait is compared with another of the same run")]
fn what_never_ends_keeps_no_editor_waiting() {
    let home = Home::new();
    // This client cannot be told later that there are hints.
    let mut editor = editor(&home, &capabilities());
    let endless =
        "def f(n):\n    while n:\n        n += 1\n    return n\n\n\ndef g(n):\n    return n + 1\n\n\n";
    let calls: Vec<String> = (1..200).map(|n| format!("assert f({n}) == {n}\n")).collect();
    editor.open(URI, &format!("{endless}assert g(1) == 1\n{}", calls.concat()));
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 400, "character": 0 } });
    let one = Instant::now();
    let run = json!({ "program": endless, "function": "f", "input": "1000", "seconds": 2.0 });
    let answer = editor.request("azr/execute", &run);
    let one = one.elapsed();
    assert_eq!(answer["verdict"], "timeout", "{answer}");
    let all = Instant::now();
    let hints =
        editor.request("textDocument/inlayHint", &json!({ "textDocument": { "uri": URI }, "range": range }));
    let context = json!({ "diagnostics": [] });
    let actions = json!({ "textDocument": { "uri": URI }, "range": range, "context": context });
    let actions = editor.request("textDocument/codeAction", &actions);
    assert!(all.elapsed() < one * 50, "{:?} for all, {one:?} for one", all.elapsed());
    assert!(hints[0]["label"].as_str().unwrap().contains('2'), "what ends is there: {hints}");
    assert!(actions[0]["title"].as_str().unwrap().contains("actual value 2"), "{actions}");
}

#[test]
fn nothing_is_run_where_execution_is_off() {
    let home = Home::new();
    let mut editor = home.editor(&["lsp", "--standalone"]);
    editor.request("initialize", &json!({
        "processId": null, "capabilities": capabilities(), "initializationOptions": { "execution": "off" },
    }));
    editor.notify("initialized", &json!({}));
    editor.open(URI, TEXT);
    assert_eq!(diagnostics(&mut editor, 1).len(), 0);
    assert_eq!(hover(&mut editor, "f(10)"), Value::Null);
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints =
        editor.request("textDocument/inlayHint", &json!({ "textDocument": { "uri": URI }, "range": range }));
    assert_eq!(hints, Value::Null);
    // Not by a question either: this is what an editor sends for a workspace that is not trusted.
    let (program, place) = ("def f(a):\n    return a\n", at("f(10)"));
    let examples = json!([{ "input": "1", "output": "1" }]);
    for (method, params) in [
        ("azr/execute", json!({ "program": program, "input": "1" })),
        ("azr/deduce", json!({ "program": program, "input": "1" })),
        ("azr/deduce", json!({ "textDocument": { "uri": URI }, "position": place })),
        ("azr/abduce", json!({ "program": program, "output": "1" })),
        ("azr/induce", json!({ "examples": examples })),
    ] {
        let error = editor.refusal(method, &params);
        assert_eq!(error["message"], "running programs is switched off", "{method}: {error}");
    }
    editor.notify(
        "workspace/didChangeConfiguration",
        &json!({ "settings": { "azr": { "execution": "literals" } } }),
    );
    let answer = editor.request("azr/execute", &json!({ "program": program, "input": "1" }));
    assert_eq!(answer["value"], "1");
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn what_the_search_finds_comes_before_the_model() {
    let home = Home::new();
    let mut editor = editor(&home, &capabilities());
    let program = "def f(a):\n    return a + 1\n";
    let examples = json!([{ "input": "1", "output": "2" }, { "input": "5", "output": "6" }]);
    for (method, mut params, list) in [
        ("azr/abduce", json!({ "program": program, "output": "9" }), "inputs"),
        ("azr/induce", json!({ "examples": examples }), "candidates"),
    ] {
        params["partialResultToken"] = json!(method);
        let answer = editor.request(method, &params);
        assert!(answer[list].as_array().is_some_and(|all| !all.is_empty()), "{answer}");
        let part = editor
            .wait_for(|message| message["method"] == "$/progress" && message["params"]["token"] == method);
        let found = &part["params"]["value"][list][0];
        assert_eq!((&found["source"], &found["verdict"]), (&json!("search"), &json!("verified")), "{part}");
    }
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn a_model_that_cannot_be_loaded_takes_the_place_of_none() {
    let home = Home::new();
    let mut editor = editor(&home, &capabilities());
    editor.request("azr/model/load", &json!({ "source": "azr-tiny" }));
    editor.refusal("azr/model/load", &json!({ "source": "/nowhere" }));
    let status = editor.request("azr/status", &json!({}));
    assert_eq!((&status["model"]["name"], &status["model"]["loaded"]), (&json!("azr-tiny"), &json!(true)));
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn lenses_and_commands_ask_the_three_questions() {
    let home = Home::new();
    let mut editor = editor(&home, &capabilities());
    editor.open(URI, TEXT);
    let lenses = editor.request("textDocument/codeLens", &json!({ "textDocument": { "uri": URI } }));
    let mut commands = Vec::new();
    for lens in lenses.as_array().unwrap() {
        let resolved = editor.request("codeLens/resolve", lens);
        commands.push(resolved["command"].clone());
    }
    let names: Vec<&str> = commands.iter().map(|command| command["command"].as_str().unwrap()).collect();
    assert_eq!(names, ["azr.deduce", "azr.abduce", "azr.induce", "azr.deduce"]);
    let run = |editor: &mut LanguageClient, command: &Value| {
        editor.request(
            "workspace/executeCommand",
            &json!({
                "command": command["command"], "arguments": command["arguments"], "workDoneToken": "t",
            }),
        )
    };
    let answer = run(&mut editor, &commands[0]);
    assert_eq!((&answer["actual"], &answer["source"]), (&json!("6"), &json!("executor")));
    for kind in ["begin", "end"] {
        editor.wait_for(|message| {
            message["method"] == "$/progress" && message["params"]["value"]["kind"] == kind
        });
    }
    let answer = run(&mut editor, &commands[1]);
    assert!(answer["inputs"].is_array() && answer["verdict"].is_string(), "{answer}");
    let status = run(&mut editor, &json!({ "command": "azr.status", "arguments": [] }));
    assert_eq!(status["model"]["name"], "azr-tiny");
    let error =
        editor.refusal("workspace/executeCommand", &json!({ "command": "azr.nothing", "arguments": [] }));
    assert_eq!(error["code"], -32602);
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn a_place_in_a_document_is_a_question() {
    let home = Home::new();
    let mut editor = editor(&home, &capabilities());
    editor.open(URI, TEXT);
    let answer = editor.request(
        "azr/deduce",
        &json!({
            "textDocument": { "uri": URI }, "position": at("f(10)"), "budget": { "samples": 0 },
        }),
    );
    assert_eq!(answer["actual"], "20");
    let error =
        editor.refusal("azr/deduce", &json!({ "textDocument": { "uri": URI }, "position": at("SCALE = 2") }));
    assert_eq!(error["data"]["kind"], "BadProgram");
    assert_eq!(editor.shut_down(), Some(0));
}

/// Edits reach the document in their order, whatever else is going on: the last text is the one that is hovered.
#[test]
fn a_thousand_edits_arrive_in_order() {
    let home = Home::new();
    let mut editor = editor(&home, &json!({}));
    editor.open(URI, "def f(a):\n    return a\n\nf()\n");
    for (index, digit) in (0..1000).map(|index| (index, index % 10)) {
        let place = json!({ "line": 3, "character": 2 + index });
        editor.notify("textDocument/didChange", &json!({
            "textDocument": { "uri": URI, "version": index + 2 },
            "contentChanges": [{ "range": { "start": place, "end": place }, "text": (if index == 0 { 1 } else { digit }).to_string() }],
        }));
    }
    let expected: String = (0..1000)
        .map(|index| if index == 0 { 1 } else { index % 10 })
        .map(|digit| digit.to_string())
        .collect();
    let place = json!({ "textDocument": { "uri": URI }, "position": { "line": 3, "character": 1 } });
    let answer = editor.request(
        "azr/deduce",
        &json!({
            "textDocument": place["textDocument"], "position": place["position"], "budget": { "samples": 0 },
        }),
    );
    assert_eq!(answer["actual"].as_str(), Some(expected.as_str()));
    assert_eq!(editor.shut_down(), Some(0));
}
