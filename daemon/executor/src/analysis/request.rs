//! One request to `guest/analysis.py`, its answer, and the call into the guest.

use super::batch::{self, Call, GROUP};
use crate::{Sandbox, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What to find out about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Does it parse?
    Syntax,
    /// The first banned import.
    BannedImports,
    /// Its import statements.
    Imports,
    /// Its function definitions.
    Functions,
    /// The source without comments and docstrings.
    RemoveCommentsAndDocstrings,
    /// The source without printing statements.
    RemovePrintStatements,
    /// The source reduced to imports and definitions.
    RemoveAnyNotDefinitionImports,
    /// Does it carry test inputs?
    HasTestInput,
    /// Does `f` call every composite function?
    CheckCompositeFunction,
    /// Does it define none of the names?
    CheckNoDefinitions,
    /// Depth, complexity and Halstead numbers.
    Metrics,
    /// The serialised tree, compared on the host.
    Tree,
    /// The type of an answer's text.
    DetermineType,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 13] = [
        Self::Syntax,
        Self::BannedImports,
        Self::Imports,
        Self::Functions,
        Self::RemoveCommentsAndDocstrings,
        Self::RemovePrintStatements,
        Self::RemoveAnyNotDefinitionImports,
        Self::HasTestInput,
        Self::CheckCompositeFunction,
        Self::CheckNoDefinitions,
        Self::Metrics,
        Self::Tree,
        Self::DetermineType,
    ];

    /// The name that the guest knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::BannedImports => "banned_imports",
            Self::Imports => "imports",
            Self::Functions => "functions",
            Self::RemoveCommentsAndDocstrings => "remove_comments_and_docstrings",
            Self::RemovePrintStatements => "remove_print_statements",
            Self::RemoveAnyNotDefinitionImports => "remove_any_not_definition_imports",
            Self::HasTestInput => "has_test_input",
            Self::CheckCompositeFunction => "check_composite_function",
            Self::CheckNoDefinitions => "check_no_definitions",
            Self::Metrics => "metrics",
            Self::Tree => "tree",
            Self::DetermineType => "determine_type",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One operation with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisRequest {
    /// What to find out.
    pub operation: Operation,
    /// Its arguments, an object; `source` holds the analysed text.
    pub payload: serde_json::Value,
}

/// Why a request has no answer. It depends on the request alone, so it may be kept as data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnalysisError {
    /// The analysis raised: a source that does not parse where the operation needs its tree, one that is too long or too
    /// deeply nested.
    #[error("{operation}: {exception}: {message}")]
    Raised {
        /// The operation.
        operation: Operation,
        /// Class of the exception.
        exception: String,
        /// Its text.
        message: String,
    },
    /// The guest instance ended (limit or trap) although the request was alone in it.
    #[error("{operation}: the guest ended: {verdict}")]
    GuestEnded {
        /// The operation.
        operation: Operation,
        /// Name of the verdict.
        verdict: &'static str,
    },
    /// The answer is not what the operation promises.
    #[error("{operation}: unexpected answer: {reason}")]
    Malformed {
        /// The operation.
        operation: Operation,
        /// What was wrong.
        reason: String,
    },
}

impl AnalysisError {
    /// The exception's class, or the variant's.
    pub fn name(&self) -> &str {
        match self {
            Self::Raised { exception, .. } => exception,
            Self::GuestEnded { verdict, .. } => verdict,
            Self::Malformed { .. } => "malformed",
        }
    }
}

/// The guest's answer: one of the two fields.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(serde_json::Value),
    Error { exception: String, message: String },
}

impl Sandbox {
    /// Answers analysis requests, in their order. The requests share guest instances; the grouping never shows in the
    /// answers.
    pub fn analyse_all(&self, requests: &[AnalysisRequest]) -> Vec<Result<serde_json::Value, AnalysisError>> {
        let calls: Vec<Call> =
            requests.iter().map(|request| (request.operation.name(), request.payload.to_string())).collect();
        let groups: Vec<Vec<Call>> = calls.chunks(GROUP).map(<[Call]>::to_vec).collect();
        let answers =
            self.with_guests(groups, |guests, guard_floor, calls| batch::answer(guests, guard_floor, &calls));
        let answers = answers.into_iter().zip(calls.chunks(GROUP)).flat_map(|(answers, calls)| {
            // A panic of the engine itself is a crash of that group alone.
            answers.unwrap_or_else(|| calls.iter().map(|_| Err(Verdict::Crashed)).collect())
        });
        requests.iter().zip(answers).map(|(request, answer)| read_answer(request.operation, answer)).collect()
    }
}

pub(super) fn read_answer(
    operation: Operation,
    answer: Result<String, Verdict>,
) -> Result<serde_json::Value, AnalysisError> {
    let text = answer.map_err(|verdict| AnalysisError::GuestEnded { operation, verdict: verdict.name() })?;
    match serde_json::from_str(&text) {
        Ok(Answer::Ok(value)) => Ok(value),
        Ok(Answer::Error { exception, message }) => {
            Err(AnalysisError::Raised { operation, exception, message })
        }
        Err(error) => Err(AnalysisError::Malformed { operation, reason: error.to_string() }),
    }
}
