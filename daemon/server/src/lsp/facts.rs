//! What a document says about its functions, and what execution says to that: the common ground of hover, hints,
//! diagnostics and actions.

use super::documents::Document;
use super::session::Execution;
use crate::claim::Claim;
use crate::host::Host;
use crate::protocol::failure::Failure;
use crate::slice::{Function, Slice, SourceClaim, SourceFile};
use crate::verdicts::Runnable;
use azr_executor::{CallReport, Verdict};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A claim of the text and how to run it.
#[derive(Clone, Debug)]
pub struct Stated {
    /// What the text says.
    pub claim: SourceClaim,
    /// What to run, or why it cannot be.
    pub runnable: Result<Runnable, String>,
}

/// What one version of a document says.
#[derive(Debug, Default)]
pub struct Analysis {
    /// Its functions.
    pub functions: Vec<Function>,
    /// Its claims, in the order of the text.
    pub stated: Vec<Stated>,
    /// Calls that take more than literals, and are run only where the user allows that.
    pub determined: Vec<Stated>,
    slices: BTreeMap<String, Result<Slice, String>>,
}

/// A claim with the outcome of running it.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What the text says.
    pub claim: SourceClaim,
    /// What running it gave, or why it was not run.
    pub outcome: Result<CallReport, String>,
    /// What execution says: of the claimed value where there is one, else whether there is a value.
    pub verdict: Claim,
}

impl Analysis {
    /// Reads a text; one that cannot be read says nothing.
    pub fn of(text: &str) -> Self {
        let Ok(file) = SourceFile::parse(text) else { return Self::default() };
        let functions = file.functions();
        let claims = file.claims();
        let slices: BTreeMap<String, Result<Slice, String>> = functions
            .iter()
            .map(|function| {
                (function.name.clone(), file.slice(&function.name).map_err(|error| error.to_string()))
            })
            .collect();
        let programs: BTreeMap<&str, Result<Arc<str>, &String>> = slices
            .iter()
            .map(|(name, slice)| {
                (name.as_str(), slice.as_ref().map(|slice| Arc::from(slice.program.as_str())))
            })
            .collect();
        let stated = claims
            .into_iter()
            .map(|claim| {
                let runnable = match programs.get(claim.function.as_str()) {
                    Some(Ok(program)) => Ok(Runnable {
                        program: Arc::clone(program),
                        call: format!("{}({})", claim.function, claim.input),
                    }),
                    Some(Err(reason)) => Err((*reason).clone()),
                    None => Err(format!("no function '{}' in this file", claim.function)),
                };
                Stated { claim, runnable }
            })
            .collect();
        let determined = file.determined_calls().into_iter().map(|call| Stated {
            runnable: Ok(Runnable {
                program: Arc::from(call.slice.program),
                call: format!("{}({})", call.claim.function, call.claim.input),
            }),
            claim: call.claim,
        });
        let determined = determined.collect();
        Self { functions, stated, determined, slices }
    }

    /// The program of a function, or why there is none.
    pub fn slice(&self, function: &str) -> Option<&Result<Slice, String>> {
        self.slices.get(function)
    }

    /// The function whose definition holds a place.
    pub fn function_at(&self, byte: usize) -> Option<&Function> {
        self.functions.iter().find(|function| function.range.contains(&byte))
    }

    /// What may be run under a setting.
    pub fn allowed(&self, execution: Execution) -> impl Iterator<Item = &Stated> {
        let more = self.determined.iter().filter(move |_| execution == Execution::All);
        self.stated.iter().filter(move |_| execution != Execution::Off).chain(more)
    }

    /// The innermost claim that holds a place.
    pub fn stated_at(&self, byte: usize, execution: Execution) -> Option<&Stated> {
        let holds = |range: &Range<usize>| range.start <= byte && byte <= range.end;
        let found = self.allowed(execution).filter(|stated| holds(&stated.claim.range));
        found.min_by_key(|stated| stated.claim.range.len())
    }

    /// The claims within a range that say what a function returns.
    pub fn examples_of<'a>(&'a self, function: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.stated
            .iter()
            .filter(move |stated| stated.claim.function == function)
            .filter_map(|stated| Some((stated.claim.input.as_str(), stated.claim.expected.as_deref()?)))
    }
}

impl Document {
    /// What the document says; read once a version. Large documents take a while: not on a thread that serves others.
    pub fn analysis(&self) -> Arc<Analysis> {
        Arc::clone(self.read.get_or_init(|| Arc::new(Analysis::of(&self.text))))
    }
}

/// The analysis of a document, made on a thread that may be busy.
pub async fn analysis(document: &Document) -> Arc<Analysis> {
    if let Some(known) = document.read.get() {
        return Arc::clone(known);
    }
    let document = document.clone();
    tokio::task::spawn_blocking(move || document.analysis()).await.unwrap_or_default()
}

/// Runs claims and compares.
pub async fn check(host: &Host, stated: &[&Stated]) -> Result<Vec<Fact>, Failure> {
    let runnables: Vec<Runnable> =
        stated.iter().filter_map(|one| one.runnable.as_ref().ok().cloned()).collect();
    let mut reports = host.run(&runnables).await?.into_iter();
    let mut facts: Vec<Fact> = stated
        .iter()
        .map(|one| {
            let outcome = match &one.runnable {
                Ok(_) => reports.next().ok_or_else(|| "it was not run".to_owned()),
                Err(reason) => Err(reason.clone()),
            };
            let verdict =
                outcome.as_ref().map_or(Claim::Unverified, |report| Claim::of(&report.verdict, true));
            Fact { claim: one.claim.clone(), outcome, verdict }
        })
        .collect();
    compare(host, &mut facts).await?;
    Ok(facts)
}

/// Turns verified values into refuted claims where they differ from what is claimed.
async fn compare(host: &Host, facts: &mut [Fact]) -> Result<(), Failure> {
    let claimed = |fact: &Fact| {
        let value = fact.outcome.as_ref().ok()?.verdict.value()?;
        Some((fact.claim.expected.clone()?, value.to_owned()))
    };
    let pairs: Vec<(String, String)> = facts.iter().filter_map(claimed).collect();
    if pairs.is_empty() {
        return Ok(());
    }
    let lanes = host.lanes().await?;
    let equal =
        tokio::task::spawn_blocking(move || lanes.sandbox().equal_all(&pairs, "")).await.unwrap_or_default();
    let mut equal = equal.into_iter();
    for fact in facts.iter_mut() {
        if claimed(fact).is_none() {
            continue;
        }
        if let Ok(report) = &fact.outcome {
            fact.verdict = Claim::of(&report.verdict, equal.next().unwrap_or(false));
        }
    }
    Ok(())
}

/// The sign that stands for a verdict.
pub fn badge(claim: Claim) -> &'static str {
    match claim {
        Claim::Verified => "✓",
        Claim::Refuted => "✗",
        Claim::Unverified => "?",
        Claim::Timeout => "⏱",
        Claim::Error => "!",
        Claim::Nondeterministic => "≠",
    }
}

/// The word for a verdict.
pub fn word(claim: Claim) -> &'static str {
    match claim {
        Claim::Verified => "verified by execution",
        Claim::Refuted => "refuted by execution",
        Claim::Unverified => "unverified",
        Claim::Timeout => "out of time, memory or output",
        Claim::Error => "error",
        Claim::Nondeterministic => "nondeterministic",
    }
}

/// What a run gave, in one line of at most `limit` characters.
pub fn outcome_text(verdict: &Verdict, limit: usize) -> String {
    let text = match verdict {
        Verdict::Value { text } => text.clone(),
        Verdict::Raised { exception, message } if message.is_empty() => exception.clone(),
        Verdict::Raised { exception, message } => format!("{exception}: {message}"),
        Verdict::SyntaxError { message, line } => format!("SyntaxError: {message} (line {line})"),
        Verdict::MissingModule { name } => format!("the sandbox has no module '{name}'"),
        Verdict::Exited { code } => format!("exit {code}"),
        Verdict::OutputTooLarge { length } => format!("a result of {length} characters"),
        other => other.name().replace('_', " "),
    };
    let line = text.replace(['\n', '\r'], " ");
    if line.chars().count() <= limit {
        return line;
    }
    line.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_find_their_program() {
        let analysis = Analysis::of(
            "def g(a):\n    return a\n\ndef h(p):\n    return open(p)\n\nassert g(2) == 2\nh('x')\n",
        );
        assert_eq!(analysis.functions.len(), 2);
        let stated = &analysis.stated[0];
        assert_eq!(stated.runnable.as_ref().unwrap().call, "g(2)");
        assert_eq!(stated.claim.expected.as_deref(), Some("2"));
        let refused = analysis.stated.iter().find(|one| one.claim.function == "h").unwrap();
        assert!(refused.runnable.is_err());
        assert_eq!(analysis.examples_of("g").collect::<Vec<_>>(), [("2", "2")]);
    }

    #[test]
    fn outcomes_are_one_short_line() {
        let value = Verdict::Value { text: "'a\nb' * 1000".to_owned() };
        assert_eq!(outcome_text(&value, 6), "'a b'…");
        assert_eq!(outcome_text(&Verdict::Timeout, 20), "timeout");
        let raised = Verdict::Raised { exception: "ValueError".to_owned(), message: String::new() };
        assert_eq!(outcome_text(&raised, 20), "ValueError");
    }
}
