//! A skipped test says so where a person sees it: in what a plain `cargo test` prints.

use azr_tests::skip::skipped;
use std::process::Command;

/// Not a check of its own: the test below runs it.
#[test]
#[ignore = "run by the test below"]
fn one_that_cannot_run() {
    skipped("this machine has no such thing");
}

#[test]
fn the_reason_is_shown_though_the_test_passes() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_that_cannot_run", "--ignored", "--test-threads=2"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("skipped: one_that_cannot_run: this machine has no such thing\n"), "{shown}");
}
