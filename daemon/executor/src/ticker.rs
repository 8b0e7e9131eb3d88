//! The clock of the guard: ticks while a guest runs, and sleeps while none does, so that an idle process never wakes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time between two ticks; it only has to be small against the shortest guard of 30 s.
const TICK: Duration = Duration::from_millis(100);

#[derive(Default)]
struct State {
    /// Guests that run.
    running: usize,
    /// The thread waits for a guest, and no longer for the time to pass.
    asleep: bool,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls a function again and again while a guest runs; its thread ends with it.
pub(crate) struct Ticker(Arc<Shared>);

/// A guest that runs, as long as this lives.
pub(crate) struct Running(Arc<Shared>);

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(tick: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let work = move || {
            let mut state = own.lock();
            while !state.ended {
                if state.running == 0 {
                    state.asleep = true;
                    state = own.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.asleep = false;
                    continue;
                }
                // A guest that begins in between waits for its first tick a little less.
                state = own.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
                if state.running > 0 && !state.ended {
                    tick();
                }
            }
        };
        std::thread::Builder::new().name("sandbox-guard".into()).spawn(work)?;
        Ok(Self(shared))
    }

    /// Says that a guest runs.
    pub(crate) fn running(&self) -> Running {
        let mut state = self.0.lock();
        state.running += 1;
        // Not for every short job: the thread looks again by itself after a tick.
        if state.asleep {
            self.0.changed.notify_all();
        }
        drop(state);
        Running(Arc::clone(&self.0))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn it_ticks_while_a_guest_runs_and_not_else() {
        let count = Arc::new(AtomicUsize::new(0));
        let own = Arc::clone(&count);
        let tick = move || {
            own.fetch_add(1, Ordering::SeqCst);
        };
        let ticker = Ticker::start(tick).unwrap();
        let ticks = || count.load(Ordering::SeqCst);
        std::thread::sleep(TICK * 4);
        assert_eq!(ticks(), 0);
        let (first, second) = (ticker.running(), ticker.running());
        drop(first);
        for _ in 0..200 {
            if ticks() >= 3 {
                break;
            }
            std::thread::sleep(TICK / 4);
        }
        assert!(ticks() >= 3, "one guest still runs");
        drop(second);
        // A tick that is under way may come; then there is silence.
        std::thread::sleep(TICK * 2);
        let after = ticks();
        std::thread::sleep(TICK * 4);
        assert_eq!(ticks(), after);
        let weak = Arc::downgrade(&ticker.0);
        drop(ticker);
        for _ in 0..200 {
            if weak.strong_count() == 0 {
                break;
            }
            std::thread::sleep(TICK / 4);
        }
        assert_eq!(weak.strong_count(), 0, "the thread has ended");
    }
}
