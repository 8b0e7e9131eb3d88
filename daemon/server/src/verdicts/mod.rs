//! What calls do, remembered: every session asks about the same few calls again and again while a file is edited.
//!
//! A verdict depends on the program and the call alone, so it can be kept as long as there is room; one of the guard on
//! processor time is not kept. A call that runs already is not run again: whoever asks joins those who wait for it.

mod flight;

use azr_executor::{CallReport, Verdict};
use flight::Flight;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

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
    flights: BTreeMap<Runnable, Weak<Flight>>,
    tick: u64,
}

impl Verdicts {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a call.
    pub fn known(&self, runnable: &Runnable) -> Option<CallReport> {
        self.lock().known(runnable)
    }
}

impl Kept {
    fn known(&mut self, runnable: &Runnable) -> Option<CallReport> {
        self.tick += 1;
        let (used, report) = self.reports.get_mut(runnable)?;
        *used = self.tick;
        Some(report.clone())
    }

    fn keep(&mut self, runnable: &Runnable, report: &CallReport) {
        let length = report.stdout.len() + report.verdict.value().map_or(0, str::len);
        if report.verdict == Verdict::WallGuard || length > MAX_KEPT_BYTES {
            return;
        }
        self.tick += 1;
        self.reports.insert(runnable.clone(), (self.tick, report.clone()));
        if self.reports.len() > MAX_KEPT {
            // Half goes at once: looking for the oldest one each time would cost more than running it again.
            let mut ticks: Vec<u64> = self.reports.values().map(|(used, _)| *used).collect();
            let (_, middle, _) = ticks.select_nth_unstable(MAX_KEPT / 2);
            let middle = *middle;
            self.reports.retain(|_, (used, _)| *used >= middle);
        }
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
            verdicts.lock().keep(&runnable(call), &value);
        }
        assert!(verdicts.known(&runnable(0)).is_some());
        verdicts.lock().keep(&runnable(MAX_KEPT), &value);
        assert!(verdicts.known(&runnable(0)).is_some(), "it was used last");
        assert!(verdicts.known(&runnable(1)).is_none());
        assert!(verdicts.lock().reports.len() <= MAX_KEPT / 2 + 2);
    }

    #[test]
    fn a_verdict_of_the_guard_is_not_kept() {
        let verdicts = Verdicts::default();
        verdicts.lock().keep(&runnable(1), &report(Verdict::WallGuard));
        assert!(verdicts.known(&runnable(1)).is_none());
    }
}
