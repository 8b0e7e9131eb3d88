//! What a bridge remembers of its session, so that a new daemon can take it over: how it began, the documents as they
//! are, and the requests still unanswered.

use crate::lsp::documents::{Change, Documents};
use crate::lsp::position::{Encoding, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Id of the replayed `initialize`: no client uses it.
const REPLAY_ID: &str = "azr/replay";

/// The session as the client knows it.
#[expect(clippy::struct_excessive_bools, reason = "what has been sent, in no order that could be one state")]
#[derive(Debug, Default)]
pub struct Mirror {
    initialize: Option<Value>,
    initialized: bool,
    encoding: Encoding,
    documents: Documents,
    /// Methods of unanswered requests of the client, by the text of their id.
    unanswered: BTreeMap<String, (Value, String)>,
    /// `shutdown` has been sent.
    pub shut_down: bool,
    /// `exit` has been sent.
    pub exited: bool,
    replayed: bool,
}

impl Mirror {
    /// Looks at a message of the client before it is passed on. Gives the editor's process where it says so.
    pub fn client_says(&mut self, body: &[u8]) -> Option<u32> {
        let message: Value = serde_json::from_slice(body).ok()?;
        let method = message.get("method")?.as_str()?.to_owned();
        if let Some(id) = message.get("id") {
            self.unanswered.insert(id.to_string(), (id.clone(), method.clone()));
        }
        let params = message.get("params").cloned().unwrap_or_default();
        match method.as_str() {
            "initialize" => {
                let parent = params.get("processId").and_then(Value::as_u64);
                self.initialize = Some(message);
                return parent.and_then(|process| u32::try_from(process).ok());
            }
            "initialized" => self.initialized = true,
            "shutdown" => self.shut_down = true,
            "exit" => self.exited = true,
            "textDocument/didOpen" => self.open(&params),
            "textDocument/didChange" => self.change(&params),
            "textDocument/didClose" => {
                if let Some(uri) = params.pointer("/textDocument/uri").and_then(Value::as_str) {
                    self.documents.close(uri);
                }
            }
            _ => {}
        }
        None
    }

    /// Looks at a message of the daemon; false where it is the answer to our replay, which the client must not see.
    pub fn daemon_says(&mut self, body: &[u8]) -> bool {
        let Ok(message) = serde_json::from_slice::<Value>(body) else { return true };
        if message.get("method").is_some() {
            return true;
        }
        let Some(id) = message.get("id") else { return true };
        if id == REPLAY_ID {
            return false;
        }
        if self.unanswered.remove(&id.to_string()).is_some_and(|(_, method)| method == "initialize") {
            let name = message.pointer("/result/capabilities/positionEncoding").and_then(Value::as_str);
            self.encoding = Encoding::negotiate(name);
        }
        true
    }

    /// Requests that still wait for an answer.
    pub fn waiting(&self) -> usize {
        self.unanswered.len()
    }

    /// Has the session been taken over before?
    pub fn replayed(&self) -> bool {
        self.replayed
    }

    /// The replay, for the next daemon.
    pub fn begin_replay(&mut self) -> Vec<Value> {
        self.replayed = true;
        self.replay()
    }

    /// Messages that bring a new daemon to the state of the session.
    pub fn replay(&self) -> Vec<Value> {
        let Some(mut initialize) = self.initialize.clone() else { return Vec::new() };
        // A client that still waits for the answer to its own `initialize` gets it from the new daemon.
        if !self.unanswered.values().any(|(_, method)| method == "initialize") {
            initialize["id"] = REPLAY_ID.into();
        }
        let mut messages = vec![initialize];
        if self.initialized {
            messages.push(json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }));
            messages.extend(self.documents.iter().map(|(uri, document)| {
                let item = json!({
                    "uri": uri, "languageId": &*document.language, "version": document.version, "text": &*document.text
                });
                json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "textDocument": item } })
            }));
        }
        messages
    }

    /// Errors for the requests that the old daemon took with it.
    pub fn give_up(&mut self, reason: &str) -> Vec<Value> {
        let keep_initialize = |method: &str| method == "initialize";
        let (kept, lost) = std::mem::take(&mut self.unanswered)
            .into_iter()
            .partition(|(_, (_, method))| keep_initialize(method));
        self.unanswered = kept;
        let lost: BTreeMap<String, (Value, String)> = lost;
        lost.into_values()
            .map(|(id, _)| {
                // Extensions know by the kind that the same question may be asked again.
                let data = json!({ "kind": "DaemonEnded", "hint": "ask again" });
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32803, "message": reason, "data": data } })
            })
            .collect()
    }

    fn open(&mut self, params: &Value) {
        let Some(item) = params.get("textDocument") else { return };
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let version = item.get("version").and_then(Value::as_i64).unwrap_or_default() as i32;
        self.documents.open(text("uri"), text("languageId"), version, text("text"));
    }

    fn change(&mut self, params: &Value) {
        let place = |value: &Value| {
            let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
            Place { line: number("line") as u32, column: number("character") as u32 }
        };
        let changes: Vec<Change> = params
            .get("contentChanges")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|change| Change {
                range: change
                    .get("range")
                    .filter(|range| range.is_object())
                    .map(|range| (place(&range["start"]), place(&range["end"]))),
                text: change.get("text").and_then(Value::as_str).unwrap_or_default().to_owned(),
            })
            .collect();
        let Some(uri) = params.pointer("/textDocument/uri").and_then(Value::as_str) else { return };
        let version = params.pointer("/textDocument/version").and_then(Value::as_i64).unwrap_or_default();
        self.documents.change(uri, version as i32, &changes, self.encoding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(mirror: &mut Mirror, message: &Value) -> Option<u32> {
        mirror.client_says(message.to_string().as_bytes())
    }

    #[test]
    fn a_new_daemon_gets_the_session_as_it_is() {
        let mut mirror = Mirror::default();
        let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "processId": 77, "capabilities": {} } });
        assert_eq!(send(&mut mirror, &initialize), Some(77));
        assert!(mirror.daemon_says(
            br#"{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"positionEncoding":"utf-8"}}}"#
        ));
        send(&mut mirror, &json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }));
        let open = json!({ "uri": "file:///a.py", "languageId": "python", "version": 1, "text": "𝛼 = 1\n" });
        send(&mut mirror, &json!({ "method": "textDocument/didOpen", "params": { "textDocument": open } }));
        let range = json!({ "start": { "line": 0, "character": 7 }, "end": { "line": 0, "character": 8 } });
        let change = json!({ "textDocument": { "uri": "file:///a.py", "version": 2 }, "contentChanges": [{ "range": range, "text": "23" }] });
        send(&mut mirror, &json!({ "method": "textDocument/didChange", "params": change }));
        send(
            &mut mirror,
            &json!({ "jsonrpc": "2.0", "id": 2, "method": "textDocument/hover", "params": {} }),
        );

        let replay = mirror.replay();
        assert_eq!(replay.len(), 3);
        assert_eq!(replay[0]["id"], REPLAY_ID);
        assert_eq!(replay[2]["params"]["textDocument"]["text"], "𝛼 = 23\n");
        assert_eq!(replay[2]["params"]["textDocument"]["version"], 2);
        assert!(
            !mirror.daemon_says(
                json!({ "jsonrpc": "2.0", "id": REPLAY_ID, "result": {} }).to_string().as_bytes()
            )
        );
        let lost = mirror.give_up("gone");
        assert_eq!((lost.len(), &lost[0]["id"], mirror.waiting()), (1, &json!(2), 0));
    }

    #[test]
    fn an_unanswered_initialize_is_asked_again_under_its_own_id() {
        let mut mirror = Mirror::default();
        send(&mut mirror, &json!({ "jsonrpc": "2.0", "id": "a", "method": "initialize", "params": {} }));
        assert!(mirror.give_up("gone").is_empty());
        assert_eq!(mirror.replay()[0]["id"], "a");
    }

    proptest::proptest! {
        #[test]
        fn no_message_makes_the_mirror_panic(text in "[ -~]{0,80}", line: u32, column: u32) {
            let mut mirror = Mirror::default();
            mirror.client_says(text.as_bytes());
            mirror.daemon_says(text.as_bytes());
            let open = json!({ "uri": "u", "text": text });
            send(&mut mirror, &json!({ "method": "textDocument/didOpen", "params": { "textDocument": open } }));
            let range = json!({ "start": { "line": line, "character": column }, "end": { "line": 0, "character": 0 } });
            let change = json!({ "textDocument": { "uri": "u" }, "contentChanges": [{ "range": range, "text": "x" }, 3, {}] });
            send(&mut mirror, &json!({ "method": "textDocument/didChange", "params": change }));
        }
    }
}
