//! The world a program sees: a deterministic WASI in which nothing is mounted, nothing is connected and nothing blocks.
//!
//! Every function the guest imports is answered here or denied: those that can fail with "access denied" do, the
//! others trap. Time is virtual: a clock that advances with the fuel used, so that equal runs read equal times; waiting
//! costs the fuel of the time waited and no wall time. Asking the host costs fuel ([`pay`]). Random bytes come from a
//! generator seeded by the start state.

use crate::{FUEL_PER_SECOND, StartState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{
    Component, ComponentType, Linker, LinkerInstance, Lower, Resource, ResourceType, Val, WasmList,
};
use wasmtime::{ResourceLimiter, Result, StoreContextMut, Trap};

/// Most pollables alive at once; CPython uses one at a time.
const MAX_POLLABLES: usize = 1_024;
/// Most bytes of one request for random bytes; CPython asks for 256 at a time.
const MAX_RANDOM_BYTES: u64 = 1 << 20;
/// Host calls of a call of the program that cost no more than the guest's own side of them, small ones: what ordinary
/// programs ask for.
const FREE_CALLS: u32 = 128;
const FREE_BYTES: u64 = 4_096;
/// Fuel of a host call beyond those, and of each byte that it makes or reads: about what the guest uses in the same time.
const CALL_FUEL: u64 = 4_000;
const BYTE_FUEL: u64 = 16;
/// How much an output stream accepts at once.
const WRITE_CHUNK: u64 = 1 << 16;
const NANOSECONDS: u128 = 1_000_000_000;

/// The program ended the interpreter: carried as an error through the guest's frames.
#[derive(Debug, thiserror::Error)]
#[error("the program ended the interpreter with status {0}")]
pub(crate) struct Exit(pub i32);

#[derive(Debug, thiserror::Error)]
#[error("{0} is not available in the sandbox")]
struct Unavailable(String);

/// Host-side marker of every resource handed to the guest (streams, pollables); the number says which.
pub(crate) enum Handle {}

/// What the instance owns on the host's side.
pub(crate) struct Host {
    /// Memory cap and what was seen of it.
    pub memory: MemoryLimit,
    clock: Clock,
    random: u64,
    /// Deadlines of the pollables alive, in nanoseconds of the monotonic clock.
    pollables: Vec<Option<u64>>,
    /// Has the guest been given a handle, or dropped one? Its table of handles is then not that of the start.
    pub handles_changed: bool,
    /// Host calls of the current call.
    calls: u32,
    /// The guard of the call.
    pub guard: Guard,
}

/// Ends what the fuel does not: processor time of the thread, so that other work on the machine does not count.
#[derive(Clone)]
pub(crate) struct Guard {
    /// Processor time of the thread when the call began.
    pub begun: Duration,
    /// Processor time that the call may take.
    pub limit: Duration,
    /// Set by whoever does not want the result any more.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Guard {
    /// A guard from now on.
    pub(crate) fn begin(limit: Duration, cancel: Option<Arc<AtomicBool>>) -> Self {
        Self { begun: thread_time(), limit, cancel }
    }

    /// Is the time used up, or the result not wanted?
    pub(crate) fn strikes(&self) -> bool {
        self.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed))
            || thread_time().saturating_sub(self.begun) >= self.limit
    }
}

/// Processor time of the calling thread.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The cap of linear memory.
pub(crate) struct MemoryLimit {
    max: usize,
    /// Largest size reached.
    pub peak: usize,
    /// Was a growth refused?
    pub refused: bool,
}

struct Clock {
    /// Wall time at the start, nanoseconds since 1970.
    start: u64,
    /// Virtual nanoseconds per thousand nominal ones: the two start states disagree about elapsed time.
    per_mille: u128,
    /// Fuel of the calls before this one.
    spent: u64,
    /// Fuel given to this one.
    granted: u64,
}

impl Host {
    pub(crate) fn new(start: StartState, memory_bytes: u64) -> Self {
        let (clock_start, per_mille, random) = match start {
            StartState::First => (1_700_000_000_123_456_789, 1_000, 0x9e37_79b9_7f4a_7c15),
            StartState::Second => (1_750_001_234_567_890_123, 1_037, 0x2545_f491_4f6c_dd1d),
        };
        Self {
            memory: MemoryLimit {
                max: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
                peak: 0,
                refused: false,
            },
            clock: Clock { start: clock_start, per_mille, spent: 0, granted: 0 },
            random,
            pollables: Vec::new(),
            handles_changed: false,
            calls: 0,
            guard: Guard { begun: Duration::ZERO, limit: Duration::MAX, cancel: None },
        }
    }

    /// A new call begins with `fuel` in the store, after calls that used `spent` in all.
    pub(crate) fn begin_call(&mut self, spent: u64, fuel: u64) {
        self.clock.spent = spent;
        self.clock.granted = fuel;
        self.calls = 0;
    }

    fn next_random(&mut self) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn add_pollable(&mut self, deadline: u64) -> Result<Resource<Handle>> {
        self.handles_changed = true;
        let slot = match self.pollables.iter().position(Option::is_none) {
            Some(slot) => slot,
            None if self.pollables.len() < MAX_POLLABLES => {
                self.pollables.push(None);
                self.pollables.len() - 1
            }
            None => return Err(unavailable("another pollable")),
        };
        self.pollables[slot] = Some(deadline);
        Ok(Resource::new_own(slot as u32))
    }

    fn deadline(&self, pollable: &Resource<Handle>) -> u64 {
        self.pollables.get(pollable.rep() as usize).copied().flatten().unwrap_or(0)
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > self.max {
            self.refused = true;
            return Ok(false);
        }
        self.peak = self.peak.max(desired);
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        Ok(desired <= 1 << 20)
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[expect(dead_code, reason = "part of the interface's type; no operation fails here")]
    LastOperationFailed(Resource<Handle>),
    #[component(name = "closed")]
    Closed,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

fn unavailable(what: &str) -> wasmtime::Error {
    wasmtime::Error::from(Unavailable(what.to_owned()))
}

/// Nanoseconds of virtual time since the instance began.
fn elapsed(store: &StoreContextMut<'_, Host>) -> Result<u64> {
    let clock = &store.data().clock;
    let used = u128::from(clock.spent) + u128::from(clock.granted.saturating_sub(store.get_fuel()?));
    Ok(u64::try_from(used * NANOSECONDS / u128::from(FUEL_PER_SECOND) * clock.per_mille / 1_000)
        .unwrap_or(u64::MAX))
}

/// Pays for a host call that makes or reads so many bytes; ends the call when there is not enough fuel. Without this, a
/// program that does nothing but ask the host would use more processor time than its limit stands for.
fn pay(store: &mut StoreContextMut<'_, Host>, bytes: u64) -> Result<()> {
    let host = store.data_mut();
    host.calls = host.calls.saturating_add(1);
    if host.calls <= FREE_CALLS && bytes <= FREE_BYTES {
        return Ok(());
    }
    spend(store, CALL_FUEL.saturating_add(bytes.saturating_mul(BYTE_FUEL)))
}

fn spend(store: &mut StoreContextMut<'_, Host>, cost: u64) -> Result<()> {
    let fuel = store.get_fuel()?;
    if cost >= fuel {
        store.set_fuel(0)?;
        return Err(Trap::OutOfFuel.into());
    }
    store.set_fuel(fuel - cost)
}

/// Lets virtual time pass up to `deadline` by using up its fuel; ends the call when there is not enough.
fn wait_until(mut store: StoreContextMut<'_, Host>, deadline: u64) -> Result<()> {
    let nanoseconds = u128::from(deadline.saturating_sub(elapsed(&store)?));
    if nanoseconds == 0 {
        return Ok(());
    }
    let cost = (nanoseconds * u128::from(FUEL_PER_SECOND)).div_ceil(NANOSECONDS);
    spend(&mut store, u64::try_from(cost).unwrap_or(u64::MAX))
}

/// Defines every import of `component` in `linker`.
pub(crate) fn define(linker: &mut Linker<Host>, component: &Component) -> Result<()> {
    let engine = linker.engine().clone();
    let ty = component.component_type();
    for (name, import) in ty.imports(&engine) {
        match import.ty {
            ComponentItem::ComponentInstance(interface) => {
                let short = name.split('@').next().unwrap_or(name);
                let mut instance = linker.instance(name)?;
                for (item_name, item) in interface.exports(&engine) {
                    match item.ty {
                        ComponentItem::Resource(_) => define_resource(&mut instance, item_name)?,
                        ComponentItem::ComponentFunc(function)
                            if !define_function(&mut instance, short, item_name)? =>
                        {
                            deny(&mut instance, short, item_name, &function)?;
                        }
                        _ => {}
                    }
                }
            }
            ComponentItem::ComponentFunc(_) if name == "leave" => {
                linker
                    .root()
                    .func_wrap("leave", |_, (code,): (i32,)| -> Result<()> { Err(Exit(code).into()) })?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn define_resource(instance: &mut LinkerInstance<'_, Host>, name: &str) -> Result<()> {
    let is_pollable = name == "pollable";
    instance.resource(name, ResourceType::host::<Handle>(), move |mut store, rep| {
        store.data_mut().handles_changed = true;
        if is_pollable && let Some(slot) = store.data_mut().pollables.get_mut(rep as usize) {
            *slot = None;
        }
        Ok(())
    })
}

/// Defines the functions that have an answer; says whether `function` of `interface` is one.
fn define_function(instance: &mut LinkerInstance<'_, Host>, interface: &str, function: &str) -> Result<bool> {
    match interface {
        "wasi:cli/environment" | "wasi:cli/exit" | "wasi:filesystem/preopens" => {
            define_process(instance, function)
        }
        "wasi:clocks/monotonic-clock" | "wasi:clocks/wall-clock" => {
            define_clock(instance, interface, function)
        }
        "wasi:io/poll" => define_poll(instance, function),
        "wasi:io/streams" => define_streams(instance, function),
        "wasi:random/random" | "wasi:random/insecure" | "wasi:random/insecure-seed" => {
            define_random(instance, function)
        }
        _ => match function {
            "get-stdin" | "get-stdout" | "get-stderr" | "instance-network" => {
                instance.func_wrap(function, |mut store, (): ()| {
                    pay(&mut store, 0)?;
                    store.data_mut().handles_changed = true;
                    Ok((Resource::<Handle>::new_own(0),))
                })?;
                Ok(true)
            }
            "get-terminal-stdin"
            | "get-terminal-stdout"
            | "get-terminal-stderr"
            | "filesystem-error-code" => none(instance, function),
            _ => Ok(false),
        },
    }
}

/// A function that always answers `none`.
fn none(instance: &mut LinkerInstance<'_, Host>, function: &str) -> Result<bool> {
    instance.func_new(function, |mut store, _, _, results| {
        pay(&mut store, 0)?;
        results[0] = Val::Option(None);
        Ok(())
    })?;
    Ok(true)
}

fn define_process(instance: &mut LinkerInstance<'_, Host>, function: &str) -> Result<bool> {
    match function {
        "get-environment" => {
            instance.func_wrap(function, |mut store, (): ()| {
                pay(&mut store, 0)?;
                Ok((Vec::<(String, String)>::new(),))
            })?;
        }
        "get-arguments" => instance.func_wrap(function, |mut store, (): ()| {
            pay(&mut store, 0)?;
            Ok((Vec::<String>::new(),))
        })?,
        "get-directories" => instance.func_wrap(function, |mut store, (): ()| {
            pay(&mut store, 0)?;
            Ok((Vec::<(Resource<Handle>, String)>::new(),))
        })?,
        "initial-cwd" => return none(instance, function),
        "exit" => {
            instance.func_wrap(function, |_, (status,): (std::result::Result<(), ()>,)| -> Result<()> {
                Err(Exit(i32::from(status.is_err())).into())
            })?;
        }
        "exit-with-code" => {
            instance.func_wrap(function, |_, (code,): (u8,)| -> Result<()> {
                Err(Exit(i32::from(code)).into())
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn define_clock(instance: &mut LinkerInstance<'_, Host>, interface: &str, function: &str) -> Result<bool> {
    match (interface, function) {
        ("wasi:clocks/monotonic-clock", "now") => {
            instance.func_wrap(function, |mut store, (): ()| {
                pay(&mut store, 0)?;
                Ok((elapsed(&store)?,))
            })?;
        }
        ("wasi:clocks/monotonic-clock", "resolution") => {
            instance.func_wrap(function, |mut store, (): ()| {
                pay(&mut store, 0)?;
                Ok((1_u64,))
            })?;
        }
        (_, "subscribe-instant") => {
            instance.func_wrap(function, |mut store, (when,): (u64,)| {
                pay(&mut store, 0)?;
                Ok((store.data_mut().add_pollable(when)?,))
            })?;
        }
        (_, "subscribe-duration") => instance.func_wrap(function, |mut store, (duration,): (u64,)| {
            pay(&mut store, 0)?;
            let when = elapsed(&store)?.saturating_add(duration);
            Ok((store.data_mut().add_pollable(when)?,))
        })?,
        ("wasi:clocks/wall-clock", "now") => instance.func_wrap(function, |mut store, (): ()| {
            pay(&mut store, 0)?;
            let now = store.data().clock.start.saturating_add(elapsed(&store)?);
            Ok((Datetime {
                seconds: now / NANOSECONDS as u64,
                nanoseconds: (now % NANOSECONDS as u64) as u32,
            },))
        })?,
        ("wasi:clocks/wall-clock", "resolution") => {
            instance.func_wrap(function, |mut store, (): ()| {
                pay(&mut store, 0)?;
                Ok((Datetime { seconds: 0, nanoseconds: 1 },))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn define_poll(instance: &mut LinkerInstance<'_, Host>, function: &str) -> Result<bool> {
    match function {
        "[method]pollable.ready" => {
            instance.func_wrap(function, |mut store, (pollable,): (Resource<Handle>,)| {
                pay(&mut store, 0)?;
                Ok((store.data().deadline(&pollable) <= elapsed(&store)?,))
            })?;
        }
        "[method]pollable.block" => {
            instance.func_wrap(function, |mut store, (pollable,): (Resource<Handle>,)| {
                pay(&mut store, 0)?;
                let deadline = store.data().deadline(&pollable);
                wait_until(store, deadline)
            })?;
        }
        "poll" => instance.func_wrap(function, |mut store, (pollables,): (Vec<Resource<Handle>>,)| {
            pay(&mut store, 8 * pollables.len() as u64)?;
            let deadlines: Vec<u64> =
                pollables.iter().map(|pollable| store.data().deadline(pollable)).collect();
            // Whoever waits for nothing waits for ever.
            let first = deadlines.iter().min().copied().unwrap_or(u64::MAX);
            wait_until(wasmtime::AsContextMut::as_context_mut(&mut store), first)?;
            let now = elapsed(&store)?.max(first);
            let ready =
                (0_u32..).zip(&deadlines).filter(|(_, deadline)| **deadline <= now).map(|(index, _)| index);
            Ok((ready.collect::<Vec<u32>>(),))
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Standard input is at its end; what is written to the standard outputs below Python's own files vanishes.
fn define_streams(instance: &mut LinkerInstance<'_, Host>, function: &str) -> Result<bool> {
    type Written = (std::result::Result<(), StreamError>,);
    match function {
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            instance.func_wrap(function, |mut store, _: (Resource<Handle>, u64)| {
                pay(&mut store, 0)?;
                Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.subscribe" | "[method]output-stream.subscribe" => {
            instance.func_wrap(function, |mut store, _: (Resource<Handle>,)| {
                pay(&mut store, 0)?;
                Ok((store.data_mut().add_pollable(0)?,))
            })?;
        }
        "[method]output-stream.check-write" => {
            instance.func_wrap(function, |mut store, _: (Resource<Handle>,)| {
                pay(&mut store, 0)?;
                Ok((Ok::<_, StreamError>(WRITE_CHUNK),))
            })?;
        }
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            instance.func_wrap(
                function,
                |mut store, _: (Resource<Handle>, WasmList<u8>)| -> Result<Written> {
                    pay(&mut store, 0)?;
                    Ok((Ok(()),))
                },
            )?;
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            instance.func_wrap(function, |mut store, _: (Resource<Handle>,)| -> Result<Written> {
                pay(&mut store, 0)?;
                Ok((Ok(()),))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn define_random(instance: &mut LinkerInstance<'_, Host>, function: &str) -> Result<bool> {
    match function {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            instance.func_wrap(function, |mut store, (len,): (u64,)| {
                if len > MAX_RANDOM_BYTES {
                    return Err(unavailable("so many random bytes at once"));
                }
                pay(&mut store, len)?;
                let words = (0..len.div_ceil(8)).map(|_| store.data_mut().next_random());
                let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
                bytes.truncate(len as usize);
                Ok((bytes,))
            })?;
        }
        "get-random-u64" | "get-insecure-random-u64" => {
            instance.func_wrap(function, |mut store, (): ()| {
                pay(&mut store, 8)?;
                Ok((store.data_mut().next_random(),))
            })?;
        }
        "insecure-seed" => instance.func_wrap(function, |mut store, (): ()| {
            pay(&mut store, 16)?;
            let host = store.data_mut();
            Ok(((host.next_random(), host.next_random()),))
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Everything else fails with "access denied" where its type can say so, and traps where it cannot.
fn deny(
    instance: &mut LinkerInstance<'_, Host>,
    interface: &str,
    name: &str,
    function: &ComponentFunc,
) -> Result<()> {
    let refusal = function.results().next().and_then(|ty| match ty {
        Type::Result(result) => match result.err() {
            Some(Type::Enum(codes)) => codes
                .names()
                .find(|code| matches!(*code, "access-denied" | "access" | "not-permitted"))
                .map(str::to_owned),
            _ => None,
        },
        _ => None,
    });
    let full_name = format!("{interface}.{name}");
    instance.func_new(name, move |mut store, _, parameters, results| {
        pay(&mut store, 0)?;
        // Handles lent to this call must be given back before it ends.
        for parameter in parameters {
            if let Val::Resource(handle) = parameter {
                handle.resource_drop(&mut store)?;
            }
        }
        let Some(code) = &refusal else { return Err(unavailable(&full_name)) };
        results[0] = Val::Result(Err(Some(Box::new(Val::Enum(code.clone())))));
        Ok(())
    })
}
