//! The parts of a response: thought, answer, format (spec sections 5 and 7).

use super::{bounded, pattern, python_text::strip};
use regex::Regex;
use std::sync::LazyLock;

/// Where the answer of a response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extraction {
    /// Between `<answer>` tags (the method's own tasks).
    AnswerTag,
    /// Between `<answer>` tags, else in the last `\boxed{}`, else the whole response.
    AnswerTagOrBoxed,
    /// In the last `\boxed{}` (mathematics).
    Boxed,
}

static FORMAT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?s)\A<think>.*?</think>\s*<answer>.*?</answer>"));

/// The response as the rules see it, its opening `<think>` included.
///
/// In `paper` mode: what stands between the first and the second `Assistant:` of prompt and response, stripped of
/// white space, then of quotes; a second `Assistant:` cuts the rest, even inside the prompt (spec 5). Prompts without
/// that word (the compact profile) and `clean` mode take the response alone, after the prompt's `<think>`.
pub fn response_text(prompt: &str, response: &str, paper: bool) -> String {
    if paper && prompt.contains("Assistant:") {
        let whole = format!("{prompt}{response}");
        let text = whole.split("Assistant:").nth(1).unwrap_or_default();
        return strip(text).trim_matches(['"', '\'']).to_owned();
    }
    let opening = if prompt.ends_with("<think>") { "<think>" } else { "" };
    strip(&format!("{opening}{response}")).to_owned()
}

/// Does the text from its start match thought, then answer?
pub fn well_formed(text: &str) -> bool {
    FORMAT.is_match(bounded(text))
}

/// [`well_formed`] for any place of the answer: a boxed answer needs nothing but the box.
pub fn well_formed_for(text: &str, extraction: Extraction) -> bool {
    match extraction {
        Extraction::AnswerTag | Extraction::AnswerTagOrBoxed => well_formed(text),
        Extraction::Boxed => boxed_answer(text).is_some(),
    }
}

/// The text after the last `<answer>` up to the next `</answer>`; without a tag nothing.
pub fn answer_block(text: &str) -> &str {
    match text.rsplit_once("<answer>") {
        Some((_, tail)) => strip(tail.split("</answer>").next().unwrap_or_default()),
        None => "",
    }
}

/// The answer of a response.
pub fn extract_answer(text: &str, extraction: Extraction) -> &str {
    match extraction {
        Extraction::AnswerTag => answer_block(text),
        Extraction::AnswerTagOrBoxed if text.contains("<answer>") => answer_block(text),
        Extraction::AnswerTagOrBoxed => strip(boxed_answer(text).unwrap_or(text)),
        Extraction::Boxed => strip(boxed_answer(text).unwrap_or_default()),
    }
}

/// The last `\boxed{...}` (or `\fbox{...}`) with its braces, or the text from `\boxed ` on up to a dollar sign.
pub fn boxed_answer(text: &str) -> Option<&str> {
    if let Some(at) = text.rfind("\\boxed ") {
        let end = text[at..].find('$').map_or(text.len(), |length| at + length);
        return Some(&text[at..end]);
    }
    let start = text.rfind("\\boxed").or_else(|| text.rfind("\\fbox"))?;
    let mut depth = 0_i64;
    for (offset, byte) in text[start..].bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(&text[start..=start + offset]);
                }
            }
            _ => {}
        }
    }
    None
}

/// The reference's `extract_thought`: like [`thought`], but a text without a tag is a thought as a whole.
pub fn extract_thought(text: &str) -> &str {
    if text.contains("<think>") { thought(text) } else { text }
}

/// The thought: after the last `<think>` up to the next `</think>`; without a tag the text up to `</think>`.
pub fn thought(text: &str) -> &str {
    let tail = text.rsplit_once("<think>").map_or(text, |(_, tail)| tail);
    tail.split("</think>").next().unwrap_or_default()
}
