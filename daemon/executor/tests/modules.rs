//! The standard library of the guest: whatever the programs of the data sets and the graders import must be there.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic is the failure; the data folder is named by the environment"
)]

mod support;

use azr_executor::{Job, Limits, Verdict, analysis};
use std::collections::{BTreeMap, BTreeSet};

/// The modules whose every name stands before a program of LiveCodeBench (specification, section on its runs).
const LIVECODEBENCH: [&str; 18] = [
    "string",
    "re",
    "datetime",
    "collections",
    "heapq",
    "bisect",
    "copy",
    "math",
    "random",
    "statistics",
    "itertools",
    "functools",
    "operator",
    "io",
    "sys",
    "json",
    "builtins",
    "typing",
];

/// Modules that programs of the data sets import and the guest does not carry.
const ABSENT: [(&str, &str); 2] = [
    ("numpy", "a package compiled for the machine: the process backend can have it"),
    ("sympy", "a package of its own, no part of Python"),
];

/// What a statement gives when it is all of a program.
fn verdicts(statements: &BTreeSet<String>) -> BTreeMap<&str, Verdict> {
    let jobs: Vec<Job> = statements
        .iter()
        .map(|statement| Job::new(statement.as_str(), vec!["None".into()], Limits::seconds(1.0)))
        .collect();
    let reports = support::sandbox().run_all(&jobs).into_iter();
    let verdicts = reports.map(|mut report| report.calls.remove(0).verdict);
    statements.iter().map(String::as_str).zip(verdicts).collect()
}

#[test]
fn every_import_of_the_data_sets_works_but_for_a_short_list() {
    let Some(programs) = support::real_programs() else { return };
    let sources: Vec<&str> = programs.iter().map(|program| program.source.as_str()).collect();
    let statements: BTreeSet<String> =
        analysis::imports(support::sandbox(), &sources).into_iter().flatten().collect();
    assert!(statements.len() >= 40, "{statements:?}");
    let mut absent = BTreeSet::new();
    let mut failures = Vec::new();
    for (statement, verdict) in verdicts(&statements) {
        match verdict {
            Verdict::Value { .. } => {}
            Verdict::MissingModule { name } if ABSENT.iter().any(|(module, _)| *module == name) => {
                absent.insert(name);
            }
            verdict => failures.push(format!("{statement}: {verdict:?}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let listed: BTreeSet<String> = ABSENT.iter().map(|(module, _)| (*module).to_owned()).collect();
    assert_eq!(absent, listed, "the list names what is imported and absent, nothing else");
}

#[test]
fn the_imports_before_livecodebench_programs_work() {
    let lines: Vec<String> = LIVECODEBENCH.iter().map(|module| format!("from {module} import *")).collect();
    let block = lines.join("\n");
    let program = format!("{block}\nimport sys\nsys.setrecursionlimit(50000)");
    let calls =
        ["Counter('aab')", "heappop([3, 4])", "gcd(4, 6)", "bisect_left([1, 2], 2)", "ascii_lowercase[:2]"];
    let calls = calls.map(str::to_owned).to_vec();
    let report = support::sandbox().run(&Job::new(program, calls, Limits::seconds(1.0)));
    let values: Vec<Option<&str>> = report.calls.iter().map(|call| call.verdict.value()).collect();
    assert_eq!(values, ["Counter({'a': 2, 'b': 1})", "3", "2", "1", "'ab'"].map(Some));
    let each: BTreeSet<String> = block.lines().map(str::to_owned).collect();
    assert!(verdicts(&each).values().all(|verdict| verdict.value().is_some()));
}
