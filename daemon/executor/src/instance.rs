//! One job: an instance in the start state (`start.rs`), the program's module level, then its calls, each paid from its own fuel.
//!
//! When a call ends the instance (timeout, exhausted stack, trap, exit), the verdicts before it stand, and the calls
//! after it run in another instance after the module level has run again, as if the job had begun with them:
//! what the lost calls had changed in the program's globals is gone. When the module level itself fails, every call
//! has its verdict, and the first call carries its fuel.

use crate::engine::Guests;
use crate::start::Fresh;
use crate::ticker::Running;
use crate::wasi::{Exit, Guard, Host};
use crate::{CallReport, FUEL_PER_SECOND, Job, Limits, StartState, Verdict};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower};
use wasmtime::{AsContextMut, StoreContextMut, Trap};

/// Processor time allowed for one nominal second, and at least this long.
const GUARD_FACTOR: u32 = 20;
/// Shortest guard.
pub(crate) const GUARD_FLOOR: Duration = Duration::from_secs(30);

/// The record `outcome` of `guest/world.wit`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Outcome {
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) exception: String,
    pub(crate) number: i64,
    pub(crate) stdout: String,
}

/// Runs the job on the calling thread, which must have a stack of `THREAD_STACK_BYTES`.
///
/// Where `cancel` is set while it runs, what is left of it ends as by the guard.
pub(crate) fn run(
    guests: &Guests,
    job: &Job,
    guard_floor: Duration,
    cancel: Option<&Arc<AtomicBool>>,
) -> Vec<CallReport> {
    let mut reports = Vec::with_capacity(job.calls.len());
    while reports.len() < job.calls.len() {
        let before = reports.len();
        if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            let left = &job.calls[before..];
            reports.extend(left.iter().map(|call| report(call, Verdict::WallGuard, String::new(), 0, 0)));
            break;
        }
        run_in_one_instance(guests, job, guard_floor, cancel, &mut reports);
        debug_assert!(reports.len() > before, "every instance answers at least one call");
    }
    reports
}

/// Answers the calls from `reports.len()` on, until the end of the job or of the instance.
fn run_in_one_instance(
    guests: &Guests,
    job: &Job,
    guard_floor: Duration,
    cancel: Option<&Arc<AtomicBool>>,
    reports: &mut Vec<CallReport>,
) {
    let calls = &job.calls[reports.len()..];
    let mut session = match Session::open(guests, job, guard_floor, cancel.cloned()) {
        Ok(session) => session,
        Err(verdict) => {
            reports.extend(calls.iter().map(|call| report(call, verdict.clone(), String::new(), 0, 0)));
            return;
        }
    };
    let loaded = session.load(job);
    // What the module level prints belongs to the first call of the instance, as its fuel does.
    let mut printed = String::new();
    let failed = match loaded {
        Ok(outcome) if outcome.kind == "loaded" => {
            printed = outcome.stdout;
            None
        }
        Ok(outcome) => Some(verdict(outcome, &job.limits)),
        Err(verdict) => Some((verdict, String::new())),
    };
    if let Some((verdict, stdout)) = failed {
        let (fuel, memory) = (session.used(), session.memory());
        reports.push(report(&calls[0], verdict.clone(), stdout, fuel, memory));
        reports.extend(calls[1..].iter().map(|call| report(call, verdict.clone(), String::new(), 0, memory)));
        session.close();
        return;
    }
    for (index, call) in calls.iter().enumerate() {
        if index > 0 {
            session.begin_call();
        }
        // The module level has just run for the first call of the instance.
        let fresh_namespace = job.fresh_namespace && index > 0;
        let answer = session.evaluate(call, fresh_namespace);
        let (fuel, memory) = (session.used(), session.memory());
        match answer {
            Ok(mut outcome) => {
                outcome.stdout.insert_str(0, &std::mem::take(&mut printed));
                let (verdict, stdout) = verdict(outcome, &job.limits);
                reports.push(report(call, verdict, stdout, fuel, memory));
            }
            Err(verdict) => {
                reports.push(report(call, verdict, String::new(), fuel, memory));
                return;
            }
        }
    }
    session.close();
}

fn report(call: &str, verdict: Verdict, stdout: String, fuel: u64, memory_bytes: u64) -> CallReport {
    CallReport { call: call.to_owned(), verdict, stdout, fuel, memory_bytes }
}

/// A live instance and the bookkeeping of its fuel.
pub(crate) struct Session<'a> {
    guests: &'a Guests,
    start: StartState,
    fresh: Fresh,
    _running: Running,
    limits: Limits,
    guard: Duration,
    /// Ends the call early when it is set.
    cancel: Option<Arc<AtomicBool>>,
    /// Fuel of the calls before the current one.
    spent: u64,
    /// Did a call end without returning?
    broken: bool,
}

impl<'a> Session<'a> {
    pub(crate) fn open(
        guests: &'a Guests,
        job: &Job,
        guard_floor: Duration,
        cancel: Option<Arc<AtomicBool>>,
    ) -> Result<Self, Verdict> {
        let fresh = guests.start(job.start, job.limits.memory_bytes)?;
        let nominal = Duration::from_secs(job.limits.fuel / FUEL_PER_SECOND + 1);
        let guard = if guard_floor < GUARD_FLOOR {
            guard_floor
        } else {
            nominal.saturating_mul(GUARD_FACTOR).max(guard_floor)
        };
        let limits = job.limits.clone();
        let mut session = Self {
            guests,
            start: job.start,
            fresh,
            _running: guests.running(),
            limits,
            guard,
            cancel,
            spent: 0,
            broken: false,
        };
        session.grant();
        Ok(session)
    }

    /// Ends the session; the instance goes back to the start state for the next one.
    pub(crate) fn close(self) {
        if !self.broken {
            self.guests.give_back(self.fresh, self.start);
        }
    }

    /// Ends the bookkeeping of the current call and gives the next one its fuel.
    pub(crate) fn begin_call(&mut self) {
        self.spent = self.spent.saturating_add(self.used());
        self.grant();
    }

    fn grant(&mut self) {
        let store = &mut self.fresh.store;
        store.set_fuel(self.limits.fuel).expect("this engine counts fuel");
        store.set_epoch_deadline(1);
        store.data_mut().guard = Guard::begin(self.guard, self.cancel.clone());
        store.data_mut().begin_call(self.spent, self.limits.fuel);
    }

    /// Fuel used by the current call.
    fn used(&self) -> u64 {
        self.limits.fuel.saturating_sub(self.fresh.store.get_fuel().unwrap_or(0))
    }

    pub(crate) fn memory(&self) -> u64 {
        self.fresh.store.data().memory.peak as u64
    }

    fn load(&mut self, job: &Job) -> Result<Outcome, Verdict> {
        let load = self.fresh.load;
        let parameters = (
            job.program.clone(),
            job.stdin.clone(),
            self.limits.output_chars,
            self.limits.recursion.min(MAX_RECURSION),
        );
        self.enter(|store| load.call(store, parameters))
    }

    fn evaluate(&mut self, call: &str, fresh_namespace: bool) -> Result<Outcome, Verdict> {
        let evaluate = self.fresh.evaluate;
        let parameters = (call.to_owned(), fresh_namespace);
        self.enter(|store| evaluate.call(store, parameters))
    }

    /// Calls another export of the guest.
    pub(crate) fn call<Params, Answer>(&mut self, export: &str, params: Params) -> Result<Answer, Verdict>
    where
        Params: ComponentNamedList + Lower,
        Answer: Lift + 'static,
        (Answer,): ComponentNamedList + Lift,
    {
        let instance = self.fresh.instance;
        self.enter(|mut store| {
            instance.get_typed_func::<Params, (Answer,)>(&mut store, export)?.call(&mut store, params)
        })
    }

    fn enter<Answer>(
        &mut self,
        call: impl FnOnce(StoreContextMut<'_, Host>) -> wasmtime::Result<(Answer,)>,
    ) -> Result<Answer, Verdict> {
        let store = &mut self.fresh.store;
        let answer = call(store.as_context_mut());
        answer.map(|(answer,)| answer).map_err(|error| {
            self.broken = true;
            trap_verdict(&error, self.fresh.store.data())
        })
    }
}

/// Why the guest stopped without an answer.
pub(crate) fn trap_verdict(error: &wasmtime::Error, host: &Host) -> Verdict {
    if let Some(Exit(code)) = error.downcast_ref::<Exit>() {
        return Verdict::Exited { code: *code };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Verdict::Timeout,
        Some(Trap::Interrupt) => Verdict::WallGuard,
        Some(Trap::StackOverflow) => Verdict::StackExhausted,
        _ if host.memory.refused => Verdict::OutOfMemory,
        _ => Verdict::Crashed,
    }
}

/// The guest's outcome as a verdict. The guest shares its memory with the program, so nothing in it is trusted:
/// unknown kinds are crashes, and lengths are checked again.
pub(crate) fn verdict(outcome: Outcome, limits: &Limits) -> (Verdict, String) {
    let Outcome { kind, mut text, mut exception, number, mut stdout } = outcome;
    let limit = limits.output_chars as usize;
    cut(&mut stdout, limit);
    if kind == "value" {
        let length = text.chars().count();
        let verdict = if length > limit {
            Verdict::OutputTooLarge { length: length as u64 }
        } else {
            Verdict::Value { text }
        };
        return (verdict, stdout);
    }
    cut(&mut text, MESSAGE_CHARS);
    cut(&mut exception, MESSAGE_CHARS);
    let verdict = match kind.as_str() {
        "raised" => Verdict::Raised { exception, message: text },
        "syntax_error" => Verdict::SyntaxError { message: text, line: u32::try_from(number).unwrap_or(0) },
        "missing_module" => Verdict::MissingModule { name: text },
        "out_of_memory" => Verdict::OutOfMemory,
        "output_too_large" => Verdict::OutputTooLarge { length: u64::try_from(number).unwrap_or(0) },
        "exited" => Verdict::Exited { code: i32::try_from(number).unwrap_or(1) },
        _ => Verdict::Crashed,
    };
    (verdict, stdout)
}

/// Highest recursion limit that Python takes, the guest's own frames left out.
const MAX_RECURSION: u32 = i32::MAX as u32 - 16;
/// Longest message of an exception (`MESSAGE_CHARS` of `guest.py`).
const MESSAGE_CHARS: usize = 1_000;

fn cut(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
}
