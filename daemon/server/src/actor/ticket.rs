//! A request of the model from its sender's side.

use super::{ActorError, Priority};
use azr_model::{Completion, GenerateRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

/// Ends requests early: the decode loop looks at it at every token. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag {
    flag: Arc<AtomicBool>,
    other: Option<Arc<AtomicBool>>,
}

impl CancelFlag {
    /// Cancels.
    pub fn set(&self) {
        self.flag.store(true, Ordering::SeqCst);
    }

    /// Has it been cancelled?
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
            || self.other.as_ref().is_some_and(|other| other.load(Ordering::SeqCst))
    }

    /// The flag itself, for the sandbox.
    pub(crate) fn shared(&self) -> &Arc<AtomicBool> {
        &self.flag
    }

    /// This flag, also set when another is.
    pub(super) fn with(self, other: Option<CancelFlag>) -> Self {
        Self { other: other.map(|other| other.flag), ..self }
    }
}

/// What to ask the model.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The prompt and how to go on from it. The completion depends on nothing else but the weights.
    pub request: GenerateRequest,
    /// Who waits.
    pub priority: Priority,
    /// So many of the most probable tokens are told with each new one.
    pub top_logprobs: usize,
    /// When to end with what is there.
    pub deadline: Option<Instant>,
    /// Tell every token as it comes.
    pub stream: bool,
    /// A flag beside the ticket's own, for several requests of one caller.
    pub cancel: Option<CancelFlag>,
}

impl Ask {
    /// An interactive request without deadline.
    pub fn new(request: GenerateRequest) -> Self {
        Self {
            request,
            priority: Priority::Interactive,
            top_logprobs: 0,
            deadline: None,
            stream: false,
            cancel: None,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// End-of-text token or a stop text.
    Stop,
    /// The bound on tokens, or the context.
    Length,
    /// The deadline: the text is what was there.
    Deadline,
}

/// An answer of the model.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Text, tokens and their log-probabilities.
    pub completion: Completion,
    /// The most probable tokens at each place, where they were asked for.
    pub top: Vec<Vec<(u32, f32)>>,
    /// Why it ended.
    pub ended: Ended,
    /// Updates that the weights which gave it had seen.
    pub version: u64,
    /// Time in the queue.
    pub queued: Duration,
    /// Time in work.
    pub worked: Duration,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Event {
    /// A token, for requests with `stream`.
    Token {
        /// Text so far, without what may yet turn out to be a stop text or half a character.
        text: String,
        /// The token.
        token: u32,
        /// Its log-probability.
        logprob: f32,
        /// The most probable tokens at this place.
        top: Vec<(u32, f32)>,
    },
    /// The end, well.
    Done(Box<Answer>),
    /// The end, badly.
    Failed(ActorError),
}

/// A request on its way. Dropping the ticket cancels it.
#[derive(Debug)]
pub struct Ticket {
    events: UnboundedReceiver<Event>,
    cancel: CancelFlag,
}

impl Ticket {
    pub(super) fn new(events: UnboundedReceiver<Event>, cancel: CancelFlag) -> Self {
        Self { events, cancel }
    }

    /// The next event; after [`Event::Done`] and [`Event::Failed`] there is none.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Waits for the answer.
    pub async fn answer(mut self) -> Result<Answer, ActorError> {
        loop {
            match self.events.recv().await {
                Some(Event::Token { .. }) => {}
                Some(Event::Done(answer)) => return Ok(*answer),
                Some(Event::Failed(error)) => return Err(error),
                None => return Err(ActorError::Stopped),
            }
        }
    }

    /// Waits for the answer on a thread that may block.
    pub fn wait(mut self) -> Result<Answer, ActorError> {
        loop {
            match self.events.blocking_recv() {
                Some(Event::Token { .. }) => {}
                Some(Event::Done(answer)) => return Ok(*answer),
                Some(Event::Failed(error)) => return Err(error),
                None => return Err(ActorError::Stopped),
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.cancel.set();
    }
}
