use super::*;
use serde_json::Value;
use std::fs;

fn run(
    suite: &str,
    config: &ScoreConfig,
    samples: &str,
) -> Option<Result<(Vec<Value>, ScoreSummary), BenchmarkError>> {
    let data = crate::test_data::shared()?;
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.jsonl"), folder.path().join("out.jsonl"));
    fs::write(&input, samples).unwrap();
    let scored = score(suite, &data, &crate::test_sandbox::open(), config, &input, &output);
    Some(scored.map(|summary| {
        let lines = fs::read_to_string(&output).unwrap();
        (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), summary)
    }))
}

#[test]
fn code_samples_get_their_statuses() {
    let samples = concat!(
        r#"{"task_id": "HumanEval/3", "completion": "    total = 0\n    for n in operations:\n        total += n\n        if total < 0:\n            return True\n    return False\n", "tag": 1}"#,
        "\n",
        r#"{"task_id": "HumanEval/3", "solution": "def below_zero(operations):\n    return False"}"#,
        "\n",
        r#"{"task_id": "HumanEval/3", "solution": "Here:\n```python\ndef below_zero(o):\n    return min([sum(o[:i]) for i in range(len(o) + 1)]) < 0\n```"}"#,
        "\n",
    );
    let config = ScoreConfig::default();
    let Some(result) = run("humaneval_plus", &config, samples) else { return };
    let (lines, summary) = result.unwrap();
    assert_eq!(lines[0]["plus_status"], "pass");
    assert_eq!((&lines[0]["tag"], &lines[0]["reason"]), (&json!(1), &json!("")));
    assert_eq!((&lines[1]["base_status"], &lines[1]["plus_status"]), (&json!("fail"), &json!("fail")));
    assert!(lines[2]["reason"].as_str().unwrap().contains("SyntaxError"), "{}", lines[2]);
    assert_eq!((summary.n_items, summary.n_missing, summary.counts["pass"]), (1, 163, 1));
    assert!((summary.pass_at_1 - 100.0 / 3.0).abs() < 1e-9);
    let config = ScoreConfig { sanitize: true, ..config };
    let (lines, _) = run("humaneval_plus", &config, samples).unwrap().unwrap();
    assert_eq!(lines[2]["plus_status"], "pass");
    assert!(lines[2]["solution"].as_str().unwrap().starts_with("Here:"));
}

#[test]
fn crux_generations_come_as_lines_or_as_lists() {
    let lines =
        "{\"id\": \"sample_3\", \"answer\": \"'bcksrutq'\"}\n{\"id\": \"sample_3\", \"answer\": \"1\"}\n";
    let lists = r#"{"sample_3": ["'bcksrutq'", "1"]}"#;
    for samples in [lines, lists] {
        let Some(result) = run("cruxeval_o", &ScoreConfig::default(), samples) else { return };
        let (lines, summary) = result.unwrap();
        assert_eq!(lines[1], json!({"id": "sample_3", "index": 1, "status": "fail"}));
        assert_eq!((lines[0]["status"].as_str(), summary.pass_at_1), (Some("pass"), 50.0));
    }
}

#[test]
fn math_rows_show_what_was_compared() {
    let samples = "{\"row\": 0, \"completion\": \"<answer>\\\\boxed{70}</answer>\"}\n{\"row\": 0, \"completion\": \"7\"}\n";
    let Some(result) = run("aime25", &ScoreConfig::default(), samples) else { return };
    let (lines, _) = result.unwrap();
    assert_eq!(lines[0]["gold"], "70");
    assert_eq!((&lines[0]["verdict"], &lines[0]["extracted"]), (&json!(true), &json!("70")));
    assert_eq!(lines[1]["verdict"], false);
}

#[test]
fn bad_lines_say_where_they_are() {
    for (suite, samples, want) in [
        (
            "humaneval",
            "\n{\"task_id\": \"HumanEval/999\", \"solution\": \"\"}",
            "line 2: the suite has no task",
        ),
        ("mbpp", "{\"task_id\": \"Mbpp/2\"}", "line 1: no text \"completion\""),
        ("aime24", "{\"row\": 99, \"completion\": \"\"}", "line 1: no \"row\""),
        ("cruxeval_i", "{\"id\": \"x\"", "line 1: EOF"),
        ("tiny", "{\"item\": \"x\", \"completion\": \"\"}", "line 1: the suite has no item"),
        ("nothing", "", "there is no suite \"nothing\""),
    ] {
        let Some(result) = run(suite, &ScoreConfig::default(), samples) else { return };
        let error = result.unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}
