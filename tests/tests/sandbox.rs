//! `azr sandbox`: the JSON that other programs read, and agreement with recorded programs.

use azr_tests::{Fixture, data_folder};
use serde_json::json;

#[test]
fn run_json_has_the_documented_shape() {
    let fixture = Fixture::new();
    fixture.write("program.py", "def f(a):\n    print('seen', a)\n    return 10 // a\n");
    let finished = fixture
        .azr(&[
            "sandbox",
            "run",
            "program.py",
            "--call",
            "f(3)",
            "--call",
            "f(0)",
            "--call",
            "g(1)",
            "--json",
        ])
        .expect_code(0);
    let mut value = finished.json();
    value["guest"] = "[guest]".into();
    for call in value["calls"].as_array_mut().unwrap() {
        assert!(call["fuel"].as_u64().unwrap() > 0);
        assert!(call["memory_bytes"].as_u64().unwrap() > 0);
        call["fuel"] = "[fuel]".into();
        call["memory_bytes"] = "[memory]".into();
    }
    let call = |call: &str, verdict: serde_json::Value, stdout: &str| json!({"call": call, "verdict": verdict, "stdout": stdout, "fuel": "[fuel]", "memory_bytes": "[memory]"});
    let raised = |exception: &str, message: &str| json!({"kind": "raised", "exception": exception, "message": message});
    assert_eq!(
        value,
        json!({"guest": "[guest]", "calls": [
            call("f(3)", json!({"kind": "value", "text": "3"}), "seen 3\n"),
            call("f(0)", raised("ZeroDivisionError", "division by zero"), "seen 0\n"),
            call("g(1)", raised("NameError", "name 'g' is not defined"), ""),
        ]})
    );
}

#[test]
fn run_prints_one_line_a_call() {
    let fixture = Fixture::new();
    fixture.write("program.py", "def f(a):\n    return a[::-1]\n");
    let finished =
        fixture.azr(&["sandbox", "run", "program.py", "--call", "f('abc')", "--call", "f(1)"]).expect_code(0);
    insta::assert_snapshot!(finished.stdout, @r"
    f('abc') -> 'cba'
    f(1) -> raised TypeError: 'int' object is not subscriptable
    ");
}

#[test]
fn an_endless_program_is_a_verdict() {
    let fixture = Fixture::new();
    fixture.write("program.py", "def f():\n    while True:\n        pass\n");
    let finished =
        fixture.azr(&["sandbox", "run", "program.py", "--call", "f()", "--seconds", "0.05"]).expect_code(0);
    assert_eq!(finished.stdout, "f() -> timeout\n");
}

#[test]
fn check_json_has_the_documented_shape() {
    let fixture = Fixture::new();
    let rows = [
        r#"{"snippet": "def f(a):\n    return a + 1", "input": "1", "output": "2", "imports": []}"#,
        r#"{"snippet": "def f(a):\n    return a + 1", "input": "1", "output": "3", "imports": []}"#,
        r#"{"snippet": "def f(a):\n    return math.floor(a)", "inputs": ["1.5", "2.5"], "outputs": ["1", "2"], "imports": ["import math"]}"#,
        r#"{"snippet": "def f(a):\n    return {a, 1, 2}", "input": "3", "output": "{3, 2, 1}", "imports": []}"#,
    ];
    fixture.write("rows.jsonl", rows.join("\n"));
    let finished = fixture.azr(&["sandbox", "check", "rows.jsonl", "--json"]).expect_code(1);
    assert_eq!(
        finished.json(),
        json!({"total": 5, "agree": 4, "disagree": [{"row": 2, "reason": "another value", "want": "3", "got": "2"}]})
    );
}

#[test]
fn recorded_seed_programs_agree() {
    let Some(data) = data_folder() else { return };
    let fixture = Fixture::new();
    let (mut rows, mut right, mut differing) = (0, 0, Vec::new());
    for name in ["7b_coder_seed_io.jsonl.gz", "3b_coder_seed_io.jsonl.gz"] {
        let file = data.join("azr-seeds").join(name);
        let finished = fixture.azr(&["sandbox", "check", file.to_str().unwrap(), "--json"]);
        let value = finished.json();
        let (total, agree) = (value["total"].as_u64().unwrap(), value["agree"].as_u64().unwrap());
        assert_eq!(total, 256, "{name}");
        rows += total;
        right += agree;
        differing.push(value["disagree"].clone());
    }
    assert!(right * 100 >= rows * 97, "{right} of {rows}: {differing:?}");
}
