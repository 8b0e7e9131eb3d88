use super::*;

fn judged(program: &str, function: Option<&str>, tests: &[(&str, &str)]) -> (String, Option<String>) {
    let tests: Vec<Test> = tests
        .iter()
        .map(|(input, output)| Test {
            input: (*input).into(),
            output: (*output).into(),
            testtype: String::new(),
        })
        .collect();
    let attempt = Attempt { program, function, tests: &tests };
    let graded = judge(&crate::test_sandbox::open(), &attempt, TimeRules::Evalplus);
    (graded.verdict.clone(), graded.details.get("failed_test").cloned())
}

#[test]
fn the_last_fence_of_the_answer_is_the_program() {
    for (completion, want) in [
        ("```python\na\n```\n<answer>```python\nb\n```\nor\n```python\nc\n```</answer>", "c"),
        ("<answer>plain</answer> rest", "plain"),
        ("```python\na\n``` and ```python\nb", "a"),
        ("no fence", "no fence"),
        ("", ""),
    ] {
        assert_eq!(extract(completion), want, "{completion}");
    }
}

#[test]
fn programs_that_read_standard_input() {
    let tests: &[(&str, &str)] = &[("1 2\n", "3\n"), ("5 -5\n", "0")];
    let verdict = |program: &str| judged(program, None, tests);
    let pass = ("pass".to_owned(), None);
    for program in [
        "a, b = map(int, input().split())\nprint(a + b)",
        "import sys\nprint(sum(map(int, sys.stdin.read().split())))",
        "import sys\nfor line in [sys.stdin.readline()]:\n    print(sum(map(int, line.split())))",
        "def main():\n    print(sum(map(float, input().split())))\n\nif __name__ == '__main__':\n    main()",
        "import sys\nprint(sum(map(int, input().split())))\nsys.exit(0)",
        "import sys\nsys.stdout.write(str(sum(int(x) for x in sys.stdin.buffer.read().split())))",
        "n = sum(map(int, input().split()))\ndef show():\n    print(n)\nshow()",
    ] {
        assert_eq!(verdict(program), pass, "{program}");
    }
    for (program, want, test) in [
        ("print('x' * 10_000_000)", "fail", Some("0")),
        ("print(3)", "fail", Some("1")),
        ("print(input())", "fail", Some("0")),
        ("print(3)\nif int(input().split()[0]) > 1: raise ValueError", "fail", Some("1")),
        ("def (", "fail", None),
        ("while True: pass", "timeout", Some("0")),
        ("import numpy\nprint(input())", "unsupported", None),
        // Without a statement the reference makes a function without a body, which is no Python.
        ("import numpy", "fail", None),
        ("", "fail", None),
        ("x = input(); y = input(); z = input()", "fail", Some("0")),
    ] {
        let (verdict, failed) = verdict(program);
        assert_eq!(verdict, want, "{program}");
        if test.is_some() {
            assert_eq!(failed.as_deref(), test, "{program}");
        }
    }
}

#[test]
fn functions_that_are_called() {
    let tests: &[(&str, &str)] = &[("[1, 2]\n3", "[4, 5]"), ("[]\n1", "[]")];
    for (program, want) in [
        (
            "class Solution:\n    def add(self, all: List[int], n: int) -> List[int]:\n        return [a + n for a in all]",
            "pass",
        ),
        ("class Solution:\n    def add(self, all, n):\n        return tuple(a + n for a in all)", "pass"),
        ("def add(all, n):\n    return [float(a + n) for a in all]", "pass"),
        ("class Solution:\n    def add(self, all, n):\n        return all", "fail"),
        ("class Solution:\n    def other(self, all, n):\n        return all", "fail"),
        ("class Any:\n    def __eq__(self, other): return True\ndef add(all, n):\n    return Any()", "fail"),
        ("import json\njson.loads = lambda text: None\ndef add(*arguments):\n    return None", "fail"),
    ] {
        assert_eq!(judged(program, Some("add"), tests).0, want, "{program}");
    }
}

#[test]
fn tests_beyond_one_job_count() {
    let numbers: Vec<(String, String)> =
        (0..150).map(|n| (n.to_string(), if n == 140 { "0".into() } else { (n * 2).to_string() })).collect();
    let tests: Vec<(&str, &str)> = numbers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(judged("print(2 * int(input()))", None, &tests), ("fail".into(), Some("140".into())));
}
