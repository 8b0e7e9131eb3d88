//! The live page, served by the program: by `azr dashboard` from a folder alone, by the daemon for its editors, and on the
//! daemon's HTTP port. What the page does in a browser is tested beside it (`daemon/server/tests/dashboard_page.rs`).

use azr_tests::language_client::Home;
use azr_tests::{Fixture, finish, signal};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;

/// Status and body of a request.
fn get(address: &str, path: &str, token: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the page is served");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    )
    .expect("the server reads");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("the server answers");
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, reply.split_once("\r\n\r\n").expect("a body").1.to_owned())
}

/// Host, port and token of an address that a browser would open.
fn parts(url: &str) -> (String, String) {
    let (address, token) = url.trim().split_once("/dashboard#token=").unwrap_or_else(|| panic!("{url}"));
    (address.strip_prefix("http://").expect("plain HTTP").to_owned(), token.to_owned())
}

fn json_of(address: &str, path: &str, token: &str) -> Value {
    let (status, body) = get(address, path, token);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// A run that is in the repository: 100 steps, without its rollouts.
fn committed_run() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/tiny/seed1")
}

#[test]
fn a_folder_of_runs_is_shown_until_the_program_is_told_to_end() {
    let fixture = Fixture::new();
    let run = fixture.path().join("runs/seed1");
    std::fs::create_dir_all(&run).expect("a folder can be made");
    std::fs::copy(committed_run().join("steps.jsonl"), run.join("steps.jsonl"))
        .expect("the run can be copied");
    let mut child = fixture.start(&["dashboard"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says where");
    let (address, token) = parts(&line);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let (status, page) = get(&address, "/dashboard", "");
    assert!(status == 200 && page.starts_with("<!doctype html>") && !page.contains(&token));
    assert_eq!(get(&address, "/dashboard/api/runs", "wrong").0, 401);
    assert_eq!(json_of(&address, "/dashboard/api/runs", &token)[0]["id"], "seed1");
    let look = json_of(&address, "/dashboard/api/run?id=seed1", &token);
    assert_eq!(look["steps"].as_array().map(Vec::len), Some(100));
    assert_eq!(look["damage"], Value::Null, "the committed record is whole");
    assert_eq!(get(&address, "/dashboard/api/rollouts?id=seed1&step=1", &token).0, 404, "it has no rollouts");
    // A run that begins while the page is open.
    std::fs::create_dir_all(fixture.path().join("runs/second")).expect("a folder can be made");
    fixture.write("runs/second/run.json", "{}");
    assert_eq!(json_of(&address, "/dashboard/api/runs", &token).as_array().map(Vec::len), Some(2));
    signal(child.id(), "INT");
    finish(child).expect_code(0);
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let fixture = Fixture::new();
    fixture.azr(&["dashboard"]).expect_refusal(&["there is no folder runs"]);
    fixture.azr(&["dashboard", "nowhere"]).expect_refusal(&["nowhere", "azr train tiny"]);
}

#[test]
fn an_editor_is_given_a_page_whose_token_opens_nothing_else() {
    let home = Home::new();
    let mut editor = home.editor(&["lsp"]);
    editor.initialize(&json!({}));
    let url = editor.request("azr/dashboard", &json!({}))["url"].as_str().expect("an address").to_owned();
    let (address, token) = parts(&url);
    assert_eq!(json_of(&address, "/dashboard/api/runs", &token), json!([]));
    assert_eq!(get(&address, "/v1/models", &token).0, 404, "the model is not served there");
    let command = json!({ "command": "azr.dashboard", "arguments": [] });
    let again = editor.request("workspace/executeCommand", &command);
    assert_eq!(again["url"], url.as_str(), "one page for all");
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn the_http_port_of_the_daemon_has_the_page_too() {
    let home = Home::new();
    let said = home.azr(&["daemon", "start", "--http", "127.0.0.1:0"]).expect_code(0).stdout;
    let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).expect(name).to_owned();
    let token = std::fs::read_to_string(value("token ")).expect("the token can be read").trim().to_owned();
    let address = value("http ");
    assert_eq!(get(&address, "/dashboard", "").0, 200);
    assert_eq!(get(&address, "/dashboard/api/runs", "").0, 401);
    let runs = home.fixture.path().join("h/state/runs/mine");
    std::fs::create_dir_all(&runs).expect("a folder can be made");
    std::fs::copy(committed_run().join("steps.jsonl"), runs.join("steps.jsonl"))
        .expect("the run can be copied");
    assert_eq!(json_of(&address, "/dashboard/api/runs", &token)[0]["id"], "mine");
    assert_eq!(get(&address, "/v1/models", &token).0, 200);
}
