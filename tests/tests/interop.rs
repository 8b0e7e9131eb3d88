//! Other people's tools on our endpoint, by the scripts of `benchmarks/interop`. Each runs where its package is installed.

use azr_tests::clients::python_with;
use azr_tests::{Fixture, binary, cache_folder, data_folder, finish, spawn};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The report of a script, whose exit code says that nothing differs.
fn report(python: &Path, script: &str, arguments: &[&str]) -> Value {
    let fixture = Fixture::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benchmarks/interop").join(script);
    let mut command = Command::new(python);
    command
        .arg(script.canonicalize().expect("the script is there"))
        .args(["--azr", binary().to_str().expect("the path is text")])
        .args(arguments)
        .current_dir(fixture.path())
        .env("AZR_CACHE", cache_folder());
    finish(spawn(&mut command)).expect_code(0).json()
}

#[test]
fn evalplus_asks_our_endpoint_and_gives_our_verdicts() {
    let (Some(python), Some(data)) = (python_with("evalplus"), data_folder()) else { return };
    let report =
        report(&python, "evalplus_endpoint.py", &["--data", data.to_str().expect("text"), "--tasks", "2"]);
    for set in ["humaneval", "mbpp"] {
        let by_hand = &report[set]["reference programs and wrong ones"];
        assert_eq!((by_hand["samples"].as_u64(), by_hand["right"].as_u64()), (Some(6), Some(2)), "{report}");
    }
}

#[test]
fn lm_evaluation_harness_asks_our_endpoint_and_gets_our_texts() {
    let Some(python) = python_with("lm_eval") else { return };
    let report = report(&python, "lm_eval_endpoint.py", &["--items", "4"]);
    assert_eq!(report["items"], 4, "{report}");
}
