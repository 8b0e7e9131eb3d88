//! Thousands of programs of the data sets: the reports that an idle machine gives and those of a loaded one, and the
//! outputs that CRUXEval records. `azr sandbox stable` runs all of them.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic is the failure; the data folder is named by the environment"
)]

mod support;

use azr_executor::check::{check, parse_rows};
use azr_executor::collection::Program;
use azr_executor::stable::{passes, stable};
use azr_executor::{Sandbox, SandboxConfig};

/// Every so many of the programs: about 300, from every set.
const STEP: usize = 14;

#[test]
fn reports_are_the_same_on_an_idle_and_on_a_loaded_machine() {
    let Some(real) = support::real_programs() else { return };
    assert!(real.len() >= 2_000, "{} programs", real.len());
    let programs: Vec<Program> = real.into_iter().step_by(STEP).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let report = stable(&programs, passes(cores), |pass| {
        Sandbox::open(&SandboxConfig { threads: Some(pass.threads), reuse: pass.reuse, ..support::config() })
    })
    .unwrap();
    assert!(report.differing.is_empty(), "{:#?}", report.differing);
    assert_eq!(report.programs.len(), 5, "{:?}", report.programs);
    assert!(report.verdicts["value"] > programs.len() / 2, "{:?}", report.verdicts);
}

#[test]
fn golden_cruxeval_items_agree_with_their_records() {
    let Some(text) = support::text("cruxeval/cruxeval.jsonl.gz") else { return };
    let report = check(support::sandbox(), &parse_rows(&text).unwrap());
    assert_eq!((report.total, report.agree), (800, 800), "{:?}", report.disagree);
}

#[test]
fn a_record_may_be_an_expression() {
    let row = |output: &str| {
        format!(r#"{{"snippet": "def f(a): return {{'a': a}}", "input": "1", "output": "{output}"}}"#)
    };
    let rows = ["dict(a=1)", "dict(a=2)", "dict(", "", "__import__('os')"].map(row).join("\n");
    let report = check(support::sandbox(), &parse_rows(&rows).unwrap());
    let reasons: Vec<&str> = report.disagree.iter().map(|row| row.reason.as_str()).collect();
    let other = "another value";
    assert_eq!((report.total, reasons), (5, vec![other, other, "the record is empty; here: a value", other]));
}
