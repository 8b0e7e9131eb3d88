//! Requests that wait, by priority, and what is known about the model.

use super::ticket::{Ask, CancelFlag, Event, Ticket};
use super::{ActorStatus, OpenBackend, ServedModel, now};
use azr_model::ServingRequest;
use std::collections::VecDeque;
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A person.
    #[default]
    Interactive,
    /// Nobody yet: hints, the endpoint's batch users. Takes half of the slots at most.
    Background,
}

/// A request that waits.
pub(super) struct Pending {
    pub(super) id: u64,
    pub(super) request: ServingRequest,
    pub(super) priority: Priority,
    pub(super) deadline: Option<Instant>,
    pub(super) stream: bool,
    pub(super) cancel: CancelFlag,
    pub(super) events: UnboundedSender<Event>,
    pub(super) asked: Instant,
}

impl Pending {
    /// A request and the ticket of its sender.
    pub(super) fn new(id: u64, ask: Ask) -> (Self, Ticket) {
        let (events, receiver) = tokio::sync::mpsc::unbounded_channel();
        let own = CancelFlag::default();
        let ticket = Ticket::new(receiver, own.clone());
        let request = ServingRequest { request: ask.request, top_logprobs: ask.top_logprobs };
        let Ask { priority, deadline, stream, cancel, .. } = ask;
        let cancel = own.with(cancel);
        (Self { id, request, priority, deadline, stream, cancel, events, asked: now() }, ticket)
    }
}

/// What the thread and the handles share, under one lock.
pub(super) struct State {
    interactive: VecDeque<Pending>,
    background: VecDeque<Pending>,
    /// In work: interactive, background.
    pub(super) running: (usize, usize),
    last_id: u64,
    pub(super) open: OpenBackend,
    pub(super) replacement: Option<OpenBackend>,
    /// Load the model although nobody asks it anything yet.
    pub(super) wanted: bool,
    pub(super) model: Option<ServedModel>,
    pub(super) version: Option<u64>,
    pub(super) load_error: Option<String>,
    pub(super) stopping: bool,
    pub(super) answered: u64,
    pub(super) ended_early: u64,
    pub(super) tokens: u64,
    pub(super) restarts: u64,
}

impl State {
    pub(super) fn new(open: OpenBackend) -> Self {
        Self {
            interactive: VecDeque::new(),
            background: VecDeque::new(),
            running: (0, 0),
            last_id: 0,
            open,
            replacement: None,
            wanted: false,
            model: None,
            version: None,
            load_error: None,
            stopping: false,
            answered: 0,
            ended_early: 0,
            tokens: 0,
            restarts: 0,
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn queue(&mut self, priority: Priority) -> &mut VecDeque<Pending> {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Background => &mut self.background,
        }
    }

    pub(super) fn waiting(&mut self, priority: Priority) -> usize {
        self.queue(priority).len()
    }

    pub(super) fn push(&mut self, pending: Pending) {
        self.queue(pending.priority).push_back(pending);
    }

    pub(super) fn push_front(&mut self, pending: Pending) {
        self.queue(pending.priority).push_front(pending);
    }

    /// The next request: interactive first, background ones as long as fewer than `background_slots` are in work.
    pub(super) fn pop(&mut self, background_running: usize, background_slots: usize) -> Option<Pending> {
        self.interactive.pop_front().or_else(|| {
            (background_running < background_slots).then(|| self.background.pop_front()).flatten()
        })
    }

    /// Takes out everything that waits.
    pub(super) fn drain(&mut self) -> Vec<Pending> {
        self.interactive.drain(..).chain(self.background.drain(..)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.interactive.is_empty() && self.background.is_empty()
    }

    pub(super) fn is_wanted_by_requests(&self) -> bool {
        !self.is_empty() || self.running != (0, 0)
    }

    pub(super) fn status(&self) -> ActorStatus {
        ActorStatus {
            name: self.model.as_ref().map(|model| model.name.clone()),
            // Training changes the weights while nobody asks anything.
            version: self
                .version
                .map(|seen| self.model.as_ref().map_or(seen, |model| model.folder.weights.version())),
            load_error: self.load_error.clone(),
            interactive: self.interactive.len() + self.running.0,
            background: self.background.len() + self.running.1,
            answered: self.answered,
            ended_early: self.ended_early,
            tokens: self.tokens,
            restarts: self.restarts,
        }
    }
}
