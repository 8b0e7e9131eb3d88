//! Benchmarks from the outside: suites of one's own, `explain`, the paper's table, LiveCodeBench in its published format.

use azr_tests::{Fixture, data_folder};
use serde_json::json;

const SUITE: &str =
    "name = \"sums\"\ngrader = \"math\"\nprompt = \"What is {question}?\\n\"\nmax_new_tokens = 16\n";
const ITEMS: &str = "{\"item\": \"a-1\", \"question\": \"1 + 1\", \"answer\": \"2\"}\n\
                     {\"item\": \"a-2\", \"question\": \"1/2 + 1/4\", \"answer\": \"\\\\frac{3}{4}\"}\n";

fn with_own_suite() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("own/suite.toml", SUITE);
    fixture.write("own/items.jsonl", ITEMS);
    fixture
}

#[test]
fn a_folder_is_a_suite() {
    let fixture = with_own_suite();
    let value = fixture.azr(&["eval", "./own", "--run-dir", "run", "--json"]).expect_code(0).json();
    assert_eq!((value["suite"].as_str(), value["n_items"].as_u64()), (Some("sums"), Some(2)));
    fixture.write(
        "samples.jsonl",
        "{\"item\": \"a-1\", \"completion\": \"<answer>2</answer>\"}\n{\"item\": \"a-2\", \"completion\": \"\\\\boxed{0.75}\"}\n",
    );
    let scored =
        fixture.azr(&["score", "./own", "--samples", "samples.jsonl", "--json"]).expect_code(0).json();
    assert_eq!(scored["pass@1"], 100.0);
    let shown = fixture.azr(&["explain", "./own/a-2", "--run", "run"]).expect_code(0).stdout;
    for part in [
        "--- prompt\nWhat is 1/2 + 1/4?",
        "--- output",
        "--- extracted",
        "--- verdict",
        "--- expected\n\\frac{3}{4}",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
}

#[test]
fn explain_refuses_what_is_not_there() {
    let fixture = with_own_suite();
    fixture.azr(&["explain", "nothing/1", "--run", "run"]).expect_refusal(&["names no item", "SUITE/ITEM"]);
    fixture
        .azr(&["explain", "./own/a-1", "--run", "run"])
        .expect_refusal(&["holds no evaluation", "azr eval"]);
    fixture.azr(&["eval", "./own", "--run-dir", "run"]).expect_code(0);
    fixture.azr(&["explain", "./own/b", "--run", "run"]).expect_refusal(&["no answer to the item", "a-1"]);
}

#[test]
fn kept_completions_are_not_made_again() {
    let fixture = with_own_suite();
    let arguments = ["eval", "./own", "--cache", "kept.jsonl"];
    assert!(fixture.azr(&arguments).expect_code(0).stderr.contains("0 answers came from"));
    assert!(fixture.azr(&arguments).expect_code(0).stderr.contains("2 answers came from"));
}

#[test]
fn the_papers_table_has_measured_rows_in_every_form() {
    let fixture = Fixture::new();
    fixture.write("mine/amc23.json", "{\"suite\": \"amc23\", \"n_items\": 40, \"pass@1\": 57.5}");
    let text = fixture.azr(&["report", "paper", "mine"]).expect_code(0).stdout;
    assert!(
        text.contains("mine amc23: reproduced (57.5") && text.contains("azr eval math500 --model mine"),
        "{text}"
    );
    for name in ["t.md", "t.tex", "t.csv", "t.html", "t.parquet"] {
        fixture.azr(&["report", "paper", "mine", "--out", name]).expect_code(0);
        assert!(fixture.path().join(name).metadata().unwrap().len() > 500, "{name}");
    }
    fixture.azr(&["report", "paper", "mine", "--against", "nobody"]).expect_refusal(&["nobody", "AZR Base"]);
    fixture.azr(&["report", "paper", "mine", "--format", "parquet"]).expect_refusal(&["--out"]);
    fixture.azr(&["report", "paper", "absent"]).expect_refusal(&["absent"]);
}

#[test]
fn livecodebench_in_its_published_format() {
    let fixture = Fixture::new();
    let tests = json!([{"input": "2\n", "output": "4\n", "testtype": "stdin"}, {"input": "0\n", "output": "0\n", "testtype": "stdin"}]);
    let row = json!({
        "question_id": "own_1", "question_content": "Double it.", "starter_code": "", "difficulty": "easy",
        "metadata": "{}", "public_test_cases": tests.to_string(), "private_test_cases": "[]",
    });
    fixture.write("data/livecodebench/release_v5.jsonl", row.to_string());
    let sample = |program: &str| {
        json!({"question_id": "own_1", "completion": format!("```python\n{program}\n```")}).to_string()
    };
    fixture.write("samples.jsonl", [sample("print(2 * int(input()))"), sample("print(4)")].join("\n"));
    let arguments = [
        "score",
        "livecodebench",
        "--samples",
        "samples.jsonl",
        "--out",
        "out.jsonl",
        "--data",
        "data",
        "--json",
    ];
    let scored = fixture.azr(&arguments).expect_code(0).json();
    assert_eq!(scored["pass@1"], 50.0);
    let out = fixture.read("out.jsonl");
    assert!(out.contains("\"failed_test\":1") && out.contains("\"status\":\"fail\""), "{out}");
}

#[test]
fn the_papers_columns_are_run_where_their_sets_are() {
    let Some(data) = data_folder() else { return };
    let fixture = Fixture::new();
    let data = data.to_str().unwrap();
    let arguments = [
        "eval",
        "paper",
        "--limit",
        "1",
        "--max-new-tokens",
        "8",
        "--data",
        data,
        "--run-dir",
        "run",
        "--json",
    ];
    let value = fixture.azr(&arguments).expect_code(0).json();
    assert!(value["columns"]["math500"].is_number() && value["averages"]["math"].is_number(), "{value}");
    let settings = fixture.read("run/eval/mbpp_plus/settings.json");
    assert!(settings.contains("mode=paper limits=paper prompts=paper"), "{settings}");
}
