//! The handle everybody uses: opens the embedded guest and runs jobs on instances in the start state, on its own threads.

use crate::engine::Guests;
use crate::guest::Archive;
use crate::literal::{Value, same_result};
use crate::pool::Pool;
use crate::{CallReport, Job, Limits, Report, StartState, Verdict, instance};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Receives a line of text when a slow step begins or ends.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// How to open the sandbox.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Folder of the compiled guest, chosen by the caller at the edge; `None` = compile in memory, keep nothing.
    pub cache_dir: Option<PathBuf>,
    /// Called with a line of text when a slow step (compiling the guest) begins and ends.
    pub progress: Option<Progress>,
    /// Threads that run guests; `None` = one a core. Results do not depend on it.
    pub threads: Option<usize>,
    /// Shortest guard, in processor time; `None` = 30 s. A shorter one replaces the guard, whatever the limit: for tests.
    pub guard: Option<Duration>,
    /// Put instances back to the start state instead of making new ones, where the machine can. Results are the same.
    pub reuse: bool,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self { cache_dir: None, progress: None, threads: None, guard: None, reuse: true }
    }
}

/// Why the sandbox cannot be opened. A program's misbehaviour is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// wasmtime refused.
    #[error("the sandbox engine failed: {0}")]
    Engine(String),
    /// The embedded guest or its record cannot be read.
    #[error("the sandbox guest cannot be read: {0}")]
    Guest(String),
    /// Making the guest anew failed.
    #[error("the sandbox guest cannot be built: {0}")]
    Build(String),
}

/// A handle on the engine: cheap to clone, shared by threads.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

struct Shared {
    guests: Arc<Guests>,
    pool: Pool,
    threads: usize,
    guard_floor: Duration,
}

impl Sandbox {
    /// Opens the embedded guest, compiling it for this machine when the cache has no current copy.
    pub fn open(config: &SandboxConfig) -> Result<Self, SandboxError> {
        Self::with_guest(config, Archive::embedded()?)
    }

    /// Opens another guest. Only builds come here (`BuiltGuest::open`): a guest is code that is trusted to report.
    pub(crate) fn with_guest(config: &SandboxConfig, archive: Archive) -> Result<Self, SandboxError> {
        let threads =
            config.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let guests = Arc::new(Guests::open(config, threads, archive)?);
        let pool = Pool::new(threads)
            .map_err(|error| SandboxError::Engine(format!("no threads for guests: {error}")))?;
        let guard_floor = config.guard.unwrap_or(instance::GUARD_FLOOR);
        Ok(Self { shared: Arc::new(Shared { guests, pool, threads, guard_floor }) })
    }

    /// Hash of the guest artefact.
    pub fn guest_hash(&self) -> &str {
        &self.shared.guests.hash
    }

    /// How many jobs so far ran in an instance that had been put back: none where the machine cannot.
    pub fn reused(&self) -> u64 {
        self.shared.guests.reused()
    }

    /// Runs one job in an instance in the start state.
    pub fn run(&self, job: &Job) -> Report {
        self.run_jobs(vec![job.clone()]).pop().expect("one job gives one report")
    }

    /// Runs jobs on all cores; results in the order of `jobs`, independent of the number of threads.
    pub fn run_all(&self, jobs: &[Job]) -> Vec<Report> {
        self.run_jobs(jobs.to_vec())
    }

    /// Runs every job from both start states; a call whose two results differ is `nondeterministic`,
    /// else the first run's report is kept. (The `clean` determinism rule.)
    pub fn run_twice_all(&self, jobs: &[Job]) -> Vec<Report> {
        twice(jobs, |jobs| self.run_jobs(jobs))
    }

    /// [`Sandbox::run_twice_all`] for somebody who may stop wanting the results: what is left when `cancel` is set ends
    /// as `wall_guard`, a verdict that is never kept. [`Sandbox::look_at_cancels`] makes running guests notice at once.
    pub fn run_twice_all_unless(&self, jobs: &[Job], cancel: &Arc<AtomicBool>) -> Vec<Report> {
        twice(jobs, |jobs| self.run_jobs_unless(jobs, Some(Arc::clone(cancel))))
    }

    /// One job from both start states, one after the other on one thread of the sandbox; else as
    /// [`Sandbox::run_twice_all_unless`]. Where every call of the first run reaches its limit there is no second.
    pub fn run_twice_in_turn_unless(&self, job: &Job, cancel: &Arc<AtomicBool>) -> Report {
        let ended = |report: &&Report| {
            report.calls.iter().all(|call| matches!(call.verdict, Verdict::Timeout | Verdict::WallGuard))
        };
        let in_turn = |jobs: Vec<Job>| {
            let mut reports: Vec<Report> = Vec::with_capacity(jobs.len());
            for job in jobs {
                match reports.first().filter(ended) {
                    Some(first) => reports.push(first.clone()),
                    None => reports.extend(self.run_jobs_unless(vec![job], Some(Arc::clone(cancel)))),
                }
            }
            reports
        };
        twice(std::slice::from_ref(job), in_turn).pop().expect("one job gives one report")
    }

    /// Threads that run guests.
    pub fn threads(&self) -> usize {
        self.shared.threads
    }

    /// Makes the guests that run look whether they were cancelled (they do so by themselves ten times a second).
    pub fn look_at_cancels(&self) {
        self.shared.guests.interrupt();
    }

    /// Are two result texts equal as Python values? Literals are compared on the host as plain data
    /// (`1 == 1.0 == True`, sets and dicts without order). Any other expression is first evaluated, alone in a fresh
    /// instance after `imports`, and the `repr`s are compared: neither side ever runs where the other, or the
    /// comparison, can be reached. Failure to evaluate counts as unequal.
    pub fn equal_all(&self, pairs: &[(String, String)], imports: &str) -> Vec<bool> {
        let mut sides: BTreeMap<&str, Option<Side>> = BTreeMap::new();
        for text in pairs.iter().flat_map(|(left, right)| [left, right]) {
            sides.entry(text).or_insert_with(|| Value::parse(text).map(Side::Value));
        }
        let unknown: Vec<&str> =
            sides.iter().filter(|(_, side)| side.is_none()).map(|(text, _)| *text).collect();
        let jobs = unknown
            .iter()
            .map(|text| Job::new(imports, vec![(*text).to_owned()], Limits::seconds(EQUAL_SECONDS)));
        let reports = self.run_jobs(jobs.collect());
        for (text, report) in unknown.into_iter().zip(reports) {
            let side = report.calls.first().and_then(|call| call.verdict.value()).and_then(Side::evaluated);
            sides.insert(text, side);
        }
        let side = |text: &String| sides.get(text.as_str()).and_then(Option::as_ref);
        pairs.iter().map(|(left, right)| matches!((side(left), side(right)), (Some(left), Some(right)) if left.equals(right))).collect()
    }

    /// Applies `run` to every item on the sandbox's threads; an item whose run panicked is `None`.
    pub(crate) fn with_guests<T, R>(
        &self,
        items: Vec<T>,
        run: impl Fn(&Guests, Duration, T) -> R + Send + Sync + 'static,
    ) -> Vec<Option<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.shared.pool.map(items, move |item| run(&shared.guests, shared.guard_floor, item))
    }

    fn run_jobs(&self, jobs: Vec<Job>) -> Vec<Report> {
        self.run_jobs_unless(jobs, None)
    }

    fn run_jobs_unless(&self, jobs: Vec<Job>, cancel: Option<Arc<AtomicBool>>) -> Vec<Report> {
        let shared = Arc::clone(&self.shared);
        let calls: Vec<Vec<String>> = jobs.iter().map(|job| job.calls.clone()).collect();
        let reports = self
            .shared
            .pool
            .map(jobs, move |job| instance::run(&shared.guests, &job, shared.guard_floor, cancel.as_ref()));
        reports
            .into_iter()
            .zip(calls)
            .map(|(reports, calls)| {
                // A panic of the engine itself is a crash of that job alone.
                let crashed = |call| CallReport {
                    call,
                    verdict: Verdict::Crashed,
                    stdout: String::new(),
                    fuel: 0,
                    memory_bytes: 0,
                };
                let calls = reports.unwrap_or_else(|| calls.into_iter().map(crashed).collect());
                Report { guest: self.shared.guests.hash.clone(), calls }
            })
            .collect()
    }
}

/// Every job from both start states, a report a job: what `run` gave for the first, with `nondeterministic` where they differ.
pub(crate) fn twice(jobs: &[Job], run: impl FnOnce(Vec<Job>) -> Vec<Report>) -> Vec<Report> {
    let both = jobs
        .iter()
        .flat_map(|job| [StartState::First, StartState::Second].map(|start| Job { start, ..job.clone() }));
    let mut reports = run(both.collect()).into_iter();
    let mut kept = Vec::with_capacity(jobs.len());
    while let (Some(mut first), Some(second)) = (reports.next(), reports.next()) {
        for (first, second) in first.calls.iter_mut().zip(&second.calls) {
            if second.verdict == Verdict::WallGuard {
                // Stopped or starved in between: that says nothing of the program.
                first.verdict = Verdict::WallGuard;
            } else if first.verdict != Verdict::WallGuard && !same_verdict(&first.verdict, &second.verdict) {
                first.verdict = Verdict::Nondeterministic;
            }
        }
        kept.push(first);
    }
    kept
}

/// Nominal time to evaluate one side of an equality.
const EQUAL_SECONDS: f64 = 2.0;

/// One side of an equality.
enum Side {
    Value(Value),
    /// The `repr` of something that is not plain data, by its text.
    Text(String),
}

impl Side {
    /// A side from the `repr` of its evaluation; objects known only by their address equal nothing.
    fn evaluated(text: &str) -> Option<Self> {
        match Value::parse_repr(text) {
            Some(value) => Some(Self::Value(value)),
            None if holds_address(text) => None,
            None => Some(Self::Text(text.to_owned())),
        }
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(left), Self::Value(right)) => left.equals(right),
            (Self::Text(left), Self::Text(right)) => left == right,
            _ => false,
        }
    }
}

/// Do the two start states agree? Values by value, everything else by verdict.
fn same_verdict(first: &Verdict, second: &Verdict) -> bool {
    match (first, second) {
        (Verdict::Value { text: first }, Verdict::Value { text: second }) => {
            same_result(first, second) && !holds_address(first)
        }
        // A message may quote a set or an address; the class of the exception is what the method looks at.
        (Verdict::Raised { exception: first, .. }, Verdict::Raised { exception: second, .. }) => {
            first == second
        }
        (first, second) => first == second,
    }
}

/// Is the text the `repr` of something known by its address (which differs from machine to machine elsewhere)?
fn holds_address(text: &str) -> bool {
    text.contains(" at 0x") && Value::parse_repr(text).is_none()
}
