//! `azr eval` and `azr score`: every suite runs on the embedded model, and prints what the contract says.

use azr_tests::{Fixture, data_folder};
use serde_json::Value;

/// The object of `azr eval --json`, values aside.
#[track_caller]
fn check_schema(value: &Value, suite: &str, n_items: u64) {
    assert_eq!(value["suite"], suite);
    assert_eq!(value["model"], "azr-tiny");
    assert_eq!(value["n_items"], n_items, "{suite}");
    let rate = value["pass@1"].as_f64().expect("a rate is a number");
    assert!((0.0..=100.0).contains(&rate), "{suite}: {rate}");
    assert_eq!(value["metrics"]["pass@1"], value["pass@1"], "{suite}");
    assert!(value["metrics"]["stderr"].is_number(), "{suite}");
    let counts = value["counts"].as_object().expect("counts is an object");
    let counted: u64 = counts.values().map(|count| count.as_u64().expect("a count is a number")).sum();
    assert_eq!(counted, n_items, "{suite}: every answer has one verdict");
    assert!(value["seconds"].is_number(), "{suite}");
}

#[test]
fn embedded_suites_need_no_data() {
    let fixture = Fixture::new();
    for suite in ["tiny", "tiny_hard"] {
        let finished =
            fixture.azr(&["eval", suite, "--limit", "6", "--max-new-tokens", "64", "--json"]).expect_code(0);
        check_schema(&finished.json(), suite, 6);
    }
}

#[test]
fn an_item_alone_in_its_group_has_no_error() {
    let fixture = Fixture::new();
    let value = fixture.azr(&["eval", "tiny", "--limit", "3", "--json"]).expect_code(0).json();
    for key in ["stderr", "pass@1_low", "pass@1_high"] {
        assert!(value["metrics"][key].is_null(), "{key}: {value}");
    }
}

#[test]
fn prompts_are_shown_as_the_model_would_get_them() {
    let fixture = Fixture::new();
    let shown = fixture.azr(&["eval", "tiny", "--limit", "3", "--show-prompts"]).expect_code(0).stdout;
    let lines: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["item"], "deduction/0");
    assert!(lines[0]["prompt"].as_str().unwrap().ends_with("<think>"), "{}", lines[0]);
    assert!(lines[0]["stop"].is_array() && lines[0]["max_new_tokens"].is_number(), "{}", lines[0]);
    fixture.azr(&["eval", "paper", "--show-prompts"]).expect_refusal(&["one suite"]);
}

#[test]
fn samples_of_an_evaluation_are_scored_alike() {
    let Some(data) = data_folder() else { return };
    let fixture = Fixture::new();
    let data = data.to_str().unwrap();
    for (suite, key) in [("humaneval_plus", "task_id"), ("cruxeval_i", "id"), ("amc23", "row")] {
        let arguments = [
            "eval",
            suite,
            "--limit",
            "8",
            "--max-new-tokens",
            "64",
            "--data",
            data,
            "--run-dir",
            "run",
            "--json",
        ];
        let evaluated = fixture.azr(&arguments).expect_code(0).json();
        let samples = format!("run/eval/{suite}/samples.jsonl");
        let lines = fixture.read(&samples);
        assert_eq!(lines.lines().count(), 8, "{suite}");
        assert!(lines.lines().all(|line| line.contains(&format!("\"{key}\":"))), "{lines}");
        let arguments =
            ["score", suite, "--samples", &samples, "--out", "out.jsonl", "--data", data, "--json"];
        let scored = fixture.azr(&arguments).expect_code(0).json();
        assert_eq!(scored["pass@1"], evaluated["pass@1"], "{suite}");
        assert_eq!(scored["n_items"], 8, "{suite}");
    }
}

#[test]
fn every_published_suite_runs_with_its_data() {
    let Some(data) = data_folder() else { return };
    let fixture = Fixture::new();
    for suite in ["cruxeval_i", "cruxeval_o", "humaneval_plus", "mbpp_plus", "aime24", "aime25"] {
        let data = data.to_str().unwrap();
        let arguments = ["eval", suite, "--limit", "2", "--max-new-tokens", "24", "--data", data, "--json"];
        check_schema(&fixture.azr(&arguments).expect_code(0).json(), suite, 2);
    }
}

#[test]
fn several_answers_an_item_give_pass_at_k() {
    let fixture = Fixture::new();
    let arguments = ["eval", "tiny", "--limit", "3", "--n", "4", "--max-new-tokens", "48", "--json"];
    let value = fixture.azr(&arguments).expect_code(0).json();
    assert!(value["metrics"]["pass@4"].as_f64().unwrap() >= value["metrics"]["pass@1"].as_f64().unwrap());
    assert_eq!(value["decodings"]["sampled"]["n"], 4);
    let again = fixture.azr(&arguments).expect_code(0).json();
    assert_eq!(value["decodings"], again["decodings"], "the same seed draws the same answers");
}

#[test]
fn records_are_kept_and_score_grades_them_alike() {
    let fixture = Fixture::new();
    let arguments = ["eval", "tiny", "--limit", "6", "--max-new-tokens", "64", "--run-dir", "run", "--json"];
    let evaluated = fixture.azr(&arguments).expect_code(0).json();
    let items: Vec<Value> = fixture
        .read("run/eval/tiny/items.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(items.len(), 6);
    for key in ["item", "prompt_hash", "output", "extracted", "verdict", "pass", "tokens", "fuel"] {
        assert!(items.iter().all(|item| !item[key].is_null()), "{key}");
    }
    let samples: Vec<String> = items
        .iter()
        .map(|item| serde_json::json!({"item": item["item"], "completion": item["output"]}).to_string())
        .collect();
    fixture.write("samples.jsonl", samples.join("\n"));
    let scored = fixture
        .azr(&["score", "tiny", "--samples", "samples.jsonl", "--out", "graded.jsonl", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(scored["pass@1"], evaluated["pass@1"]);
    let graded: Vec<Value> =
        fixture.read("graded.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (line, item) in graded.iter().zip(&items) {
        assert_eq!(line["pass"], item["pass"]);
        assert_eq!(line["extracted"], item["extracted"]);
    }
}

#[test]
fn without_data_the_message_says_how_to_give_it() {
    let fixture = Fixture::new();
    fixture.write("empty/readme.txt", "no data here");
    let finished = fixture.azr(&["eval", "aime24", "--limit", "1", "--data", "empty"]).expect_code(2);
    assert!(finished.stderr.contains("--data") && finished.stderr.contains("aime24"), "{}", finished.stderr);
}
