//! The one place that says that a test was skipped. Crates whose tests cannot depend on this one take the file in
//! with `#[path]`.

use std::io::Write;

/// Writes `skipped: NAME: reason`, NAME being the test that calls it.
///
/// Straight to standard error: what a test prints with the macros is shown only if it fails, and a test that was
/// skipped passes.
pub fn skipped(reason: &str) {
    let thread = std::thread::current();
    // The test runner names its threads after the tests, unless it has one thread alone.
    let name = thread.name().filter(|name| *name != "main").unwrap_or("a test");
    // One write, so that tests that run at the same time do not mix their lines.
    let line = format!("skipped: {name}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
