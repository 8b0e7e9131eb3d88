//! The wasmtime engine and the two start states, each compiled (or found in the cache) when first needed.

use crate::cache::Cache;
use crate::guest::Archive;
use crate::memory;
use crate::start::{Fresh, Starts};
use crate::ticker::{Running, Ticker};
use crate::wasi::{self, Host};
use crate::{SandboxConfig, SandboxError, StartState, Verdict};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Engine, OptLevel};

/// CPython's own frames need more stack than wasmtime's default; with less, deep data traps instead of raising.
const WASM_STACK_BYTES: usize = 32 << 20;
/// Stack of the threads that run guests: the wasm stack and a wide margin, or a hostile program aborts the process.
pub(crate) const THREAD_STACK_BYTES: usize = 2 * WASM_STACK_BYTES;

/// Engine, start states and the folder of compiled code.
pub(crate) struct Guests {
    engine: Engine,
    ticker: Ticker,
    cache: Option<Cache>,
    progress: Option<crate::Progress>,
    prepared: [OnceLock<InstancePre<Host>>; 2],
    preparing: Mutex<()>,
    starts: Starts,
    archive: Archive,
    pub hash: String,
}

impl Guests {
    /// Makes every guest that runs look at its guard now.
    pub(crate) fn interrupt(&self) {
        self.engine.increment_epoch();
    }

    /// Says that a guest runs: its guard looks at the clock from now on.
    pub(crate) fn running(&self) -> Running {
        self.ticker.running()
    }

    pub(crate) fn open(
        config: &SandboxConfig,
        threads: usize,
        archive: Archive,
    ) -> Result<Self, SandboxError> {
        let watch = config.reuse.then(memory::watch).flatten();
        let engine = Engine::new(&settings(watch.is_some()))
            .map_err(|error| SandboxError::Engine(format!("{error:#}")))?;
        let weak = engine.weak();
        let tick = move || {
            if let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
            }
        };
        let ticker = Ticker::start(tick)
            .map_err(|error| SandboxError::Engine(format!("no thread for the guard: {error}")))?;
        let guests = Self {
            engine,
            ticker,
            cache: None,
            progress: config.progress.clone(),
            prepared: [OnceLock::new(), OnceLock::new()],
            preparing: Mutex::new(()),
            starts: Starts::new(watch, threads),
            hash: archive.manifest.guest_hash(),
            archive,
        };
        let cache = config.cache_dir.as_deref().and_then(|folder| match Cache::open(folder) {
            Ok(cache) => Some(cache),
            Err(error) => {
                guests.say(&format!("the compiled guest cannot be kept in {}: {error}; it is compiled on every start until the cache is a folder that only you can write", folder.display()));
                None
            }
        });
        let guests = Self { cache, ..guests };
        let prepared = guests.prepare(StartState::First)?;
        // What the machine cannot do is said here, and not by the first program.
        guests.starts.make_one(&guests.engine, prepared, StartState::First).map_err(|reason| {
            SandboxError::Engine(format!(
                "no instance of the guest can be made, which needs 10 GiB of address space (is it limited, `ulimit -v`?): {reason}"
            ))
        })?;
        Ok(guests)
    }

    /// An instance in the start state.
    pub(crate) fn start(&self, start: StartState, memory_bytes: u64) -> Result<Fresh, Verdict> {
        // A machine that cannot prepare the guest says nothing about the program.
        let prepared = self.prepare(start).map_err(|_| Verdict::WallGuard)?;
        self.starts.take(&self.engine, prepared, start, memory_bytes)
    }

    /// How often a job got an instance that was put back.
    pub(crate) fn reused(&self) -> u64 {
        self.starts.reused()
    }

    /// Takes back the instance of a job that ended cleanly.
    pub(crate) fn give_back(&self, fresh: Fresh, start: StartState) {
        self.starts.give_back(fresh, start);
    }

    fn say(&self, line: &str) {
        if let Some(progress) = &self.progress {
            progress(line);
        }
    }

    /// The start state, ready to be instantiated.
    pub(crate) fn prepare(&self, start: StartState) -> Result<&InstancePre<Host>, SandboxError> {
        let slot = &self.prepared[start as usize];
        if let Some(prepared) = slot.get() {
            return Ok(prepared);
        }
        let _one_at_a_time = self.preparing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(prepared) = slot.get() {
            return Ok(prepared);
        }
        let component = self.compiled(start)?;
        let refused =
            |error: wasmtime::Error| SandboxError::Engine(format!("the guest cannot be linked: {error:#}"));
        let mut linker = Linker::new(&self.engine);
        wasi::define(&mut linker, &component).map_err(refused)?;
        let prepared = linker.instantiate_pre(&component).map_err(refused)?;
        Ok(slot.get_or_init(|| prepared))
    }

    fn compiled(&self, start: StartState) -> Result<Component, SandboxError> {
        let key = self.key(start);
        if let Some(component) = self.cache.as_ref().and_then(|cache| cache.load(&self.engine, &key)) {
            return Ok(component);
        }
        let refused =
            |error: wasmtime::Error| SandboxError::Engine(format!("the guest cannot be compiled: {error:#}"));
        let which = if start == StartState::First {
            "Python guest"
        } else {
            "second start state of the Python guest"
        };
        self.say(&format!("compiling the {which} for this machine (once, about 10 s)"));
        #[expect(
            clippy::disallowed_methods,
            reason = "the progress line says how long it took; no result depends on it"
        )]
        let begun = Instant::now();
        let bytes = self.archive.component(start)?;
        let compiled = self.engine.precompile_component(&bytes).map_err(refused)?;
        let mut loaded = None;
        if let Some(cache) = &self.cache {
            match cache.store(&key, &compiled) {
                Ok(()) => loaded = cache.load(&self.engine, &key),
                Err(error) => self.say(&format!(
                    "the compiled guest cannot be kept: {error}; it will be compiled again next time, unless the cache has room"
                )),
            }
        }
        let component = match loaded {
            Some(component) => component,
            // SAFETY: these bytes come from `precompile_component` of the same engine a moment ago.
            None => unsafe { Component::deserialize(&self.engine, &compiled) }.map_err(refused)?,
        };
        self.say(&format!("compiled the {which} in {:.1} s", begun.elapsed().as_secs_f64()));
        Ok(component)
    }

    /// Names the compiled code: the component, and all that wasmtime's code depends on (version, settings, CPU).
    fn key(&self, start: StartState) -> String {
        let component = &self.archive.manifest.sha256[start as usize];
        let mut hasher = std::hash::DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        format!("{}-{:016x}", component.get(..16).unwrap_or(component), hasher.finish())
    }
}

fn settings(reuse: bool) -> Config {
    let mut config = Config::new();
    if reuse {
        config.with_host_memory(Arc::new(memory::Creator));
    }
    config
        .wasm_component_model(true)
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        // Our own memories are mapped from the start state's image once it is known.
        .memory_init_cow(!reuse)
        .max_wasm_stack(WASM_STACK_BYTES)
        // Not used (nothing here is async), but the engine insists that it is no smaller.
        .async_stack_size(THREAD_STACK_BYTES);
    config
}
