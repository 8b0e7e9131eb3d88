//! What calls do, remembered: every session asks about the same few calls again and again while a file is edited.
//!
//! A verdict depends on the program and the call alone, so it can be kept as long as there is room; one of the guard on
//! processor time is not kept.

use crate::host::Host;
use crate::protocol::failure::{Failure, FailureKind};
use azr_executor::{CallReport, Job, Limits, Sandbox, Verdict};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Nominal seconds of a call that an editor asks about.
pub const SECONDS: f64 = 2.0;
/// Verdicts kept.
const MAX_KEPT: usize = 8_192;
/// Longest text of a result that is kept, in bytes.
const MAX_KEPT_BYTES: usize = 64 << 10;

/// A program and a call of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Runnable {
    /// Python source.
    pub program: Arc<str>,
    /// The call.
    pub call: String,
}

/// Verdicts by program and call.
#[derive(Debug, Default)]
pub struct Verdicts {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    reports: BTreeMap<Runnable, (u64, CallReport)>,
    tick: u64,
}

impl Verdicts {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a call.
    pub fn known(&self, runnable: &Runnable) -> Option<CallReport> {
        let mut kept = self.lock();
        kept.tick += 1;
        let tick = kept.tick;
        let (used, report) = kept.reports.get_mut(runnable)?;
        *used = tick;
        Some(report.clone())
    }

    fn keep(&self, runnable: &Runnable, report: &CallReport) {
        let length = report.stdout.len() + report.verdict.value().map_or(0, str::len);
        if report.verdict == Verdict::WallGuard || length > MAX_KEPT_BYTES {
            return;
        }
        let mut kept = self.lock();
        kept.tick += 1;
        let tick = kept.tick;
        kept.reports.insert(runnable.clone(), (tick, report.clone()));
        if kept.reports.len() > MAX_KEPT {
            // Half goes at once: looking for the oldest one each time would cost more than running it again.
            let mut ticks: Vec<u64> = kept.reports.values().map(|(used, _)| *used).collect();
            let (_, middle, _) = ticks.select_nth_unstable(MAX_KEPT / 2);
            let middle = *middle;
            kept.reports.retain(|_, (used, _)| *used >= middle);
        }
    }
}

/// Set when whoever waits has gone: running guests look at once.
#[derive(Debug, Default)]
pub struct CancelOnDrop {
    flag: Arc<AtomicBool>,
    sandbox: Option<Sandboxed>,
}

/// A sandbox has no text of its own.
#[derive(Clone)]
struct Sandboxed(Sandbox);

impl std::fmt::Debug for Sandboxed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sandbox")
    }
}

impl CancelOnDrop {
    /// A flag for work in this sandbox.
    pub fn new(sandbox: &Sandbox) -> Self {
        Self { flag: Arc::default(), sandbox: Some(Sandboxed(sandbox.clone())) }
    }

    /// The flag.
    pub fn flag(&self) -> &Arc<AtomicBool> {
        &self.flag
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::SeqCst);
        if let Some(Sandboxed(sandbox)) = &self.sandbox {
            sandbox.look_at_cancels();
        }
    }
}

impl Host {
    /// What these calls do, in their order: known ones at once, others by running them from both start states. When the
    /// caller stops waiting, the runs end.
    pub async fn run(&self, runnables: &[Runnable]) -> Result<Vec<CallReport>, Failure> {
        let known: Vec<Option<CallReport>> = runnables.iter().map(|one| self.verdicts().known(one)).collect();
        let missing: Vec<Runnable> = runnables
            .iter()
            .zip(&known)
            .filter(|(_, known)| known.is_none())
            .map(|(one, _)| one.clone())
            .collect();
        if missing.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let lanes = self.lanes().await?;
        let cancel = CancelOnDrop::new(lanes.sandbox());
        let flag = Arc::clone(cancel.flag());
        let jobs: Vec<Job> = missing
            .iter()
            .map(|one| Job::new(&*one.program, vec![one.call.clone()], Limits::seconds(SECONDS)))
            .collect();
        let verdicts = Arc::clone(self.verdicts());
        let run = tokio::task::spawn_blocking(move || {
            // Kept one by one, so that what is done stays done where the rest is no longer wanted.
            lanes.run_twice_telling(&jobs, &flag, None, &mut |place, report| {
                if let (Some(runnable), Some(call)) = (missing.get(place), report.calls.first()) {
                    verdicts.keep(runnable, call);
                }
            })
        });
        let failed =
            || Failure::new(FailureKind::SandboxLimit, "the sandbox failed", "ask again; the log says more");
        let reports = run.await.map_err(|_| failed())?;
        drop(cancel);
        let mut new = reports.into_iter().filter_map(|mut report| report.calls.pop());
        let mut out = Vec::with_capacity(runnables.len());
        for known in known {
            out.push(known.or_else(|| new.next()).ok_or_else(failed)?);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runnable(call: usize) -> Runnable {
        Runnable { program: "def f(a): return a".into(), call: format!("f({call})") }
    }

    fn report(verdict: Verdict) -> CallReport {
        CallReport { call: String::new(), verdict, stdout: String::new(), fuel: 0, memory_bytes: 0 }
    }

    #[test]
    fn the_least_used_verdicts_go_first() {
        let verdicts = Verdicts::default();
        let value = report(Verdict::Value { text: "1".to_owned() });
        for call in 0..MAX_KEPT {
            verdicts.keep(&runnable(call), &value);
        }
        assert!(verdicts.known(&runnable(0)).is_some());
        verdicts.keep(&runnable(MAX_KEPT), &value);
        assert!(verdicts.known(&runnable(0)).is_some(), "it was used last");
        assert!(verdicts.known(&runnable(1)).is_none());
        assert!(verdicts.lock().reports.len() <= MAX_KEPT / 2 + 2);
    }

    #[test]
    fn a_verdict_of_the_guard_is_not_kept() {
        let verdicts = Verdicts::default();
        verdicts.keep(&runnable(1), &report(Verdict::WallGuard));
        assert!(verdicts.known(&runnable(1)).is_none());
    }
}
