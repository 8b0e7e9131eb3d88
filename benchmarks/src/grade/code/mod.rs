//! HumanEval(+) and MBPP(+): EvalPlus' verdicts (spec section 2.3 to 2.5), in the sandbox.
//!
//! A program passes a part (base or plus) if it loads and every input gives the right result within its limit.
//! Both parts always run, each in its own fresh instance; the inputs of a part share the interpreter, in order.
//! Expected results come from the reference program in the same sandbox, never from another Python.
//!
//! How this differs from the reference:
//! * Time is fuel. The limit of an input is `max(least, factor x fuel of the reference program)`. Running out of
//!   it ends the instance, so a program cannot swallow the limit (there it can, and then has none).
//! * Mode `paper` compares in the program's own instance, as the reference does, so that an object that is equal to
//!   everything passes. Mode `clean` takes the result out as plain data and compares in another fresh instance:
//!   what a program does to its interpreter cannot change how it is judged, and such an object fails. A `Fraction`
//!   or another foreign number that equals the expected one fails in `clean` too.
//! * numpy and a few compiled modules of the standard library are missing: programs that import them are
//!   `unsupported`, which counts as wrong and is reported apart.
//! * The interpreter is a newer CPython on 32 bits: sums of floats are more exact, `sys.getsizeof` and `hash`
//!   differ, sets may iterate in another order. Memory is bounded at 2 GiB (reference: 4 GiB).

mod checker;
mod convert;
mod inputs;
mod kept;
mod sanitize;
mod task;

pub use sanitize::{longest_blocks, reachable_definitions, sanitize};
pub use task::{CodeTask, Dataset};

use crate::{Mode, TimeRules};
use azr_executor::{FUEL_PER_SECOND, Sandbox, Verdict};
use checker::{Expected, Outcome};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Status of one part, in EvalPlus' words and one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every input right.
    Pass,
    /// Some input wrong, an exception, an input over its limit, no entry point.
    Fail,
    /// The part as a whole over its limit, or the interpreter died.
    Timeout,
    /// The sandbox lacks what the program needs.
    Unsupported,
}

impl Status {
    /// The word in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Timeout => "timeout",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Status of one part and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartGrade {
    /// Status.
    pub status: Status,
    /// Why, empty for a pass.
    pub reason: String,
    /// Fuel spent.
    pub fuel: u64,
}

impl PartGrade {
    fn new(status: Status, reason: impl Into<String>, fuel: u64) -> Self {
        Self { status, reason: reason.into(), fuel }
    }
}

/// Both parts of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeGrade {
    /// The tests of the original set.
    pub base: PartGrade,
    /// The tests that EvalPlus adds.
    pub plus: PartGrade,
}

/// Judges programs against tasks; remembers the expected results of a task once they are computed.
pub struct CodeGrader {
    tasks: Vec<CodeTask>,
    mode: Mode,
    limits: TimeRules,
    expected: Mutex<BTreeMap<(usize, usize), Arc<Expected>>>,
    /// Folder in which expected results are kept between programs.
    kept: Option<PathBuf>,
    /// The checker as the guest compiled it.
    checker: OnceLock<String>,
}

/// Bytes of jobs that are handed to the sandbox at once.
const BATCH_BYTES: usize = 16 << 20;

impl CodeGrader {
    /// A grader of these tasks.
    pub fn new(tasks: Vec<CodeTask>, mode: Mode, limits: TimeRules) -> Self {
        Self { tasks, mode, limits, expected: Mutex::default(), kept: None, checker: OnceLock::new() }
    }

    /// The same, with expected results kept in a folder: they are computed once a machine.
    #[must_use]
    pub fn keeping_in(self, folder: Option<PathBuf>) -> Self {
        Self { kept: folder, ..self }
    }

    /// The tasks.
    pub fn tasks(&self) -> &[CodeTask] {
        &self.tasks
    }

    /// Judges (index of the task, program) pairs, in order. `plus = false` judges the base part alone and gives
    /// its grade for both.
    pub fn grade(&self, sandbox: &Sandbox, samples: &[(usize, &str)], plus: bool) -> Vec<CodeGrade> {
        let loads = self.load(sandbox, samples);
        let parts: &[usize] = if plus { &[0, 1] } else { &[0] };
        // A program that does not load fails both parts; only the others need expected results.
        let open: Vec<usize> = (0..samples.len()).filter(|sample| loads[*sample].is_none()).collect();
        let wanted: BTreeSet<(usize, usize)> =
            open.iter().flat_map(|sample| parts.iter().map(|part| (samples[*sample].0, *part))).collect();
        self.prepare(sandbox, &wanted);
        let mut grades: BTreeMap<(usize, usize), PartGrade> = BTreeMap::new();
        let mut batch = Vec::new();
        let mut bytes = 0;
        for &sample in &open {
            for &part in parts {
                let (task, program) = samples[sample];
                let expected = self.expected(task, part);
                bytes += expected.len() + program.len();
                batch.push((sample, part, expected));
            }
            if bytes > BATCH_BYTES {
                self.run(sandbox, samples, &std::mem::take(&mut batch), &mut grades);
                bytes = 0;
            }
        }
        self.run(sandbox, samples, &batch, &mut grades);
        loads
            .into_iter()
            .enumerate()
            .map(|(sample, failed)| {
                if let Some(grade) = failed {
                    return CodeGrade { base: grade.clone(), plus: grade };
                }
                let base = grades[&(sample, 0)].clone();
                let plus = grades.remove(&(sample, 1)).unwrap_or_else(|| base.clone());
                CodeGrade { base, plus }
            })
            .collect()
    }

    /// A sandbox of the same build compiles the same code, so the first one does it for all.
    fn checker(&self, sandbox: &Sandbox) -> &str {
        self.checker.get_or_init(|| checker::compiled(sandbox))
    }

    /// `Some` grade for programs that fail when they are loaded.
    fn load(&self, sandbox: &Sandbox, samples: &[(usize, &str)]) -> Vec<Option<PartGrade>> {
        let fuel = seconds(self.limits.least_seconds());
        let jobs: Vec<_> = samples
            .iter()
            .map(|(task, program)| {
                checker::load_job(self.checker(sandbox), &self.tasks[*task], program, fuel)
            })
            .collect();
        sandbox
            .run_all(&jobs)
            .iter()
            .map(|report| match checker::load_outcome(report) {
                // A slow module level is judged under the limit of the whole part.
                Outcome::Right | Outcome::OutOfFuel => None,
                outcome => Some(outcome.grade(report.calls.iter().map(|call| call.fuel).sum())),
            })
            .collect()
    }

    /// Computes the expected results that are not there yet.
    fn prepare(&self, sandbox: &Sandbox, wanted: &BTreeSet<(usize, usize)>) {
        let mut missing: Vec<(usize, usize)> = {
            let known = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
            wanted.iter().filter(|key| !known.contains_key(*key)).copied().collect()
        };
        let place = |task: usize, part: usize| {
            let folder = self.kept.as_ref()?;
            Some(kept::path(folder, sandbox.guest_hash(), &self.tasks[task], part))
        };
        missing.retain(|&(task, part)| {
            let found =
                place(task, part).and_then(|path| kept::read(&path, self.tasks[task].inputs[part].len()));
            let Some(found) = found else { return true };
            let mut known = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert((task, part), Arc::new(found));
            false
        });
        let checker = self.checker(sandbox);
        let jobs: Vec<_> = missing
            .iter()
            .map(|(task, part)| checker::reference_job(checker, &self.tasks[*task], *part))
            .collect();
        let reports = sandbox.run_all(&jobs);
        let mut known = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        for ((task, part), report) in missing.into_iter().zip(&reports) {
            let expected = Expected::read(report, self.tasks[task].inputs[part].len());
            // What a loaded machine decided is not kept.
            let guarded = report.calls.iter().any(|call| call.verdict == Verdict::WallGuard);
            if let Some(path) = place(task, part).filter(|_| !guarded) {
                kept::write(&path, &expected);
            }
            known.insert((task, part), Arc::new(expected));
        }
    }

    fn expected(&self, task: usize, part: usize) -> Arc<Expected> {
        let known = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.get(&(task, part)).expect("expected results are prepared before programs run"))
    }

    fn run(
        &self,
        sandbox: &Sandbox,
        samples: &[(usize, &str)],
        batch: &[(usize, usize, Arc<Expected>)],
        grades: &mut BTreeMap<(usize, usize), PartGrade>,
    ) {
        let parts: Vec<checker::Part<'_>> = batch
            .iter()
            .map(|(sample, part, expected)| checker::Part {
                checker: self.checker(sandbox),
                task: &self.tasks[samples[*sample].0],
                part: *part,
                program: samples[*sample].1,
                expected,
                limits: self.limits,
            })
            .collect();
        let judged = checker::judge(sandbox, &parts, self.mode);
        for ((sample, part, _), grade) in batch.iter().zip(judged) {
            grades.insert((*sample, *part), grade);
        }
    }
}

/// Seconds of the reference as fuel.
fn seconds(seconds: f64) -> u64 {
    (seconds * FUEL_PER_SECOND as f64) as u64
}

#[cfg(test)]
mod tests;
