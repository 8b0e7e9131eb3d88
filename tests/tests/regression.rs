//! The embedded model's answers as snapshots: one line an item, so that a changed answer is one line in a diff.
//!
//! What is kept is the verdict of the greedy answer, no text and no number of floating point: another kind of processor
//! may round the last digit of a logit differently, which moves a verdict only where two tokens tie to that digit.

use azr_tests::{Fixture, data_folder};
use serde_json::Value;

/// `item verdict` of every record, in order.
fn outcomes(fixture: &Fixture, suite: &str, arguments: &[&str]) -> String {
    let mut all = vec!["eval", suite, "--run-dir", "run"];
    all.extend(arguments);
    fixture.azr(&all).expect_code(0);
    let records = fixture.read(&format!("run/eval/{suite}/items.jsonl"));
    let mut lines = String::new();
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).expect("a record is JSON");
        for (key, end) in [("item", ' '), ("verdict", '\n')] {
            lines.push_str(record[key].as_str().expect("records hold item and verdict"));
            lines.push(end);
        }
    }
    lines
}

#[test]
fn tiny_item_by_item() {
    let fixture = Fixture::new();
    insta::assert_snapshot!("tiny", outcomes(&fixture, "tiny", &["--limit", "30"]));
}

#[test]
fn a_slice_of_cruxeval_item_by_item() {
    let Some(data) = data_folder() else { return };
    let fixture = Fixture::new();
    let arguments = ["--limit", "16", "--max-new-tokens", "96", "--data", data.to_str().unwrap()];
    insta::assert_snapshot!("cruxeval_o", outcomes(&fixture, "cruxeval_o", &arguments));
}
