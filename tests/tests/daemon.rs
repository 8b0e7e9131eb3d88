//! One daemon a user: how it is found, started, refused, stopped and survived.

use azr_tests::language_client::Home;
use azr_tests::signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

const PROGRAM: &str = "def f(a):\n    return a * 2\n";

/// Sends one frame and reads one.
fn exchange(stream: &mut (impl Read + Write), message: &Value) -> Option<Value> {
    let body = message.to_string();
    write!(stream, "Content-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let length: usize = line.trim().strip_prefix("Content-Length: ")?.parse().ok()?;
    reader.read_line(&mut line).ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn hello(protocol: u32, token: Option<&str>) -> Value {
    json!({ "jsonrpc": "2.0", "id": 0, "method": "azr/hello", "params": { "protocol": protocol, "token": token } })
}

#[test]
fn twenty_bridges_started_at_once_give_one_daemon() {
    let home = Home::new();
    let mut editors: Vec<_> = (0..20).map(|_| home.editor(&["lsp"])).collect();
    let mut daemons: Vec<u64> = editors
        .iter_mut()
        .map(|editor| {
            editor.initialize(&json!({}));
            editor.request("azr/status", &json!({}))["daemon"]["pid"].as_u64().unwrap()
        })
        .collect();
    daemons.dedup();
    assert_eq!(daemons.len(), 1, "{daemons:?}");
    let status = editors[0].request("azr/status", &json!({}));
    assert_eq!(status["daemon"]["clients"], 20);
    // A bridge that is killed leaves the others served.
    signal(editors[3].child.id(), "KILL");
    let answer = editors[4].request("azr/execute", &json!({ "program": PROGRAM, "input": "21" }));
    assert_eq!(answer["value"], "42");
    for editor in editors.iter_mut().skip(4) {
        assert_eq!(editor.shut_down(), Some(0));
    }
}

#[test]
fn the_command_line_starts_shows_and_stops_it() {
    let home = Home::new();
    let status = home.azr(&["daemon", "status"]).expect_code(1);
    assert!(status.stdout.contains("no daemon is running"), "{}", status.stdout);
    home.azr(&["daemon", "stop"]).expect_code(0);
    home.azr(&["daemon", "logs"]).expect_refusal(&["no daemon has run yet"]);
    let started = home.azr(&["daemon", "start"]).expect_code(0);
    assert!(started.stdout.contains("started"), "{}", started.stdout);
    assert!(home.azr(&["daemon", "start"]).expect_code(0).stdout.contains("running already"));
    let socket = home.azr(&["daemon", "sockname"]).expect_code(0).stdout;
    assert_eq!(socket.trim(), home.runtime("daemon-v1.sock").to_str().unwrap());
    home.azr(&["daemon", "start", "--foreground"]).expect_code(2);
    let status = home.azr(&["daemon", "status", "--json"]).expect_code(0).json();
    assert_eq!(status["daemon"]["clients"], 0);
    assert!(home.azr(&["daemon", "logs"]).expect_code(0).stdout.contains("the daemon listens"));
    let log = home.azr(&["daemon", "logs", "--path"]).expect_code(0).stdout;
    let mode = std::fs::metadata(log.trim()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it names the user's files");
    home.azr(&["daemon", "stop"]).expect_code(0);
    for name in ["daemon-v1.sock", "daemon-v1.token", "daemon-v1.addresses"] {
        assert!(!home.runtime(name).exists(), "{name} stays behind");
    }
    home.azr(&["daemon", "status"]).expect_code(1);
}

#[test]
fn a_killed_daemon_is_replaced_and_the_session_goes_on() {
    let home = Home::new();
    let mut editor = home.editor(&["lsp"]);
    editor.initialize(&json!({}));
    editor.open("file:///a.py", PROGRAM);
    let first = home.daemon();
    signal(first, "KILL");
    let question = json!({ "program": PROGRAM, "input": "2" });
    // A question that reaches the old connection before its end is seen is answered with "ask again", and only with that.
    let id = editor.ask("azr/execute", &question);
    let mut reply = editor.reply(id);
    if let Some(error) = reply.get("error") {
        assert!(error["message"].as_str().unwrap().ends_with("ask again"), "{reply:#}");
        let id = editor.ask("azr/execute", &question);
        reply = editor.reply(id);
    }
    assert_eq!(reply["result"]["value"], "4", "{reply:#}");
    assert_ne!(home.daemon(), first);
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn sigterm_ends_it_well_and_idleness_does_too() {
    let home = Home::new();
    let mut daemon = azr_tests::spawn(&mut home.command(&["daemon", "start", "--foreground"]));
    let listens = (0..6_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        home.runtime("daemon-v1.sock").exists()
    });
    assert!(listens, "no socket came");
    signal(daemon.id(), "TERM");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    assert!(!home.runtime("daemon-v1.sock").exists());
    // With nobody there it ends by itself.
    let idle = azr_tests::spawn(&mut home.command(&["daemon", "start", "--foreground", "--idle", "1"]));
    azr_tests::finish(idle).expect_code(0);
}

#[test]
fn strangers_are_refused() {
    let home = Home::new();
    home.azr(&["daemon", "start", "--tcp", "127.0.0.1:0"]).expect_code(0);
    // Another version.
    let mut stream = UnixStream::connect(home.runtime("daemon-v1.sock")).unwrap();
    let reply = exchange(&mut stream, &hello(2, None)).unwrap();
    assert_eq!(reply["error"]["data"]["kind"], "Refused");
    assert!(reply["error"]["message"].as_str().unwrap().contains("protocol 1"), "{reply}");
    // A first message that is none of ours.
    let mut stream = UnixStream::connect(home.runtime("daemon-v1.sock")).unwrap();
    let reply = exchange(&mut stream, &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize" })).unwrap();
    assert!(reply["error"]["message"].as_str().unwrap().contains("azr/hello"), "{reply}");
    // TCP without the token, with another, with the right one.
    let addresses = std::fs::read_to_string(home.runtime("daemon-v1.addresses")).unwrap();
    let address = addresses.trim().strip_prefix("tcp ").unwrap().to_owned();
    let token = std::fs::read_to_string(home.runtime("daemon-v1.token")).unwrap();
    let connect =
        |token| exchange(&mut std::net::TcpStream::connect(&address).unwrap(), &hello(1, token)).unwrap();
    assert!(connect(None)["error"]["message"].as_str().unwrap().contains("token"));
    assert!(connect(Some("0000"))["error"]["message"].as_str().unwrap().contains("token"));
    assert_eq!(connect(Some(token.trim()))["result"]["protocol"], 1);
}

#[test]
fn addresses_that_other_machines_reach_are_refused() {
    let home = Home::new();
    let refused = home.azr(&["daemon", "start", "--foreground", "--tcp", "0.0.0.0:0"]).expect_code(2);
    assert!(refused.stderr.contains("--allow-remote"), "{}", refused.stderr);
}

#[test]
fn a_runtime_folder_of_everybody_is_refused_and_the_editor_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    std::fs::create_dir_all(home.runtime("")).unwrap();
    std::fs::set_permissions(home.runtime(""), std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut editor = home.editor(&["lsp"]);
    let error = editor.refusal("initialize", &json!({ "capabilities": {} }));
    assert!(error["message"].as_str().unwrap().contains("not safe"), "{error}");
    assert_eq!(editor.ended(), Some(2));
}
