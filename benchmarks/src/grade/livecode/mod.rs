//! LiveCodeBench, code generation (spec section 4): programs that read standard input, or functions that are called.
//!
//! The reference runs all tests of a program in one process and compares there. Here a program's instance only
//! says what it returned or printed; the comparison happens outside it, so that a program cannot pass by changing
//! how things compare. Limits are fuel: a limit a test, and a cap over all. Both modes judge alike.

mod lines;
mod problem;

pub use problem::{Problem, Test, tests};

use crate::python_data::{parse_string_repr, string_literal};
use crate::{Graded, TimeRules};
use azr_executor::{FUEL_PER_SECOND, Job, Limits, Report, Sandbox, Verdict};

const CHECKER: &str = concat!(include_str!("../say.py"), include_str!("checker.py"));
/// Longest output of a test that is kept, in characters, whatever is expected.
const OUTPUT_CHARS: u32 = 32 << 20;
/// Characters beyond those expected that an output may have: blanks at the ends of its lines, say.
const SPARE_CHARS: usize = 64 << 10;
/// Tests of one program in one job.
const TESTS_A_JOB: usize = 64;

/// A program with the tests of its problem.
pub struct Attempt<'a> {
    /// The program.
    pub program: &'a str,
    /// Name of the function that is called, `None` for standard input.
    pub function: Option<&'a str>,
    /// Its tests.
    pub tests: &'a [Test],
}

/// The program in a completion: the last fence marked `python` of the answer (of the whole text without an answer).
pub fn extract(completion: &str) -> String {
    let answer = match completion.rsplit_once("<answer>") {
        Some((_, after)) => after.split("</answer>").next().unwrap_or(after),
        None => completion,
    };
    let mut found = None;
    let mut rest = answer;
    while let Some((_, after)) = rest.split_once("```python") {
        match after.split_once("```") {
            Some((block, after)) => {
                found = Some(block);
                rest = after;
            }
            None => break,
        }
    }
    found.unwrap_or(answer).trim().to_owned()
}

/// Seconds of one test.
fn seconds(limits: TimeRules) -> f64 {
    match limits {
        TimeRules::Paper => 60.0,
        TimeRules::Evalplus => 6.0,
    }
}

/// Judges one program: `pass`, `fail`, `timeout` or `unsupported`; the details name the first test that failed.
pub fn judge(sandbox: &Sandbox, attempt: &Attempt<'_>, limits: TimeRules) -> Graded {
    let mut fuel = 0;
    let nominal = seconds(limits);
    let cap = ((nominal + 1.0) * attempt.tests.len() as f64 + 5.0) * FUEL_PER_SECOND as f64;
    for (part, tests) in attempt.tests.chunks(TESTS_A_JOB).enumerate() {
        let report = sandbox.run(&job(attempt, tests, nominal));
        let first = part * TESTS_A_JOB;
        let failed = |verdict: &str, reason: String, test: Option<usize>, fuel: u64| {
            let mut graded = Graded::failed(attempt.program, verdict, reason, fuel);
            if let Some(test) = test {
                graded.details.insert("failed_test".into(), test.to_string());
            }
            graded
        };
        let mut claims = Vec::with_capacity(tests.len());
        for (call, entry) in report.calls.iter().enumerate().skip(1) {
            fuel += entry.fuel;
            let test = call.checked_sub(2).map(|test| first + test);
            if fuel as f64 > cap {
                return failed("timeout", "over the limit of all tests".into(), test, fuel);
            }
            match outcome(&entry.verdict) {
                Outcome::Ok => {}
                Outcome::Claim(text) => claims.push(text),
                Outcome::Missing(name) => {
                    return failed("unsupported", format!("no module {name}"), test, fuel);
                }
                Outcome::Timeout => {
                    return failed("timeout", "over the limit of the test".into(), test, fuel);
                }
                Outcome::Wrong(reason) => {
                    // An earlier test may have been wrong already: the first failure counts.
                    let earlier =
                        wrong(sandbox, attempt, &tests[..claims.len()], &claims).map(|place| first + place);
                    return match earlier {
                        Some(place) => failed("fail", "wrong output".into(), Some(place), fuel),
                        None => failed("fail", reason, test, fuel),
                    };
                }
            }
        }
        if let Some(place) = wrong(sandbox, attempt, &tests[..claims.len().min(tests.len())], &claims) {
            return failed("fail", "wrong output".into(), Some(first + place), fuel);
        }
        if claims.len() < tests.len() {
            return failed("fail", "no report".into(), Some(first + claims.len()), fuel);
        }
    }
    Graded::passed(attempt.program, fuel)
}

fn job(attempt: &Attempt<'_>, tests: &[Test], nominal: f64) -> Job {
    let inputs: Vec<String> = tests.iter().map(|test| string_literal(&test.input)).collect();
    let function = attempt.function.map_or_else(|| "None".to_owned(), string_literal);
    let source = format!(
        "{CHECKER}\n_setup({}, {function}, [{}])\n",
        string_literal(attempt.program),
        inputs.join(",\n")
    );
    let mut calls = vec!["None".to_owned(), "_load()".to_owned()];
    calls.extend((0..tests.len()).map(|test| format!("_run({test})")));
    // The host keeps every output of a job; one that is far longer than what is expected is wrong whatever it says.
    let longest = tests.iter().map(|test| test.output.len()).max().unwrap_or(0);
    let output_chars =
        u32::try_from(2 * longest + SPARE_CHARS).map_or(OUTPUT_CHARS, |chars| chars.min(OUTPUT_CHARS));
    let limits = Limits { memory_bytes: 2 << 30, output_chars, ..Limits::seconds(nominal) };
    Job::new(source, calls, limits)
}

enum Outcome {
    Ok,
    Claim(String),
    Wrong(String),
    Missing(String),
    Timeout,
}

fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Value { text } => match parse_string_repr(text) {
            Some(text) if text == "ok" => Outcome::Ok,
            Some(text) => match (text.strip_prefix('='), text.strip_prefix("missing ")) {
                (Some(claim), _) => Outcome::Claim(claim.to_owned()),
                (None, Some(name)) => Outcome::Missing(name.to_owned()),
                (None, None) => Outcome::Wrong(text),
            },
            None => Outcome::Wrong("no report".into()),
        },
        Verdict::Timeout | Verdict::WallGuard => Outcome::Timeout,
        other => Outcome::Wrong(other.name().into()),
    }
}

/// The first test whose claim is not what was expected.
fn wrong(sandbox: &Sandbox, attempt: &Attempt<'_>, tests: &[Test], claims: &[String]) -> Option<usize> {
    if attempt.function.is_none() {
        return tests.iter().zip(claims).position(|(test, claim)| !lines::same_lines(claim, &test.output));
    }
    if tests.is_empty() {
        return None;
    }
    let list = |texts: Vec<String>| format!("[{}]", texts.join(",\n"));
    let call = format!(
        "_judge({}, {})",
        list(claims.iter().map(|claim| string_literal(claim)).collect()),
        list(tests.iter().map(|test| string_literal(&test.output)).collect())
    );
    let limits = Limits { memory_bytes: 2 << 30, ..Limits::seconds(60.0) };
    let report: Report = sandbox.run(&Job::new(CHECKER, vec![call], limits));
    match report.calls.first().and_then(|call| call.verdict.value()).and_then(|text| text.parse::<i64>().ok())
    {
        Some(-1) => None,
        Some(place) => usize::try_from(place).ok(),
        None => Some(0),
    }
}

#[cfg(test)]
mod unit;
