//! Where every job starts: an instance of the guest in its start state, in which no program has run.
//!
//! Most are not new. An instance whose job ended cleanly is put back to the start state ([`crate::memory`]) and waits
//! for the next job. What the guest is made of beside its memory does not change: its tables are only filled while it
//! is instantiated and its globals are constants of the linker (`guest.rs` has the test) but for the stack pointer, which by
//! the compiler's convention every call that returns has put back, and an instance whose table of handles changed, whose memory grew or whose
//! call did not return is thrown away. The tests run the same programs in new and in used instances and compare
//! every byte and unit of fuel of the reports.

use crate::instance::Outcome;
use crate::memory::{self, Image, Region, Watch};
use crate::wasi::Host;
use crate::{StartState, Verdict};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;
use wasmtime::component::{Instance, InstancePre, TypedFunc};
use wasmtime::{Engine, Store, UpdateDeadline};

/// Parameters of the export `load`: program, standard input, characters of output, recursion limit.
pub(crate) type Load = TypedFunc<(String, String, u32, u32), (Outcome,)>;
/// Parameters of the export `evaluate`: expression, in a fresh namespace?
pub(crate) type Evaluate = TypedFunc<(String, bool), (Outcome,)>;

/// An instance in the start state.
pub(crate) struct Fresh {
    pub store: Store<Host>,
    pub instance: Instance,
    pub load: Load,
    pub evaluate: Evaluate,
    memories: Vec<Arc<Region>>,
}

/// The instances that wait for a job, and what is needed to put them back.
pub(crate) struct Starts {
    /// How written memory is found; none where it cannot be put back.
    watch: Option<Watch>,
    states: [State; 2],
    most_idle: usize,
    reused: AtomicU64,
}

#[derive(Default)]
struct State {
    /// With the thread that used it last, whose processor has its memory at hand.
    idle: Mutex<Vec<(ThreadId, Fresh)>>,
    images: OnceLock<Option<Vec<Image>>>,
}

/// Why a job has no instance.
#[derive(Debug)]
enum NoInstance {
    /// The start state needs more memory than the job may have.
    Limit,
    /// The machine lacks what an instance needs.
    Machine(String),
}

/// How often, and how long apart, an instance is tried for on a machine that lacks the means.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

impl Starts {
    /// `watch`: put instances back with its help.
    pub(crate) fn new(watch: Option<Watch>, threads: usize) -> Self {
        Self {
            watch,
            states: [State::default(), State::default()],
            most_idle: threads,
            reused: AtomicU64::new(0),
        }
    }

    /// How often a job got an instance that was put back.
    pub(crate) fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    /// An instance for a job with this much memory. A machine that cannot give one now is asked again for a while, without
    /// the instances that wait; that it then still cannot is no fault of the program's.
    pub(crate) fn take(
        &self,
        engine: &Engine,
        prepared: &InstancePre<Host>,
        start: StartState,
        memory_bytes: u64,
    ) -> Result<Fresh, Verdict> {
        for _ in 0..TRIES {
            match self.try_take(engine, prepared, start, memory_bytes) {
                Ok(fresh) => return Ok(fresh),
                Err(NoInstance::Limit) => return Err(Verdict::OutOfMemory),
                Err(NoInstance::Machine(_)) => {
                    for state in &self.states {
                        state.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    }
                    std::thread::sleep(BETWEEN_TRIES);
                }
            }
        }
        Err(Verdict::WallGuard)
    }

    /// Makes an instance and lets it wait for the first job; says why where the machine cannot.
    pub(crate) fn make_one(
        &self,
        engine: &Engine,
        prepared: &InstancePre<Host>,
        start: StartState,
    ) -> Result<(), String> {
        match self.try_take(engine, prepared, start, u64::MAX) {
            Ok(fresh) => self.give_back(fresh, start),
            Err(NoInstance::Limit) => return Err("the guest is too large for this machine".to_owned()),
            Err(NoInstance::Machine(reason)) => return Err(reason),
        }
        Ok(())
    }

    fn try_take(
        &self,
        engine: &Engine,
        prepared: &InstancePre<Host>,
        start: StartState,
        memory_bytes: u64,
    ) -> Result<Fresh, NoInstance> {
        let state = &self.states[start as usize];
        if let Some(mut fresh) = state.pop() {
            let size = fresh.memories.iter().map(|memory| memory.size()).max().unwrap_or(0);
            // With less than the start state needs, the job must fail as a new instance would.
            if size as u64 <= memory_bytes {
                *fresh.store.data_mut() = Host::new(start, memory_bytes);
                fresh.store.data_mut().memory.peak = size;
                self.reused.fetch_add(1, Ordering::Relaxed);
                return Ok(fresh);
            }
            state.push(fresh, self.most_idle);
        }
        let fresh = instantiate(engine, prepared, start, memory_bytes)?;
        if let Some(watch) = &self.watch {
            let images = state.images.get_or_init(|| {
                fresh.memories.iter().map(|memory| Image::of(memory)).collect::<Result<Vec<_>, _>>().ok()
            });
            for (memory, image) in fresh.memories.iter().zip(images.iter().flatten()) {
                memory.adopt(image, watch).map_err(|error| {
                    NoInstance::Machine(format!("the start state cannot be mapped: {error}"))
                })?;
            }
        }
        Ok(fresh)
    }

    /// Puts the instance of a job that ended cleanly back to the start state, if that is possible.
    pub(crate) fn give_back(&self, fresh: Fresh, start: StartState) {
        let state = &self.states[start as usize];
        let (Some(watch), Some(Some(images))) = (&self.watch, state.images.get()) else { return };
        if fresh.store.data().handles_changed || fresh.memories.len() != images.len() {
            return;
        }
        let mut memories = fresh.memories.iter().zip(images);
        if memories.all(|(memory, image)| memory.restore(image, watch).unwrap_or(false)) {
            state.push(fresh, self.most_idle);
        }
    }
}

impl State {
    /// An instance that waits, one that this thread used if there is one.
    fn pop(&self) -> Option<Fresh> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let this = std::thread::current().id();
        let index = idle.iter().rposition(|(thread, _)| *thread == this).or(idle.len().checked_sub(1))?;
        Some(idle.swap_remove(index).1)
    }

    fn push(&self, fresh: Fresh, most: usize) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < most {
            idle.push((std::thread::current().id(), fresh));
        }
    }
}

fn instantiate(
    engine: &Engine,
    prepared: &InstancePre<Host>,
    start: StartState,
    memory_bytes: u64,
) -> Result<Fresh, NoInstance> {
    let mut store = Store::new(engine, Host::new(start, memory_bytes));
    store.limiter(|host| &mut host.memory);
    store.epoch_deadline_callback(|context| {
        Ok(if context.data().guard.strikes() {
            UpdateDeadline::Interrupt
        } else {
            UpdateDeadline::Continue(1)
        })
    });
    store.set_epoch_deadline(1);
    let made = memory::made_by(|| {
        // Instantiation runs none of the program; its few units are not the program's.
        store.set_fuel(u64::MAX / 2)?;
        let instance = prepared.instantiate(&mut store)?;
        let load = instance.get_typed_func(&mut store, "load")?;
        let evaluate = instance.get_typed_func(&mut store, "evaluate")?;
        Ok::<_, wasmtime::Error>((instance, load, evaluate))
    });
    match made {
        (Ok((instance, load, evaluate)), memories) => Ok(Fresh { store, instance, load, evaluate, memories }),
        (Err(_), _) if store.data().memory.refused => Err(NoInstance::Limit),
        (Err(error), _) => Err(NoInstance::Machine(format!("{error:#}"))),
    }
}
