//! Where every job starts: an instance of the guest in its start state, in which no program has run.
//!
//! Most are not new. An instance whose job ended cleanly is put back to the start state ([`crate::memory`]) and waits
//! for the next job. What the guest is made of beside its memory does not change: its tables are only filled while it
//! is instantiated and its globals are constants of the linker (`guest.rs` has the test) but for the stack pointer, which by
//! the compiler's convention every call that returns has put back, and an instance whose table of handles changed, whose memory grew or whose
//! call did not return is thrown away. The tests run the same programs in new and in used instances and compare
//! every byte and unit of fuel of the reports.

use crate::instance::{Outcome, trap_verdict};
use crate::memory::{self, Image, PageMap, Region};
use crate::wasi::Host;
use crate::{StartState, Verdict};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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
    /// Page maps to borrow; none where memory cannot be put back.
    page_maps: Option<Mutex<Vec<PageMap>>>,
    states: [State; 2],
    most_idle: usize,
    reused: AtomicU64,
}

#[derive(Default)]
struct State {
    idle: Mutex<Vec<Fresh>>,
    images: OnceLock<Option<Vec<Image>>>,
}

impl Starts {
    /// `reuse`: put instances back where the machine can.
    pub(crate) fn new(reuse: bool, threads: usize) -> Self {
        Self {
            page_maps: reuse.then(Mutex::default),
            states: [State::default(), State::default()],
            most_idle: threads,
            reused: AtomicU64::new(0),
        }
    }

    /// How often a job got an instance that was put back.
    pub(crate) fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    /// An instance for a job with this much memory.
    pub(crate) fn take(
        &self,
        engine: &Engine,
        prepared: &InstancePre<Host>,
        start: StartState,
        memory_bytes: u64,
    ) -> Result<Fresh, Verdict> {
        let state = &self.states[start as usize];
        let waiting = state.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut fresh) = waiting {
            let size = fresh.memories.iter().map(|memory| memory.size()).max().unwrap_or(0);
            // With less than the start state needs, the job must fail as a new instance would.
            if size as u64 <= memory_bytes {
                *fresh.store.data_mut() = Host::new(start, memory_bytes);
                fresh.store.data_mut().memory.peak = size;
                self.reused.fetch_add(1, Ordering::Relaxed);
                return Ok(fresh);
            }
            state.idle.lock().unwrap_or_else(PoisonError::into_inner).push(fresh);
        }
        let fresh = instantiate(engine, prepared, start, memory_bytes)?;
        if self.page_maps.is_some() {
            let adopted = state.images.get_or_init(|| {
                fresh.memories.iter().map(|memory| Image::of(memory)).collect::<Result<Vec<_>, _>>().ok()
            });
            if let Some(images) = adopted
                && fresh.memories.iter().zip(images).any(|(memory, image)| memory.adopt(image).is_err())
            {
                return Err(Verdict::Crashed);
            }
        }
        Ok(fresh)
    }

    /// Puts the instance of a job that ended cleanly back to the start state, if that is possible.
    pub(crate) fn give_back(&self, fresh: Fresh, start: StartState) {
        let state = &self.states[start as usize];
        let (Some(page_maps), Some(Some(images))) = (&self.page_maps, state.images.get()) else { return };
        if fresh.store.data().handles_changed || fresh.memories.len() != images.len() {
            return;
        }
        let waiting = page_maps.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut pages) = waiting.or_else(|| PageMap::open().ok()) else { return };
        let restored = fresh
            .memories
            .iter()
            .zip(images)
            .all(|(memory, image)| memory.restore(image, &mut pages).unwrap_or(false));
        page_maps.lock().unwrap_or_else(PoisonError::into_inner).push(pages);
        if restored {
            let mut idle = state.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < self.most_idle {
                idle.push(fresh);
            }
        }
    }
}

fn instantiate(
    engine: &Engine,
    prepared: &InstancePre<Host>,
    start: StartState,
    memory_bytes: u64,
) -> Result<Fresh, Verdict> {
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
        Ok((instance, load, evaluate))
    });
    match made {
        (Ok((instance, load, evaluate)), memories) => Ok(Fresh { store, instance, load, evaluate, memories }),
        (Err(error), _) => Err(trap_verdict(&error, store.data())),
    }
}
