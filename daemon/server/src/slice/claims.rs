//! What a file says about its own functions: calls, assertions, doctests, example comments.

use super::{SourceFile, walk};
use crate::reason::literal::{is_literal, parse_arguments};
use regex::Regex;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;
use tree_sitter::Node;

/// Claims of one file that are looked at.
const MAX_CLAIMS: usize = 2_000;
/// Longest arguments or value of a claim, in bytes.
const MAX_TEXT_BYTES: usize = 4_096;

/// Where a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// A call; it claims nothing about its value.
    Call,
    /// `assert f(2) == 4`.
    Assert,
    /// `>>> f(2)` and the line after it.
    Doctest,
    /// `f(2)  # -> 4`, or `# f(2) == 4`.
    Comment,
}

/// A call of one of the file's functions with literal arguments, and the value claimed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceClaim {
    /// Where it stands.
    pub kind: ClaimKind,
    /// The function.
    pub function: String,
    /// Text of the arguments.
    pub input: String,
    /// The claimed value, where one is claimed.
    pub expected: Option<String>,
    /// Bytes of the call.
    pub range: Range<usize>,
    /// Bytes of the claimed value.
    pub expected_range: Option<Range<usize>>,
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file compiles")
}

/// What a comment behind a call claims.
static BEHIND: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^#\s*(?:->|=>|==|→|[Rr]eturns:?|[Oo]utput:?)\s*(\S.*?)\s*$"));
/// A whole example in a comment or doctest.
static EXAMPLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(.*\S)\s*(?:->|=>|==|→)\s*(\S.*?)\s*$"));
/// The start of a call.
static CALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([A-Za-z_]\w*)\("));

/// All claims about functions of these names, in the order of the text.
pub(super) fn find(file: &SourceFile<'_>, names: &BTreeSet<String>) -> Vec<SourceClaim> {
    let text = file.text();
    let mut found: Vec<SourceClaim> = Vec::new();
    walk(file.root(), &mut |node| {
        if found.len() >= MAX_CLAIMS {
            return false;
        }
        match node.kind() {
            "call" => {
                if let Some((function, input)) = literal_call(node, text, names) {
                    found.push(claimed(node, &function, &input, text));
                }
            }
            "comment" => found.extend(in_comment(node, text, names)),
            "string" => {
                if let Some(inside) = text.get(node.byte_range()).filter(|inside| inside.contains(">>>")) {
                    doctests(inside, node.start_byte(), names, &mut found);
                }
            }
            _ => {}
        }
        true
    });
    found.sort_by_key(|claim| (claim.range.start, claim.range.end));
    found.dedup_by(|second, first| second.range == first.range);
    found
}

/// The claim that a call in the code makes: with an assertion, a comment behind it, or none.
pub(super) fn claimed(node: Node<'_>, function: &str, input: &str, text: &str) -> SourceClaim {
    let base = |kind, expected: Option<Range<usize>>| SourceClaim {
        kind,
        function: function.to_owned(),
        input: input.to_owned(),
        expected: expected.clone().map(|range| text[range].to_owned()),
        range: node.byte_range(),
        expected_range: expected,
    };
    if let Some(expected) = asserted(node, text) {
        return base(ClaimKind::Assert, Some(expected));
    }
    match behind(node, text) {
        Some(expected) => base(ClaimKind::Comment, Some(expected)),
        None => base(ClaimKind::Call, None),
    }
}

/// Function and arguments of a call with literal arguments.
fn literal_call(node: Node<'_>, text: &str, names: &BTreeSet<String>) -> Option<(String, String)> {
    let function = node.child_by_field_name("function").filter(|node| node.kind() == "identifier")?;
    let name = text.get(function.byte_range())?;
    let arguments = text.get(node.child_by_field_name("arguments")?.byte_range())?;
    let inner = arguments.strip_prefix('(')?.strip_suffix(')')?.trim().trim_end_matches(',');
    (names.contains(name) && is_input(inner)).then(|| (name.to_owned(), inner.to_owned()))
}

/// Is a text short enough to be looked at?
pub(super) fn is_short(text: &str) -> bool {
    text.len() <= MAX_TEXT_BYTES
}

fn is_input(text: &str) -> bool {
    is_short(text) && parse_arguments(text).is_some()
}

fn is_value(text: &str) -> bool {
    text.len() <= MAX_TEXT_BYTES && is_literal(text)
}

/// The literal that a call is asserted to equal.
fn asserted(node: Node<'_>, text: &str) -> Option<Range<usize>> {
    let comparison = node.parent().filter(|node| node.kind() == "comparison_operator")?;
    let parent = comparison.parent()?;
    if parent.kind() != "assert_statement" || parent.named_child(0)?.id() != comparison.id() {
        return None;
    }
    let mut cursor = comparison.walk();
    let parts: Vec<Node<'_>> = comparison.children(&mut cursor).collect();
    let [left, operator, right] = parts.as_slice() else { return None };
    if operator.kind() != "==" {
        return None;
    }
    let other = if left.id() == node.id() { right } else { left };
    is_value(text.get(other.byte_range())?).then(|| other.byte_range())
}

/// The literal in a comment behind a call that ends its line.
fn behind(node: Node<'_>, text: &str) -> Option<Range<usize>> {
    let rest = text.get(node.end_byte()..)?;
    let line = rest.split('\n').next().unwrap_or_default();
    let start = line.find('#')?;
    // Only a closing bracket, as of `print(f(2))`, may stand between.
    if !line[..start].chars().all(|char| char == ')' || char.is_whitespace()) {
        return None;
    }
    let value = BEHIND.captures(&line[start..])?.get(1)?;
    let from = node.end_byte() + start + value.start();
    is_value(value.as_str()).then(|| from..from + value.len())
}

/// `# f(2) == 4` and `# f(2) -> 4`.
fn in_comment(node: Node<'_>, text: &str, names: &BTreeSet<String>) -> Option<SourceClaim> {
    let whole = text.get(node.byte_range())?;
    let body = whole.trim_start_matches('#').trim_start();
    let from = node.start_byte() + (whole.len() - body.len());
    let parts = EXAMPLE.captures(body)?;
    let (call, value) = (parts.get(1)?, parts.get(2)?);
    let (function, input) = call_text(call.as_str(), names)?;
    let expected = from + value.start()..from + value.end();
    is_value(value.as_str()).then(|| SourceClaim {
        kind: ClaimKind::Comment,
        function,
        input,
        expected: Some(value.as_str().to_owned()),
        range: from + call.start()..from + call.end(),
        expected_range: Some(expected),
    })
}

/// Function and arguments of a text that is one call.
fn call_text(text: &str, names: &BTreeSet<String>) -> Option<(String, String)> {
    let name = CALL.captures(text)?.get(1)?.as_str();
    let inner = text.get(name.len() + 1..)?.strip_suffix(')')?.trim().trim_end_matches(',');
    (names.contains(name) && is_input(inner)).then(|| (name.to_owned(), inner.to_owned()))
}

/// The examples of a docstring: a prompt with one call, and a literal on the line after it.
fn doctests(inside: &str, offset: usize, names: &BTreeSet<String>, found: &mut Vec<SourceClaim>) {
    let mut at = offset;
    let mut lines = inside.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let (start, body) = (at, line.trim());
        at += line.len();
        let Some(call) = body.strip_prefix(">>>").map(str::trim) else { continue };
        let Some((function, input)) = call_text(call, names) else { continue };
        let Some(next) = lines.peek() else { continue };
        let value = next.trim();
        if !is_value(value) || found.len() >= MAX_CLAIMS {
            continue;
        }
        let from = start + line.find(call).unwrap_or(0);
        let value_from = at + next.find(value).unwrap_or(0);
        found.push(SourceClaim {
            kind: ClaimKind::Doctest,
            function,
            input,
            expected: Some(value.to_owned()),
            range: from..from + call.len(),
            expected_range: Some(value_from..value_from + value.len()),
        });
    }
}
