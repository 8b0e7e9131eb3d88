//! The sandbox as the method uses it: limits and mode of the run, equal jobs run once, runs counted.

use crate::config::{ExecutionConfig, LongOutput, Mode, SelfPlayConfig};
use crate::error_task::ErrorPrediction;
use crate::solve::{SolverAnswer, read_answer};
use crate::task::TaskType;
use crate::task_kind::TaskKind;
use azr_executor::{CallReport, FUEL_PER_SECOND, Job, Limits, Sandbox, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Judges programs and answers in the sandbox.
pub struct Judge<'a> {
    sandbox: &'a Sandbox,
    mode: Mode,
    limits: Limits,
    held_out: BTreeSet<String>,
    custom: Option<Arc<dyn TaskKind>>,
    runs: AtomicU64,
}

impl<'a> Judge<'a> {
    /// A judge with the mode and limits of a run.
    pub fn new(sandbox: &'a Sandbox, config: &SelfPlayConfig) -> Self {
        Self::with_limits(sandbox, config.mode, limits(&config.execution))
    }

    /// A judge with given limits, e.g. a benchmark's.
    pub fn with_limits(sandbox: &'a Sandbox, mode: Mode, limits: Limits) -> Self {
        Self { sandbox, mode, limits, held_out: BTreeSet::new(), custom: None, runs: AtomicU64::new(0) }
    }

    /// Refuses proposals whose program is one of these: an evaluation's items must not become training tasks.
    #[must_use]
    pub fn holding_out(self, programs: &BTreeSet<String>) -> Self {
        Self { held_out: programs.clone(), ..self }
    }

    /// Judges tasks of the type `custom` by this.
    #[must_use]
    pub fn with_custom(self, custom: Option<Arc<dyn TaskKind>>) -> Self {
        Self { custom, ..self }
    }

    /// What a type that is none of the paper's three says for itself; `None` for those, and for `custom` where none was
    /// given.
    pub fn kind(&self, task_type: TaskType) -> Option<&dyn TaskKind> {
        match task_type {
            TaskType::Error => Some(&ErrorPrediction),
            TaskType::Custom => self.custom.as_deref(),
            TaskType::Deduction | TaskType::Abduction | TaskType::Induction => None,
        }
    }

    /// Takes a solver's response of any type apart. `text` is what [`crate::parse::response_text`] gives.
    pub fn read_answer(&self, task_type: TaskType, text: &str) -> SolverAnswer {
        let answer = read_answer(task_type, text);
        match self.kind(task_type) {
            None => answer,
            Some(kind) => {
                let found = kind.read(crate::parse::answer_block(text));
                let well_formed = crate::parse::well_formed(text) && found.is_some();
                SolverAnswer { text: found, well_formed, ..answer }
            }
        }
    }

    /// Whether a program belongs to an evaluation.
    pub(crate) fn is_held_out(&self, program: &str) -> bool {
        self.held_out.contains(program)
    }

    /// Quirks or repairs.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The sandbox itself, for program analysis.
    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox
    }

    /// Programs run so far.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// A job with the judge's limits.
    pub fn job(&self, program: impl Into<String>, calls: Vec<String>) -> Job {
        Job::new(program, calls, self.limits.clone())
    }

    /// Runs jobs on all cores, equal ones once; the calls' reports in the order of `jobs`.
    pub(crate) fn run(&self, jobs: &[Job]) -> Vec<Vec<CallReport>> {
        self.run_with(jobs, 1, |jobs| self.sandbox.run_all(jobs))
    }

    /// Runs jobs from both start states: the determinism rule of `clean` mode.
    pub(crate) fn run_twice(&self, jobs: &[Job]) -> Vec<Vec<CallReport>> {
        self.run_with(jobs, 2, |jobs| self.sandbox.run_twice_all(jobs))
    }

    fn run_with(
        &self,
        jobs: &[Job],
        runs_each: u64,
        run: impl Fn(&[Job]) -> Vec<azr_executor::Report>,
    ) -> Vec<Vec<CallReport>> {
        let mut places: BTreeMap<(&str, &[String], bool), usize> = BTreeMap::new();
        let mut unique: Vec<Job> = Vec::new();
        let mut place_of = Vec::with_capacity(jobs.len());
        for job in jobs {
            let key = (job.program.as_str(), job.calls.as_slice(), job.fresh_namespace);
            let place = *places.entry(key).or_insert_with(|| {
                unique.push(job.clone());
                unique.len() - 1
            });
            place_of.push(place);
        }
        self.runs.fetch_add(runs_each * unique.len() as u64, Ordering::Relaxed);
        let reports = run(&unique);
        place_of
            .into_iter()
            .map(|place| reports.get(place).map(|report| report.calls.clone()).unwrap_or_default())
            .collect()
    }

    /// Are two result texts equal as values? `imports` are those of the program they belong to.
    pub(crate) fn equal(&self, pairs: &[(String, String, &[String])]) -> Vec<bool> {
        let mut by_imports: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, (_, _, imports)) in pairs.iter().enumerate() {
            by_imports.entry(imports.join("\n")).or_default().push(index);
        }
        let mut equal = vec![false; pairs.len()];
        for (imports, members) in &by_imports {
            let texts: Vec<(String, String)> =
                members.iter().map(|&index| (pairs[index].0.clone(), pairs[index].1.clone())).collect();
            for (&index, same) in members.iter().zip(self.sandbox.equal_all(&texts, imports)) {
                equal[index] = same;
            }
        }
        equal
    }
}

/// The sandbox limits of a configuration.
pub fn limits(config: &ExecutionConfig) -> Limits {
    // `truncate` needs the whole text, `reject` only to know that it is too long.
    let output_chars = match config.long_output {
        LongOutput::Truncate => 1 << 20,
        LongOutput::Reject => config.max_output_chars.min(1 << 20) as u32,
    };
    Limits {
        fuel: (config.seconds * FUEL_PER_SECOND as f64) as u64,
        memory_bytes: config.memory_mib << 20,
        output_chars,
        ..Limits::seconds(config.seconds)
    }
}

/// The program with import lines before it.
pub(crate) fn with_imports(imports: &[String], program: &str) -> String {
    if imports.is_empty() { program.to_owned() } else { format!("{}\n{program}", imports.join("\n")) }
}

/// The verdict of a call that may be missing (it never is: reports have one entry a call).
pub(crate) fn verdict(calls: &[CallReport], index: usize) -> &Verdict {
    calls.get(index).map_or(&Verdict::Crashed, |call| &call.verdict)
}
