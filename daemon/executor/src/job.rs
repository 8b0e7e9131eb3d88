//! What to run and what came of it.

use crate::Verdict;
use serde::{Deserialize, Serialize};

/// Fuel units that stand for one second of native CPython 3.11. Every limit in seconds is this many units, on every
/// machine.
///
/// Measured on `for i in range(n): r += i * i % 7`: an iteration costs 1,831 units in the guest (two lengths
/// subtracted, so that loading the program does not count). Native CPython 3.11 runs 16 to 25 million of them in a second of
/// CPU time, depending on the machine, which would be 2.9e10 to 4.6e10 units; the constant stands for a machine
/// somewhat slower than those. The guest itself uses about 1.1e10 units a second.
pub const FUEL_PER_SECOND: u64 = 25_000_000_000;

/// Limits of one job. All calls of the job share the instance and its memory; `fuel` is per call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Fuel for each call (the first call also pays for the program's module level).
    pub fuel: u64,
    /// Cap of the linear memory in bytes.
    pub memory_bytes: u64,
    /// Longest `repr` of a result, in characters; stdout is cut at the same length.
    pub output_chars: u32,
    /// Python's recursion limit at start.
    pub recursion: u32,
}

impl Limits {
    /// Default limits with `seconds` of nominal time per call.
    pub fn seconds(seconds: f64) -> Self {
        Self {
            fuel: (seconds * FUEL_PER_SECOND as f64) as u64,
            memory_bytes: 512 << 20,
            output_chars: 65_536,
            recursion: 1_000,
        }
    }
}

/// Which of the two snapshots a job starts from: they differ in hash seed, random state and clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartState {
    /// The default start state.
    First,
    /// The other one, for determinism checks.
    Second,
}

/// One program and the expressions to evaluate after it, in one fresh instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Python source, executed at module level first.
    pub program: String,
    /// Expressions evaluated in the program's namespace, in order, e.g. `f([1, 2])`.
    pub calls: Vec<String>,
    /// What the program finds on its standard input.
    #[serde(default)]
    pub stdin: String,
    /// Limits.
    pub limits: Limits,
    /// Start state.
    pub start: StartState,
    /// Execute the module level again, in a fresh namespace, before every call.
    pub fresh_namespace: bool,
}

impl Job {
    /// A job from the first start state, one namespace for all calls.
    pub fn new(program: impl Into<String>, calls: Vec<String>, limits: Limits) -> Self {
        Self {
            program: program.into(),
            calls,
            stdin: String::new(),
            limits,
            start: StartState::First,
            fresh_namespace: false,
        }
    }

    /// A script that reads `stdin` and prints: the one report has what it printed, and `None` as its value.
    pub fn script(program: impl Into<String>, stdin: impl Into<String>, limits: Limits) -> Self {
        Self { stdin: stdin.into(), ..Self::new(program, vec!["None".to_owned()], limits) }
    }
}

/// Result of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReport {
    /// The expression.
    pub call: String,
    /// What it did.
    pub verdict: Verdict,
    /// What the call printed, cut at the output limit.
    pub stdout: String,
    /// Fuel used by the call (for the first call: with the module level).
    pub fuel: u64,
    /// Peak linear memory so far, in bytes.
    pub memory_bytes: u64,
}

/// Result of one job: one entry a call, in order, always as many as the job had calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Hash of the guest artefact that ran it.
    pub guest: String,
    /// One entry a call.
    pub calls: Vec<CallReport>,
}
