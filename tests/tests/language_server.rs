//! The language server against what real clients do: each row of the table in `daemon/server/src/lsp/transport.rs`,
//! on the real program, with a daemon and without.

use azr_tests::language_client::{Home, LanguageClient};
use serde_json::{Value, json};
use std::process::Command;

const PROGRAM: &str = "def f(a):\n    return a * 2\n";
/// Uses up its fuel; takes as long as that takes.
const ENDLESS: &str = "def f(a):\n    while True:\n        a += 1\n";

/// The same test with a daemon and without.
fn both(test: impl Fn(&Home, &[&str])) {
    for arguments in [&["lsp"][..], &["lsp", "--standalone"]] {
        test(&Home::new(), arguments);
    }
}

fn slow(editor: &mut LanguageClient, count: usize) -> Vec<i64> {
    let params = json!({ "program": ENDLESS, "input": "0", "seconds": 0.3 });
    (0..count).map(|_| editor.ask("azr/execute", &params)).collect()
}

#[test]
fn a_quick_request_does_not_wait_for_slow_ones() {
    both(|home, arguments| {
        let mut editor = home.editor(arguments);
        editor.initialize(&json!({}));
        let slow = slow(&mut editor, 12);
        editor.request("azr/status", &json!({}));
        let early = editor.aside.iter().filter(|message| slow.iter().any(|id| message["id"] == *id)).count();
        assert!(early < slow.len(), "the quick request came last");
        for id in slow {
            assert_eq!(editor.reply(id)["result"]["verdict"], "timeout");
        }
    });
}

#[test]
fn a_cancelled_request_is_answered_even_when_many_are_slow() {
    both(|home, arguments| {
        let mut editor = home.editor(arguments);
        editor.initialize(&json!({}));
        let slow = slow(&mut editor, 40);
        for id in &slow {
            editor.notify("$/cancelRequest", &json!({ "id": id }));
        }
        let cancelled = slow.iter().filter(|id| editor.reply(**id)["error"]["code"] == -32800).count();
        assert!(cancelled >= 30, "{cancelled} of {} were cancelled", slow.len());
        assert_eq!(editor.request("azr/execute", &json!({ "program": PROGRAM, "input": "4" }))["value"], "8");
    });
}

#[test]
fn exit_ends_the_process_with_its_input_open() {
    both(|home, arguments| {
        let mut editor = home.editor(arguments);
        editor.initialize(&json!({}));
        assert_eq!(editor.shut_down(), Some(0));
        let mut editor = home.editor(arguments);
        editor.initialize(&json!({}));
        editor.notify("exit", &Value::Null);
        assert_eq!(editor.ended(), Some(1), "exit without shutdown");
    });
}

#[test]
fn parameters_that_are_null_mean_none() {
    both(|home, arguments| {
        let mut editor = home.editor(arguments);
        editor.initialize(&json!({}));
        editor.request("azr/status", &Value::Null);
        // Emacs sends this one.
        let id = editor.ask("shutdown", &Value::Null);
        assert_eq!(editor.reply(id)["result"], Value::Null);
        editor.notify("exit", &Value::Null);
        assert_eq!(editor.ended(), Some(0));
    });
}

#[test]
fn the_server_ends_with_its_editor() {
    both(|home, arguments| {
        // The editor, as the server knows it, is a process that is killed; the input stays open.
        let mut other = Command::new("sleep").arg("600").spawn().unwrap();
        let mut editor = home.editor(arguments);
        editor.request("initialize", &json!({ "processId": other.id(), "capabilities": {} }));
        other.kill().unwrap();
        other.wait().unwrap();
        editor.ended();
        // An editor that closes its end.
        let mut editor = home.editor(arguments);
        editor.initialize(&json!({}));
        editor.close_input();
        assert_eq!(editor.ended(), Some(0));
    });
}

#[test]
fn replies_come_although_the_input_has_ended() {
    both(|home, arguments| {
        let mut editor = home.editor(arguments);
        editor.initialize(&json!({}));
        let id = editor.ask("azr/execute", &json!({ "program": PROGRAM, "input": "5" }));
        editor.close_input();
        assert_eq!(editor.reply(id)["result"]["value"], "10");
        editor.ended();
    });
}

#[test]
fn bad_messages_cost_one_reply_each() {
    both(|home, arguments| {
        let mut editor = home.editor(arguments);
        assert_eq!(editor.refusal("azr/status", &json!({}))["code"], -32002, "before initialize");
        editor.initialize(&json!({}));
        let null = |message: &Value| message["id"].is_null() && message.get("error").is_some();
        for (body, code) in [
            ("{", -32700),
            ("[]", -32600),
            ("3", -32600),
            ("{}", -32600),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"azr/status"}"#, -32600),
            (r#"{"jsonrpc":"1.0","method":"azr/status"}"#, -32600),
        ] {
            editor.write(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
            assert_eq!(editor.wait_for(null)["error"]["code"], code, "{body}");
        }
        editor.write(b"Nonsense: 1\r\n\r\n");
        assert_eq!(editor.wait_for(null)["error"]["code"], -32700);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        editor.write(format!("Content-Length: {}\r\n\r\n{deep}", deep.len()).as_bytes());
        assert_eq!(editor.wait_for(null)["error"]["code"], -32700);
        assert_eq!(editor.refusal("azr/nothing", &json!({}))["code"], -32601);
        assert_eq!(editor.refusal("azr/execute", &json!({ "program": 3 }))["code"], -32602);
        let error = editor.refusal("azr/execute", &json!({ "program": "x = 1", "input": "" }));
        assert_eq!(error["data"]["kind"], "BadProgram");
        assert_eq!(editor.shut_down(), Some(0));
    });
}

#[test]
fn a_slow_frame_and_a_huge_document_are_read() {
    let home = Home::new();
    let mut editor = home.editor(&["lsp"]);
    editor.initialize(&json!({}));
    let text = format!("{PROGRAM}{}", "# a line of a comment\n".repeat(700_000));
    assert!(text.len() > 15_000_000);
    editor.open("file:///huge.py", &text);
    for byte in b"Content-Length: 52\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":\"slow\",\"method\":\"azr/status\" }"
    {
        editor.write(&[*byte]);
    }
    assert!(editor.wait_for(|message| message["id"] == "slow")["result"]["daemon"].is_object());
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn too_many_requests_at_once_are_refused_one_by_one() {
    let home = Home::new();
    let mut editor = home.editor(&["lsp"]);
    editor.initialize(&json!({}));
    let slow = slow(&mut editor, 600);
    let last = editor.reply(*slow.last().unwrap());
    assert_eq!(last["error"]["data"]["kind"], "Overloaded", "{last}");
    for id in &slow {
        editor.notify("$/cancelRequest", &json!({ "id": id }));
    }
    for id in &slow[..599] {
        editor.reply(*id);
    }
    assert_eq!(editor.shut_down(), Some(0));
}
