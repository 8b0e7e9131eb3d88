//! Warm interpreters and the threads that hand them jobs.

use super::interpreter::Interpreter;
use super::protocol::{self, Ending};
use super::zygote::Zygote;
use super::{ProcessConfig, ProcessError, lockdown};
use crate::{CallReport, Job, Limits, Report, StartState, Verdict};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Run once when the backend opens: what must not work, tried from inside.
const TRIAL: &str = "
import os, _socket
def refused(action):
    try:
        action()
    except PermissionError:
        return True
    return False
";
const TRIAL_CALL: &str = "[refused(_socket.socket), refused(lambda: os.kill(os.getppid(), 0)), refused(os.fork), \
                          refused(lambda: open('here', 'w')), os.path.exists('/dev/null'), os.path.exists('/proc')]";
const TRIAL_VALUE: &str = "[True, True, True, True, False, False]";

#[derive(Debug)]
pub(super) struct Workers {
    interpreter: Interpreter,
    identity: String,
    filter: Vec<u8>,
    threads: usize,
    /// Warm interpreters without a job.
    idle: Mutex<Vec<(StartState, Zygote)>>,
}

impl Workers {
    pub(super) fn open(config: &ProcessConfig) -> Result<Self, ProcessError> {
        let interpreter = Interpreter::probe(config)?;
        let filter = lockdown::system_calls()?;
        let threads =
            config.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let workers = Self {
            identity: interpreter.identity(),
            interpreter,
            filter,
            threads: threads.max(1),
            idle: Mutex::new(Vec::new()),
        };
        workers.try_filters()?;
        Ok(workers)
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    pub(super) fn run_all(&self, jobs: &[Job]) -> Vec<Report> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let index = next.fetch_add(1, Ordering::Relaxed)
                && let Some(job) = jobs.get(index)
            {
                // A panic here is a fault of this program, and costs no other job its report.
                let calls = catch_unwind(AssertUnwindSafe(|| self.run(job)))
                    .unwrap_or_else(|_| job.calls.iter().map(|call| crashed(call)).collect());
                done.push((index, Report { guest: self.identity.clone(), calls }));
            }
            done
        };
        let mut reports: Vec<(usize, Report)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads.min(jobs.len())).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("a job that panics is caught"))
                .collect()
        });
        reports.sort_by_key(|(index, _)| *index);
        reports.into_iter().map(|(_, report)| report).collect()
    }

    /// Runs the calls of a job; those after a call that ended the child run in another, as in the sandbox.
    fn run(&self, job: &Job) -> Vec<CallReport> {
        let mut reports = Vec::with_capacity(job.calls.len());
        while let calls = &job.calls[reports.len()..]
            && !calls.is_empty()
        {
            // A warm interpreter that was ended from outside while it waited costs a second try, not a
            // verdict.
            match self.run_in_one_child(job, calls).or_else(|_| self.run_in_one_child(job, calls)) {
                Ok(more) => reports.extend(more),
                // No interpreter starts any more, and nothing can be said about the program.
                Err(_) => reports.extend(calls.iter().map(|call| crashed(call))),
            }
        }
        reports
    }

    fn run_in_one_child(&self, job: &Job, calls: &[String]) -> Result<Vec<CallReport>, ProcessError> {
        let mut zygote = self.take(job.start)?;
        let (child, ending, said): (_, Ending, _) = zygote.run(job, calls)?;
        self.give_back(job.start, zygote);
        Ok(protocol::reports(calls, &ending, &said, &job.limits, &child))
    }

    fn take(&self, start: StartState) -> Result<Zygote, ProcessError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().position(|(of, _)| *of == start).map(|index| idle.swap_remove(index).1);
        drop(idle);
        found.map_or_else(|| Zygote::start(&self.interpreter, &self.filter, start), Ok)
    }

    fn give_back(&self, start: StartState, zygote: Zygote) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < 2 * self.threads {
            idle.push((start, zygote));
        }
    }

    /// Filters that do not hold are found here and not by the first hostile program.
    fn try_filters(&self) -> Result<(), ProcessError> {
        let job = Job::new(TRIAL, vec![TRIAL_CALL.to_owned()], Limits::seconds(10.0));
        let mut zygote = self.take(job.start)?;
        let (child, ending, said) = zygote.run(&job, &job.calls)?;
        if let Some(reason) = protocol::setup_failure(&said) {
            return Err(ProcessError::Unsupported(reason));
        }
        let reports = protocol::reports(&job.calls, &ending, &said, &job.limits, &child);
        match reports.into_iter().next().map(|report| report.verdict) {
            Some(Verdict::Value { text }) if text == TRIAL_VALUE => {}
            other => return Err(ProcessError::Open(format!("{other:?}"))),
        }
        self.give_back(job.start, zygote);
        Ok(())
    }
}

fn crashed(call: &str) -> CallReport {
    CallReport {
        call: call.to_owned(),
        verdict: Verdict::Crashed,
        stdout: String::new(),
        fuel: 0,
        memory_bytes: 0,
    }
}
