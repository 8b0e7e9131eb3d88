//! Program analysis by CPython's own `ast`, inside the sandbox (method specification, sections 5, 7 and 12).
//!
//! Syntax, banned imports, the cleaners of proposals, the composite-function checks and the metrics of the intrinsic
//! rewards are decided by `guest/analysis.py`, which runs in a guest instance and never executes the analysed program.
//! The reference does the same on the trainer's own Python with black, autopep8, radon and complexipy beside it; here
//! the rules of those tools are written out, and sources are measured as they stand instead of after reformatting.
//!
//! Nothing is executed, so many requests share one instance; a request that ends its instance is repeated alone in a
//! fresh one, and only that outcome counts. Results are therefore a function of the request alone.

mod batch;
mod diversity;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod metrics;
mod request;
mod similarity;

pub use diversity::{TypeCounters, determine_type, evaluated_types, type_counts_reward};
pub use metrics::{CyclomaticBlock, Halstead, ProgramMetrics, ast_edit_distance, metrics};
pub use request::{AnalysisError, AnalysisRequest, Operation};

use crate::Sandbox;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::LazyLock;

/// Why a source does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyntaxFault {
    /// Class of the exception: `SyntaxError`, `IndentationError`, `ValueError`, `RecursionError`, `MemoryError`, ...
    pub exception: String,
    /// CPython's message.
    pub message: String,
    /// 1-based line, 0 where CPython gives none.
    pub line: u32,
}

/// One function definition of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionInfo {
    /// Name with the enclosing classes and functions, e.g. `Node.depth`.
    pub qualified_name: String,
    /// Name.
    pub name: String,
    /// Parameter names in order, `*` and `**` kept in front of the variadic ones.
    pub parameters: Vec<String>,
    /// 1-based first line, decorators included.
    pub line: u32,
    /// 1-based last line.
    pub end_line: u32,
    /// Stands inside a class or another function.
    pub nested: bool,
    /// Is an `async def`.
    pub asynchronous: bool,
}

/// Names that a program may not import, and names that may not stand in its error handling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BannedNames {
    /// Import parts, e.g. `random`. An entry with a dot matches only in sources that do not parse.
    pub imports: Vec<String>,
    /// Statements of error handling (`raise`, `try`, `except`, `assert`, ...): used for error tasks only.
    pub error_keywords: Vec<String>,
}

/// Runs one operation over payloads and decodes each answer.
fn decode_all<T: serde::de::DeserializeOwned>(
    sandbox: &Sandbox,
    operation: Operation,
    payloads: impl Iterator<Item = serde_json::Value>,
) -> Vec<Result<T, AnalysisError>> {
    let requests: Vec<AnalysisRequest> =
        payloads.map(|payload| AnalysisRequest { operation, payload }).collect();
    let decode = |answer: Result<serde_json::Value, AnalysisError>| {
        answer.and_then(|value| {
            serde_json::from_value(value)
                .map_err(|error| AnalysisError::Malformed { operation, reason: error.to_string() })
        })
    };
    sandbox.analyse_all(&requests).into_iter().map(decode).collect()
}

/// `decode_all` over payloads that are one source each.
fn decode_sources<T: serde::de::DeserializeOwned>(
    sandbox: &Sandbox,
    operation: Operation,
    sources: &[impl AsRef<str>],
) -> Vec<Result<T, AnalysisError>> {
    decode_all(sandbox, operation, sources.iter().map(|source| json!({ "source": source.as_ref() })))
}

/// Does each source parse? `None` = yes. A source that the analysis cannot handle counts as not parsing.
pub fn syntax_faults(sandbox: &Sandbox, sources: &[impl AsRef<str>]) -> Vec<Option<SyntaxFault>> {
    let fault = |error: AnalysisError| {
        Some(SyntaxFault { exception: error.name().into(), message: error.to_string(), line: 0 })
    };
    decode_sources(sandbox, Operation::Syntax, sources)
        .into_iter()
        .map(|answer| answer.unwrap_or_else(fault))
        .collect()
}

/// The first banned name that each source imports (any dotted part of a module, or an imported name), `None` where there
/// is none. In sources that do not parse, the first banned word anywhere.
pub fn banned_imports(
    sandbox: &Sandbox,
    sources: &[impl AsRef<str>],
    banned: &BannedNames,
) -> Vec<Option<String>> {
    let payloads = sources.iter().map(|source| {
        json!({ "source": source.as_ref(), "banned": banned.imports, "banned_for_errors": banned.error_keywords })
    });
    let answers = decode_all(sandbox, Operation::BannedImports, payloads);
    let found: Vec<Option<String>> = answers
        .into_iter()
        .zip(sources)
        .map(|(answer, source)| answer.unwrap_or_else(|_| word_search(source.as_ref(), banned)))
        .collect();
    without_error_words(sandbox, sources, banned, found)
}

/// Words of error handling are looked for in trees only: in sources that do not parse they say nothing, and the other words
/// are searched again.
fn without_error_words(
    sandbox: &Sandbox,
    sources: &[impl AsRef<str>],
    banned: &BannedNames,
    mut found: Vec<Option<String>>,
) -> Vec<Option<String>> {
    let doubtful: Vec<usize> = (0..found.len())
        .filter(|&index| found[index].as_ref().is_some_and(|name| banned.error_keywords.contains(name)))
        .collect();
    if doubtful.is_empty() {
        return found;
    }
    let texts: Vec<&str> = doubtful.iter().map(|&index| sources[index].as_ref()).collect();
    for ((index, text), fault) in doubtful.iter().zip(&texts).zip(syntax_faults(sandbox, &texts)) {
        if fault.is_some() {
            found[*index] = word_search(text, banned);
        }
    }
    found
}

/// The first banned entry that stands in `source` as a word: the rule for sources that nothing can parse.
fn word_search(source: &str, banned: &BannedNames) -> Option<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let stands = |name: &str| {
        !name.is_empty()
            // Every place: occurrences may overlap.
            && source.char_indices().filter(|(at, _)| source[*at..].starts_with(name)).any(|(at, _)| {
                let (before, after) =
                    (source[..at].chars().next_back(), source[at + name.len()..].chars().next());
                let edge = |inner: Option<char>, outer: Option<char>| {
                    inner.is_some_and(word) != outer.is_some_and(word)
                };
                edge(name.chars().next(), before) && edge(name.chars().next_back(), after)
            })
    };
    banned.imports.iter().find(|name| stands(name)).cloned()
}

/// The import statements of each source as Python prints them, outer ones first, repeated ones kept. Sources that do not
/// parse give the lines that look like import statements.
pub fn imports(sandbox: &Sandbox, sources: &[impl AsRef<str>]) -> Vec<Vec<String>> {
    decode_sources(sandbox, Operation::Imports, sources).into_iter().map(Result::unwrap_or_default).collect()
}

/// The function definitions of each source in the order of their lines; none where the source does not parse.
pub fn functions(sandbox: &Sandbox, sources: &[impl AsRef<str>]) -> Vec<Vec<FunctionInfo>> {
    decode_sources(sandbox, Operation::Functions, sources)
        .into_iter()
        .map(Result::unwrap_or_default)
        .collect()
}

/// Each source without comments and docstrings, printed from its tree; a source that does not parse stays as it is.
pub fn remove_comments_and_docstrings(sandbox: &Sandbox, sources: &[impl AsRef<str>]) -> Vec<String> {
    cleaned(sandbox, Operation::RemoveCommentsAndDocstrings, sources)
}

/// Each source reduced to imports and definitions, printed from its tree; a source that does not parse stays as it is.
pub fn remove_any_not_definition_imports(sandbox: &Sandbox, sources: &[impl AsRef<str>]) -> Vec<String> {
    cleaned(sandbox, Operation::RemoveAnyNotDefinitionImports, sources)
}

fn cleaned(sandbox: &Sandbox, operation: Operation, sources: &[impl AsRef<str>]) -> Vec<String> {
    let answers = decode_sources(sandbox, operation, sources);
    answers
        .into_iter()
        .zip(sources)
        .map(|(answer, source)| answer.unwrap_or_else(|_| source.as_ref().to_owned()))
        .collect()
}

/// Each source without statements that only print, printed from its tree; the fault where it does not parse (the
/// reference raises there).
pub fn remove_print_statements(
    sandbox: &Sandbox,
    sources: &[impl AsRef<str>],
) -> Vec<Result<String, AnalysisError>> {
    decode_sources(sandbox, Operation::RemovePrintStatements, sources)
}

/// Does the source try its own entry function `f`, or prepare inputs or expected values for it? The reference's rule on
/// text, oddities included: `self(1)` at the end of a line counts, `# testing` does.
pub fn has_test_input(source: &str) -> bool {
    TEST_INPUT.is_match(source)
}

static TEST_INPUT: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"(?i:#<space>*(?:test|example))",
        r"\b<word>*input<word>*<space>*=",
        r"\b(?:expected|output|result)\b<space>*=",
        r"\bassert\b",
        r"print<space>*\(<space>*f\(",
        r"f\(\[.*\]\)",
        r"f\([^)]*\)<space>*(?:#|$)",
        r"^<space>*input<space>*$",
    ];
    // As Python's `re` has them.
    let text = parts.join("|").replace("<space>", r"[\s\x1c-\x1f]").replace("<word>", r"[\p{L}\p{N}_]");
    Regex::new(&format!("(?m){text}")).expect("the pattern is fixed and tested")
});

/// For each (composed program, functions put before it): does `f` call every function with arguments in scope?
pub fn check_composite_function(sandbox: &Sandbox, programs: &[(String, Vec<String>)]) -> Vec<bool> {
    let payloads = programs
        .iter()
        .map(|(source, composites)| json!({ "source": source, "composite_functions": composites }));
    decode_all(sandbox, Operation::CheckCompositeFunction, payloads)
        .into_iter()
        .map(|answer| answer.unwrap_or(false))
        .collect()
}

/// For each (program, names): does it define none of the names? A source that does not parse counts as no.
pub fn check_no_definitions(sandbox: &Sandbox, programs: &[(String, Vec<String>)]) -> Vec<bool> {
    let payloads = programs.iter().map(|(source, names)| json!({ "source": source, "names": names }));
    decode_all(sandbox, Operation::CheckNoDefinitions, payloads)
        .into_iter()
        .map(|answer| answer.unwrap_or(false))
        .collect()
}
