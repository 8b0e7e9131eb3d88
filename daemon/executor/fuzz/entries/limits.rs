//! What every report of a call keeps to, whoever wrote it. Shared by the crate's own entry points and by those that
//! see it from outside, so the types come from the parent module.

use super::{CallReport, Limits, Verdict};

/// Longest text in a verdict that is no value, in characters.
const MESSAGE_CHARS: usize = 1_000;

/// Asserts that texts are within the limits, and that the verdict is one that a run can end in.
pub fn check(call: &CallReport, limits: &Limits) {
    let longest = limits.output_chars as usize;
    let within = |what: &str, text: &str, most: usize| {
        let length = text.chars().count();
        assert!(length <= most, "{what} of {length} characters, not {most}: {call:.400?}");
    };
    within("output", &call.stdout, longest);
    match &call.verdict {
        Verdict::Value { text } => within("a value", text, longest),
        Verdict::Raised { exception, message } => {
            within("a class", exception, MESSAGE_CHARS);
            within("a message", message, MESSAGE_CHARS);
        }
        Verdict::SyntaxError { message, .. } => within("a message", message, MESSAGE_CHARS),
        Verdict::MissingModule { name } => within("a name", name, MESSAGE_CHARS),
        Verdict::Timeout
        | Verdict::OutOfMemory
        | Verdict::StackExhausted
        | Verdict::OutputTooLarge { .. }
        | Verdict::Exited { .. }
        | Verdict::Crashed => {}
        // These are for whoever judges; the guard would need 30 s for a limit of milliseconds.
        Verdict::WallGuard | Verdict::Nondeterministic | Verdict::Banned { .. } => {
            panic!("a run cannot end in {}", call.verdict.name())
        }
    }
}
