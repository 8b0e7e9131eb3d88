//! Many requests, few guest instances.
//!
//! Nothing is executed in these instances, so requests may share one. That must not show: an answer counts only when
//! the request took less than half of its fuel and the instance holds little memory, so that the same request alone in a
//! fresh instance would have given the same; everything else is decided alone.

use crate::engine::Guests;
use crate::instance::Session;
use crate::{Job, Limits, Verdict};
use std::time::Duration;

/// Requests that share an instance; small enough to spread over the cores.
pub(super) const GROUP: usize = 32;
/// Nominal time of a request that is alone in its instance.
const ALONE_SECONDS: f64 = 4.0;
/// Nominal time of a request that shares its instance.
const SHARED_SECONDS: f64 = 2.0;
/// Linear memory up to which an instance is shared; a fresh one holds about a sixth, the limit is four times this.
const SHARED_BYTES: u64 = 128 << 20;

/// Operation and payload.
pub(super) type Call = (&'static str, String);

/// Answers the calls in their order. The thread must be one of the sandbox's.
pub(super) fn answer(guests: &Guests, guard_floor: Duration, calls: &[Call]) -> Vec<Result<String, Verdict>> {
    let mut shared: Option<Session<'_>> = None;
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        let (session, answer) = match shared.take() {
            Some(mut session) => {
                session.begin_call();
                let answer = ask(&mut session, call);
                (Some(session), answer)
            }
            None => match open(guests, guard_floor, SHARED_SECONDS) {
                Ok(mut session) => {
                    let answer = ask(&mut session, call);
                    (Some(session), answer)
                }
                Err(verdict) => (None, Err(verdict)),
            },
        };
        match (session, answer) {
            (Some(session), Ok(text)) if session.memory() <= SHARED_BYTES => {
                shared = Some(session);
                answers.push(Ok(text));
            }
            (crowded, _) => {
                if let Some(session) = crowded {
                    session.close();
                }
                answers.push(open(guests, guard_floor, ALONE_SECONDS).and_then(|mut session| {
                    let answer = ask(&mut session, call);
                    session.close();
                    answer
                }));
            }
        }
    }
    if let Some(session) = shared {
        session.close();
    }
    answers
}

fn open(guests: &Guests, guard_floor: Duration, seconds: f64) -> Result<Session<'_>, Verdict> {
    Session::open(guests, &Job::new("", Vec::new(), Limits::seconds(seconds)), guard_floor, None)
}

fn ask(session: &mut Session<'_>, (operation, payload): &Call) -> Result<String, Verdict> {
    session.call::<_, String>("analyse", (*operation, payload.as_str()))
}
