use super::*;
use crate::test_data;
use std::fmt::Write;

/// A task with the fields that matter.
fn task(entry_point: &str, reference: &str, inputs: &[&str]) -> CodeTask {
    CodeTask {
        task_id: "Mbpp/0".into(),
        dataset: Dataset::Mbpp,
        entry_point: entry_point.into(),
        prompt: String::new(),
        reference: reference.into(),
        atol: "0".into(),
        inputs: [inputs.iter().map(|input| (*input).to_owned()).collect(), Vec::new()],
    }
}

fn grade(task: &CodeTask, mode: Mode, programs: &[&str]) -> Vec<PartGrade> {
    let grader = CodeGrader::new(vec![task.clone()], mode, TimeRules::Evalplus);
    let samples: Vec<(usize, &str)> = programs.iter().map(|program| (0, *program)).collect();
    grader.grade(&crate::test_sandbox::open(), &samples, false).into_iter().map(|grade| grade.base).collect()
}

fn statuses(task: &CodeTask, mode: Mode, programs: &[&str]) -> Vec<&'static str> {
    grade(task, mode, programs).iter().map(|grade| grade.status.name()).collect()
}

#[test]
fn ordinary_programs_get_the_same_status_in_both_modes() {
    let task = task("g", "def g(x):\n    return [x / 3, x]", &["[1]", "[2.5]", "[-4]"]);
    let programs = [
        ("def g(x):\n    return [x * (1 / 3), x]", "pass"),
        ("def g(x):\n    return (x / 3, x)", "fail"),
        ("def g(x):\n    return [x / 3 + 1e-3, x]", "fail"),
        ("def g(x):\n    print(x)\n    return [x / 3, x]", "pass"),
        ("def h(x):\n    return 1", "fail"),
        ("def g(x:\n    return 1", "fail"),
        ("raise SystemExit", "fail"),
        ("def g(x):\n    raise SystemExit", "fail"),
        ("import os\ndef g(x):\n    os._exit(0)", "timeout"),
        ("def g(x):\n    return open('f')", "fail"),
        ("def g(x):\n    input()\n    return [x / 3, x]", "fail"),
        ("import numpy\ndef g(x):\n    return [x / 3, x]", "unsupported"),
        ("import no_such_module\ndef g(x):\n    return [x / 3, x]", "fail"),
        ("def g(x):\n    return g(x)", "fail"),
        ("n = 0\ndef g(x):\n    global n\n    n += 1\n    return [x / 3, x] if n < 2 else None", "fail"),
        ("if __name__ == '__main__':\n    1 / 0\ndef g(x):\n    return [x / 3, x]", "pass"),
        ("", "fail"),
    ];
    let sources: Vec<&str> = programs.iter().map(|(program, _)| *program).collect();
    for mode in [Mode::Paper, Mode::Clean] {
        let graded = grade(&task, mode, &sources);
        for ((program, want), grade) in programs.iter().zip(graded) {
            assert_eq!(grade.status.name(), *want, "{mode:?} {program}: {}", grade.reason);
        }
    }
}

#[test]
fn forged_results_pass_in_paper_mode_only() {
    let task = task("g", "def g(x):\n    return x + 1", &["[1]", "[2]"]);
    let programs = [
        "class Any:\n    def __eq__(self, other):\n        return True\ndef g(x):\n    return Any()",
        "class Any(int):\n    def __eq__(self, other):\n        return True\ndef g(x):\n    return Any(0)",
        "import sys\ndef g(x):\n    frame = sys._getframe(1)\n    frame.f_globals['_is_right'] = lambda *a: True",
    ];
    assert_eq!(statuses(&task, Mode::Paper, &programs), ["pass", "pass", "pass"]);
    assert_eq!(statuses(&task, Mode::Clean, &programs), ["fail", "fail", "fail"]);
    let honest = ["class N(int):\n    pass\ndef g(x):\n    return N(x + 1)", "def g(x):\n    return x + 1.0"];
    assert_eq!(statuses(&task, Mode::Clean, &honest), ["pass", "pass"]);
}

#[test]
fn results_that_are_not_plain_data_are_compared_where_they_are_made() {
    let reference = "from collections import Counter\ndef g(x):\n    return Counter(x)";
    let task = task("g", reference, &["['aab']", "['']"]);
    let programs =
        [reference, "def g(x):\n    return {c: x.count(c) for c in x}", "def g(x):\n    return {}"];
    for mode in [Mode::Paper, Mode::Clean] {
        assert_eq!(statuses(&task, mode, &programs), ["pass", "pass", "fail"], "{mode:?}");
    }
}

#[test]
fn annotations_are_evaluated_where_a_function_is_defined() {
    let task = task("g", "def g(x):\n    return x", &["[1]"]);
    let programs = [
        "def g(x: List[int]) -> int:\n    return x",
        "from typing import List\ndef g(x: List[int]) -> int:\n    return x",
        "from __future__ import annotations\ndef g(x: List[int]) -> int:\n    return x",
        "class A:\n    def h(self, x: Missing): pass\ndef g(x):\n    return x",
        "import functools\n@functools.lru_cache\ndef g(x: Missing):\n    return x",
        "def g(x):\n    def inner(y: list) -> int:\n        return y\n    return inner(x)",
        "from typing import Text\nxrange = range\nT = int\ndef g(x: T) -> Text:\n    return x",
        "from types import FunctionType\nfrom collections import OrderedDict\ndef g(x):\n    return x",
        "class A(dict):\n    __getattr__ = dict.__getitem__\nc = A()\ndef g(x):\n    return x",
        "class A:\n    x: Missing = 1\ndef g(x):\n    return x",
    ];
    for mode in [Mode::Paper, Mode::Clean] {
        assert_eq!(
            statuses(&task, mode, &programs),
            ["fail", "pass", "pass", "fail", "fail", "pass", "pass", "pass", "pass", "fail"],
            "{mode:?}"
        );
    }
}

#[test]
fn equal_parts_of_inputs_are_objects_of_their_own() {
    let reference = "def g(xs):\n    return [x is y for x, y in zip(xs, xs[1:])]";
    let inputs = [
        "[[1000, 1000, 7, 7]]",
        "[['word', 'word', '', '']]",
        "[[2.5, 2.5, float('nan'), None, None]]",
        "[[(1, 'word'), (1, 'word')]]",
    ];
    let task = task("g", reference, &inputs);
    let programs = [
        reference,
        "def g(xs):\n    return [x == y and x in (7, '', None) for x, y in zip(xs, xs[1:])]",
        "def g(xs):\n    return [x == y for x, y in zip(xs, xs[1:])]",
    ];
    for mode in [Mode::Paper, Mode::Clean] {
        assert_eq!(statuses(&task, mode, &programs), ["pass", "pass", "fail"], "{mode:?}");
    }
}

#[test]
fn sets_among_inputs_keep_their_order() {
    let reference = "def g(xs):\n    return list(xs)";
    let task = task("g", reference, &["[{8, 0, 16}]", "[{'a': {3, 11}}]"]);
    for mode in [Mode::Paper, Mode::Clean] {
        assert_eq!(statuses(&task, mode, &[reference]), ["pass"], "{mode:?}");
    }
}

#[test]
fn a_program_that_changes_its_argument_is_compared_with_what_was_asked() {
    let reference = "from collections import Counter\ndef g(x):\n    return Counter(x)";
    let task = task("g", reference, &["[[1, 1, 2]]"]);
    let changing =
        "from collections import Counter\ndef g(x):\n    c = Counter(x)\n    x.clear()\n    return c";
    for mode in [Mode::Paper, Mode::Clean] {
        assert_eq!(statuses(&task, mode, &[changing, reference]), ["pass", "pass"], "{mode:?}");
    }
}

#[test]
fn special_comparisons_of_mbpp() {
    for mode in [Mode::Paper, Mode::Clean] {
        let sets =
            task("similar_elements", "def similar_elements(a):\n    return tuple(set(a))", &["[[1, 1, 2]]"]);
        let programs =
            ["def similar_elements(a):\n    return [2, 1, 1]", "def similar_elements(a):\n    return [2]"];
        assert_eq!(statuses(&sets, mode, &programs), ["pass", "fail"]);
        let matches = task(
            "check_str",
            "import re\ndef check_str(s):\n    return re.search('a', s)",
            &["['ba']", "['b']"],
        );
        let programs = [
            "import re\ndef check_str(s):\n    return re.match('.*a', s)",
            "def check_str(s):\n    return 'a' in s",
            "def check_str(s):\n    return True",
        ];
        assert_eq!(statuses(&matches, mode, &programs), ["pass", "pass", "fail"]);
        let any = task("are_equivalent", "def are_equivalent(a):\n    return a", &["[1]"]);
        assert_eq!(statuses(&any, mode, &["def are_equivalent(a):\n    return None"]), ["pass"]);
        let nan = task("g", "def g(a):\n    return float('nan')", &["[1]"]);
        assert_eq!(statuses(&nan, mode, &["def g(a):\n    return float('nan')"]), ["fail"]);
    }
}

#[test]
fn limits_follow_the_reference_program() {
    // The input over its limit ends the part as a failure; a module level that never ends is a timeout.
    let mut task = task("g", "def g(x):\n    return x", &["[1]"]);
    let grader = |task: &CodeTask| CodeGrader::new(vec![task.clone()], Mode::Clean, TimeRules::Evalplus);
    let endless = "def g(x):\n    while True:\n        pass";
    let sandbox = crate::test_sandbox::open();
    let graded = grader(&task).grade(&sandbox, &[(0, endless)], false);
    assert_eq!(
        (graded[0].base.status, graded[0].base.reason.as_str()),
        (Status::Fail, "input 0: over the limit of the input")
    );
    task.reference = "def g(x):\n    raise ValueError('no')".into();
    let graded = grader(&task).grade(&sandbox, &[(0, "def g(x):\n    return x")], false);
    assert_eq!(graded[0].base.status, Status::Unsupported);
    assert!(graded[0].base.reason.contains("ValueError"), "{}", graded[0].base.reason);
}

#[test]
fn golden_sanitize() {
    let Some(rows) = test_data::json_lines("evalplus-verdicts/sanitize.jsonl.gz") else { return };
    let texts: Vec<(&str, &str)> =
        rows.iter().map(|row| (row["raw"].as_str().unwrap(), row["entry_point"].as_str().unwrap())).collect();
    let programs = sanitize(&crate::test_sandbox::open(), &texts);
    let mut wrong = String::new();
    for (row, program) in rows.iter().zip(&programs) {
        if row["sanitized"].as_str() != Some(program) {
            writeln!(
                wrong,
                "{} {}\n--- ours\n{program}\n--- recorded\n{}",
                row["task_id"], row["kind"], row["sanitized"]
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(programs.len(), 184);
}

/// Recorded samples, every k-th of the stable ones, under the limits they were recorded with.
fn recorded_sample(
    dataset: Dataset,
    data_file: &str,
    verdicts: &str,
    every: usize,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> Option<()> {
    let rows = test_data::json_lines(verdicts)?;
    let tasks =
        CodeTask::read_all(dataset, data_file, &test_data::shared()?.text(data_file).unwrap()).unwrap();
    let places: BTreeMap<String, usize> =
        tasks.iter().enumerate().map(|(index, task)| (task.task_id.clone(), index)).collect();
    let chosen: Vec<_> =
        rows.iter().filter(|row| row["unstable"] != true && wanted(row)).step_by(every).collect();
    let samples: Vec<(usize, &str)> = chosen
        .iter()
        .map(|row| (places[row["task_id"].as_str().unwrap()], row["solution"].as_str().unwrap()))
        .collect();
    let grader = CodeGrader::new(tasks, Mode::Paper, TimeRules::Evalplus);
    let grades = grader.grade(&crate::test_sandbox::open(), &samples, true);
    let (mut wrong, mut unsupported) = (String::new(), 0);
    for (row, grade) in chosen.iter().zip(&grades) {
        let recorded = (row["base_status"].as_str().unwrap(), row["plus_status"].as_str().unwrap());
        let ours = (grade.base.status.name(), grade.plus.status.name());
        if ours.0 == "unsupported" {
            unsupported += 1;
        } else if ours != recorded {
            writeln!(
                wrong,
                "{} {}: {ours:?}, recorded {recorded:?}; {} | {}",
                row["task_id"], row["kind"], grade.base.reason, grade.plus.reason
            )
            .unwrap();
        }
    }
    println!("{data_file}: {} samples, {unsupported} need numpy", chosen.len());
    assert!(wrong.is_empty(), "{wrong}");
    assert!(unsupported * 10 <= chosen.len(), "{unsupported} of {}", chosen.len());
    Some(())
}

/// Endless loops cost their whole limit; they have a test of their own.
fn is_slow(row: &serde_json::Value) -> bool {
    let kind = row["kind"].as_str().unwrap();
    kind.starts_with("slow_") || kind.starts_with("veryslow_") || kind.starts_with("hard_")
}

#[test]
fn golden_evalplus_verdicts_sample_of_humaneval() {
    recorded_sample(
        Dataset::HumanEval,
        "humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz",
        "evalplus-verdicts/humaneval.jsonl.gz",
        11,
        |row| !is_slow(row),
    );
}

#[test]
fn golden_evalplus_verdicts_sample_of_mbpp() {
    recorded_sample(
        Dataset::Mbpp,
        "mbpp_plus/MbppPlus-v0.2.0.jsonl.gz",
        "evalplus-verdicts/mbpp.jsonl.gz",
        21,
        |row| !is_slow(row),
    );
}

/// The last bits of `math.pow` decide where Newton's rule ends: every sample of this task has its recorded verdict.
#[test]
fn golden_evalplus_verdicts_of_the_task_that_hangs_on_last_bits() {
    recorded_sample(
        Dataset::HumanEval,
        "humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz",
        "evalplus-verdicts/humaneval.jsonl.gz",
        2,
        |row| row["task_id"] == "HumanEval/32",
    );
}
