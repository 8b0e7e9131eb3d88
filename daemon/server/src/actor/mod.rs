//! The model actor: one thread owns the engine, everybody else asks it.
//!
//! Requests wait in two queues, interactive before background; training waits for both ([`ModelActor::training_turn`]).
//! Requests of any priority share the engine's passes, so a short one never waits for a long one to end, and each is
//! looked at between two tokens: cancelled, or past its deadline, it ends there. A request keeps the weights that it
//! began with. A panic of the model fails the requests in work with a typed error; the actor opens the model again and
//! goes on.

mod backend;
mod clock;
mod error;
mod queue;
mod thread;
mod ticket;

pub use backend::{Backend, LoadModel, OpenBackend, ServedModel};
pub(crate) use clock::now;
pub use error::ActorError;
pub use queue::Priority;
pub use ticket::{Answer, Ask, CancelFlag, Ended, Event, Ticket};

use azr_model::EngineConfig;
use queue::{Pending, State};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Settings of an actor.
#[derive(Clone, Debug)]
pub struct ActorConfig {
    /// Slots and context of the engine.
    pub engine: EngineConfig,
    /// Requests that may wait in each queue; more are refused as overloaded.
    pub max_waiting: usize,
    /// Threads of the engine; `None` = one a core. Completions do not depend on it.
    pub threads: Option<usize>,
    /// The engine and, where nobody else holds them, the weights are given up after so long without a request.
    pub idle_unload: Option<Duration>,
}

impl Default for ActorConfig {
    fn default() -> Self {
        Self {
            engine: EngineConfig { slots: 16, max_context: 2048 },
            max_waiting: 256,
            threads: None,
            idle_unload: Some(Duration::from_mins(10)),
        }
    }
}

/// How the model and its queues stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActorStatus {
    /// What the user called the model, once it has been loaded.
    pub name: Option<String>,
    /// Updates that its weights have seen; `None` while no model is loaded.
    pub version: Option<u64>,
    /// Why the model could not be loaded, where the last try failed.
    pub load_error: Option<String>,
    /// Interactive requests, waiting or in work.
    pub interactive: usize,
    /// Background requests, waiting or in work.
    pub background: usize,
    /// Requests answered so far.
    pub answered: u64,
    /// Requests cancelled or past their deadline so far.
    pub ended_early: u64,
    /// Tokens generated so far.
    pub tokens: u64,
    /// Panics of the model that the actor outlived.
    pub restarts: u64,
}

/// A handle on the model thread: cheap to clone. The thread ends when the last handle has gone, or by
/// [`ModelActor::shut_down`].
#[derive(Clone)]
pub struct ModelActor {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// What the thread and the handles share.
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    config: ActorConfig,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }
}

impl ModelActor {
    /// Starts the thread. The model is loaded at the first request, or by [`ModelActor::warm_up`].
    pub fn start(load: LoadModel, config: ActorConfig) -> Self {
        let engine = config.engine;
        Self::with_backend(backend::open_with(load, engine), config)
    }

    /// Starts the thread over something else than the engine.
    pub fn with_backend(open: OpenBackend, config: ActorConfig) -> Self {
        let shared =
            Arc::new(Shared { state: Mutex::new(State::new(open)), changed: Condvar::new(), config });
        thread::spawn(Arc::clone(&shared));
        Self { handle: Arc::new(Handle { shared }) }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Puts a request into its queue.
    pub fn submit(&self, ask: Ask) -> Result<Ticket, ActorError> {
        let shared = self.shared();
        let mut state = shared.lock();
        if state.stopping {
            return Err(ActorError::Stopped);
        }
        let waiting = state.waiting(ask.priority);
        if waiting >= shared.config.max_waiting {
            return Err(ActorError::Overloaded { waiting });
        }
        let (pending, ticket) = Pending::new(state.next_id(), ask);
        state.push(pending);
        drop(state);
        shared.changed.notify_all();
        Ok(ticket)
    }

    /// Begins to load the model, and does not wait for it.
    pub fn warm_up(&self) {
        self.shared().lock().wanted = true;
        self.shared().changed.notify_all();
    }

    /// The model, loaded where it is not yet. Waits for it: not for async code.
    pub fn model(&self) -> Result<ServedModel, ActorError> {
        let shared = self.shared();
        let mut state = shared.lock();
        loop {
            if state.stopping {
                return Err(ActorError::Stopped);
            }
            if let Some(model) = &state.model {
                return Ok(model.clone());
            }
            if let Some(reason) = &state.load_error {
                return Err(ActorError::NotLoaded(reason.clone()));
            }
            state.wanted = true;
            shared.changed.notify_all();
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Replaces the model when the requests in work have ended; those that wait get the new one. Waits for it.
    pub fn replace(&self, load: LoadModel) -> Result<ServedModel, ActorError> {
        let shared = self.shared();
        {
            let mut state = shared.lock();
            state.replacement = Some(backend::open_with(load, shared.config.engine));
            shared.changed.notify_all();
            while state.replacement.is_some() && !state.stopping {
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        self.model()
    }

    /// How things stand.
    pub fn status(&self) -> ActorStatus {
        self.shared().lock().status()
    }

    /// Blocks until no interactive or background request waits or is in work, `stop` is set or the actor stops. The
    /// thread that trains calls it between its parts, each of them short.
    pub fn training_turn(&self, stop: &AtomicBool) {
        let shared = self.shared();
        let mut state = shared.lock();
        while state.is_wanted_by_requests() && !state.stopping && !stop.load(Ordering::SeqCst) {
            // `stop` has no way to wake this thread.
            let tick = Duration::from_millis(50);
            state = shared.changed.wait_timeout(state, tick).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Fails what waits and what is in work, and ends the thread.
    pub fn shut_down(&self) {
        self.shared().stop();
    }
}

impl std::fmt::Debug for ModelActor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ModelActor").field("status", &self.status()).finish()
    }
}

#[cfg(test)]
mod tests;
