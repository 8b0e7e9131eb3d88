//! The examples run, and do what they say.

#![allow(clippy::unwrap_used, reason = "a panic is the failure")]

mod support;

#[path = "../examples/policy.rs"]
mod policy;
#[path = "../examples/task_type.rs"]
mod task_type;

use support::sandbox;

#[test]
fn another_engine_learns_by_the_method() {
    let folder = tempfile::tempdir().unwrap();
    let first = policy::play(sandbox(), &folder.path().join("short"), 1).unwrap();
    let last = policy::play(sandbox(), &folder.path().join("long"), 40).unwrap();
    assert!(last > first, "mean reward of deduction went from {first} to {last}");
}

#[test]
fn a_task_type_of_ones_own_is_played() {
    let folder = tempfile::tempdir().unwrap();
    assert!(task_type::play(sandbox(), &folder.path().join("run"), 3).unwrap() > 3);
}
