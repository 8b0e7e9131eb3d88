//! Runs of programs for people who wait, so that a call which never ends holds up nobody but whoever asked for it.
//!
//! The sandbox serves in order of arrival, and a call may take its whole limit. So every call is first given a small part
//! of it, which is enough for nearly all; one that needs more runs again in a lane that leaves a thread of the sandbox free.
//! (A daemon's sandbox has a thread more than the machine has cores: the system shares the cores out among them.)
//! Verdicts are those of the whole limit: a run is a pure function of its job, and only a `timeout` of the small part, and what
//! its two runs do not agree on, is asked again.

use crate::actor::now;
use azr_executor::{Job, Limits, Report, Sandbox, Verdict};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Nominal seconds of the first attempt.
const FIRST_SECONDS: f64 = 0.01;
/// Jobs of a first attempt after which those that are done are told.
const TOLD_TOGETHER: usize = 16;
/// How often somebody who waits for the lane looks whether the answer is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A sandbox, and the lane of its long runs.
#[derive(Clone)]
pub struct Lanes {
    sandbox: Sandbox,
    long: Arc<Lane>,
}

impl From<Sandbox> for Lanes {
    fn from(sandbox: Sandbox) -> Self {
        let places = sandbox.threads().saturating_sub(1).max(1);
        Self { sandbox, long: Arc::new(Lane { free: Mutex::new(places), freed: Condvar::new() }) }
    }
}

impl Lanes {
    /// The sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Every job from both start states, as [`Sandbox::run_twice_all_unless`] does.
    pub fn run_twice(&self, jobs: &[Job], cancel: &Arc<AtomicBool>) -> Vec<Report> {
        self.run_twice_telling(jobs, cancel, None, &mut |_, _| {})
    }

    /// The same; what needs more time than there is until `deadline` ends as `wall_guard`, and `done` is told the place and
    /// the report of each job when it is final.
    pub fn run_twice_telling(
        &self,
        jobs: &[Job],
        cancel: &Arc<AtomicBool>,
        deadline: Option<Instant>,
        done: &mut dyn FnMut(usize, &Report),
    ) -> Vec<Report> {
        let (mut reports, long) = self.short(jobs, cancel, done);
        for place in long {
            reports[place] = self.long(&jobs[place], cancel, deadline);
            done(place, &reports[place]);
        }
        reports
    }

    /// The first attempts: reports, and the places of those that are not final, which [`Lanes::long`] makes so.
    pub fn short(
        &self,
        jobs: &[Job],
        cancel: &Arc<AtomicBool>,
        done: &mut dyn FnMut(usize, &Report),
    ) -> (Vec<Report>, Vec<usize>) {
        let first: Vec<Job> = jobs.iter().map(first_attempt).collect();
        let needs_more = |place: usize, report: &Report| {
            first[place].limits != jobs[place].limits
                && report.calls.iter().any(|call| is_open(&call.verdict))
        };
        let (mut reports, mut long) = (Vec::with_capacity(jobs.len()), Vec::new());
        for part in first.chunks(TOLD_TOGETHER) {
            for report in self.sandbox.run_twice_all_unless(part, cancel) {
                let place = reports.len();
                if needs_more(place, &report) {
                    long.push(place);
                } else {
                    done(place, &report);
                }
                reports.push(report);
            }
        }
        (reports, long)
    }

    /// A job with its whole limit, in the lane of long runs; `wall_guard` where that takes longer than until `deadline`.
    pub fn long(&self, job: &Job, cancel: &Arc<AtomicBool>, deadline: Option<Instant>) -> Report {
        let run = |cancel: &Arc<AtomicBool>| {
            let _place = self.long.enter(cancel);
            self.sandbox.run_twice_in_turn_unless(job, cancel)
        };
        let Some(deadline) = deadline else { return run(cancel) };
        let late: Arc<AtomicBool> = Arc::default();
        let flag = Arc::clone(&late);
        let (ended, end) = channel::<()>();
        let watch = move |late: &AtomicBool| {
            while end.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                if cancel.load(Ordering::SeqCst) || now() >= deadline {
                    late.store(true, Ordering::SeqCst);
                    return self.sandbox.look_at_cancels();
                }
            }
        };
        std::thread::scope(|scope| {
            let late = &*late;
            scope.spawn(move || watch(late));
            let report = run(&flag);
            drop(ended);
            report
        })
    }
}

/// Whether more time may give another verdict: also where one of the two runs was over the small part and the other was not.
fn is_open(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Timeout | Verdict::Nondeterministic)
}

fn first_attempt(job: &Job) -> Job {
    let fuel = job.limits.fuel.min(Limits::seconds(FIRST_SECONDS).fuel);
    Job { limits: Limits { fuel, ..job.limits.clone() }, ..job.clone() }
}

/// Places for as many runs as may be long at a time.
struct Lane {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Lane {
    /// Waits for a place; whoever is cancelled needs none, for its runs end at once.
    fn enter(&self, cancel: &AtomicBool) -> Option<Place<'_>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            if cancel.load(Ordering::SeqCst) {
                return None;
            }
            free = self.freed.wait_timeout(free, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Some(Place(self))
    }
}

/// A place in the lane, given back when dropped.
struct Place<'a>(&'a Lane);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SANDBOX;

    const PROGRAM: &str = "def f(n):\n    while n:\n        n += 1\n    return n\n";

    fn job(call: &str, seconds: f64) -> Job {
        Job::new(PROGRAM, vec![call.to_owned()], Limits::seconds(seconds))
    }

    #[test]
    fn verdicts_are_those_of_the_whole_limit() {
        let program = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i * i % 7\n    return t\n";
        // About 1,831 units an iteration: 0.15 nominal seconds, fifteen times the first attempt.
        let jobs = [2_000_000, 10]
            .map(|n| Job::new(program, vec![format!("f({n})"), "f(1)".to_owned()], Limits::seconds(2.0)));
        let jobs = [jobs.to_vec(), vec![job("f(1)", 0.2), job("f(1)", 0.01)]].concat();
        let wanted = SANDBOX.run_twice_all(&jobs);
        let got = Lanes::from(SANDBOX.clone()).run_twice(&jobs, &Arc::default());
        assert_eq!(wanted, got);
        let names: Vec<&str> = got.iter().map(|report| report.calls[0].verdict.name()).collect();
        assert_eq!(names, ["value", "value", "timeout", "timeout"]);
    }

    #[test]
    fn a_deadline_ends_a_long_call_and_no_short_one() {
        let lanes = Lanes::from(SANDBOX.clone());
        let until = |jobs: &[Job], deadline: Instant| {
            lanes.run_twice_telling(jobs, &Arc::default(), Some(deadline), &mut |_, _| {})
        };
        let reports = until(&[job("f(1)", 10.0), job("f(0)", 10.0)], now());
        assert_eq!(reports[0].calls[0].verdict, Verdict::WallGuard);
        assert_eq!(reports[1].calls[0].verdict.value(), Some("0"));
        let reports = until(&[job("f(1)", 0.1)], now() + Duration::from_mins(10));
        assert_eq!(reports[0].calls[0].verdict, Verdict::Timeout);
    }

    #[test]
    fn endless_calls_leave_room_for_others() {
        let lanes = Lanes::from(SANDBOX.clone());
        let cancel: Arc<AtomicBool> = Arc::default();
        std::thread::scope(|scope| {
            let endless: Vec<_> = (1..9)
                .map(|n| {
                    let (lanes, cancel) = (lanes.clone(), Arc::clone(&cancel));
                    scope.spawn(move || lanes.run_twice(&[job(&format!("f({n})"), 10.0)], &cancel))
                })
                .collect();
            while *lanes.long.free.lock().unwrap() > 0 {
                std::thread::yield_now();
            }
            let quick = lanes.run_twice(&[job("f(0)", 10.0)], &Arc::default());
            assert_eq!(quick[0].calls[0].verdict.value(), Some("0"));
            assert!(
                endless.iter().all(|thread| !thread.is_finished()),
                "eight times 10 s were not over before"
            );
            cancel.store(true, Ordering::SeqCst);
            SANDBOX.look_at_cancels();
            for thread in endless {
                assert_eq!(thread.join().unwrap()[0].calls[0].verdict, Verdict::WallGuard);
            }
        });
        assert_eq!(*lanes.long.free.lock().unwrap(), SANDBOX.threads().saturating_sub(1).max(1));
    }
}
