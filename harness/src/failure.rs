//! Errors a person can act on, and the exit codes of the program.
//!
//! Every message says what failed, where, and what to do; `main` prints the chain and the advice.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All went as asked: exit code 0.
    Done,
    /// The command finished with a negative finding (a mismatch, a significant drop): exit code 1.
    Negative,
    /// Stopped by a signal after a checkpoint: exit code 85, so that a job scheduler starts it again.
    Stopped,
}

/// Exit code of a usage error or a failure.
pub const FAILURE: u8 = 2;

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Negative => 1,
            Outcome::Stopped => 85,
        })
    }
}

/// An error with advice.
#[derive(Debug)]
pub struct Failure {
    what: String,
    advice: String,
}

impl Failure {
    /// `what` failed; `advice` says what to do about it.
    pub fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl Error for Failure {}

/// The text for standard error: the chain of causes on one line, then the advice.
pub fn describe(error: &anyhow::Error) -> String {
    let mut text = String::from("azr: ");
    let mut last = String::new();
    for cause in error.chain() {
        let message = cause.to_string();
        // Many libraries repeat their source in their own message.
        if last.ends_with(&message) {
            continue;
        }
        if !last.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&message);
        last = message;
    }
    let advice = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Failure>())
        .map(|failure| failure.advice.clone())
        .or_else(|| advice_for_io(error));
    if let Some(advice) = advice.filter(|advice| !advice.is_empty()) {
        text.push_str("\n  help: ");
        text.push_str(&advice);
    }
    text
}

/// Was this the reader of our output going away (`azr ... | head`)?
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

fn advice_for_io(error: &anyhow::Error) -> Option<String> {
    use std::io::ErrorKind;
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>())?;
    let advice = match io.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space and run the same command again, a run with --resume: what was complete is kept"
        }
        ErrorKind::FileTooLarge => {
            "raise the limit on file sizes (ulimit -f) and run the same command again, a run with --resume"
        }
        ErrorKind::NotFound => "check that the path is right",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that you may write to (--run-dir for runs, $AZR_CACHE for the sandbox's cache)"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// The candidate nearest to `word`, when it is near enough to be a slip of the pen.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 2)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn nearest_finds_slips_only() {
        let names = ["tiny", "qwen2.5-7b", "qwen2.5-14b"];
        assert_eq!(nearest("tinny", names), Some("tiny"));
        assert_eq!(nearest("qwen2.5-7", names), Some("qwen2.5-7b"));
        assert_eq!(nearest("smalltalk-80-image", names), None);
    }

    #[test]
    fn description_has_chain_and_advice() {
        let error = Err::<(), _>(Failure::new("no preset 'x'", "did you mean 'y'?"))
            .context("cannot train")
            .unwrap_err();
        assert_eq!(describe(&error), "azr: cannot train: no preset 'x'\n  help: did you mean 'y'?");
    }

    #[test]
    fn full_disk_has_advice() {
        let error = anyhow::Error::new(std::io::Error::from(std::io::ErrorKind::StorageFull))
            .context("cannot write 'x'");
        assert!(describe(&error).contains("--resume"));
    }
}
