use super::*;
use azr_model::random::DrawKey;
use azr_model::{Completion, FinishReason, GenerateRequest, ModelError, Sampling, Served, ServingRequest};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;

/// Gives a token a pass, as many as the prompt says; `panic` panics at its second token.
#[derive(Default)]
struct Fake {
    active: BTreeMap<u64, (String, Vec<u32>)>,
    slots: usize,
}

impl Backend for Fake {
    fn begin(&mut self, id: u64, request: &ServingRequest) -> Result<Option<u64>, ModelError> {
        if request.request.prompt == "bad" {
            return Err(ModelError::Request { index: 0, reason: "no such token".to_owned() });
        }
        if self.active.len() >= self.slots {
            return Ok(None);
        }
        self.active.insert(id, (request.request.prompt.clone(), Vec::new()));
        Ok(Some(7))
    }

    fn cancel(&mut self, id: u64) {
        self.active.remove(&id);
    }

    fn advance(&mut self) -> Result<Vec<Served>, ModelError> {
        std::thread::sleep(Duration::from_millis(1));
        let mut served = Vec::new();
        for (id, (prompt, tokens)) in &mut self.active {
            tokens.push(u32::from(b'a') + (tokens.len() % 26) as u32);
            assert!(prompt != "panic" || tokens.len() < 2, "the fake was told to panic");
            let done = prompt.parse() == Ok(tokens.len());
            let end = done.then(|| Completion {
                text: text_of(tokens),
                prompt_tokens: vec![1],
                tokens: tokens.clone(),
                logprobs: vec![-0.5; tokens.len()],
                finish: FinishReason::Stop,
            });
            served.push(Served {
                id: *id,
                token: tokens.last().copied(),
                logprob: -0.5,
                top: Vec::new(),
                end,
            });
        }
        self.active.retain(|id, _| !served.iter().any(|one| one.id == *id && one.end.is_some()));
        Ok(served)
    }

    fn version(&self) -> u64 {
        7
    }

    fn decode(&self, tokens: &[u32]) -> Result<String, ModelError> {
        Ok(text_of(tokens))
    }
}

fn text_of(tokens: &[u32]) -> String {
    tokens.iter().filter_map(|token| char::from_u32(*token)).collect()
}

fn actor(config: ActorConfig) -> (ModelActor, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let (count, slots) = (Arc::clone(&opened), config.engine.slots);
    let open: OpenBackend = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok((Box::new(Fake { slots, ..Fake::default() }) as Box<dyn Backend>, None))
    });
    (ModelActor::with_backend(open, config), opened)
}

fn small() -> ActorConfig {
    let engine = EngineConfig { slots: 4, max_context: 100 };
    ActorConfig { engine, max_waiting: 6, threads: Some(1), idle_unload: None }
}

fn ask(prompt: &str) -> Ask {
    Ask::new(GenerateRequest {
        prompt: prompt.to_owned(),
        max_new_tokens: 10,
        stop: Vec::new(),
        sampling: Sampling::GREEDY,
        key: DrawKey::new(0, 0, "test", 0),
    })
}

const ENDLESS: &str = "endless";

#[test]
fn requests_are_answered_with_their_version_and_a_refused_one_harms_nobody() {
    let (actor, _) = actor(small());
    let tickets: Vec<Ticket> =
        ["3", "bad", "5"].iter().map(|prompt| actor.submit(ask(prompt)).unwrap()).collect();
    let answers: Vec<_> = tickets.into_iter().map(Ticket::wait).collect();
    let first = answers[0].as_ref().unwrap();
    assert_eq!((first.completion.text.as_str(), first.version, first.ended), ("abc", 7, Ended::Stop));
    assert_eq!(answers[1].as_ref().unwrap_err(), &ActorError::Refused("no such token".to_owned()));
    assert_eq!(answers[2].as_ref().unwrap().completion.text, "abcde");
    assert_eq!(actor.status().tokens, 8);
}

#[test]
fn a_panic_fails_what_is_in_work_and_the_next_request_is_served() {
    let (actor, opened) = actor(small());
    let doomed = [actor.submit(ask(ENDLESS)).unwrap(), actor.submit(ask("panic")).unwrap()];
    for ticket in doomed {
        assert!(
            matches!(ticket.wait(), Err(ActorError::Restarted(reason)) if reason.contains("told to panic"))
        );
    }
    assert_eq!(actor.submit(ask("2")).unwrap().wait().unwrap().completion.text, "ab");
    assert_eq!((actor.status().restarts, opened.load(Ordering::SeqCst)), (1, 2));
}

#[test]
fn cancelled_and_late_requests_end_between_two_tokens() {
    let (actor, _) = actor(small());
    let flag = CancelFlag::default();
    let cancelled = actor.submit(Ask { cancel: Some(flag.clone()), ..ask(ENDLESS) }).unwrap();
    let late =
        actor.submit(Ask { deadline: Some(now() + Duration::from_millis(30)), ..ask(ENDLESS) }).unwrap();
    let dropped = actor.submit(ask(ENDLESS)).unwrap();
    let late = late.wait().unwrap();
    assert_eq!(late.ended, Ended::Deadline);
    assert!(late.completion.text.starts_with('a'), "what was there is kept");
    flag.set();
    assert_eq!(cancelled.wait().unwrap_err(), ActorError::Cancelled);
    drop(dropped);
    actor.training_turn(&AtomicBool::new(false));
    assert_eq!(actor.status().interactive, 0);
}

#[test]
fn background_requests_leave_room_and_a_full_queue_refuses() {
    let (actor, _) = actor(small());
    let background = || actor.submit(Ask { priority: Priority::Background, ..ask(ENDLESS) });
    let mut held = Vec::new();
    let refused = loop {
        match background() {
            Ok(ticket) => held.push(ticket),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, ActorError::Overloaded { waiting: 6 });
    assert!(held.len() <= 8, "two in work, six that wait");
    assert_eq!(actor.submit(ask("3")).unwrap().wait().unwrap().completion.text, "abc");
}

#[test]
fn training_waits_for_requests_and_shutting_down_fails_them() {
    let (actor, _) = actor(small());
    let ticket = actor.submit(ask("40")).unwrap();
    actor.training_turn(&AtomicBool::new(false));
    assert_eq!(actor.status().answered, 1);
    ticket.wait().unwrap();
    let ticket = actor.submit(ask(ENDLESS)).unwrap();
    actor.training_turn(&AtomicBool::new(true));
    actor.shut_down();
    assert_eq!(ticket.wait().unwrap_err(), ActorError::Stopped);
    assert_eq!(actor.submit(ask("1")).unwrap_err(), ActorError::Stopped);
}

#[test]
fn a_model_that_cannot_be_loaded_is_an_answer_and_another_can_take_its_place() {
    let config = small();
    let open: OpenBackend = Arc::new(|| Err("no such folder".to_owned()));
    let actor = ModelActor::with_backend(open, config);
    let failed = actor.submit(ask("1")).unwrap().wait().unwrap_err();
    assert_eq!(failed, ActorError::NotLoaded("no such folder".to_owned()));
    assert_eq!(actor.model().unwrap_err(), failed);
    assert_eq!(actor.status().load_error.as_deref(), Some("no such folder"));
}

#[test]
fn streamed_text_never_shows_what_a_stop_text_may_take_back() {
    let stop = ["</answer>".to_owned()];
    assert_eq!(thread::settled("a</ans", &stop), "a");
    assert_eq!(thread::settled("a</b", &stop), "a</b");
    assert_eq!(thread::settled("é\u{fffd}", &[]), "é");
    assert_eq!(thread::settled("", &stop), "");
}
