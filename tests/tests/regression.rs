//! The embedded model's answers as snapshots: one line an item, so that a changed answer is one line in a diff.
//!
//! A line is the item, its verdict and the answer. It is the same on machines of one kind: the answer is greedy, sums of 32-bit
//! floats have one order whatever the number of threads, and a verdict is decided by fuel, not by time. What is left is the
//! last digit of a logit, which kinds of processor may round differently: it moves an answer only where two tokens tie to
//! that digit. After a change that is meant, `INSTA_UPDATE=always cargo test --release -p azr-tests` accepts the new lines,
//! and `cargo insta review` shows them one by one.

use azr_tests::{Fixture, data_folder};
use serde_json::Value;

/// Longest part of an answer that is shown.
const SHOWN_CHARS: usize = 72;

/// `item verdict answer` of every record, in order.
fn outcomes(suite: &str, arguments: &[&str]) -> String {
    let fixture = Fixture::new();
    let mut all = vec!["eval", suite, "--run-dir", "run"];
    all.extend(arguments);
    fixture.azr(&all).expect_code(0);
    let records = fixture.read(&format!("run/eval/{suite}/items.jsonl"));
    let mut lines = String::new();
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).expect("a record is JSON");
        let text =
            |key: &str| record[key].as_str().expect("records hold item, verdict and answer").to_owned();
        let answer: String = text("extracted").replace('\n', "\\n").chars().take(SHOWN_CHARS).collect();
        lines.push_str(format!("{} {} {answer}", text("item"), text("verdict")).trim_end());
        lines.push('\n');
    }
    lines
}

#[test]
fn tiny_item_by_item() {
    insta::assert_snapshot!("tiny", outcomes("tiny", &["--limit", "30"]));
}

#[test]
fn a_slice_of_cruxeval_item_by_item() {
    let Some(data) = data_folder() else { return };
    let arguments = ["--limit", "20", "--max-new-tokens", "96", "--data", data.to_str().unwrap()];
    for suite in ["cruxeval_o", "cruxeval_i"] {
        insta::assert_snapshot!(suite, outcomes(suite, &arguments));
    }
}
