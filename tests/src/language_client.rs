//! A small client of the language server: it speaks to the real program over its standard input and output.

use crate::{Fixture, signal};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest wait for a message.
const PATIENCE: Duration = Duration::from_mins(2);

/// A user with a daemon of his own; it is stopped at the end of the test.
#[derive(Debug)]
pub struct Home {
    /// The folder around it.
    pub fixture: Fixture,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// A fresh one; no daemon runs.
    pub fn new() -> Self {
        Self { fixture: Fixture::new() }
    }

    /// A command of this user.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.fixture.command(arguments);
        command.env("AZR_HOME", self.fixture.path().join("h"));
        command
    }

    /// Runs a command of this user to its end.
    pub fn azr(&self, arguments: &[&str]) -> crate::Finished {
        // Not a pipe: a daemon started by the command would keep it open.
        crate::finish(crate::spawn(&mut self.command(arguments)))
    }

    /// An editor's language server.
    pub fn editor(&self, arguments: &[&str]) -> LanguageClient {
        LanguageClient::start(&mut self.command(arguments))
    }

    /// A file of the daemon's runtime folder.
    pub fn runtime(&self, name: &str) -> std::path::PathBuf {
        self.fixture.path().join("h/run").join(name)
    }

    /// Process of the daemon that runs.
    #[track_caller]
    pub fn daemon(&self) -> u32 {
        let status = self.azr(&["daemon", "status", "--json"]).expect_code(0).json();
        status["daemon"]["pid"].as_u64().expect("a process has a number") as u32
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ =
            self.command(&["daemon", "stop", "--now"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// One editor.
#[derive(Debug)]
pub struct LanguageClient {
    /// The language server's process.
    pub child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Messages that came while another was waited for.
    pub aside: Vec<Value>,
    next_id: i64,
}

impl LanguageClient {
    /// Starts the language server.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the language server starts");
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            while let Some(message) = read_message(&mut reader) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, messages, aside: Vec::new(), next_id: 0 }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("the input is open");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("the language server reads");
    }

    /// Ends the server's input.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request; gives its id.
    pub fn ask(&mut self, method: &str, params: &Value) -> i64 {
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params }));
        self.next_id
    }

    /// The next message that satisfies `wanted`; others are put aside.
    #[track_caller]
    pub fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(index) = self.aside.iter().position(&wanted) {
            return self.aside.remove(index);
        }
        let started = Instant::now();
        loop {
            let message = match self.messages.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => panic!("no such message came; others: {:#?}", self.aside),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the server ended; messages: {:#?}", self.aside)
                }
            };
            if wanted(&message) {
                return message;
            }
            self.aside.push(message);
        }
    }

    /// The reply to a request.
    #[track_caller]
    pub fn reply(&mut self, id: i64) -> Value {
        self.wait_for(|message| message["id"] == id && message.get("method").is_none())
    }

    /// Asks and waits for the result.
    #[track_caller]
    pub fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        let mut reply = self.reply(id);
        assert!(reply.get("error").is_none(), "{method}: {reply:#}");
        reply["result"].take()
    }

    /// Asks and waits for the error.
    #[track_caller]
    pub fn refusal(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        let mut reply = self.reply(id);
        assert!(reply.get("error").is_some(), "{method}: {reply:#}");
        reply["error"].take()
    }

    /// `initialize` and `initialized`; gives the server's capabilities.
    #[track_caller]
    pub fn initialize(&mut self, capabilities: &Value) -> Value {
        let mut result = self.request(
            "initialize",
            &json!({ "processId": std::process::id(), "rootUri": null, "capabilities": capabilities }),
        );
        self.notify("initialized", &json!({}));
        result["capabilities"].take()
    }

    /// Opens a document.
    pub fn open(&mut self, uri: &str, text: &str) {
        let item = json!({ "uri": uri, "languageId": "python", "version": 1, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": item }));
    }

    /// Waits for the end of the process; gives its exit code.
    #[track_caller]
    pub fn ended(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be waited for") {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE, "the language server did not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `shutdown` and `exit`, with the input left open; gives the exit code.
    #[track_caller]
    pub fn shut_down(&mut self) -> Option<i32> {
        self.request("shutdown", &Value::Null);
        self.notify("exit", &Value::Null);
        self.ended()
    }
}

impl Drop for LanguageClient {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            signal(self.child.id(), "KILL");
        }
        let _ = self.child.wait();
    }
}

fn read_message(reader: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("Content-Length:") {
            length = text.trim().parse::<usize>().ok();
        }
    }
    let mut body = vec![0; length?];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
