//! Threads with stacks large enough for guests. Callers hand work over and wait; results come back in order.

use crate::engine::THREAD_STACK_BYTES;
use std::convert::Infallible;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

type Task = Box<dyn FnOnce() + Send>;

/// As many threads as the machine has cores; they end when the pool is dropped.
pub(crate) struct Pool {
    tasks: Mutex<Sender<Task>>,
}

impl Pool {
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let (tasks, queue) = channel::<Task>();
        let queue = Arc::new(Mutex::new(queue));
        for index in 0..threads.max(1) {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("sandbox-{index}"))
                .stack_size(THREAD_STACK_BYTES)
                .spawn(move || work(&queue))?;
        }
        Ok(Self { tasks: Mutex::new(tasks) })
    }

    /// Applies `run` to every item on the pool's threads. An item whose run panicked is `None`.
    pub(crate) fn map<T, R>(
        &self,
        items: Vec<T>,
        run: impl Fn(T) -> R + Send + Sync + 'static,
    ) -> Vec<Option<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        // The caller is woken once, when the last task has let go of its end: a wake for every result would take the
        // processor from the guests.
        let (unfinished, finished) = channel::<Infallible>();
        let results = Arc::new(Mutex::new(items.iter().map(|_| None).collect::<Vec<_>>()));
        let run = Arc::new(run);
        for (index, item) in items.into_iter().enumerate() {
            let (run, results, unfinished) = (Arc::clone(&run), Arc::clone(&results), unfinished.clone());
            let task = Box::new(move || {
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(item))).ok();
                results.lock().unwrap_or_else(PoisonError::into_inner)[index] = result;
                drop(unfinished);
            });
            let _ = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).send(task);
        }
        drop(unfinished);
        let Err(_) = finished.recv();
        std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn work(queue: &Mutex<Receiver<Task>>) {
    loop {
        let task = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match task {
            Ok(task) => task(),
            Err(_) => return,
        }
    }
}
