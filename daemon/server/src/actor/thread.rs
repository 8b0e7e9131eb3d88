//! The model's thread: takes requests from the queues, drives the engine, tells what becomes of them.

use super::queue::{Pending, State};
use super::ticket::{Answer, Ended, Event};
use super::{ActorError, Backend, Priority, Shared, now};
use azr_model::{Completion, FinishReason, Served};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait for work without a look at the clock.
const LONG: Duration = Duration::from_hours(1);

/// A request in work.
struct Running {
    pending: Pending,
    version: u64,
    begun: Instant,
    tokens: Vec<u32>,
    logprobs: Vec<f32>,
    top: Vec<Vec<(u32, f32)>>,
}

/// Starts the thread. The engine's passes run on threads of their own, which training does not use.
pub(super) fn spawn(shared: Arc<Shared>) {
    let threads = shared.config.threads;
    let run = move || {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or(0))
            .thread_name(|index| format!("azr-model-{index}"))
            .build();
        match pool {
            Ok(pool) => pool.install(|| serve(&shared)),
            Err(_) => serve(&shared),
        }
    };
    let spawned = std::thread::Builder::new().name("azr-model".to_owned()).spawn(run);
    // Without a thread every request fails as `Stopped`: the senders of its events have gone.
    drop(spawned);
}

fn serve(shared: &Shared) {
    let mut backend: Option<Box<dyn Backend>> = None;
    let mut running: BTreeMap<u64, Running> = BTreeMap::new();
    while wait_for_work(shared, &mut backend, running.is_empty()) {
        let turn = catch_unwind(AssertUnwindSafe(|| turn(shared, &mut backend, &mut running)));
        if let Err(panic) = turn {
            let reason = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "a panic without a message".to_owned());
            backend = None;
            shared.lock().restarts += 1;
            fail_all(shared, &mut running, &ActorError::Restarted(reason));
        }
        let mut state = shared.lock();
        state.running = (0, 0);
        for one in running.values() {
            count(&mut state, one.pending.priority);
        }
        state.version = backend.as_ref().map(|backend| backend.version());
        drop(state);
        shared.changed.notify_all();
    }
    fail_all(shared, &mut running, &ActorError::Stopped);
    for pending in shared.lock().drain() {
        send(&pending, Event::Failed(ActorError::Stopped));
    }
    shared.changed.notify_all();
}

fn count(state: &mut State, priority: Priority) {
    match priority {
        Priority::Interactive => state.running.0 += 1,
        Priority::Background => state.running.1 += 1,
    }
}

/// Sleeps until there is something to do; false where the actor stops. Gives up an idle engine.
fn wait_for_work(shared: &Shared, backend: &mut Option<Box<dyn Backend>>, idle: bool) -> bool {
    let mut state = shared.lock();
    let since = now();
    loop {
        if state.stopping {
            return false;
        }
        if !idle || !state.is_empty() || state.replacement.is_some() || (state.wanted && backend.is_none()) {
            return true;
        }
        let patience = shared.config.idle_unload.filter(|_| backend.is_some());
        let left = patience.map_or(LONG, |patience| patience.saturating_sub(since.elapsed()));
        if patience.is_some() && left.is_zero() {
            *backend = None;
            state.model = None;
            state.version = None;
            state.wanted = false;
            continue;
        }
        state = shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Loads what has to be loaded, begins what can be begun, and makes one pass.
fn turn(shared: &Shared, backend: &mut Option<Box<dyn Backend>>, running: &mut BTreeMap<u64, Running>) {
    let replacing = shared.lock().replacement.is_some();
    if replacing && running.is_empty() {
        *backend = None;
    }
    if backend.is_none() && !open(shared, backend) {
        return;
    }
    let Some(engine) = backend.as_mut() else { return };
    if !replacing {
        begin(shared, engine.as_mut(), running);
    }
    end_early(shared, engine.as_mut(), running);
    if running.is_empty() {
        return;
    }
    match engine.advance() {
        Ok(served) => {
            for one in served {
                tell(shared, engine.as_ref(), running, one);
            }
        }
        Err(error) => {
            // A failed pass leaves sequences half done.
            *backend = None;
            fail_all(shared, running, &ActorError::Restarted(error.to_string()));
        }
    }
}

/// Opens the model; where that fails, everybody who waits is told.
fn open(shared: &Shared, backend: &mut Option<Box<dyn Backend>>) -> bool {
    let (open, was_replacement) = {
        let mut state = shared.lock();
        let replacement = state.replacement.clone();
        if let Some(open) = &replacement {
            state.open = Arc::clone(open);
        }
        (Arc::clone(&state.open), replacement.is_some())
    };
    let opened = open();
    let mut state = shared.lock();
    if was_replacement {
        state.replacement = None;
    }
    state.wanted = false;
    match opened {
        Ok((engine, model)) => {
            state.model = model;
            state.load_error = None;
            *backend = Some(engine);
            true
        }
        Err(reason) => {
            state.model = None;
            state.load_error = Some(reason.clone());
            for pending in state.drain() {
                send(&pending, Event::Failed(ActorError::NotLoaded(reason.clone())));
            }
            false
        }
    }
}

fn begin(shared: &Shared, engine: &mut dyn Backend, running: &mut BTreeMap<u64, Running>) {
    let slots = shared.config.engine.slots;
    let background_slots = (slots / 2).max(1);
    while running.len() < slots {
        let background = running.values().filter(|one| one.pending.priority == Priority::Background).count();
        let mut state = shared.lock();
        let Some(pending) = state.pop(background, background_slots) else { return };
        // In work from here on: training must not take the turn between the two.
        count(&mut state, pending.priority);
        drop(state);
        if pending.cancel.is_set() {
            shared.lock().ended_early += 1;
            send(&pending, Event::Failed(ActorError::Cancelled));
            continue;
        }
        match engine.begin(pending.id, &pending.request) {
            Ok(Some(version)) => {
                let one = Running {
                    pending,
                    version,
                    begun: now(),
                    tokens: Vec::new(),
                    logprobs: Vec::new(),
                    top: Vec::new(),
                };
                running.insert(one.pending.id, one);
            }
            Ok(None) => {
                shared.lock().push_front(pending);
                return;
            }
            Err(error) => send(&pending, Event::Failed(ActorError::from(&error))),
        }
    }
}

/// Ends what was cancelled or is past its deadline.
fn end_early(shared: &Shared, engine: &mut dyn Backend, running: &mut BTreeMap<u64, Running>) {
    let present = now();
    let over = |one: &Running| one.pending.deadline.is_some_and(|deadline| deadline <= present);
    let ended: Vec<u64> = running
        .iter()
        .filter(|(_, one)| one.pending.cancel.is_set() || over(one))
        .map(|(id, _)| *id)
        .collect();
    for id in ended {
        engine.cancel(id);
        let Some(one) = running.remove(&id) else { continue };
        shared.lock().ended_early += 1;
        if one.pending.cancel.is_set() {
            send(&one.pending, Event::Failed(ActorError::Cancelled));
            continue;
        }
        let completion = Completion {
            text: engine.decode(&one.tokens).unwrap_or_default(),
            prompt_tokens: Vec::new(),
            tokens: one.tokens.clone(),
            logprobs: one.logprobs.clone(),
            finish: FinishReason::Length,
        };
        finish(one, completion, Ended::Deadline);
    }
}

fn tell(shared: &Shared, engine: &dyn Backend, running: &mut BTreeMap<u64, Running>, served: Served) {
    let Some(one) = running.get_mut(&served.id) else { return };
    if let Some(token) = served.token {
        shared.lock().tokens += 1;
        one.tokens.push(token);
        one.logprobs.push(served.logprob);
        if one.pending.request.top_logprobs > 0 {
            one.top.push(served.top.clone());
        }
        if one.pending.stream && served.end.is_none() {
            let text = engine.decode(&one.tokens).unwrap_or_default();
            let text = settled(&text, &one.pending.request.request.stop).to_owned();
            send(&one.pending, Event::Token { text, token, logprob: served.logprob, top: served.top });
        }
    }
    if let Some(completion) = served.end {
        let ended = match completion.finish {
            FinishReason::Stop => Ended::Stop,
            FinishReason::Length => Ended::Length,
        };
        if let Some(one) = running.remove(&served.id) {
            shared.lock().answered += 1;
            finish(one, completion, ended);
        }
    }
}

fn finish(one: Running, completion: Completion, ended: Ended) {
    let answer = Answer {
        completion,
        top: one.top,
        ended,
        version: one.version,
        queued: one.begun - one.pending.asked,
        worked: one.begun.elapsed(),
    };
    send(&one.pending, Event::Done(Box::new(answer)));
}

/// The part of a text that later tokens cannot change: without the beginning of a stop text at its end, and without the
/// replacement characters of a character that has not come as a whole.
pub(super) fn settled<'a>(text: &'a str, stop: &[String]) -> &'a str {
    let text = text.trim_end_matches('\u{fffd}');
    let mut end = text.len();
    for stop in stop.iter().filter(|stop| !stop.is_empty()) {
        let possible = stop.char_indices().map(|(at, char)| at + char.len_utf8()).rev();
        if let Some(length) = possible.into_iter().find(|&length| text.ends_with(&stop[..length])) {
            end = end.min(text.len() - length);
        }
    }
    &text[..end]
}

fn fail_all(shared: &Shared, running: &mut BTreeMap<u64, Running>, error: &ActorError) {
    for one in std::mem::take(running).into_values() {
        send(&one.pending, Event::Failed(error.clone()));
    }
    shared.lock().running = (0, 0);
}

fn send(pending: &Pending, event: Event) {
    // A sender that has gone away wants no answer.
    let _ = pending.events.send(event);
}
