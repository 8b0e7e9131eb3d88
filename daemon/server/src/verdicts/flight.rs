//! Calls that run now: hints, hovers and diagnostics of all sessions ask about the same call at about the same time.

use super::{Kept, Runnable, SECONDS, Verdicts};
use crate::host::Host;
use crate::lanes::Lanes;
use crate::protocol::failure::{Failure, FailureKind};
use azr_executor::{CallReport, Job, Limits, Sandbox};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::watch;

/// The run of one call; whoever waits for it holds it, and it ends when nobody does.
#[derive(Debug)]
pub struct Flight {
    report: watch::Receiver<Option<CallReport>>,
    _own: CancelOnDrop,
    /// The short attempts of calls that are asked about together run together.
    _together: Arc<CancelOnDrop>,
}

/// Set when whoever waits has gone: running guests look at once.
struct CancelOnDrop {
    flag: Arc<AtomicBool>,
    sandbox: Sandbox,
}

impl std::fmt::Debug for CancelOnDrop {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("CancelOnDrop").field(&self.flag).finish()
    }
}

impl CancelOnDrop {
    fn new(sandbox: &Sandbox) -> Self {
        Self { flag: Arc::default(), sandbox: sandbox.clone() }
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::SeqCst);
        self.sandbox.look_at_cancels();
    }
}

/// What is there of a call that is asked about.
enum Asked {
    Known(CallReport),
    Runs(Arc<Flight>),
}

/// The side of a flight that runs the call.
struct Pilot {
    runnable: Runnable,
    cancel: Arc<AtomicBool>,
    report: watch::Sender<Option<CallReport>>,
    flight: Weak<Flight>,
}

impl Pilot {
    fn job(&self) -> Job {
        Job::new(&*self.runnable.program, vec![self.runnable.call.clone()], Limits::seconds(SECONDS))
    }
}

impl Kept {
    /// Joins the run of a call, where there is one that nobody has given up.
    fn join(&self, runnable: &Runnable) -> Option<Arc<Flight>> {
        self.flights.get(runnable)?.upgrade()
    }

    fn begin(
        &mut self,
        runnable: &Runnable,
        sandbox: &Sandbox,
        together: &Arc<CancelOnDrop>,
    ) -> (Pilot, Arc<Flight>) {
        let (sender, report) = watch::channel(None);
        let own = CancelOnDrop::new(sandbox);
        let cancel = Arc::clone(&own.flag);
        let flight = Arc::new(Flight { report, _own: own, _together: Arc::clone(together) });
        let weak = Arc::downgrade(&flight);
        self.flights.insert(runnable.clone(), weak.clone());
        (Pilot { runnable: runnable.clone(), cancel, report: sender, flight: weak }, flight)
    }

    /// A run that was given up may have a successor, which stays.
    fn end(&mut self, pilot: &Pilot) {
        if self.flights.get(&pilot.runnable).is_some_and(|flight| flight.ptr_eq(&pilot.flight)) {
            self.flights.remove(&pilot.runnable);
        }
    }
}

impl Verdicts {
    /// What these calls do, in their order: known ones at once, those that run by waiting, others by running them from
    /// both start states. When nobody waits for a run any longer, it ends.
    async fn run(self: &Arc<Self>, lanes: Lanes, runnables: &[Runnable]) -> Result<Vec<CallReport>, Failure> {
        let asked = self.ask(lanes, runnables);
        let mut reports = Vec::with_capacity(asked.len());
        for one in asked {
            reports.push(match one {
                Asked::Known(report) => report,
                Asked::Runs(flight) => {
                    let mut report = flight.report.clone();
                    let landed =
                        report.wait_for(Option::is_some).await.ok().and_then(|report| report.clone());
                    landed.ok_or_else(|| {
                        let hint = "ask again; the log says more";
                        Failure::new(FailureKind::SandboxLimit, "the sandbox failed", hint)
                    })?
                }
            });
        }
        Ok(reports)
    }

    fn ask(self: &Arc<Self>, lanes: Lanes, runnables: &[Runnable]) -> Vec<Asked> {
        let together = Arc::new(CancelOnDrop::new(lanes.sandbox()));
        let mut pilots = Vec::new();
        let mut kept = self.lock();
        let mut ask = |runnable: &Runnable| {
            if let Some(report) = kept.known(runnable) {
                return Asked::Known(report);
            }
            Asked::Runs(kept.join(runnable).unwrap_or_else(|| {
                let (pilot, flight) = kept.begin(runnable, lanes.sandbox(), &together);
                pilots.push(pilot);
                flight
            }))
        };
        let asked = runnables.iter().map(&mut ask).collect();
        drop(kept);
        if !pilots.is_empty() {
            let (verdicts, cancel) = (Arc::clone(self), Arc::clone(&together.flag));
            tokio::task::spawn_blocking(move || verdicts.fly(&lanes, &pilots, &cancel));
        }
        asked
    }

    fn fly(&self, lanes: &Lanes, pilots: &[Pilot], together: &Arc<AtomicBool>) {
        let jobs: Vec<Job> = pilots.iter().map(Pilot::job).collect();
        let land = |pilot: &Pilot, report: Option<&CallReport>| {
            let Some(report) = report else { return };
            let mut kept = self.lock();
            kept.keep(&pilot.runnable, report);
            kept.end(pilot);
            pilot.report.send_replace(Some(report.clone()));
        };
        let (_, long) = lanes.short(&jobs, together, &mut |place, report| {
            land(&pilots[place], report.calls.first());
        });
        for place in long {
            let report = lanes.long(&jobs[place], &pilots[place].cancel, None);
            land(&pilots[place], report.calls.first());
        }
    }
}

impl Host {
    /// What these calls do, in their order; see [`Verdicts`]. When the caller stops waiting, runs that nobody else waits
    /// for end.
    pub async fn run(&self, runnables: &[Runnable]) -> Result<Vec<CallReport>, Failure> {
        let known: Option<Vec<CallReport>> = runnables.iter().map(|one| self.verdicts().known(one)).collect();
        match known {
            Some(known) => Ok(known),
            None => self.verdicts().run(self.lanes().await?, runnables).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SANDBOX;
    use azr_executor::Verdict;
    use std::future::Future;
    use std::pin::Pin;

    type Run = Pin<Box<dyn Future<Output = Result<Vec<CallReport>, Failure>>>>;

    fn endless(call: usize) -> Runnable {
        let program = "def f(n):\n    while n:\n        n += 1\n    return n\n";
        Runnable { program: program.into(), call: format!("f({call})") }
    }

    /// Asks, and waits until the runs have begun.
    async fn asked(verdicts: &Arc<Verdicts>, lanes: &Lanes, calls: &[usize]) -> Run {
        let (verdicts, lanes) = (Arc::clone(verdicts), lanes.clone());
        let runnables: Vec<Runnable> = calls.iter().copied().map(endless).collect();
        let mut run: Run = Box::pin(async move { verdicts.run(lanes, &runnables).await });
        tokio::select! {
            biased;
            _ = &mut run => panic!("an endless call takes its time"),
            () = std::future::ready(()) => {}
        }
        run
    }

    fn flights(verdicts: &Verdicts) -> usize {
        verdicts.lock().flights.values().filter(|flight| flight.strong_count() > 0).count()
    }

    #[tokio::test]
    async fn a_call_that_runs_is_joined() {
        let (verdicts, lanes) = (Arc::new(Verdicts::default()), Lanes::from(SANDBOX.clone()));
        let first = asked(&verdicts, &lanes, &[1, 2]).await;
        let own = verdicts.lock().join(&endless(1)).unwrap();
        let second = asked(&verdicts, &lanes, &[1, 1, 0]).await;
        assert!(Arc::ptr_eq(&own, &verdicts.lock().join(&endless(1)).unwrap()));
        drop((first, own));
        assert!(verdicts.lock().join(&endless(2)).is_none(), "nobody waits for it");
        let names: Vec<&str> = second.await.unwrap().iter().map(|report| report.verdict.name()).collect();
        assert_eq!(names, ["timeout", "timeout", "value"]);
        assert_eq!(verdicts.known(&endless(1)).unwrap().verdict, Verdict::Timeout);
        assert_eq!(flights(&verdicts), 0);
    }

    #[tokio::test]
    async fn a_run_that_was_given_up_is_begun_anew() {
        let (verdicts, lanes) = (Arc::new(Verdicts::default()), Lanes::from(SANDBOX.clone()));
        drop(asked(&verdicts, &lanes, &[1]).await);
        assert_eq!(flights(&verdicts), 0);
        let report = verdicts.run(lanes, &[endless(1)]).await.unwrap();
        assert_eq!(report[0].verdict, Verdict::Timeout, "not the guard's word of the first run");
    }
}
