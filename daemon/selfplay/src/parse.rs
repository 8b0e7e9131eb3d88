//! From response texts to answers, programs, inputs and messages (spec sections 5 and 12).
//!
//! The rules are the reference's regular expressions with their oddities, because they decide which responses
//! count: the first fenced block of any tag is the program, tags are matched in any case, functions are counted
//! by line starts. What needs Python's own parser (imports, cleaners) is in `azr_executor::analysis`.
//! All functions are total: any text gives an answer or `None`, never a panic.

mod answer;
mod python_text;

pub use answer::{
    Extraction, answer_block, boxed_answer, extract_answer, extract_thought, response_text, thought,
    well_formed, well_formed_for,
};

use crate::config::{EntryName, ProgramLocation, ProposerConfig};
use python_text::strip;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// Texts longer than this are cut before parsing: the bound of untrusted text (8,096 tokens are far shorter).
const MAX_TEXT: usize = 1 << 20;

/// A pattern as Python's `re` reads it: its white space includes the separators 1C to 1F, and its `i` without case is also
/// the dotless and the dotted one.
fn pattern(text: &str) -> Regex {
    let text =
        text.replace(r"\s", r"[\s\x1c-\x1f]").replace("<i>", "[iıİ]").replace("<name>", r"[\p{L}\p{N}_]+");
    Regex::new(&text).expect("the patterns of this file are fixed and tested")
}

fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

static FENCED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)```(?:python\s*)?\n?(.*?)\n?```"));
static INPUT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)```<i>nput\s*\n?(.*?)\n?```"));
static INPUT_COMMENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)# <i>nput:\s*(.*?)(?:\n```|\n?\z)"));
static OUTPUT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)```output\s*\n?(.*?)\n?```"));
static OUTPUT_COMMENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)# output:\s*(.*?)(?:\n```|\n?\z)"));
static MESSAGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)```message\s*\n?(.*?)\n?```"));
static MESSAGE_TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)<message>(.*?)</message>"));
static MESSAGE_COMMENT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?is)# message:\s*(.*?)(?:\n```|\n?\z)"));
static FUNCTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^\s*def\s+(<name>)\s*\("));

/// How a proposal is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProposalOptions {
    /// Which block is the program.
    pub location: ProgramLocation,
    /// Refuse several function definitions.
    pub reject_multiple_functions: bool,
    /// Which function becomes `f`.
    pub entry_name: EntryName,
}

impl From<&ProposerConfig> for ProposalOptions {
    fn from(config: &ProposerConfig) -> Self {
        Self {
            location: config.program_location,
            reject_multiple_functions: config.reject_multiple_functions,
            entry_name: config.entry_name,
        }
    }
}

/// Program and input of a deduction or abduction proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedProposal {
    /// Source, its entry named `f`.
    pub program: String,
    /// Text of the argument list.
    pub input: String,
    /// The source before renaming, in which test inputs are looked for: a renamed recursion would look like one.
    pub original: String,
}

/// Reads a deduction or abduction proposal from an answer.
pub fn parse_proposal(answer: &str, options: ProposalOptions) -> Option<ParsedProposal> {
    let input = proposal_input(answer)?;
    Some(ParsedProposal { input, ..parse_program_of_proposal(answer, options)? })
}

/// The input of a proposal.
pub fn proposal_input(answer: &str) -> Option<String> {
    let answer = bounded(answer);
    let found = INPUT.captures(answer).or_else(|| INPUT_COMMENT.captures(answer))?;
    Some(strip(&found[1]).to_owned())
}

/// The output that a proposal claims; the method never asks for it, since execution says what it is.
pub fn proposal_output(answer: &str) -> Option<String> {
    let answer = bounded(answer);
    let found = OUTPUT.captures(answer).or_else(|| OUTPUT_COMMENT.captures(answer))?;
    Some(strip(&found[1]).to_owned())
}

/// The program of a proposal, without its input.
pub fn parse_program_of_proposal(answer: &str, options: ProposalOptions) -> Option<ParsedProposal> {
    let answer = bounded(answer);
    let block = match options.location {
        ProgramLocation::First => FENCED.captures(answer),
        ProgramLocation::Last => FENCED.captures_iter(answer).last(),
    }?;
    let program = strip(&block[1]);
    let functions: Vec<&str> = function_names(program);
    let (first, last) = (*functions.first()?, *functions.last()?);
    if options.reject_multiple_functions && functions.len() > 1 {
        return None;
    }
    let has_entry = functions.contains(&"f");
    let entry = match options.entry_name {
        EntryName::NotFirst => first,
        EntryName::NotLast => last,
        EntryName::AnyFirst => {
            if has_entry {
                "f"
            } else {
                first
            }
        }
        EntryName::AnyLast => {
            if has_entry {
                "f"
            } else {
                last
            }
        }
    };
    let original = program.to_owned();
    let program = if entry == "f" { original.clone() } else { rename_function(program, entry, "f") };
    Some(ParsedProposal { program, input: String::new(), original })
}

/// Reads an induction proposal: the last `n_inputs` inputs and the first message.
pub fn parse_induction_proposal(answer: &str, n_inputs: usize) -> Option<(Vec<String>, String)> {
    let answer = bounded(answer);
    let mut inputs: Vec<String> =
        INPUT.captures_iter(answer).map(|found| strip(&found[1]).to_owned()).collect();
    let message = MESSAGE
        .captures(answer)
        .or_else(|| MESSAGE_TAG.captures(answer))
        .or_else(|| MESSAGE_COMMENT.captures(answer))?;
    if inputs.len() < n_inputs {
        return None;
    }
    // A wish for 0 inputs gives all of them, as a slice from "minus zero" does.
    if n_inputs > 0 {
        inputs.drain(..inputs.len() - n_inputs);
    }
    Some((inputs, strip(&message[1]).to_owned()))
}

/// The program of an induction answer: the last fenced block.
pub fn parse_program(answer: &str) -> Option<String> {
    FENCED.captures_iter(bounded(answer)).last().map(|found| strip(&found[1]).to_owned())
}

/// What a solver has to find, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Abduction.
    Input,
    /// Deduction.
    Output,
}

/// The patterns in the order in which they are tried; of each the last match counts.
struct SolverPatterns([Regex; 5]);

impl SolverPatterns {
    fn new(word: &str) -> Self {
        Self([
            pattern(&format!(r"(?is)```{word}\s*\n?(.*?)\n?```")),
            pattern(&format!(r"(?is)# {word}:\s*(.*?)(?:\n```|\n?\z)")),
            pattern(&format!(r"(?is){word}\s*\((.*?)\)")),
            pattern(&format!(r"(?is)<{word}>\s*(.*?)(?:</{word}>|\s*\n?\z)")),
            pattern(&format!(r"(?is)the {word} <i>s\s*(.*?)\.?\n?\z")),
        ])
    }
}

static WANTED_INPUT: LazyLock<SolverPatterns> = LazyLock::new(|| SolverPatterns::new("<i>nput"));
static WANTED_OUTPUT: LazyLock<SolverPatterns> = LazyLock::new(|| SolverPatterns::new("output"));

/// The solver's answer text for abduction and deduction. There always is one: without any block it is the whole
/// answer (spec 12).
pub fn solver_answer(answer: &str, wanted: Wanted) -> String {
    let answer = bounded(answer);
    let patterns = match wanted {
        Wanted::Input => &WANTED_INPUT.0,
        Wanted::Output => &WANTED_OUTPUT.0,
    };
    // The comment pattern must not swallow the fence that ends it: the next match may begin there.
    let last = |(index, regex): (usize, &Regex)| {
        if index == 1 { last_overlapping(regex, answer) } else { regex.captures_iter(answer).last() }
    };
    patterns.iter().enumerate().find_map(last).map_or_else(|| answer.to_owned(), |found| found[1].to_owned())
}

fn last_overlapping<'a>(regex: &Regex, text: &'a str) -> Option<Captures<'a>> {
    let (mut found, mut start) = (None, 0);
    while let Some(next) = text.get(start..).and_then(|_| regex.captures_at(text, start)) {
        start = next.get(1).map_or(text.len() + 1, |group| group.end());
        found = Some(next);
    }
    found
}

/// Names of the functions defined at line starts, nested ones and methods included, `async def` not.
pub fn function_names(program: &str) -> Vec<&str> {
    FUNCTION
        .captures_iter(bounded(program))
        .filter_map(|found| found.get(1).map(|name| name.as_str()))
        .collect()
}

/// Renames a function where it is defined and called: textually, in strings and attribute calls too (spec 12).
pub fn rename_function(program: &str, from: &str, to: &str) -> String {
    let name = regex::escape(from);
    let space = r"[\s\x1c-\x1f]";
    let defined = Regex::new(&format!(r"def{space}+{name}{space}*\("));
    let called = Regex::new(&format!(r"\b{name}{space}*\("));
    let (Ok(defined), Ok(called)) = (defined, called) else { return program.to_owned() };
    let text = defined.replace_all(program, regex::NoExpand(&format!("def {to}(")));
    called.replace_all(&text, regex::NoExpand(&format!("{to}("))).into_owned()
}

/// Is the text a plain argument list, so that `f(TEXT)` is one call whatever the text holds? Brackets balance
/// without ever closing the call's own, strings are closed, and there is no comment and no line continuation.
/// (`clean` mode: an answer such as `1) or (True` is an answer, not a verdict. Formatted strings, whose nesting
/// only Python can follow, are refused.)
pub fn is_argument_list(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut open: Vec<u8> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                if is_formatted_prefix(&bytes[..at]) {
                    return false;
                }
                let Some(end) = string_end(bytes, at, quote) else { return false };
                at = end;
                continue;
            }
            b'(' => open.push(b')'),
            b'[' => open.push(b']'),
            b'{' => open.push(b'}'),
            close @ (b')' | b']' | b'}') if open.pop() != Some(close) => return false,
            b'#' | b'\\' | 0 => return false,
            _ => {}
        }
        at += 1;
    }
    open.is_empty()
}

/// Do the letters before a quote make it a formatted or template string?
fn is_formatted_prefix(before: &[u8]) -> bool {
    let mut letters =
        before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').take(3);
    letters.any(|byte| matches!(byte.to_ascii_lowercase(), b'f' | b't'))
}

/// Index after the string literal that opens at `start`; `None` where it does not close.
fn string_end(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let triple = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if triple { 3 } else { 1 };
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            b'\n' if !triple => return None,
            byte if byte == quote && !triple => return Some(at + 1),
            byte if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return Some(at + 3),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests;
