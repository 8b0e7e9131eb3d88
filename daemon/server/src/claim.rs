//! What execution says about a claim: the badge beside every answer.

use azr_executor::Verdict;
use serde::{Deserialize, Serialize};

/// What execution says about a claimed value. The model never decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// Execution gives the claimed value.
    Verified,
    /// Execution gives another value.
    Refuted,
    /// Nothing was run: no input, not self-contained, or execution is off.
    Unverified,
    /// A limit of time, memory, stack or output ended the run.
    Timeout,
    /// The program does not compile, raised, ended itself or needs a missing module.
    Error,
    /// Two start states give different values.
    Nondeterministic,
}

impl Claim {
    /// The claim for a run whose result equals the claimed value (`equal`), or not.
    pub fn of(verdict: &Verdict, equal: bool) -> Self {
        match verdict {
            Verdict::Value { .. } if equal => Self::Verified,
            Verdict::Value { .. } => Self::Refuted,
            Verdict::Timeout
            | Verdict::OutOfMemory
            | Verdict::WallGuard
            | Verdict::StackExhausted
            | Verdict::OutputTooLarge { .. } => Self::Timeout,
            Verdict::Raised { .. }
            | Verdict::SyntaxError { .. }
            | Verdict::Exited { .. }
            | Verdict::Crashed
            | Verdict::MissingModule { .. } => Self::Error,
            Verdict::Nondeterministic => Self::Nondeterministic,
            Verdict::Banned { .. } => Self::Unverified,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_follows_the_run() {
        let value = Verdict::Value { text: "4".to_owned() };
        assert_eq!(Claim::of(&value, true), Claim::Verified);
        assert_eq!(Claim::of(&value, false), Claim::Refuted);
        assert_eq!(Claim::of(&Verdict::Timeout, true), Claim::Timeout);
        assert_eq!(Claim::of(&Verdict::Banned { name: "os".to_owned() }, true), Claim::Unverified);
        assert_eq!(serde_json::to_string(&Claim::Nondeterministic).unwrap(), "\"nondeterministic\"");
    }
}
