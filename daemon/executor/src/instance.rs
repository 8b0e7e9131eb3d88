//! One job: a fresh instance, the program's module level, then its calls, each paid from its own fuel.
//!
//! When a call ends the instance (timeout, exhausted stack, trap, exit), the verdicts before it stand, and the calls
//! after it run in another fresh instance after the module level has run again, as if the job had begun with them:
//! what the lost calls had changed in the program's globals is gone. When the module level itself fails, every call
//! has its verdict, and the first call carries its fuel.

use crate::engine::{EPOCH, Guests};
use crate::wasi::{Exit, Host};
use crate::{CallReport, FUEL_PER_SECOND, Job, Limits, Verdict};
use std::time::Duration;
use wasmtime::component::{ComponentNamedList, ComponentType, Instance, Lift, Lower};
use wasmtime::{Store, Trap};

/// Wall time allowed for one nominal second, and at least this long.
const WALL_FACTOR: u32 = 20;
/// Shortest wall guard.
pub(crate) const WALL_FLOOR: Duration = Duration::from_secs(30);

/// The record `outcome` of `guest/world.wit`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Outcome {
    kind: String,
    text: String,
    exception: String,
    number: i64,
    stdout: String,
}

/// Runs the job on the calling thread, which must have a stack of `THREAD_STACK_BYTES`.
pub(crate) fn run(guests: &Guests, job: &Job, wall_floor: Duration) -> Vec<CallReport> {
    let mut reports = Vec::with_capacity(job.calls.len());
    while reports.len() < job.calls.len() {
        let before = reports.len();
        run_in_one_instance(guests, job, wall_floor, &mut reports);
        debug_assert!(reports.len() > before, "every instance answers at least one call");
    }
    reports
}

/// Answers the calls from `reports.len()` on, until the end of the job or of the instance.
fn run_in_one_instance(guests: &Guests, job: &Job, wall_floor: Duration, reports: &mut Vec<CallReport>) {
    let calls = &job.calls[reports.len()..];
    let mut session = match Session::open(guests, job, wall_floor) {
        Ok(session) => session,
        Err(verdict) => {
            reports.extend(calls.iter().map(|call| report(call, verdict.clone(), String::new(), 0, 0)));
            return;
        }
    };
    let loaded = session
        .call::<_, Outcome>("load", (job.program.as_str(), job.limits.output_chars, job.limits.recursion));
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
        return;
    }
    for (index, call) in calls.iter().enumerate() {
        if index > 0 {
            session.begin_call();
        }
        // The module level has just run for the first call of the instance.
        let fresh_namespace = job.fresh_namespace && index > 0;
        let answer = session.call::<_, Outcome>("evaluate", (call.as_str(), fresh_namespace));
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
}

fn report(call: &str, verdict: Verdict, stdout: String, fuel: u64, memory_bytes: u64) -> CallReport {
    CallReport { call: call.to_owned(), verdict, stdout, fuel, memory_bytes }
}

/// A live instance and the bookkeeping of its fuel.
pub(crate) struct Session {
    store: Store<Host>,
    instance: Instance,
    limits: Limits,
    wall_epochs: u64,
    /// Fuel of the calls before the current one.
    spent: u64,
}

impl Session {
    pub(crate) fn open(guests: &Guests, job: &Job, wall_floor: Duration) -> Result<Self, Verdict> {
        let prepared = guests.prepare(job.start).map_err(|_| Verdict::Crashed)?;
        let nominal = Duration::from_secs(job.limits.fuel / FUEL_PER_SECOND + 1);
        let wall = if wall_floor < WALL_FLOOR {
            wall_floor
        } else {
            nominal.saturating_mul(WALL_FACTOR).max(wall_floor)
        };
        let mut store = Store::new(guests.engine(), Host::new(job.start, job.limits.memory_bytes));
        store.limiter(|host| &mut host.memory);
        let wall_epochs =
            u64::try_from(wall.as_millis() / EPOCH.as_millis()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4) + 1;
        store.set_epoch_deadline(wall_epochs);
        // Instantiation runs none of the program; its few units are not the program's.
        store.set_fuel(u64::MAX / 2).map_err(|_| Verdict::Crashed)?;
        let instance =
            prepared.instantiate(&mut store).map_err(|error| trap_verdict(&error, store.data()))?;
        let mut session = Self { store, instance, limits: job.limits.clone(), wall_epochs, spent: 0 };
        session.grant();
        Ok(session)
    }

    /// Ends the bookkeeping of the current call and gives the next one its fuel.
    pub(crate) fn begin_call(&mut self) {
        self.spent = self.spent.saturating_add(self.used());
        self.grant();
    }

    fn grant(&mut self) {
        self.store.set_fuel(self.limits.fuel).expect("this engine counts fuel");
        self.store.set_epoch_deadline(self.wall_epochs);
        let (spent, fuel) = (self.spent, self.limits.fuel);
        self.store.data_mut().begin_call(spent, fuel);
    }

    /// Fuel used by the current call.
    fn used(&self) -> u64 {
        self.limits.fuel.saturating_sub(self.store.get_fuel().unwrap_or(0))
    }

    pub(crate) fn memory(&self) -> u64 {
        self.store.data().memory.peak as u64
    }

    /// Calls an export of the guest.
    pub(crate) fn call<Params, Answer>(&mut self, export: &str, params: Params) -> Result<Answer, Verdict>
    where
        Params: ComponentNamedList + Lower,
        Answer: Lift + 'static,
        (Answer,): ComponentNamedList + Lift,
    {
        let function = self.instance.get_typed_func::<Params, (Answer,)>(&mut self.store, export);
        function
            .and_then(|function| function.call(&mut self.store, params))
            .map(|(answer,)| answer)
            .map_err(|error| trap_verdict(&error, self.store.data()))
    }
}

/// Why the guest stopped without an answer.
fn trap_verdict(error: &wasmtime::Error, host: &Host) -> Verdict {
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
fn verdict(outcome: Outcome, limits: &Limits) -> (Verdict, String) {
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

/// Longest message of an exception (`MESSAGE_CHARS` of `guest.py`).
const MESSAGE_CHARS: usize = 1_000;

fn cut(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
}
