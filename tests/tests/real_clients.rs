//! Clients that others wrote, against the daemon: the official `openai` package, EvalPlus' generator, pygls, and eglot in
//! Emacs. Their scripts lie in `tests/clients`; where the machine lacks a client, the test is skipped with the reason.

use azr_tests::clients::python_with;
use azr_tests::language_client::Home;
use azr_tests::skip::skipped;
use azr_tests::{binary, data_folder};
use std::path::{Path, PathBuf};
use std::process::Command;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// Runs a script of this user to its end and demands that it says so and failed nowhere.
#[track_caller]
fn passes(home: &Home, mut command: Command) {
    let of_the_user = home.command(&[]);
    for (name, value) in of_the_user.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let output = command.current_dir(home.fixture.path()).output().expect("the client starts");
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && shown.contains(" 0 failures"), "{}\n{shown}", output.status);
}

/// A daemon that serves HTTP; its base address and its token.
fn endpoint(home: &Home) -> (String, String) {
    let said = home.azr(&["daemon", "start", "--http", "127.0.0.1:0"]).expect_code(0).stdout;
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no '{name}' in {said}")).to_owned()
    };
    let token = std::fs::read_to_string(value("token ")).expect("the token can be read");
    (format!("http://{}/v1", value("http ")), token.trim().to_owned())
}

#[test]
fn the_official_openai_client_is_served() {
    let Some(python) = python_with("openai") else { return };
    let home = Home::new();
    let (address, token) = endpoint(&home);
    let mut command = Command::new(python);
    command.arg(script("openai_client.py")).args([address, token]);
    passes(&home, command);
}

#[test]
fn the_generator_of_evalplus_is_served() {
    let Some(python) = python_with("evalplus.codegen") else { return };
    let Some(data) = data_folder() else { return };
    let home = Home::new();
    let (address, token) = endpoint(&home);
    let mut command = Command::new(python);
    command
        .arg(script("evalplus_generator.py"))
        .args([address, token])
        .arg(data.join("humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz"))
        .arg(home.fixture.path().join("generated"));
    passes(&home, command);
}

#[test]
fn another_implementation_of_the_protocol_finds_no_edge() {
    let Some(python) = python_with("pygls.lsp.client") else { return };
    for arguments in [&["lsp"][..], &["lsp", "--standalone"]] {
        let home = Home::new();
        let mut command = Command::new(&python);
        command.arg(script("lsp_driver.py")).arg(binary()).args(arguments);
        passes(&home, command);
    }
}

#[test]
fn emacs_shows_every_feature() {
    let has = Command::new("emacs")
        .args(["--batch", "-q", "--eval", "(progn (require 'package) (package-initialize) (require 'eglot))"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !has {
        skipped("emacs with eglot is not installed");
        return;
    }
    let home = Home::new();
    let mut command = Command::new("emacs");
    command.args(["--batch", "-q", "-l"]).arg(script("eglot.el"));
    command.env("AZR_PROGRAM", binary()).env("AZR_SCRATCH", home.fixture.path());
    passes(&home, command);
}
